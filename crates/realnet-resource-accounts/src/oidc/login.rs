//! What is kept of a sign-in that is under way at a provider, and of one that a program has still to fetch.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use realnet_core::provider::{AuthRecord, Expected, RecordKind};
use realnet_core::{Error, Result, Uuid};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::accounts::Accounts;
use crate::tokens::fingerprint;

/// How long somebody may take at the provider, in seconds.
pub(super) const LIFE: i64 = 600;
/// The longest state, binding or code that is looked at.
const MAX: usize = 128;

/// What a browser left with.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Login {
    pub(super) provider: Uuid,
    /// As it was then: what has been changed since is another provider.
    pub(super) issuer: String,
    pub(super) client_id: String,
    pub(super) nonce: String,
    /// The verifier of the code's exchange.
    pub(super) verifier: String,
    /// Hash of what the browser keeps.
    pub(super) binding: String,
    /// Where the provider sends it back to.
    pub(super) callback: String,
    /// Where it goes then: a path of this server, or the address of a program.
    pub(super) return_to: String,
    /// The challenge of the program that fetches the session; the browser itself gets it when there is none.
    pub(super) challenge: Option<String>,
    /// The account to be linked, and the session in which that was asked for.
    pub(super) link: Option<(Uuid, Uuid)>,
}

/// A session that a program may fetch.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Handover {
    pub(super) account: Uuid,
    pub(super) org: Uuid,
    /// The account's epoch: what has ended its sessions ends this as well.
    pub(super) epoch: i64,
    pub(super) provider: Uuid,
    pub(super) challenge: String,
}

/// 256 random bits, as text.
pub(super) fn random() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// The hash of a text, as text: what is kept of secrets that others hold, and what PKCE calls S256.
pub(super) fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(fingerprint(text))
}

impl Accounts {
    /// Keeps something for who comes with `secret`.
    pub(super) async fn keep<T: Serialize>(
        &self,
        what: &str,
        secret: &str,
        org: Uuid,
        value: &T,
        life: i64,
    ) -> Result<()> {
        let value = serde_json::to_vec(value)
            .map_err(|error| Error::internal("a sign-in can not be kept").with_source(error))?;
        let now = self.services.clock.now();
        let key = format!("{what}:{}", hash(secret));
        let record = AuthRecord::new(RecordKind::Login, key, value, now)
            .of(None, Some(org))
            .until(now.plus_seconds(life));
        if self.services.credentials.put_record(record, Expected::Absent, now).await? {
            return Ok(());
        }
        Err(Error::internal("a random text was there already"))
    }

    /// Takes that up. Of several who come with the same secret, one gets it.
    pub(super) async fn take_up<T: DeserializeOwned>(
        &self,
        what: &str,
        secret: &str,
    ) -> Result<Option<(Uuid, T)>> {
        if secret.is_empty() || secret.len() > MAX {
            return Ok(None);
        }
        let key = format!("{what}:{}", hash(secret));
        let now = self.services.clock.now();
        let Some(record) = self.services.credentials.take_record(RecordKind::Login, &key, now).await? else {
            return Ok(None);
        };
        let value = serde_json::from_slice(&record.value)
            .map_err(|error| Error::internal("a kept sign-in can not be read").with_source(error))?;
        Ok(Some((record.org.unwrap_or_default(), value)))
    }
}
