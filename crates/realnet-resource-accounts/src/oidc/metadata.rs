//! What providers say about themselves (OpenID Connect Discovery) and the keys that they sign with: fetched when they are
//! needed, remembered for a while, in a memory that is bounded.
//!
//! One request at a time asks a provider, and those who wait for the same one get its answer; all others go on.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use openidconnect::core::{CoreJsonWebKeySet, CoreProviderMetadata};
use realnet_core::clock::Timestamp;
use realnet_core::resource::Verb;
use realnet_core::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use url::Url;

use super::places;
use super::web::{WebClient, WebRequest};
use crate::accounts::Accounts;

/// How long what a provider says counts, in seconds.
const LIFE: i64 = 3600;
/// How long a failure counts, in seconds.
const FAILED: i64 = 10;
/// How soon keys are asked for again because one was not among them, in seconds.
const KEYS_APART: i64 = 30;
/// The most providers that are remembered.
const CAPACITY: u64 = 64;
/// The largest document, in bytes. What carries out requests may take less. Two of them are remembered of each provider.
const MAX_DOCUMENT: usize = 256 * 1024;
/// The most keys.
const MAX_KEYS: usize = 64;

/// What is known of a provider.
#[derive(Clone)]
pub(super) struct Known {
    /// With the keys.
    pub(super) metadata: CoreProviderMetadata,
    /// Whether it names itself in each answer (RFC 9207).
    pub(super) names_itself: bool,
    loaded_at: Timestamp,
    keys_at: Timestamp,
}

/// What the library has no place for.
#[derive(serde::Deserialize)]
struct Further {
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

#[derive(Default)]
struct Slot {
    known: Option<Arc<Known>>,
    failed: Option<(Timestamp, ErrorKind, String)>,
}

/// The memory of providers, by issuer.
pub(crate) struct Providers(Cache<String, Arc<Mutex<Slot>>>);

impl Default for Providers {
    fn default() -> Self {
        let idle = Duration::from_secs(LIFE.unsigned_abs());
        Self(Cache::builder().max_capacity(CAPACITY).time_to_idle(idle).build())
    }
}

impl Accounts {
    /// What carries out requests to providers.
    pub(super) fn web(&self) -> Result<&dyn WebClient> {
        let web = self.web.get().map(|web| &**web);
        web.ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "this server does not reach providers of identities")
        })
    }

    /// What a provider says about itself.
    pub(super) async fn known(&self, issuer: &str) -> Result<Arc<Known>> {
        let slot = self.providers.0.get_with(issuer.to_owned(), Arc::default);
        let mut slot = slot.lock().await;
        let now = self.services.clock.now();
        if let Some(known) = slot.known.as_ref().filter(|known| is_within(known.loaded_at, now, LIFE)) {
            return Ok(Arc::clone(known));
        }
        if let Some((_, kind, message)) = slot.failed.as_ref().filter(|(at, ..)| is_within(*at, now, FAILED))
        {
            return Err(Error::new(*kind, message.clone()));
        }
        let discovered = self.discover(issuer, now).await;
        slot.note(discovered, now)
    }

    /// The same with the keys of now, because a token is signed with another one than those that are known.
    pub(super) async fn with_new_keys(&self, issuer: &str, old: &Known) -> Result<Option<Arc<Known>>> {
        let slot = self.providers.0.get_with(issuer.to_owned(), Arc::default);
        let mut slot = slot.lock().await;
        let now = self.services.clock.now();
        if let Some(known) = slot.known.as_ref().filter(|known| known.keys_at > old.keys_at) {
            return Ok(Some(Arc::clone(known)));
        }
        let has_failed = slot.failed.as_ref().is_some_and(|(at, ..)| is_within(*at, now, FAILED));
        if has_failed || is_within(old.keys_at, now, KEYS_APART) {
            return Ok(None);
        }
        let keys = self.keys(old.metadata.jwks_uri().url()).await;
        let known = keys.map(|keys| Known {
            metadata: old.metadata.clone().set_jwks(keys),
            keys_at: now,
            ..old.clone()
        });
        slot.note(known, now).map(Some)
    }

    async fn discover(&self, issuer: &str, now: Timestamp) -> Result<Known> {
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let address =
            Url::parse(&address).map_err(|error| said_wrong("no address of an issuer").with_source(error))?;
        let body = self.fetch(&address).await?;
        let metadata: CoreProviderMetadata = read(&body)?;
        // Else anybody could speak for others (OpenID Connect Discovery 1.0, section 4.3).
        if metadata.issuer().as_str() != issuer {
            return Err(said_wrong("the discovery document is of another issuer"));
        }
        let private = self.config.private_providers;
        let token = metadata.token_endpoint().ok_or_else(|| said_wrong("there is no token endpoint"))?;
        for address in [metadata.authorization_endpoint().url(), token.url()] {
            places::provider(address, private)?;
        }
        let Further { authorization_response_iss_parameter_supported: names_itself } = read(&body)?;
        let keys = self.keys(metadata.jwks_uri().url()).await?;
        Ok(Known { metadata: metadata.set_jwks(keys), names_itself, loaded_at: now, keys_at: now })
    }

    async fn keys(&self, address: &Url) -> Result<CoreJsonWebKeySet> {
        let keys: CoreJsonWebKeySet = read(&self.fetch(address).await?)?;
        if keys.keys().len() > MAX_KEYS {
            return Err(said_wrong("there are too many keys"));
        }
        Ok(keys)
    }

    /// A document of a provider.
    async fn fetch(&self, address: &Url) -> Result<Vec<u8>> {
        places::provider(address, self.config.private_providers)?;
        let headers = vec![("accept".to_owned(), "application/json".to_owned())];
        let request = WebRequest { verb: Verb::Get, url: address.clone(), headers, body: Vec::new() };
        let response = self.web()?.send(request).await?;
        if response.status != 200 {
            return Err(said_wrong("a document is answered with another status than 200"));
        }
        Ok(response.body)
    }
}

impl Slot {
    /// Remembers what came of asking.
    fn note(&mut self, found: Result<Known>, now: Timestamp) -> Result<Arc<Known>> {
        match found {
            Ok(known) => {
                let known = Arc::new(known);
                (self.known, self.failed) = (Some(Arc::clone(&known)), None);
                Ok(known)
            }
            Err(error) => {
                tracing::warn!(error = %error.report(), "a provider of identities can not be asked");
                self.failed = Some((now, error.kind(), error.message().to_owned()));
                Err(error)
            }
        }
    }
}

fn is_within(at: Timestamp, now: Timestamp, seconds: i64) -> bool {
    (at..at.plus_seconds(seconds)).contains(&now)
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    if body.len() > MAX_DOCUMENT {
        return Err(said_wrong("a document is too large"));
    }
    serde_json::from_slice(body).map_err(|error| said_wrong("a document can not be read").with_source(error))
}

/// A provider that does not do as the standard says. The reason is for the log.
fn said_wrong(reason: &'static str) -> Error {
    Error::unavailable("the provider can not be used at present").with_internal(reason)
}
