//! Running statements on a connection and reading their rows.
//!
//! Everything goes through the connection's cache of prepared statements, even BEGIN and COMMIT: its lock keeps
//! statements that are sent together (pipelined) in their order also when one of them must be prepared first.

use std::time::Duration;

use diesel::QueryResult;
use diesel::deserialize::FromSql;
use diesel::pg::Pg;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::row::Row as _;
use diesel::sql_types::{self as sql, Nullable};
use diesel_async::{AsyncConnectionCore, AsyncPgConnection};
use futures::TryStreamExt as _;
use realnet_core::Result;
use uuid::Uuid;

use super::error::{SILENCE, to_error};
use crate::statement::Statement;

/// A row as the driver gives it.
pub(super) type PgRow = <AsyncPgConnection as AsyncConnectionCore>::Row<'static, 'static>;

/// Running statements. Methods take a shared reference so that several can be under way on one connection.
pub(super) trait Run {
    /// All rows.
    async fn rows(&self, statement: Statement) -> QueryResult<Vec<PgRow>>;

    /// The number of rows changed.
    async fn run(&self, statement: Statement) -> QueryResult<usize>;

    /// The first column of the first row.
    async fn one<T: Column>(&self, statement: Statement) -> Result<T>;
}

impl Run for AsyncPgConnection {
    async fn rows(&self, statement: Statement) -> QueryResult<Vec<PgRow>> {
        let mut shared = self;
        let stream = AsyncConnectionCore::load(&mut shared, statement).await?;
        stream.try_collect().await
    }

    async fn run(&self, statement: Statement) -> QueryResult<usize> {
        let mut shared = self;
        AsyncConnectionCore::execute_returning_count(&mut shared, statement).await
    }

    async fn one<T: Column>(&self, statement: Statement) -> Result<T> {
        let rows = self.rows(statement).await.map_err(to_error)?;
        let row = rows.first().ok_or(DieselError::NotFound).map_err(to_error)?;
        Reader::new(row).next().map_err(to_error)
    }
}

/// Waits for an answer only so long: a server that hangs keeps its connections open and says nothing.
pub(super) async fn within<T>(
    patience: Duration,
    answer: impl Future<Output = QueryResult<T>>,
) -> QueryResult<T> {
    tokio::time::timeout(patience, answer).await.unwrap_or_else(|_| {
        let message = Box::new(SILENCE.to_owned());
        Err(DieselError::DatabaseError(DatabaseErrorKind::UnableToSendCommand, message))
    })
}

/// A Rust type and the SQL type that it is read from.
pub(super) trait Column: Sized {
    /// The SQL type.
    type Sql;
    /// Reads the value at a place of a row.
    fn read(row: &PgRow, index: usize) -> QueryResult<Self>;
}

macro_rules! column {
    ($($rust:ty => $sql:ty),* $(,)?) => {$(
        impl Column for $rust {
            type Sql = $sql;

            fn read(row: &PgRow, index: usize) -> QueryResult<Self> {
                row.get_value::<$sql, $rust, usize>(index).map_err(DieselError::DeserializationError)
            }
        }
    )*};
}

column! {
    bool => sql::Bool,
    i16 => sql::SmallInt,
    i64 => sql::BigInt,
    f64 => sql::Double,
    String => sql::Text,
    Vec<u8> => sql::Binary,
    Uuid => sql::Uuid,
    Vec<String> => sql::Array<sql::Text>,
}

impl<T> Column for Option<T>
where
    T: Column + FromSql<T::Sql, Pg>,
    T::Sql: diesel::sql_types::SqlType<IsNull = diesel::sql_types::is_nullable::NotNull>,
{
    type Sql = Nullable<T::Sql>;

    fn read(row: &PgRow, index: usize) -> QueryResult<Self> {
        row.get_value::<Nullable<T::Sql>, Self, usize>(index).map_err(DieselError::DeserializationError)
    }
}

/// Reads the columns of a row one after the other.
pub(super) struct Reader<'a> {
    row: &'a PgRow,
    index: usize,
}

impl<'a> Reader<'a> {
    /// Begins at the first column.
    pub(super) fn new(row: &'a PgRow) -> Self {
        Self { row, index: 0 }
    }

    /// The next column.
    pub(super) fn next<T: Column>(&mut self) -> QueryResult<T> {
        let value = T::read(self.row, self.index)?;
        self.index += 1;
        Ok(value)
    }
}
