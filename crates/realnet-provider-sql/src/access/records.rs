//! Statements on the table `records`. Each is one step, so that of two who want the same record one gets it.

use realnet_core::clock::Timestamp;
use realnet_core::provider::{AuthRecord, Expected, RecordKind};
use realnet_core::{Result, Uuid};

use super::{Fields, values};
use crate::statement::Statement;

/// The columns that [`read`] reads.
const COLUMNS: &str = "key, account, org, value, version, created_at, expires_at";

/// What a put sets when it replaces a record, apart from the version.
const REPLACED: &str = "account = excluded.account, org = excluded.org, value = excluded.value, \
    created_at = excluded.created_at, expires_at = excluded.expires_at";

/// The record of a row of [`COLUMNS`].
pub(crate) fn read(kind: RecordKind, row: &mut impl Fields) -> Result<AuthRecord> {
    Ok(AuthRecord {
        kind,
        key: row.text()?,
        account: row.optional_id()?,
        org: row.optional_id()?,
        value: row.bytes()?,
        version: row.integer()?,
        created_at: row.moment()?,
        expires_at: row.optional_moment()?,
    })
}

/// A record by its name.
pub(crate) fn get(kind: RecordKind, key: &str, now: Timestamp) -> Statement {
    let mut statement = Statement::of("SELECT ");
    statement.push(COLUMNS).push(" FROM records WHERE ");
    named(&mut statement, kind, key);
    alive(&mut statement, now);
    statement
}

/// Puts a record; gives a row when it has.
pub(crate) fn put(record: AuthRecord, expected: Expected, now: Timestamp) -> Statement {
    match expected {
        Expected::Version(version) => replace(record, version, now),
        Expected::Absent => {
            let mut statement = insert(record, "1");
            statement.push(" WHERE r.expires_at <= ").bind(now.as_micros().into()).push(" RETURNING 1");
            statement
        }
        Expected::Any => {
            let mut statement = insert(record, "CASE WHEN r.expires_at <= ");
            statement.bind(now.as_micros().into()).push(" THEN 1 ELSE r.version + 1 END RETURNING 1");
            statement
        }
    }
}

/// Inserts, or replaces with a version that is still to be finished.
fn insert(record: AuthRecord, version: &'static str) -> Statement {
    let mut statement = Statement::of(
        "INSERT INTO records AS r (kind, key, account, org, value, version, created_at, expires_at) VALUES (",
    );
    let columns = [
        record.kind.as_str().into(),
        record.key.into(),
        record.account.into(),
        record.org.into(),
        record.value.into(),
        1.into(),
        record.created_at.as_micros().into(),
        record.expires_at.map(Timestamp::as_micros).into(),
    ];
    values(&mut statement, columns);
    statement
        .push(" ON CONFLICT (kind, key) DO UPDATE SET ")
        .push(REPLACED)
        .push(", version = ")
        .push(version);
    statement
}

fn replace(record: AuthRecord, version: i64, now: Timestamp) -> Statement {
    let mut statement = Statement::of("UPDATE records SET version = version + 1, account = ");
    statement.bind(record.account.into()).push(", org = ").bind(record.org.into());
    statement.push(", value = ").bind(record.value.into());
    statement.push(", created_at = ").bind(record.created_at.as_micros().into());
    statement.push(", expires_at = ").bind(record.expires_at.map(Timestamp::as_micros).into());
    statement.push(" WHERE ");
    named(&mut statement, record.kind, &record.key);
    statement.push(" AND version = ").bind(version.into());
    alive(&mut statement, now);
    statement.push(" RETURNING 1");
    statement
}

/// Removes a record and gives it.
pub(crate) fn take(kind: RecordKind, key: &str, now: Timestamp) -> Statement {
    let mut statement = Statement::of("DELETE FROM records WHERE ");
    named(&mut statement, kind, key);
    alive(&mut statement, now);
    statement.push(" RETURNING ").push(COLUMNS);
    statement
}

/// Removes a record; gives a row when there was one.
pub(crate) fn remove(kind: RecordKind, key: &str) -> Statement {
    let mut statement = Statement::of("DELETE FROM records WHERE ");
    named(&mut statement, kind, key);
    statement.push(" RETURNING 1");
    statement
}

/// The records of an account.
pub(crate) fn of_account(account: Uuid, kind: RecordKind, now: Timestamp) -> Statement {
    let mut statement = Statement::of("SELECT ");
    statement.push(COLUMNS).push(" FROM records WHERE account = ").bind(account.into());
    statement.push(" AND kind = ").bind(kind.as_str().into());
    alive(&mut statement, now);
    statement.push(" ORDER BY created_at, key LIMIT ").bind((AuthRecord::MAX_PAGE as i64).into());
    statement
}

/// The records of an org behind a key.
pub(crate) fn in_org(
    org: Uuid,
    kind: RecordKind,
    after: Option<&str>,
    limit: usize,
    now: Timestamp,
) -> Statement {
    let mut statement = Statement::of("SELECT ");
    statement.push(COLUMNS).push(" FROM records WHERE org = ").bind(org.into());
    statement.push(" AND kind = ").bind(kind.as_str().into());
    // No key holds a NUL, so what is behind it makes no difference; and not every database takes one.
    if let Some(after) = after.and_then(|after| after.split('\0').next()) {
        statement.push(" AND key > ").bind(after.into());
    }
    alive(&mut statement, now);
    statement.push(" ORDER BY key LIMIT ").bind((limit.min(AuthRecord::MAX_PAGE) as i64).into());
    statement
}

/// Throws expired records away.
pub(crate) fn sweep(now: Timestamp) -> Statement {
    let mut statement = Statement::of("DELETE FROM records WHERE expires_at <= ");
    statement.bind(now.as_micros().into());
    statement
}

fn named(statement: &mut Statement, kind: RecordKind, key: &str) {
    statement.push("kind = ").bind(kind.as_str().into()).push(" AND key = ").bind(key.into());
}

fn alive(statement: &mut Statement, now: Timestamp) {
    statement.push(" AND (expires_at IS NULL OR expires_at > ").bind(now.as_micros().into()).push(")");
}
