//! Where a page ended: the sort keys and the id of its last item, opaque to callers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::error::{Error, Result};

/// A place in an ordered list. Deleting or changing the item that it was made from does not disturb it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cursor {
    /// Hash of the order, so that a cursor is not used with another one.
    #[serde(rename = "o")]
    pub order: u32,
    /// The sort key of each order term, as [`crate::index::sort_key`] makes them (direction not applied).
    #[serde(rename = "k", with = "keys")]
    pub keys: Vec<Vec<u8>>,
    /// The id of the last item.
    #[serde(rename = "i")]
    pub id: Uuid,
    /// How many matches lie before, for orders that have no keys (relevance).
    #[serde(rename = "n", default)]
    pub skipped: usize,
}

/// Longest text form that is looked at, in bytes.
const MAX_TEXT: usize = 16_384;

impl Cursor {
    /// The text form, safe in URLs.
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads the text form.
    pub fn decode(text: &str) -> Result<Self> {
        let bytes = (text.len() <= MAX_TEXT).then(|| URL_SAFE_NO_PAD.decode(text).ok()).flatten();
        bytes
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or_else(|| Error::malformed_at("cursor", "not a cursor that this server gave"))
    }
}

/// Keys as base64, a third of the size of lists of numbers.
mod keys {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(keys: &[Vec<u8>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(keys.iter().map(|key| URL_SAFE_NO_PAD.encode(key)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let keys: Result<_, _> = texts.iter().map(|text| URL_SAFE_NO_PAD.decode(text)).collect();
        keys.map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips() {
        let keys = vec![vec![0x30; crate::index::MAX_KEY]; 8];
        let cursor = Cursor { order: 7, keys, id: Uuid::from_u128(9), skipped: 3 };
        assert_eq!(Cursor::decode(&cursor.encode()).unwrap(), cursor);
    }

    #[test]
    fn other_text_is_refused() {
        for bad in ["", "x", "e30", "!!!!", &"A".repeat(20_000)] {
            assert_eq!(Cursor::decode(bad).unwrap_err().violations()[0].pointer, "cursor", "{bad}");
        }
    }
}
