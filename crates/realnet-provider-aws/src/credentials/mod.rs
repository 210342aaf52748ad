//! Who signs: the key of the settings, or the first of the places where AWS's own tools look that knows one. What is lent for a time
//! is asked for anew before it ends.

mod lent;
mod profile;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use realnet_core::clock::{Clock as _, System};
use realnet_core::{Error, Result};
use reqwest::Client;
use rusoto_credential::{AwsCredentials, CredentialsError, ProvideAwsCredentials};
use tokio::sync::Mutex;

use crate::S3Options;

/// So long before their end credentials are asked for anew, in seconds.
const EARLY: i64 = 300;
/// When that fails, so long it is not tried again: those who ask meanwhile do not search one behind the other.
const PAUSE: i64 = 10;

/// Gives credentials to who signs. Clones share what was lent.
#[derive(Clone)]
pub(crate) struct Credentials {
    shared: Arc<Shared>,
}

struct Shared {
    sources: Sources,
    known: Mutex<Known>,
}

/// What the last search has found.
#[derive(Default)]
struct Known {
    lent: Option<Lent>,
    /// Why there was nothing, and until when that is the answer.
    failure: Option<(CredentialsError, i64)>,
}

struct Lent {
    credentials: AwsCredentials,
    /// When they are asked for anew, in seconds since the epoch.
    renew_at: i64,
}

/// Where credentials are looked for.
pub(crate) struct Sources {
    keys: Option<AwsCredentials>,
    pub(crate) variables: HashMap<String, String>,
    pub(crate) region: String,
    /// For services of the network.
    pub(crate) http: Client,
    /// For services beside this machine.
    pub(crate) direct: Client,
    pub(crate) timeout: std::time::Duration,
}

impl Sources {
    /// A variable that says something.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// The first source that knows credentials. One that was named and fails ends the search: another would be a surprise.
    async fn find(&self) -> Result<AwsCredentials, CredentialsError> {
        if let Some(keys) = &self.keys {
            return Ok(keys.clone());
        }
        if let Some(found) = self.of_variables()? {
            return Ok(found);
        }
        if let Some(found) = profile::read(self).await? {
            return Ok(found);
        }
        if let Some(found) = lent::to_service_account(self).await? {
            return Ok(found);
        }
        if let Some(found) = lent::to_machine(self).await? {
            return Ok(found);
        }
        Err(CredentialsError::new(
            "no key is set, none is in AWS_ACCESS_KEY_ID, in a profile, lent to a service account or to this machine",
        ))
    }

    fn of_variables(&self) -> Result<Option<AwsCredentials>, CredentialsError> {
        let Some(id) = self.variable("AWS_ACCESS_KEY_ID") else { return Ok(None) };
        let secret = self
            .variable("AWS_SECRET_ACCESS_KEY")
            .ok_or_else(|| CredentialsError::new("AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY"))?;
        let token = self.variable("AWS_SESSION_TOKEN").map(str::to_owned);
        Ok(Some(AwsCredentials::new(id, secret, token, None)))
    }
}

impl Credentials {
    pub(crate) fn new(options: &S3Options, http: Client, direct: Client) -> Self {
        let keys =
            options.keys.as_ref().map(|keys| AwsCredentials::new(&*keys.id, &*keys.secret, None, None));
        let sources = Sources {
            keys,
            variables: options.variables.clone(),
            region: options.region.clone(),
            http,
            direct,
            timeout: options.timeout,
        };
        Self { shared: Arc::new(Shared { sources, known: Mutex::default() }) }
    }

    /// Credentials that count for some time yet.
    pub(crate) async fn get(&self) -> Result<AwsCredentials> {
        self.credentials().await.map_err(|error| {
            Error::unavailable("there are no credentials for the S3 storage").with_internal(error.message)
        })
    }
}

#[async_trait]
impl ProvideAwsCredentials for Credentials {
    async fn credentials(&self) -> Result<AwsCredentials, CredentialsError> {
        // Of many who ask, one looks.
        let Known { lent, failure } = &mut *self.shared.known.lock().await;
        let now = System.now().as_micros() / 1_000_000;
        if let Some(known) = lent.as_ref().filter(|known| now < known.renew_at) {
            return Ok(known.credentials.clone());
        }
        if let Some((error, _)) = failure.as_ref().filter(|(_, end)| now < *end) {
            return Err(error.clone());
        }
        match self.shared.sources.find().await {
            Ok(credentials) => {
                let end = credentials.expires_at().as_ref().map_or(i64::MAX, DateTime::<Utc>::timestamp);
                let renew_at = end.saturating_sub(EARLY).max(now.saturating_add(PAUSE).min(end));
                *lent = Some(Lent { credentials: credentials.clone(), renew_at });
                *failure = None;
                Ok(credentials)
            }
            Err(error) => {
                let still = lent.as_mut().filter(|known| {
                    known.credentials.expires_at().as_ref().is_some_and(|end| end.timestamp() > now)
                });
                let Some(known) = still else {
                    *failure = Some((error.clone(), now + PAUSE));
                    return Err(error);
                };
                tracing::warn!(reason = error.message, "credentials could not be renewed and still count");
                known.renew_at = now + PAUSE;
                Ok(known.credentials.clone())
            }
        }
    }
}
