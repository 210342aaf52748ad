//! One key: its id, its 32 bytes, and what is done with it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::{SecureRandom as _, SystemRandom};

use super::Place;
use crate::error::{Error, Result};

/// Bytes of a key.
const KEY: usize = 32;
/// Bytes of the salt from which the key of one value is derived.
const SALT: usize = 32;
/// The form of sealed bytes: this byte, salt, ciphertext, tag.
const FORM: u8 = 1;
/// The longest id of a key.
const MAX_ID: usize = 32;
/// What derived keys are for.
const DERIVED_FOR: &[&[u8]] = &[b"realnet sealed value 1"];

/// A key with its id.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) id: String,
    bytes: [u8; KEY],
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, …)", self.id)
    }
}

impl Key {
    /// A new key: random bytes of the system, and an id of its own.
    pub(super) fn generate() -> Result<Self> {
        let id = u32::from_be_bytes(random()?);
        Ok(Self { id: format!("k{id:08x}"), bytes: random()? })
    }

    /// Reads `ID:BASE64`, or bare base64 as the key `1`. The text is never part of what is said about it.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let (id, encoded) = text.split_once(':').unwrap_or(("1", text));
        if !is_id(id) {
            return Err("expected ID:BASE64, where an id has 1 to 32 letters, digits, - and _");
        }
        let engines = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD];
        let decoded = engines.iter().find_map(|engine| engine.decode(encoded).ok());
        let bytes = decoded.and_then(|bytes| <[u8; KEY]>::try_from(bytes).ok());
        let bytes =
            bytes.ok_or("expected ID:BASE64 of 32 random bytes: `realnet secrets generate` makes one")?;
        if bytes.iter().all(|byte| *byte == bytes[0]) {
            return Err("a key of equal bytes is none: `realnet secrets generate` makes a random one");
        }
        Ok(Self { id: id.to_owned(), bytes })
    }

    /// The text that [`Self::parse`] reads.
    pub(super) fn to_text(&self) -> String {
        format!("{}:{}", self.id, STANDARD.encode(self.bytes))
    }

    /// Seals bytes for one place. Every value has a key of its own, derived with 256 random bits, so that the nonce, of
    /// which there is one only, is never used twice under a key, however many values there are.
    pub(super) fn seal(&self, place: &Place, plain: &[u8]) -> Result<Vec<u8>> {
        let salt = random::<SALT>()?;
        let mut text = plain.to_vec();
        let key = self.derived(&salt)?;
        key.seal_in_place_append_tag(nonce(), Aad::from(place.as_bytes()), &mut text)
            .map_err(|_| Error::internal("a value can not be sealed"))?;
        let mut sealed = Vec::with_capacity(1 + SALT + text.len());
        sealed.push(FORM);
        sealed.extend_from_slice(&salt);
        sealed.append(&mut text);
        Ok(sealed)
    }

    /// Opens what was sealed for this place; `None` when it was not: changed, moved, or of another key.
    pub(super) fn open(&self, place: &Place, sealed: &[u8]) -> Option<Vec<u8>> {
        let (&form, rest) = sealed.split_first()?;
        let (salt, text) = rest.split_at_checked(SALT)?;
        if form != FORM {
            return None;
        }
        let mut text = text.to_vec();
        let key = self.derived(salt).ok()?;
        let length = key.open_in_place(nonce(), Aad::from(place.as_bytes()), &mut text).ok()?.len();
        text.truncate(length);
        Some(text)
    }

    fn derived(&self, salt: &[u8]) -> Result<LessSafeKey> {
        let secret = Salt::new(HKDF_SHA256, salt).extract(&self.bytes);
        let derived = secret.expand(DERIVED_FOR, &CHACHA20_POLY1305);
        let derived = derived.map_err(|_| Error::internal("a key can not be derived"))?;
        Ok(LessSafeKey::new(UnboundKey::from(derived)))
    }
}

/// The one nonce of a key that seals one value.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

fn is_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Random bytes of the operating system.
pub(super) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| Error::internal("the system gives no random bytes")).map(|()| bytes)
}
