//! What is asked and answered of the content of an item: bytes that come and go as streams.

use std::fmt;
use std::ops::Range;

use futures::stream::BoxStream;

use uuid::Uuid;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::provider::{ByteRange, Checksum, Content, DataStream, Expectation};

/// Contents that a condition names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// Any that there is.
    Any,
    /// One with one of these checksums.
    OneOf(Vec<Checksum>),
}

impl Contents {
    /// Whether it names a content.
    pub fn names(&self, checksum: Checksum) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(checksums) => checksums.contains(&checksum),
        }
    }
}

/// What must hold of the content that is there, for something to be done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conditions {
    /// It is one of these.
    pub only: Option<Contents>,
    /// It is none of these, or there is none.
    pub unless: Option<Contents>,
}

impl Conditions {
    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.only.is_none() && self.unless.is_none()
    }

    /// Whether a content, or that there is none, is as it must be.
    pub fn hold(&self, present: Option<Checksum>) -> bool {
        let named = |contents: &Contents| present.is_some_and(|checksum| contents.names(checksum));
        self.only.as_ref().is_none_or(named) && !self.unless.as_ref().is_some_and(named)
    }
}

/// Which part of a content is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DataRequest {
    /// The part.
    pub range: ByteRange,
    /// Of which content the part is wanted; of another, all.
    pub part_of: Option<Contents>,
    /// A content that `unless` names is known to the caller already and not given again.
    pub conditions: Conditions,
    /// Only what is known of the content.
    pub is_head: bool,
    /// Instead of the content, a small picture of it that fits so many pixels, width and height.
    pub thumb: Option<(u32, u32)>,
}

/// The content of an item, on its way out.
#[derive(Debug)]
pub struct DataReply {
    /// What the store knows of it.
    pub content: Content,
    /// Its media type, as the item says it: somebody has written it there.
    pub content_type: String,
    /// The item's name.
    pub name: String,
    /// What of it is given.
    pub delivery: Delivery,
}

/// What is given of a content.
pub enum Delivery {
    /// Nothing but what is known of it.
    Head,
    /// Nothing: the caller has it already.
    Known,
    /// Nothing: the part that is wanted lies outside of it.
    OutOfRange,
    /// All of it.
    Whole(DataStream),
    /// A part.
    Part(Range<u64>, DataStream),
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Head => "Head",
            Self::Known => "Known",
            Self::OutOfRange => "OutOfRange",
            Self::Whole(_) => "Whole(…)",
            Self::Part(range, _) => return write!(f, "Part({range:?}, …)"),
        })
    }
}

/// A content on its way in.
pub struct Upload {
    /// Its bytes. Nothing of them is asked for before it is clear that the caller may write.
    pub data: DataStream,
    /// Its media type; without one the item keeps what it says of that.
    pub content_type: Option<String>,
    /// What it must be.
    pub expected: Expectation,
    /// What must hold of the content that it replaces.
    pub conditions: Conditions,
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upload({:?}, {:?}, {:?})", self.content_type, self.expected, self.conditions)
    }
}

/// Files that come in one request.
pub struct Files {
    /// One after the other: each is read to its end, or let go of, before the next one comes.
    pub parts: BoxStream<'static, Result<Part>>,
    /// What is said of all of them: names and values.
    pub parameters: Vec<(String, String)>,
}

/// A file that comes in several requests.
pub enum ResumableOperation {
    /// Begins.
    Begin {
        /// Where the item will be.
        endpoint: String,
        /// How many bytes there will be.
        length: u64,
        /// What is said of it, names and values as in a form; `filename` and `filetype` are its name and its media type.
        said: Vec<(String, String)>,
        /// The first bytes, if they come along.
        data: Option<DataStream>,
    },
    /// Asks how far it is.
    Look {
        /// Which.
        id: Uuid,
    },
    /// Goes on. With the last byte, the item is made.
    Append {
        /// Which.
        id: Uuid,
        /// Where these bytes stand.
        offset: u64,
        /// The next bytes.
        data: DataStream,
    },
    /// Gives it up.
    Abort {
        /// Which.
        id: Uuid,
    },
}

impl fmt::Debug for ResumableOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begin { endpoint, length, .. } => write!(f, "Begin({endpoint}, {length})"),
            Self::Look { id } => write!(f, "Look({id})"),
            Self::Append { id, offset, .. } => write!(f, "Append({id} at {offset})"),
            Self::Abort { id } => write!(f, "Abort({id})"),
        }
    }
}

/// How far a file is that comes in several requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadState {
    /// Its id.
    pub id: Uuid,
    /// How many bytes have come, and are durable.
    pub offset: u64,
    /// How many there will be.
    pub length: u64,
    /// When it is given up if nobody goes on with it.
    pub expires: Timestamp,
    /// Where its item is, and which that is, once it has been made.
    pub item: Option<(String, Uuid)>,
}

/// A part of what comes.
pub enum Part {
    /// Something that is said of the files behind it.
    Text {
        /// A property or an attribute.
        name: String,
        /// Its value.
        value: String,
    },
    /// A file.
    File(FilePart),
}

/// A file that comes.
pub struct FilePart {
    /// Its name, as whoever sent it has it.
    pub name: Option<String>,
    /// The media type that it is said to have.
    pub content_type: Option<String>,
    /// What it must be.
    pub expected: Expectation,
    /// Its bytes.
    pub data: DataStream,
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Files({:?}, …)", self.parameters)
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { name, .. } => write!(f, "Text({name})"),
            Self::File(file) => write!(f, "File({:?}, {:?})", file.name, file.content_type),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_those_of_http() {
        let [one, other] = [7, 8].map(|byte| Checksum::new([byte; 32]));
        let any = || Some(Contents::Any);
        let these = |checksums: &[Checksum]| Some(Contents::OneOf(checksums.to_vec()));
        for (only, unless, expected) in [
            (None, None, [true, true]),
            (any(), None, [false, true]),
            (these(&[one, other]), None, [false, true]),
            (these(&[other]), None, [false, false]),
            (these(&[]), None, [false, false]),
            (None, any(), [true, false]),
            (None, these(&[one]), [true, false]),
            (None, these(&[other]), [true, true]),
            (any(), these(&[one]), [false, false]),
        ] {
            let conditions = Conditions { only, unless };
            let told = [None, Some(one)].map(|present| conditions.hold(present));
            assert_eq!(told, expected, "{conditions:?}");
        }
    }
}
