//! Statements on the table `sessions`.

use realnet_core::clock::Timestamp;
use realnet_core::provider::Session;
use realnet_core::{Result, Uuid};

use super::{Fields, values};
use crate::statement::{Bind, Statement};

/// Sessions whose account has not made them void; what is asked for follows.
const VALID: &str = "SELECT s.id, s.account, s.epoch, s.refresh_hash, s.previous_hash, s.created_at, s.expires_at, \
    s.used_at, s.method, s.factor, s.address, s.agent FROM sessions s \
    LEFT JOIN credentials c ON c.account = s.account WHERE s.epoch = coalesce(c.epoch, 0) AND s.expires_at > ";

/// The session of a row.
pub(crate) fn read(row: &mut impl Fields) -> Result<Session> {
    Ok(Session {
        id: row.id()?,
        account: row.id()?,
        epoch: row.integer()?,
        refresh_hash: row.bytes()?,
        previous_hash: row.optional_bytes()?,
        created_at: row.moment()?,
        expires_at: row.moment()?,
        used_at: row.moment()?,
        method: row.text()?,
        factor: row.boolean()?,
        address: row.optional_text()?,
        agent: row.optional_text()?,
    })
}

/// Stores a new session.
pub(crate) fn open(session: Session) -> Statement {
    let mut statement = Statement::of(
        "INSERT INTO sessions (id, account, epoch, refresh_hash, created_at, expires_at, used_at, method, factor, \
         address, agent, previous_hash) VALUES (",
    );
    let columns: [Bind; 11] = [
        session.id.into(),
        session.account.into(),
        session.epoch.into(),
        session.refresh_hash.into(),
        session.created_at.as_micros().into(),
        session.expires_at.as_micros().into(),
        session.used_at.as_micros().into(),
        session.method.into(),
        session.factor.into(),
        session.address.into(),
        session.agent.into(),
    ];
    for column in columns {
        statement.bind(column).push(", ");
    }
    match session.previous_hash {
        Some(hash) => values(&mut statement, [hash.into()]),
        None => drop(statement.push("NULL)")),
    }
    statement
}

/// A session by its id.
pub(crate) fn get(id: Uuid, now: Timestamp) -> Statement {
    let mut statement = Statement::of(VALID);
    statement.bind(now.as_micros().into()).push(" AND s.id = ").bind(id.into());
    statement
}

/// The sessions of an account, newest first.
pub(crate) fn of_account(account: Uuid, now: Timestamp) -> Statement {
    let mut statement = Statement::of(VALID);
    statement.bind(now.as_micros().into()).push(" AND s.account = ").bind(account.into());
    statement.push(" ORDER BY s.created_at DESC, s.id DESC LIMIT ").bind((Session::MAX_PAGE as i64).into());
    statement
}

/// Replaces a refresh token; gives a row when it has.
pub(crate) fn rotate(
    id: Uuid,
    current: &[u8],
    next: &[u8],
    expires_at: Timestamp,
    now: Timestamp,
) -> Statement {
    let mut statement = Statement::of("UPDATE sessions SET previous_hash = refresh_hash, refresh_hash = ");
    statement.bind(next.to_vec().into()).push(", expires_at = ").bind(expires_at.as_micros().into());
    statement.push(", used_at = ").bind(now.as_micros().into()).push(" WHERE id = ").bind(id.into());
    statement.push(" AND refresh_hash = ").bind(current.to_vec().into()).push(" RETURNING 1");
    statement
}

/// Ends a session.
pub(crate) fn close(id: Uuid) -> Statement {
    let mut statement = Statement::of("DELETE FROM sessions WHERE id = ");
    statement.bind(id.into());
    statement
}

/// Ends the sessions of an account; gives a row for each.
pub(crate) fn close_all(account: Uuid, except: Option<Uuid>) -> Statement {
    let mut statement = Statement::of("DELETE FROM sessions WHERE account = ");
    statement.bind(account.into());
    if let Some(except) = except {
        statement.push(" AND id <> ").bind(except.into());
    }
    statement.push(" RETURNING 1");
    statement
}

/// Throws expired sessions away.
pub(crate) fn sweep(now: Timestamp) -> Statement {
    let mut statement = Statement::of("DELETE FROM sessions WHERE expires_at < ");
    statement.bind(now.as_micros().into());
    statement
}
