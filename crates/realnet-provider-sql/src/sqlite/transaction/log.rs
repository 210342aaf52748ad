//! The change log: its rows are ready but for the revision, which the writer gives.

use realnet_core::change::ChangeRecord;
use realnet_core::{Result, Uuid};

use super::SqliteTransaction;
use crate::access::changes::{origin_text, passed_down_text};
use crate::sqlite::row::json;
use crate::statement::{Bind, Statement};

/// A row of the log.
pub(in crate::sqlite) struct ChangeRow {
    org: Uuid,
    statement: Statement,
}

impl ChangeRow {
    pub(super) fn of(record: &ChangeRecord) -> Result<Self> {
        let mut statement = Statement::of(
            "INSERT INTO changes (org, revision, item, type, kind, version, before, after, actor, at, request, origin, \
             passed_down) VALUES (",
        );
        statement.bind(record.org.into());
        let values: [Bind; 12] = [
            Bind::Late(0),
            record.item_id.into(),
            record.type_id.into(),
            record.kind.as_str().into(),
            record.version.into(),
            record.before.as_ref().map(json).transpose()?.into(),
            record.after.as_ref().map(json).transpose()?.into(),
            record.actor.into(),
            record.at.as_micros().into(),
            (&*record.request_id).into(),
            origin_text(record)?.into(),
            passed_down_text(record)?.into(),
        ];
        for value in values {
            statement.push(", ").bind(value);
        }
        statement.push(")");
        Ok(Self { org: record.org, statement })
    }
}

impl SqliteTransaction<'_> {
    /// Appends a row under the next revision of its org. There is one writer, so revisions are in commit order.
    pub(super) fn append_row(&mut self, row: &ChangeRow) -> Result<()> {
        let last = match self.changes.revisions.get(&row.org) {
            Some(revision) => *revision,
            None => self.counters.revision(self.connection, row.org)?,
        };
        let revision = last + 1;
        self.changes.revisions.insert(row.org, revision);
        self.connection.run_with(&row.statement, &[revision]).map(drop)
    }
}
