//! `Idempotency-Key`: a repeated request gets the answer of the first and does nothing.

use actix_web::http::header::HeaderName;
use realnet_core::Error;
use realnet_core::acl::Caller;
use realnet_core::change::IdempotencyKey;

use crate::call::Call;
use crate::problem::Problem;

/// The header.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The longest key, in bytes.
const MAX_LENGTH: usize = 255;

/// How long a reply is kept, in seconds.
const KEPT: i64 = 24 * 3600;

impl Call {
    /// The key of this request with the fingerprint of its body, if it has one.
    pub(crate) fn idempotency(
        &self,
        caller: &Caller,
        body: &[u8],
    ) -> Result<Option<(IdempotencyKey, Vec<u8>)>, Problem> {
        let Some(value) = self.headers().get(IDEMPOTENCY_KEY) else { return Ok(None) };
        let key = value.to_str().unwrap_or_default();
        if key.is_empty() || key.len() > MAX_LENGTH {
            let detail = format!("expected 1 to {MAX_LENGTH} visible ASCII characters");
            return Err(Error::malformed_at("Idempotency-Key", detail).into());
        }
        let path = self.request.path().to_ascii_lowercase();
        let key = IdempotencyKey {
            account: caller.account,
            scope: format!("{} {path}", self.request.method()),
            key: key.to_owned(),
            not_before: self.state.dispatcher.services().clock.now().plus_seconds(-KEPT),
        };
        Ok(Some((key, self.state.keys.fingerprint(body))))
    }

    /// Refuses a key where no answer is kept for it, and says why. Who sends one counts on it.
    pub(crate) fn refuse_idempotency(&self, why: &str) -> Result<(), Problem> {
        if self.headers().contains_key(IDEMPOTENCY_KEY) {
            return Err(Error::malformed_at("Idempotency-Key", why).into());
        }
        Ok(())
    }
}
