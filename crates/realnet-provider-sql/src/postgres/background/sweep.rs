//! Throwing away what has had its time.

use diesel_async::AsyncPgConnection;
use realnet_core::Result;
use realnet_core::provider::{AuthEvent, MARK_SETTING};

use super::super::error::to_error;
use super::super::run::Run as _;
use crate::statement::Statement;

/// Replies after two days, sessions and records an hour after their end, buckets when they are full.
const SWEEPS: [&str; 4] = [
    "DELETE FROM replies WHERE created_at < (extract(epoch FROM now()) - 172800) * 1000000",
    "DELETE FROM sessions WHERE expires_at < (extract(epoch FROM now()) - 3600) * 1000000",
    "DELETE FROM records WHERE expires_at < (extract(epoch FROM now()) - 3600) * 1000000",
    "DELETE FROM buckets WHERE full_at < extract(epoch FROM now()) * 1000000",
];

/// Throws away what has had its time, by the clock of the database.
pub(super) async fn sweep(connection: &AsyncPgConnection) -> Result<()> {
    // What is being filled with the records of another store is compared with it at the end.
    let mut statement = Statement::of("SELECT EXISTS (SELECT 1 FROM settings WHERE key = ");
    statement.bind(MARK_SETTING.into()).push(")");
    if connection.one(statement).await? {
        return Ok(());
    }
    for sql in SWEEPS {
        connection.run(Statement::of(sql)).await.map_err(to_error)?;
    }
    // Events are found by their ids, whose first 48 bits are milliseconds.
    let events = format!(
        "DELETE FROM events WHERE id < (lpad(to_hex(((extract(epoch FROM now()) - {}) * 1000)::bigint), 12, '0') \
         || repeat('0', 20))::uuid",
        AuthEvent::RETENTION_DAYS * 86_400
    );
    connection.run(Statement::of(events)).await.map(drop).map_err(to_error)
}
