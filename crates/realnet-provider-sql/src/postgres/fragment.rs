//! How diesel walks a [`Statement`] for PostgreSQL: text as it is, values as bound parameters.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::result::Error as DieselError;
use diesel::sql_types::{self as sql, Nullable};

use crate::statement::{Array, Bind, Piece, Statement};

impl QueryFragment<Pg> for Statement {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
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

fn push_bind<'b>(bind: &'b Bind, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    match bind {
        Bind::Bool(value) => out.push_bind_param::<sql::Bool, _>(value),
        Bind::Int(value) => out.push_bind_param::<sql::BigInt, _>(value),
        Bind::Float(value) => out.push_bind_param::<sql::Double, _>(value),
        Bind::Text(value) => out.push_bind_param::<sql::Text, _>(value),
        Bind::Bytes(value) => out.push_bind_param::<sql::Binary, _>(value),
        Bind::Id(value) => out.push_bind_param::<sql::Uuid, _>(value),
        Bind::OptionalInt(value) => out.push_bind_param::<Nullable<sql::BigInt>, _>(value),
        Bind::OptionalText(value) => out.push_bind_param::<Nullable<sql::Text>, _>(value),
        Bind::OptionalId(value) => out.push_bind_param::<Nullable<sql::Uuid>, _>(value),
        Bind::Late(_) => {
            Err(DieselError::QueryBuilderError("PostgreSQL's statements have no late values".into()))
        }
        Bind::Array(array) => push_array(array, out),
    }
}

fn push_array<'b>(array: &'b Array, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    match array {
        Array::Bools(values) => out.push_bind_param::<sql::Array<sql::Bool>, _>(values),
        Array::Ints(values) => out.push_bind_param::<sql::Array<Nullable<sql::BigInt>>, _>(values),
        Array::Texts(values) => out.push_bind_param::<sql::Array<Nullable<sql::Text>>, _>(values),
        Array::Bytes(values) => out.push_bind_param::<sql::Array<sql::Binary>, _>(values),
        Array::Ids(values) => out.push_bind_param::<sql::Array<Nullable<sql::Uuid>>, _>(values),
    }
}
