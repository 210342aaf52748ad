//! What is said of contents: their ids, sizes and checksums, and their bytes as streams.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use futures::stream::BoxStream;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::error::Result;

/// The bytes of a content, in pieces of any size. An error ends them.
pub type DataStream = BoxStream<'static, Result<Bytes>>;

/// The id of a content: new for each, from the context's source of ids, never from a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentId(Uuid);

impl ContentId {
    /// The content with this id.
    pub const fn new(id: Uuid) -> Self {
        Self(id)
    }

    /// The id itself.
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }

    /// The inverse of its text form, in which the one form only counts: 36 characters, lower case.
    pub fn parse(text: &str) -> Option<Self> {
        let id = Uuid::try_parse(text).ok()?;
        (id.to_string() == text).then_some(Self(id))
    }
}

impl fmt::Display for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// SHA-256 of a content.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Checksum([u8; 32]);

impl Checksum {
    /// From the digest.
    pub const fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The inverse of its text form: 64 hexadecimal digits, lower case.
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |letter: u8| match letter {
            b'0'..=b'9' => Some(letter - b'0'),
            b'a'..=b'f' => Some(letter - b'a' + 10),
            _ => None,
        };
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != 32 || !rest.is_empty() {
            return None;
        }
        let mut digest = [0; 32];
        for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Self(digest))
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A content, as its store knows it. What kind of bytes these are (their media type, their name) is the item's to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// Its id.
    pub id: ContentId,
    /// Its length in bytes.
    pub size: u64,
    /// Its checksum, computed when it was stored.
    pub checksum: Checksum,
}

/// A content that is being read.
pub struct ContentRead {
    /// What is read.
    pub content: Content,
    /// The part that is read.
    pub range: Range<u64>,
    /// The bytes of that part.
    pub data: DataStream,
}

impl fmt::Debug for ContentRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentRead({:?} of {:?}, …)", self.range, self.content)
    }
}

/// A content in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentEntry {
    /// Its id.
    pub id: ContentId,
    /// Its length in bytes.
    pub size: u64,
    /// When its bytes were written, by the store's clock: what has been written just now, an item may be about to name.
    pub stored_at: Timestamp,
}

/// A page of a list of contents.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContentPage {
    /// The contents.
    pub contents: Vec<ContentEntry>,
    /// Behind which one the next page begins; `None` when this is the last.
    pub next: Option<ContentId>,
}

/// How much a store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Bytes of contents and unfinished uploads; `None` where the store does not count them.
    pub used: Option<u64>,
    /// The most bytes that it takes; `None`: no bound of its own.
    pub quota: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_text_form() {
        let id = ContentId::new(Uuid::from_u128(0xabc));
        let text = id.to_string();
        assert_eq!(ContentId::parse(&text), Some(id));
        for other in [text.to_uppercase(), text.replace('-', ""), format!("{{{text}}}"), format!("{text} ")] {
            assert_eq!(ContentId::parse(&other), None, "{other}");
        }
    }

    #[test]
    fn a_checksum_has_one_text_form() {
        let checksum = Checksum::new(std::array::from_fn(|index| index as u8 * 8));
        let text = checksum.to_string();
        assert!(text.starts_with("000810") && text.ends_with("f0f8"), "{text}");
        assert_eq!(Checksum::parse(&text), Some(checksum));
        for other in
            [&text.to_uppercase(), &text[1..], &text[2..], &format!("{text}0"), &text.replace('f', "g")]
        {
            assert_eq!(Checksum::parse(other), None, "{other}");
        }
    }
}
