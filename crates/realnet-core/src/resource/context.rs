//! What an operation works with: caller, registry, stores, clock, ids.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::Value;
use uuid::Uuid;

use super::{Arrival, Arrived, Call, Departed, Departure, Reply};
use crate::acl::{Caller, Origin};
use crate::clock::{Clock, IdSource, System, Timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::limit::Room;
use crate::provider::{
    Access, AuthEvent, CredentialProvider, DataProvider, EventKind, ItemProvider, OwnedContents,
    SourceProvider, SteppedItems, TypeProvider,
};
use crate::registry::{RegistryHandle, TypeRegistry};
use crate::secret::{SealedItems, Secrets};

/// Everything that lives as long as the server.
#[derive(Clone)]
pub struct Services {
    /// Items.
    pub items: Arc<dyn ItemProvider>,
    /// Types.
    pub types: Arc<dyn TypeProvider>,
    /// Credentials and sessions.
    pub credentials: Arc<dyn CredentialProvider>,
    /// What was applied from which document.
    pub sources: Arc<dyn SourceProvider>,
    /// The current registry.
    pub registry: RegistryHandle,
    /// Keys of what is kept sealed; see [`Self::sealing`].
    pub secrets: Secrets,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn IdSource>,
    /// Contents, where there is a store of them; see [`Self::storing`].
    pub data: Option<Arc<dyn DataProvider>>,
    /// The most bytes of one content.
    pub max_content: u64,
}

impl Services {
    /// The most bytes of contents in one request of somebody who is not signed in, where a type lets them create.
    pub const MAX_OF_STRANGERS: u64 = 10 << 20;

    /// All of them on one store: without types until they are read, without keys, by the clock and the ids of the system.
    pub fn on<S>(store: Arc<S>) -> Self
    where
        S: ItemProvider + TypeProvider + CredentialProvider + SourceProvider + 'static,
    {
        Self {
            items: store.clone(),
            types: store.clone(),
            credentials: store.clone(),
            sources: store,
            registry: RegistryHandle::new(TypeRegistry::default()),
            secrets: Secrets::default(),
            clock: Arc::new(System),
            ids: Arc::new(System),
            data: None,
            max_content: u64::MAX,
        }
    }

    /// The same with the secrets of all items sealed from here on.
    pub fn sealing(self, secrets: Secrets) -> Self {
        let items = Arc::new(SteppedItems::new(self.items, SealedItems::new(secrets.clone())));
        Self { items, secrets, ..self }
    }

    /// The same with a store of contents, of which each may have so many bytes. A content goes when its item does.
    pub fn storing(self, data: Arc<dyn DataProvider>, max_content: u64) -> Self {
        let items = Arc::new(SteppedItems::new(self.items, OwnedContents::new(Arc::clone(&data))));
        Self { items, data: Some(data), max_content, ..self }
    }

    /// Reads the types again and makes them the current registry.
    pub async fn reload_types(&self) -> Result<()> {
        let snapshot = self.types.load_types().await?;
        self.registry.replace(TypeRegistry::build(snapshot)?);
        Ok(())
    }
}

/// What one request works with.
#[derive(Clone)]
pub struct Context {
    /// The caller and the registry that the request keeps to its end.
    pub access: Access,
    /// The services.
    pub services: Services,
    /// Id of the request, for logs, errors and the change log.
    pub request_id: Arc<str>,
    /// Where it came from, as far as that is known.
    pub origin: Option<Arc<Origin>>,
    /// What it takes of the memory that all requests share, when that is bounded.
    pub room: Option<Arc<Room>>,
    /// What belongs to the change set under way; see [`Self::note`] and [`Self::when_durable`].
    noted: Arc<Mutex<Noted>>,
}

/// What becomes of a change set once it is durable.
#[derive(Default)]
struct Noted {
    events: Vec<AuthEvent>,
    next: Vec<Box<dyn FnOnce() + Send>>,
}

impl Context {
    /// A context for `caller` with the current registry.
    pub fn new(services: &Services, caller: Arc<Caller>, request_id: Arc<str>) -> Self {
        let registry = services.registry.current();
        let access = Access { caller, registry };
        Self {
            access,
            services: services.clone(),
            request_id,
            origin: None,
            room: None,
            noted: Arc::default(),
        }
    }

    /// Adds where the request came from.
    pub fn with_origin(mut self, origin: Arc<Origin>) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Adds what counts the memory that it takes.
    pub fn with_room(mut self, room: Arc<Room>) -> Self {
        self.room = Some(room);
        self
    }

    /// Notes an event that comes true with the change set under way: it is kept once that is durable, and forgotten when
    /// that fails. For hooks, which are asked before.
    pub fn note(&self, kind: EventKind, org: Uuid, account: Option<Uuid>, detail: Value) {
        let origin = self.origin.as_deref().cloned().unwrap_or_default();
        let (id, at) = (self.services.ids.next_id(), self.now());
        self.noted().events.push(AuthEvent { id, org, account, kind, origin, detail, at });
    }

    /// Does something once the change set under way is durable, and not at all when that fails. For hooks, as
    /// [`Self::note`]; nobody waits for what it starts.
    pub fn when_durable(&self, next: impl FnOnce() + Send + 'static) {
        self.noted().next.push(Box::new(next));
    }

    fn noted(&self) -> std::sync::MutexGuard<'_, Noted> {
        // The lists are whole even when somebody panicked beside them.
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what was noted, and starts what was to follow. What has happened is not undone because it can not be told.
    pub(super) async fn keep_noted(&self) {
        let Noted { events, next } = std::mem::take(&mut *self.noted());
        for next in next {
            next();
        }
        for event in events {
            let kind = event.kind;
            if let Err(error) = self.services.credentials.append_event(event).await {
                tracing::error!(error = %error.report(), kind = kind.as_str(), "an event is lost");
            }
        }
    }

    /// Forgets what was noted: it does not come true.
    pub(super) fn forget_noted(&self) {
        *self.noted() = Noted::default();
    }

    /// The caller.
    pub fn caller(&self) -> &Caller {
        &self.access.caller
    }

    /// The registry.
    pub fn registry(&self) -> &TypeRegistry {
        &self.access.registry
    }

    /// The most bytes of one content that the caller may send; of strangers fewer are taken.
    pub fn max_content(&self) -> u64 {
        let most = self.services.max_content;
        if self.caller().role.is_none() { most.min(Services::MAX_OF_STRANGERS) } else { most }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.services.clock.now()
    }
}

/// What somebody signs in with.
#[derive(Clone)]
pub struct SignIn {
    /// Name of the account.
    pub username: String,
    /// The password.
    pub password: String,
    /// Name or id of the org; the default org when absent.
    pub org: Option<String>,
    /// The code of a second factor; asked for when it is absent and needed.
    pub code: Option<String>,
}

/// Half of a proof, a right password or a sign-in elsewhere, of an account that has a second factor: its code opens the session.
#[derive(Clone)]
pub struct Challenge {
    /// What the code answers, by [`Authenticator::answer`].
    pub token: String,
    /// Until when.
    pub expires: Timestamp,
}

/// What signing in comes to.
#[derive(Clone)]
pub enum SignedIn {
    /// A session.
    Tokens(Tokens),
    /// A second factor is required.
    Challenge(Challenge),
}

impl SignedIn {
    /// The tokens.
    ///
    /// # Errors
    /// Unauthenticated when a second factor is required.
    pub fn tokens(self) -> Result<Tokens> {
        match self {
            Self::Tokens(tokens) => Ok(tokens),
            Self::Challenge(_) => {
                Err(Error::new(ErrorKind::Unauthenticated, "a code of the second factor is required"))
            }
        }
    }
}

/// What signing in or refreshing gives.
#[derive(Clone)]
pub struct Tokens {
    /// The access token.
    pub token: String,
    /// When it expires.
    pub expires: Timestamp,
    /// The refresh token, to be used once.
    pub refresh_token: String,
    /// The account item.
    pub account: Uuid,
    /// Who that is.
    pub caller: Arc<Caller>,
}

/// Tells who is calling. Implemented by the accounts resource, used by every runner.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// The caller of a request with this bearer token (an access token or a key), which came from an address; not signed in
    /// without one. A bad token is an error, never anonymous.
    async fn authenticate(&self, token: Option<&str>, from: Option<IpAddr>) -> Result<Arc<Caller>>;

    /// A key of the runner's own for one purpose, such as proofs that it gives to browsers: the same on all servers of a
    /// store, unguessable, and of no use for any other purpose.
    fn derived_key(&self, purpose: &str) -> [u8; 32];

    /// Signs in by password, and by the code of a second factor where there is one.
    async fn sign_in(&self, request: SignIn, origin: &Origin) -> Result<SignedIn>;

    /// Answers a challenge by the code of the second factor.
    async fn answer(&self, challenge: &str, code: &str, origin: &Origin) -> Result<Tokens>;

    /// Rotates a refresh token; the use of an old one ends the session.
    async fn refresh(&self, refresh_token: &str, origin: &Origin) -> Result<Tokens>;

    /// Ends the caller's session.
    async fn sign_out(&self, caller: &Caller, origin: &Origin) -> Result<()>;

    /// Whatever else there is to signing in: sessions, lost passwords, proofs of addresses. The path is what follows
    /// `auth`; who may do it is decided here, strangers included. A document of null is no answer but that it is done.
    async fn call(&self, cx: &Context, call: Call) -> Result<Reply>;

    /// Sends a browser to a provider of identities, to sign in there or to link the caller's account.
    async fn depart(&self, _cx: &Context, departure: Departure) -> Result<Departed> {
        Err(Error::not_found(format_args!("provider {}", departure.provider)))
    }

    /// Signs in the browser that is back from there, or makes the link that it left for.
    async fn arrive(&self, _cx: &Context, _arrival: Arrival) -> Result<Arrived> {
        Err(Error::malformed("no sign-in is under way"))
    }

    /// Signs in by a passkey: what the browser has made of the options that were asked for by [`Self::call`].
    async fn sign_in_by_passkey(&self, _credential: Value, _origin: &Origin) -> Result<Tokens> {
        Err(Error::not_found("passkeys"))
    }

    /// Gives the session of a sign-in elsewhere to the program that began it, for the code that it was given, once.
    async fn redeem(&self, _code: &str, _verifier: &str, _origin: &Origin) -> Result<SignedIn> {
        Err(Error::malformed("no sign-in is under way"))
    }
}
