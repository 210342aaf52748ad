//! What an operation works with: caller, registry, stores, clock, ids.

use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use crate::acl::Caller;
use crate::clock::{Clock, IdSource, Timestamp};
use crate::error::Result;
use crate::provider::{Access, CredentialProvider, ItemProvider, SourceProvider, TypeProvider};
use crate::registry::{RegistryHandle, TypeRegistry};

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
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn IdSource>,
}

impl Services {
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
}

impl Context {
    /// A context for `caller` with the current registry.
    pub fn new(services: &Services, caller: Arc<Caller>, request_id: Arc<str>) -> Self {
        let registry = services.registry.current();
        Self { access: Access { caller, registry }, services: services.clone(), request_id }
    }

    /// The caller.
    pub fn caller(&self) -> &Caller {
        &self.access.caller
    }

    /// The registry.
    pub fn registry(&self) -> &TypeRegistry {
        &self.access.registry
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
    /// The caller of a request with this bearer token; not signed in without one. A bad token is an error,
    /// never anonymous.
    async fn authenticate(&self, token: Option<&str>) -> Result<Arc<Caller>>;

    /// Signs in by password.
    async fn sign_in(&self, request: SignIn) -> Result<Tokens>;

    /// Rotates a refresh token; the use of an old one ends the session.
    async fn refresh(&self, refresh_token: &str) -> Result<Tokens>;

    /// Ends the caller's session.
    async fn sign_out(&self, caller: &Caller) -> Result<()>;
}
