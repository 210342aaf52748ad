//! A statement in the making: pieces of SQL and the values bound between them.
//!
//! What the compiler of queries and the stores build and diesel runs. Each backend implements diesel's
//! `QueryFragment` for it (values are always bound, never written into the text).

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash as _, Hasher};

use diesel::query_builder::{Query, QueryId};
use diesel::sql_types::Untyped;
use uuid::Uuid;

/// A value to bind. Absent values have a type too, as PostgreSQL asks for one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Bind {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    Id(Uuid),
    OptionalInt(Option<i64>),
    OptionalText(Option<String>),
    OptionalId(Option<Uuid>),
    /// A whole number that is known only when the statement runs: the one at this place among those given then.
    Late(usize),
    /// A whole column or list, for backends that have arrays.
    Array(Array),
}

impl Bind {
    /// Hashes the value, for caches that are asked by statement.
    pub(crate) fn hash_into(&self, hasher: &mut impl Hasher) {
        match self {
            Self::Bool(value) => value.hash(hasher),
            Self::Int(value) => value.hash(hasher),
            Self::Float(value) => value.to_bits().hash(hasher),
            Self::Text(value) => value.hash(hasher),
            Self::Bytes(value) => value.hash(hasher),
            Self::Id(value) => value.hash(hasher),
            Self::OptionalInt(value) => value.hash(hasher),
            Self::OptionalText(value) => value.hash(hasher),
            Self::OptionalId(value) => value.hash(hasher),
            Self::Late(place) => place.hash(hasher),
            // Arrays are compared, which is enough.
            Self::Array(_) => {}
        }
    }
}

/// The values of an array.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Array {
    Bools(Vec<bool>),
    Ints(Vec<Option<i64>>),
    Texts(Vec<Option<String>>),
    Bytes(Vec<Vec<u8>>),
    Ids(Vec<Option<Uuid>>),
}

/// A piece of a statement.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Piece {
    Sql(Cow<'static, str>),
    Bind(Bind),
}

/// SQL text with bound values.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Statement {
    pieces: Vec<Piece>,
    /// Whether its text is one of many that come once: it is then not kept prepared.
    pub(crate) is_rare: bool,
}

impl Statement {
    /// An empty statement.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A statement that begins with `sql`.
    pub(crate) fn of(sql: impl Into<Cow<'static, str>>) -> Self {
        let mut statement = Self::new();
        statement.push(sql);
        statement
    }

    /// Adds SQL text.
    pub(crate) fn push(&mut self, sql: impl Into<Cow<'static, str>>) -> &mut Self {
        self.pieces.push(Piece::Sql(sql.into()));
        self
    }

    /// Adds a bound value.
    pub(crate) fn bind(&mut self, value: Bind) -> &mut Self {
        self.pieces.push(Piece::Bind(value));
        self
    }

    /// Adds another statement at the end.
    pub(crate) fn append(&mut self, other: Self) -> &mut Self {
        self.pieces.extend(other.pieces);
        self
    }

    /// Whether it only reads.
    pub(crate) fn is_read(&self) -> bool {
        let first = self.pieces.first();
        matches!(first, Some(Piece::Sql(text)) if text.starts_with("SELECT") || text.starts_with("WITH"))
    }

    /// A number for its text without the values.
    pub(crate) fn shape(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for piece in &self.pieces {
            if let Piece::Sql(text) = piece {
                text.hash(&mut hasher);
            }
        }
        hasher.finish()
    }

    /// A number for text and values; arrays do not count.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash_into(&mut hasher);
        hasher.finish()
    }

    /// Hashes text and values.
    pub(crate) fn hash_into(&self, hasher: &mut impl Hasher) {
        for piece in &self.pieces {
            match piece {
                Piece::Sql(text) => text.hash(hasher),
                Piece::Bind(bind) => bind.hash_into(hasher),
            }
        }
    }

    /// How many bytes its texts and byte strings have.
    pub(crate) fn size(&self) -> usize {
        let size = |piece: &Piece| match piece {
            Piece::Bind(Bind::Text(text) | Bind::OptionalText(Some(text))) => text.len(),
            Piece::Bind(Bind::Bytes(bytes)) => bytes.len(),
            _ => 0,
        };
        self.pieces.iter().map(size).sum()
    }

    /// The pieces in order.
    pub(crate) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }
}

impl QueryId for Statement {
    type QueryId = ();

    // Statements are told apart by their text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Statement {
    type SqlType = Untyped;
}

impl From<bool> for Bind {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Bind {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Bind {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Bind {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Bind {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Vec<u8>> for Bind {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl From<Uuid> for Bind {
    fn from(value: Uuid) -> Self {
        Self::Id(value)
    }
}

impl From<Option<i64>> for Bind {
    fn from(value: Option<i64>) -> Self {
        Self::OptionalInt(value)
    }
}

impl From<Option<String>> for Bind {
    fn from(value: Option<String>) -> Self {
        Self::OptionalText(value)
    }
}

impl From<Option<Uuid>> for Bind {
    fn from(value: Option<Uuid>) -> Self {
        Self::OptionalId(value)
    }
}
