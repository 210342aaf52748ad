//! Kept replies and source records.

use realnet_core::change::{IdempotencyKey, SourceKind, SourceRecord, StoredReply};
use realnet_core::{Error, Result, Uuid};

use super::SqliteTransaction;
use crate::sqlite::row::json;
use crate::statement::Statement;

impl SqliteTransaction<'_> {
    /// Keeps a reply; one under the same key counts only from `not_before` on.
    pub(super) fn write_reply(&mut self, key: &IdempotencyKey, reply: &StoredReply) -> Result<()> {
        let mut statement = Statement::of("DELETE FROM replies WHERE created_at < ");
        statement.bind(key.not_before.as_micros().into());
        self.connection.run(&statement)?;
        let mut statement =
            Statement::of("INSERT INTO replies (account, scope, key, body_hash, reply, created_at) VALUES (");
        statement.bind(key.account.unwrap_or(Uuid::nil()).into()).push(", ");
        statement.bind(key.scope.as_str().into()).push(", ").bind(key.key.as_str().into()).push(", ");
        statement.bind(reply.body_hash.clone().into()).push(", ").bind(reply.reply.clone().into());
        statement.push(", ").bind(reply.created_at.as_micros().into()).push(") ON CONFLICT DO NOTHING");
        if self.connection.run(&statement)? == 0 {
            return Err(Error::conflict("this idempotency key was used by a request that is just done"));
        }
        Ok(())
    }

    /// Keeps or forgets what was applied from a source.
    pub(super) fn write_source(&mut self, source: &SourceRecord, remove: bool) -> Result<()> {
        let org = source.org.unwrap_or(Uuid::nil());
        let kind = kind_name(source.kind);
        if remove {
            let mut statement = Statement::of("DELETE FROM sources WHERE org = ");
            statement.bind(org.into()).push(" AND kind = ").bind(kind.into());
            statement.push(" AND object = ").bind(source.object.into());
            return self.connection.run(&statement).map(drop);
        }
        let mut statement =
            Statement::of("INSERT INTO sources (org, kind, object, source, applied) VALUES (");
        statement.bind(org.into()).push(", ").bind(kind.into()).push(", ").bind(source.object.into());
        statement.push(", ").bind(source.source.as_str().into()).push(", ");
        statement.bind(json(&source.applied)?.into());
        statement.push(
            ") ON CONFLICT (org, kind, object) DO UPDATE SET source = excluded.source, applied = excluded.applied",
        );
        self.connection.run(&statement).map(drop)
    }
}

/// How a kind of source stands in its column.
pub(in crate::sqlite) fn kind_name(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Type => "type",
        SourceKind::Item => "item",
    }
}
