//! How diesel walks a [`Statement`] for SQLite: text as it is, values as bound parameters.

use diesel::QueryResult;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::result::Error as DieselError;
use diesel::sql_types::{self as sql, Nullable};
use diesel::sqlite::Sqlite;

use crate::statement::{Bind, Piece, Statement};

impl QueryFragment<Sqlite> for Statement {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        if self.is_rare {
            out.unsafe_to_cache_prepared();
        }
        for piece in self.pieces() {
            match piece {
                Piece::Sql(text) => out.push_sql(text),
                Piece::Bind(bind) => push_bind(bind, &mut out)?,
            }
        }
        Ok(())
    }
}

fn push_bind<'b>(bind: &'b Bind, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
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
        Bind::Array(_) => Err(DieselError::QueryBuilderError("SQLite has no arrays".into())),
    }
}
