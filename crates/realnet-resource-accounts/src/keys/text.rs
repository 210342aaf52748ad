//! A key as a program holds it: `rnk_` and 72 characters, of its id, its secret and a checksum. Secrets of clients look alike,
//! but for what they begin with.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use realnet_core::{Error, ErrorKind, Result, Uuid};
use sha2::{Digest, Sha256};

/// What every key begins with, so that those who look for secrets that got out can find it.
pub(super) const PREFIX: &str = "rnk_";
const ID: usize = 16;
const SECRET: usize = 32;
const CHECK: usize = 6;
const ALL: usize = ID + SECRET + CHECK;

/// Whether a token claims to be a key.
pub(crate) fn is_key(token: &str) -> bool {
    token.starts_with(PREFIX)
}

/// A key, with its secret.
pub(crate) struct KeyText {
    /// Under which the store keeps it.
    pub(crate) id: Uuid,
    secret: [u8; SECRET],
}

impl KeyText {
    /// A new key, of 256 random bits.
    pub(crate) fn new(id: Uuid) -> Self {
        Self { id, secret: rand::random() }
    }

    /// The key as it is given out.
    pub(crate) fn text(&self, prefix: &str) -> String {
        let mut bytes = [0; ALL];
        bytes[..ID].copy_from_slice(self.id.as_bytes());
        bytes[ID..ID + SECRET].copy_from_slice(&self.secret);
        let check = checksum(prefix, &bytes[..ID + SECRET]);
        bytes[ID + SECRET..].copy_from_slice(&check);
        format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads a key.
    ///
    /// # Errors
    /// Unauthenticated when it is not whole, as one is that was not copied to its end.
    pub(crate) fn parse(prefix: &str, token: &str) -> Result<Self> {
        let broken = || {
            let message = "the key is not whole: copy it once more, all of it";
            Error::new(ErrorKind::Unauthenticated, message)
        };
        let coded = token.strip_prefix(prefix).ok_or_else(broken)?;
        let mut bytes = [0; ALL];
        let length = URL_SAFE_NO_PAD.decode_slice(coded, &mut bytes).map_err(|_| broken())?;
        let (said, check) = bytes.split_at(ID + SECRET);
        if length != ALL || checksum(prefix, said) != check {
            return Err(broken());
        }
        let (mut id, mut secret) = ([0; ID], [0; SECRET]);
        id.copy_from_slice(&said[..ID]);
        secret.copy_from_slice(&said[ID..]);
        Ok(Self { id: Uuid::from_bytes(id), secret })
    }

    /// What the store keeps of it. The secret is random through and through: there is nothing to guess that a slow hash would
    /// protect.
    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::new()
            .chain_update("realnet key")
            .chain_update(self.id)
            .chain_update(self.secret)
            .finalize()
            .into()
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyText({}, …)", self.id)
    }
}

/// Tells a slip from a forgery; no secret.
fn checksum(prefix: &str, bytes: &[u8]) -> [u8; CHECK] {
    let digest: [u8; 32] = Sha256::new().chain_update(prefix).chain_update(bytes).finalize().into();
    let mut check = [0; CHECK];
    check.copy_from_slice(&digest[..CHECK]);
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_written() {
        let key = KeyText::new(Uuid::from_u128(7));
        let text = key.text(PREFIX);
        assert!(is_key(&text) && text.len() == 76, "{text}");
        let read = KeyText::parse(PREFIX, &text).unwrap();
        assert!(KeyText::parse("rns_", &text.replace(PREFIX, "rns_")).is_err(), "neither is the other");
        assert_eq!((read.id, read.hash()), (key.id, key.hash()));
        assert_ne!(key.text(PREFIX), KeyText::new(key.id).text(PREFIX));
        assert_ne!(key.hash(), KeyText { id: Uuid::from_u128(8), secret: key.secret }.hash());
        let shown = format!("{key:?}");
        assert!(!shown.contains(&text[30..60]), "{shown}");
    }

    #[test]
    fn every_slip_is_told() {
        let text = KeyText::new(Uuid::max()).text(PREFIX);
        for at in PREFIX.len()..text.len() {
            let mut slipped = text.clone().into_bytes();
            slipped[at] = if slipped[at] == b'A' { b'B' } else { b'A' };
            let slipped = String::from_utf8(slipped).unwrap();
            assert!(KeyText::parse(PREFIX, &slipped).is_err(), "{at}");
        }
        let broken =
            [&text[..75], &text[..4], "", "rnk_é", &text[4..], &format!("{text}A"), &format!("{text}=")];
        for broken in broken {
            let error = KeyText::parse(PREFIX, broken).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{broken}");
            assert!(error.message().contains("not whole"), "{broken}");
        }
    }
}
