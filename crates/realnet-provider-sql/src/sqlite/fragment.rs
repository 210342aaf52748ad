//! How diesel walks a [`Statement`] for SQLite: text as it is, values as bound parameters.

use diesel::QueryResult;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::Error as DieselError;
use diesel::sql_types::{self as sql, Nullable, Untyped};
use diesel::sqlite::Sqlite;

use crate::statement::{Bind, Piece, Statement};

/// A statement with the numbers that were not known while it was made.
pub(super) struct Filled<'a> {
    pub(super) statement: &'a Statement,
    pub(super) late: &'a [i64],
}

impl QueryId for Filled<'_> {
    type QueryId = ();

    // Statements are told apart by their text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Filled<'_> {
    type SqlType = Untyped;
}

impl QueryFragment<Sqlite> for Filled<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        if self.statement.is_rare {
            out.unsafe_to_cache_prepared();
        }
        for piece in self.statement.pieces() {
            match piece {
                Piece::Sql(text) => out.push_sql(text),
                Piece::Bind(bind) => push_bind(bind, self.late, &mut out)?,
            }
        }
        Ok(())
    }
}

fn push_bind<'b>(bind: &'b Bind, late: &'b [i64], out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
    match bind {
        Bind::Bool(true) => out.push_bind_param::<sql::BigInt, i64>(&1),
        Bind::Bool(false) => out.push_bind_param::<sql::BigInt, i64>(&0),
        Bind::Int(value) => out.push_bind_param::<sql::BigInt, _>(value),
        Bind::Float(value) => out.push_bind_param::<sql::Double, _>(value),
        Bind::Text(value) => out.push_bind_param::<sql::Text, str>(value),
        Bind::Bytes(value) => out.push_bind_param::<sql::Binary, [u8]>(value),
        Bind::OptionalInt(value) => out.push_bind_param::<Nullable<sql::BigInt>, _>(value),
        Bind::OptionalText(value) => out.push_bind_param::<Nullable<sql::Text>, _>(value),
        Bind::Id(value) | Bind::OptionalId(Some(value)) => {
            out.push_bind_param::<sql::Binary, [u8]>(value.as_bytes())
        }
        Bind::OptionalId(None) => out.push_bind_param::<Nullable<sql::Binary>, Option<Vec<u8>>>(&None),
        Bind::Late(place) => match late.get(*place) {
            Some(value) => out.push_bind_param::<sql::BigInt, _>(value),
            None => Err(DieselError::QueryBuilderError("a late value was not given".into())),
        },
        Bind::Array(_) => Err(DieselError::QueryBuilderError("SQLite has no arrays".into())),
    }
}
