//! Reading the change log.

use std::ops::Range;
use std::sync::Arc;

use realnet_core::acl::Permission;
use realnet_core::change::{ChangeFilter, ChangeKind, ChangeRecord};
use realnet_core::clock::Timestamp;
use realnet_core::provider::{Access, Budget};
use realnet_core::{Error, Result, Uuid};

use super::connection::Columns;
use super::lookup::read_item;
use super::row::parsed;
use super::shared::Shared;
use crate::access::changes;
use crate::statement::Statement;

/// The columns that [`record`] reads, of the table by its alias `c`.
pub(super) const COLUMNS: &str = "c.revision, c.org, c.item, c.type, c.kind, c.version, c.actor, c.at, c.request, c.before, c.after, c.origin, \
     c.passed_down";

/// What a statement begins with; the conditions follow.
fn selection() -> Statement {
    let mut statement = Statement::of("SELECT ");
    statement.push(COLUMNS).push(" FROM changes c WHERE ");
    statement
}

/// The changes of an item that the caller may read, newest first.
pub(super) fn history(
    shared: &Shared,
    access: &Access,
    id: Uuid,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<ChangeRecord>> {
    let mut reader = shared.pool.take()?;
    let connection = reader.get()?;
    let item = read_item(connection, access, id)?;
    let Some(item) = item.filter(|item| access.allows(item, Permission::Read)) else { return Ok(Vec::new()) };
    let mut statement = selection();
    statement.push("c.item = ").bind(id.into()).push(" AND c.org = ").bind(item.org.into());
    // An item that had this id before, and was deleted, is another one.
    statement.push(
        " AND c.seq >= coalesce((SELECT max(b.seq) FROM changes b WHERE b.kind = 'create' AND b.version = 1 AND b.item = ",
    );
    statement.bind(id.into()).push(" AND b.org = ").bind(item.org.into()).push("), 0)");
    if let Some(before) = before {
        statement.push(" AND c.version < ").bind(before.into());
    }
    statement.push(" ORDER BY c.version DESC, c.seq DESC");
    read(connection, &statement, limit)
}

/// The changes of an org behind a revision, in order.
pub(super) fn since(shared: &Shared, org: Uuid, since: i64, limit: usize) -> Result<Vec<ChangeRecord>> {
    let mut statement = selection();
    statement.push("c.org = ").bind(org.into()).push(" AND c.revision > ").bind(since.into());
    statement.push(" ORDER BY c.revision");
    let mut reader = shared.pool.take()?;
    read(reader.get()?, &statement, limit)
}

/// The changes of an org within a span of revisions, newest first.
pub(super) fn within(
    shared: &Shared,
    org: Uuid,
    span: &Range<i64>,
    filter: &ChangeFilter,
    limit: usize,
) -> Result<Vec<ChangeRecord>> {
    let mut statement = selection();
    changes::push_within(&mut statement, org, span, filter);
    let mut reader = shared.pool.take()?;
    read(reader.get()?, &statement, limit)
}

/// Rows come along an index, so stopping early is as good as a limit: where there are enough, or no more fit into one
/// answer.
fn read(
    connection: &mut super::connection::Connection,
    statement: &Statement,
    limit: usize,
) -> Result<Vec<ChangeRecord>> {
    let mut records = Vec::new();
    if limit == 0 {
        return Ok(records);
    }
    let mut budget = Budget::default();
    connection.each(statement, |row| {
        let record = record(row)?;
        let has_room = budget.admits(record.size());
        if has_room {
            records.push(record);
        }
        let is_full = !has_room || records.len() >= limit;
        Ok(if is_full { std::ops::ControlFlow::Break(()) } else { std::ops::ControlFlow::Continue(()) })
    })?;
    Ok(records)
}

/// The change of a row of [`COLUMNS`].
pub(super) fn record(row: &Columns<'_, '_>) -> Result<ChangeRecord> {
    let kind = row.text(4, ChangeKind::parse)?.flatten();
    Ok(ChangeRecord {
        revision: row.integer(0)?,
        org: row.id(1)?,
        item_id: row.id(2)?,
        type_id: row.id(3)?,
        kind: kind.ok_or_else(|| Error::internal("a stored kind of change is not known"))?,
        version: row.integer(5)?,
        before: parsed(row, 9)?,
        after: parsed(row, 10)?,
        actor: row.optional_id(6)?,
        at: Timestamp::from_micros(row.integer(7)?),
        request_id: row.text(8, |text| Arc::from(text))?.unwrap_or_else(|| Arc::from("")),
        origin: parsed(row, 11)?,
        passed_down: parsed(row, 12)?,
    })
}
