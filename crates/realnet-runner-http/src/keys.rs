//! Keys of the runner's own: the same on all servers of a store, one for each purpose.

use std::fmt::Write as _;

use realnet_core::Uuid;
use realnet_core::resource::Authenticator;
use ring::hmac::{HMAC_SHA256, Key, sign, verify};

/// The keys.
pub(crate) struct Keys {
    bodies: Key,
    csrf: Key,
}

impl Keys {
    /// The keys that the authenticator derives.
    pub(crate) fn of(authenticator: &dyn Authenticator) -> Self {
        let key = |purpose| Key::new(HMAC_SHA256, &authenticator.derived_key(purpose));
        Self { bodies: key("http: fingerprints of bodies"), csrf: key("http: writes by cookie") }
    }

    /// What is stored of a body that came with an idempotency key. Without the key nobody can try what it held.
    pub(crate) fn fingerprint(&self, body: &[u8]) -> Vec<u8> {
        sign(&self.bodies, body).as_ref().to_vec()
    }

    /// What a page of the session shows with each write, to prove that it is no page of somebody else.
    pub(crate) fn csrf_token(&self, session: Uuid) -> String {
        let tag = sign(&self.csrf, session.as_bytes());
        tag.as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a text does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Whether a text is that token, in a time that does not depend on it.
    pub(crate) fn is_csrf_token(&self, session: Uuid, text: &str) -> bool {
        let byte = |at| text.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(byte).collect();
        text.len() == 64 && bytes.is_some_and(|tag| verify(&self.csrf, session.as_bytes(), &tag).is_ok())
    }
}
