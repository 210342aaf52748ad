//! Statements on the table `events`.

use realnet_core::clock::Timestamp;
use realnet_core::provider::{AuthEvent, EventFilter, EventKind};
use realnet_core::{Error, Result, Uuid};

use super::{Fields, json, values};
use crate::statement::Statement;

/// Keeps an event.
pub(crate) fn append(event: &AuthEvent) -> Result<Statement> {
    let origin = serde_json::to_string(&event.origin)
        .map_err(|error| Error::internal("the origin of an event has no JSON").with_source(error))?;
    let mut statement =
        Statement::of("INSERT INTO events (id, org, account, kind, origin, detail, at) VALUES (");
    let columns = [
        event.id.into(),
        event.org.into(),
        event.account.into(),
        event.kind.as_str().into(),
        origin.into(),
        event.detail.to_string().into(),
        event.at.as_micros().into(),
    ];
    values(&mut statement, columns);
    statement.push(" ON CONFLICT (id) DO NOTHING");
    Ok(statement)
}

/// Events of an org, newest first. Ids are bounded by the times that are asked for, so that an index ends the search.
pub(crate) fn list(org: Uuid, filter: &EventFilter, before: Option<Uuid>, limit: usize) -> Statement {
    let mut statement =
        Statement::of("SELECT id, account, kind, origin, detail, at FROM events WHERE org = ");
    statement.bind(org.into());
    if let Some(account) = filter.account {
        statement.push(" AND account = ").bind(account.into());
    }
    if let Some(kind) = filter.kind {
        statement.push(" AND kind = ").bind(kind.as_str().into());
    }
    if let Some(since) = filter.since {
        statement.push(" AND at >= ").bind(since.as_micros().into());
        statement.push(" AND id >= ").bind(AuthEvent::first_id(since).into());
    }
    let until = filter.until.map(AuthEvent::last_id);
    if let Some(until) = filter.until {
        statement.push(" AND at < ").bind(until.as_micros().into());
    }
    if let Some(end) = before.into_iter().chain(until).min() {
        statement.push(" AND id < ").bind(end.into());
    }
    statement.push(" ORDER BY id DESC LIMIT ").bind((limit.min(AuthEvent::MAX_PAGE) as i64).into());
    statement
}

/// The event of a row of [`list`].
pub(crate) fn read(org: Uuid, row: &mut impl Fields) -> Result<AuthEvent> {
    Ok(AuthEvent {
        id: row.id()?,
        org,
        account: row.optional_id()?,
        kind: EventKind::of_stored(&row.text()?),
        origin: json(&row.text()?, "origin")?,
        detail: json(&row.text()?, "detail")?,
        at: row.moment()?,
    })
}

/// Throws events away that have had their time.
pub(crate) fn sweep(now: Timestamp) -> Statement {
    let mut statement = Statement::of("DELETE FROM events WHERE id < ");
    statement.bind(AuthEvent::first_kept_id(now).into());
    statement
}
