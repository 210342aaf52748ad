//! A value as a store keeps it: sealed under a named key, or plain and marked as such where there is no key.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// The only key of an attribute's stored form.
const SEALED: &str = "$sealed";
const PLAIN: &str = "$plain";

/// What is stored of a secret value.
#[derive(Clone, PartialEq, Eq)]
pub enum Sealed {
    /// Under the key of this id.
    Under {
        /// The id of the key.
        key: String,
        /// What the key has made of it.
        bytes: Vec<u8>,
    },
    /// Not at all, for want of a key.
    Plain(Vec<u8>),
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Under { key, .. } => write!(f, "Sealed({key}, …)"),
            Self::Plain(_) => f.write_str("Sealed(plain, …)"),
        }
    }
}

impl Sealed {
    /// The id of the key that it is sealed under; `None` when it is plain.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Under { key, .. } => Some(key),
            Self::Plain(_) => None,
        }
    }

    /// The form of settings and records.
    pub fn to_text(&self) -> String {
        match self {
            Self::Under { key, bytes } => format!("sealed:{key}:{}", URL_SAFE_NO_PAD.encode(bytes)),
            Self::Plain(bytes) => format!("plain:{}", URL_SAFE_NO_PAD.encode(bytes)),
        }
    }

    /// Reads [`Self::to_text`]; bytes of another form were written before there was one, and are plain.
    pub fn from_stored(stored: &[u8]) -> Self {
        let text = std::str::from_utf8(stored).ok();
        let read = text.and_then(|text| match text.split_once(':')? {
            ("sealed", rest) => Self::under(rest),
            ("plain", rest) => Some(Self::Plain(URL_SAFE_NO_PAD.decode(rest).ok()?)),
            _ => None,
        });
        read.unwrap_or_else(|| Self::Plain(stored.to_vec()))
    }

    fn under(text: &str) -> Option<Self> {
        let (key, encoded) = text.split_once(':')?;
        Some(Self::Under { key: key.to_owned(), bytes: URL_SAFE_NO_PAD.decode(encoded).ok()? })
    }

    /// The form of attributes: an object, which no secret that comes from outside can be.
    pub(super) fn to_attribute(&self) -> Value {
        match self {
            Self::Under { key, bytes } => json!({SEALED: format!("{key}:{}", URL_SAFE_NO_PAD.encode(bytes))}),
            // The bytes are the JSON text of the value.
            Self::Plain(bytes) => json!({PLAIN: serde_json::from_slice::<Value>(bytes).unwrap_or_default()}),
        }
    }

    /// What an attribute holds. Anything but a stored form was written before values were sealed, and is plain.
    pub(super) fn of_attribute(value: &Value) -> Option<Self> {
        let entry = stored_form(value);
        match entry {
            Some((SEALED, text)) => Self::under(text.as_str()?),
            Some((_, plain)) => Some(Self::Plain(plain.to_string().into_bytes())),
            None => Some(Self::Plain(value.to_string().into_bytes())),
        }
    }
}

fn stored_form(value: &Value) -> Option<(&str, &Value)> {
    let (key, inner) = value.as_object().filter(|map| map.len() == 1)?.iter().next()?;
    (key == SEALED || key == PLAIN).then_some((key.as_str(), inner))
}

/// Whether a value is what is stored of a secret.
pub(crate) fn is_stored_form(value: &Value) -> bool {
    stored_form(value).is_some()
}
