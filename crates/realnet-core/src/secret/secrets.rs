//! What the rest of the system opens, seals and compares with.

use std::fmt;
use std::sync::Arc;

use ring::hmac;
use serde_json::Value;
use uuid::Uuid;

use super::{Keyring, Place, Sealed, fields};
use crate::error::Result;
use crate::model::Item;

/// The keys of a store: those of the operator, and one of the store's own for digests.
#[derive(Clone)]
pub struct Secrets(Arc<Inner>);

struct Inner {
    keyring: Keyring,
    digests: hmac::Key,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({:?})", self.0.keyring)
    }
}

/// Without any key: values stay plain. For tests, and for whoever has no store behind it.
impl Default for Secrets {
    fn default() -> Self {
        Self::new(Keyring::default(), b"no store, so nothing to guess")
    }
}

impl Secrets {
    /// Keys of the operator, and the store's own key for digests; [`super::unlock`] gets both.
    pub fn new(keyring: Keyring, digest_key: &[u8]) -> Self {
        Self(Arc::new(Inner { keyring, digests: hmac::Key::new(hmac::HMAC_SHA256, digest_key) }))
    }

    /// The operator's keys.
    pub fn keyring(&self) -> &Keyring {
        &self.0.keyring
    }

    /// Seals bytes for one place.
    pub fn seal(&self, place: &Place, plain: &[u8]) -> Result<Sealed> {
        self.0.keyring.seal(place, plain)
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    /// As [`Keyring::open`].
    pub fn open_sealed(&self, place: &Place, sealed: &Sealed) -> Result<Vec<u8>> {
        self.0.keyring.open(place, sealed)
    }

    /// The value of a `secret` field of an item as it was read from a store; `None` when it has none.
    ///
    /// # Errors
    /// As [`Keyring::open`].
    pub fn open(&self, item: &Item, field: &str) -> Result<Option<Value>> {
        let stored = item.attributes.get(field).filter(|value| !value.is_null());
        stored.map(|stored| self.open_value(item.id, field, stored)).transpose()
    }

    /// The same from what is stored of the field.
    pub(crate) fn open_value(&self, item: Uuid, field: &str, stored: &Value) -> Result<Value> {
        fields::open(self.keyring(), item, field, stored)
    }

    /// A digest by which equal values are known, and which says nothing to who has the store alone. The key is the store's
    /// own and stays the same when the operator's keys change, so that digests need not be made anew.
    pub fn digest(&self, purpose: &str, value: &[u8]) -> Vec<u8> {
        let text = Place::new(purpose).with(value);
        hmac::sign(&self.0.digests, text.as_bytes()).as_ref().to_vec()
    }
}
