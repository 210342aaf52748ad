//! Statements with a text of their own, prepared once per connection: diesel knows each by its kind, so that it neither
//! builds the text again nor compiles it again. Limits are literal, since SQLite compiles a statement with a bound one
//! anew at each run.

use std::any::Any;
use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types as sql;
use diesel::sqlite::Sqlite;
use uuid::Uuid;

/// Declares kinds of statements: columns, and the text around the values.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident: $type:ty = [$($piece:expr),+ $(,)?];)+) => {
        $($(#[$doc])* struct $name;
        impl $crate::bare::statement::Kind for $name {
            type SqlType = $type;
            const PIECES: &'static [&'static str] = &[$($piece),+];
        })+
    };
}

/// All columns of the notes, as RealNet reads them, from what follows.
macro_rules! columns {
    ($($rest:literal),+) => {
        concat!(
            "SELECT i.id, i.org, i.type, i.instance, i.name, i.attributes, i.tags, i.status, i.visibility, ",
            "i.location, i.valid_from, i.valid_to, i.parent, i.linked, i.owner, i.public, i.version, ",
            "i.created_at, i.updated_at, i.grants FROM ",
            $($rest),+
        )
    };
}

/// Declares what is asked of the notes, in the words of an engine: the types of ids and tags, how an entry of the key
/// index leads to its item, a value above all keys, and what keeps the planner from making a join of a look-up.
macro_rules! reads {
    (id: $id:ty, tags: $tags:ty, items: $items:literal, above_all: $above:literal, fence: $fence:literal) => {
        type Columns = (
            ($id, $id, $id, sql::Nullable<sql::Text>, sql::Text, sql::Text, $tags, sql::Nullable<sql::Text>,
                sql::SmallInt, sql::Nullable<sql::Text>),
            (sql::Nullable<sql::BigInt>, sql::Nullable<sql::BigInt>, sql::Nullable<$id>, sql::Nullable<$id>,
                sql::Nullable<$id>, sql::Bool, sql::BigInt, sql::BigInt, sql::BigInt, sql::Nullable<sql::Text>),
        );
        kinds! {
            /// One by id.
            ById: Columns = [columns!("items i WHERE i.id = "), ""];
            /// A page in a state, the newest first.
            Newest: Columns = [
                columns!("keys k ", $items, " WHERE k.field = "), " AND k.org = ", " AND k.value = ",
                " ORDER BY k.item DESC LIMIT 50",
            ];
            /// A page in a state, the highest priority first.
            ByPriority: Columns = [
                columns!("keys k ", $items, " WHERE k.field = "), " AND k.org = ",
                concat!(" AND k.value < ", $above, " AND EXISTS (SELECT 1 FROM keys s WHERE s.org = k.org \
                    AND s.item = k.item AND s.field = "),
                " AND s.value = ", concat!($fence, ") ORDER BY k.value DESC, k.item DESC LIMIT 50"),
            ];
            /// How many are in a state.
            Total: sql::BigInt =
                ["SELECT count(*) FROM keys k WHERE k.field = ", " AND k.org = ", " AND k.value = ", ""];
            /// Any of the notes: most items are notes.
            Sample: Columns = [columns!(
                "items i WHERE i.type = (SELECT type FROM items GROUP BY type ORDER BY count(*) DESC LIMIT 1) LIMIT 1"
            )];
            /// The field whose index has this value for an item.
            FieldOf: sql::BigInt = ["SELECT field FROM keys WHERE item = ", " AND value = ", " LIMIT 1"];
        }
    };
}

/// A kind of statement.
pub trait Kind: Any + Send + Sync {
    /// The columns of its rows; `()` when it has none.
    type SqlType;
    /// Its text; the values stand between the pieces.
    const PIECES: &'static [&'static str];
}

/// A value that is bound.
#[derive(Debug, Clone)]
pub enum Value {
    /// An id.
    Id(Uuid),
    /// An id, perhaps.
    OptionalId(Option<Uuid>),
    /// A number.
    Int(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// A statement of a kind, with its values.
#[derive(Debug, Clone)]
pub struct Statement<K> {
    values: Vec<Value>,
    kind: PhantomData<K>,
}

impl<K: Kind> Statement<K> {
    /// A statement with these values, one between each two pieces.
    pub const fn new(values: Vec<Value>) -> Self {
        Self { values, kind: PhantomData }
    }

    fn walk<'b, DB: Backend>(
        &'b self,
        mut out: AstPass<'_, 'b, DB>,
        bind: fn(&'b Value, &mut AstPass<'_, 'b, DB>) -> QueryResult<()>,
    ) -> QueryResult<()> {
        for (index, piece) in K::PIECES.iter().enumerate() {
            if index > 0 {
                bind(&self.values[index - 1], &mut out)?;
            }
            out.push_sql(piece);
        }
        Ok(())
    }
}

impl<K: Kind> QueryId for Statement<K> {
    type QueryId = K;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<K: Kind> Query for Statement<K> {
    type SqlType = K::SqlType;
}

impl<K: Kind, C> diesel::RunQueryDsl<C> for Statement<K> {}

impl<K: Kind> QueryFragment<Sqlite> for Statement<K> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.walk(out, |value, out| match value {
            Value::Id(id) | Value::OptionalId(Some(id)) => {
                out.push_bind_param::<sql::Binary, [u8]>(id.as_bytes())
            }
            Value::OptionalId(None) => {
                out.push_bind_param::<sql::Nullable<sql::Binary>, Option<Vec<u8>>>(&None)
            }
            Value::Int(number) => out.push_bind_param::<sql::BigInt, _>(number),
            Value::Text(text) => out.push_bind_param::<sql::Text, _>(text),
            Value::Bytes(bytes) => out.push_bind_param::<sql::Binary, _>(bytes),
        })
    }
}

impl<K: Kind> QueryFragment<Pg> for Statement<K> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.walk(out, |value, out| match value {
            Value::Id(id) => out.push_bind_param::<sql::Uuid, _>(id),
            Value::OptionalId(id) => out.push_bind_param::<sql::Nullable<sql::Uuid>, _>(id),
            Value::Int(number) => out.push_bind_param::<sql::BigInt, _>(number),
            Value::Text(text) => out.push_bind_param::<sql::Text, _>(text),
            Value::Bytes(bytes) => out.push_bind_param::<sql::Binary, _>(bytes),
        })
    }
}
