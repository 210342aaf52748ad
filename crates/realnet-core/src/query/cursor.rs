//! Where a page ended: the sort keys and the id of its last item, opaque to callers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::error::{Error, Result};

/// A place in an ordered list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cursor {
    /// Hash of the order, so that a cursor is not used with another one.
    #[serde(rename = "o")]
    pub order: u32,
    /// The sort key of each order term, as [`crate::index::sort_key`] makes them.
    #[serde(rename = "k")]
    pub keys: Vec<Vec<u8>>,
    /// The id of the last item.
    #[serde(rename = "i")]
    pub id: Uuid,
    /// How many matches lie before, for orders that have no keys (relevance).
    #[serde(rename = "n", default)]
    pub skipped: usize,
}

impl Cursor {
    /// The text form, safe in URLs.
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads the text form.
    pub fn decode(text: &str) -> Result<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() <= 16_384);
        bytes
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or_else(|| Error::malformed_at("cursor", "not a cursor that this server gave"))
    }
}
