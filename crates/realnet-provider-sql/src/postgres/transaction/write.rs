//! The transaction as the core's trait: reads go to [`super::read`], writes are noted until the flush.

use async_trait::async_trait;
use realnet_core::change::{ChangeRecord, IdempotencyKey, SourceKind, SourceRecord, StoredReply};
use realnet_core::clock::Timestamp;
use realnet_core::model::{Item, TypeDefinition};
use realnet_core::provider::{ChildrenOf, Part, Reference, Transaction};
use realnet_core::registry::{FieldRef, TypeGrants, TypeRegistry};
use realnet_core::{Error, Result};
use uuid::Uuid;

use super::super::error::to_error;
use super::super::locks;
use super::super::row::to_json;
use super::super::run::Reader;
use super::slot::Lock;
use super::{PgTransaction, ids, read};
use crate::access::changes::{origin_text, passed_down_text};
use crate::statement::{Bind, Statement};

#[async_trait]
impl Transaction for PgTransaction {
    async fn items(&mut self, ids: &[Uuid]) -> Result<Vec<Item>> {
        self.load(ids, Lock::Update).await
    }

    async fn targets(&mut self, ids: &[Uuid]) -> Result<Vec<Item>> {
        self.load(ids, Lock::Share).await
    }

    async fn children(&mut self, of: ChildrenOf<'_>, limit: usize) -> Result<Part> {
        self.load_children(of, limit).await
    }

    async fn heirs(&mut self, types: &[Uuid], behind: Option<&Item>, limit: usize) -> Result<Part> {
        self.load_heirs(types, behind, limit).await
    }

    async fn let_go(&mut self, ids: &[Uuid]) -> Result<()> {
        self.flush().await?;
        self.slots.forget(ids);
        Ok(())
    }

    async fn ancestors(&mut self, id: Uuid, limit: usize) -> Result<Vec<Uuid>> {
        self.load_ancestors(id, limit).await
    }

    async fn height(&mut self, id: Uuid, limit: usize) -> Result<usize> {
        self.load_height(id, limit).await
    }

    async fn referrers(
        &mut self,
        field: &FieldRef,
        org: Uuid,
        targets: &[Uuid],
        limit: usize,
    ) -> Result<Vec<Reference>> {
        self.load_referrers(field, org, targets, limit).await
    }

    async fn put_item(&mut self, _: &TypeRegistry, before: Option<&Item>, after: &Item) -> Result<()> {
        match before {
            Some(before) if before.parent_id != after.parent_id => self.verify_move(after).await?,
            None if self.slots.current(after.id).is_some() => return Err(id_taken()),
            _ => {}
        }
        self.slots.put(before, after.id, Some(after.clone()));
        Ok(())
    }

    async fn remove_items(&mut self, items: &[Item]) -> Result<()> {
        for item in items {
            self.slots.put(Some(item), item.id, None);
        }
        self.chains.clear();
        Ok(())
    }

    async fn append(&mut self, record: ChangeRecord) -> Result<()> {
        let json = |item: &Option<Item>| item.as_ref().map(|item| to_json(item, "an item")).transpose();
        self.changes.push(vec![
            record.org.into(),
            record.item_id.into(),
            record.type_id.into(),
            record.kind.as_str().into(),
            record.version.into(),
            json(&record.before)?.into(),
            json(&record.after)?.into(),
            record.actor.into(),
            record.at.as_micros().into(),
            (&*record.request_id).into(),
            origin_text(&record)?.into(),
            passed_down_text(&record)?.into(),
        ]);
        Ok(())
    }

    async fn type_revision(&mut self) -> Result<i64> {
        let lock = Statement::of(format!("SELECT pg_advisory_xact_lock({})::text", locks::TYPES));
        let revision = Statement::of("SELECT revision FROM type_revision");
        let mut results = self.writer.pipeline(vec![lock, revision]).await?;
        self.types_locked = true;
        self.types_checked = true;
        let rows = results.pop().unwrap_or_default();
        let row = rows.first().ok_or_else(|| Error::internal("the type revision is missing"))?;
        Reader::new(row).next().map_err(to_error)
    }

    async fn put_type(&mut self, definition: &TypeDefinition) -> Result<()> {
        self.change_types().await?;
        let mut statement = Statement::of("INSERT INTO types (id, definition) VALUES (");
        statement.bind(definition.id.into()).push(", ").bind(to_json(definition, "a type")?.into());
        statement.push(") ON CONFLICT (id) DO UPDATE SET definition = EXCLUDED.definition");
        self.others.push(statement);
        Ok(())
    }

    async fn remove_type(&mut self, id: Uuid) -> Result<()> {
        self.change_types().await?;
        for sql in ["DELETE FROM types WHERE id = ", "DELETE FROM type_grants WHERE type = "] {
            let mut statement = Statement::of(sql);
            statement.bind(id.into());
            self.others.push(statement);
        }
        Ok(())
    }

    async fn has_items(&mut self, type_id: Uuid) -> Result<bool> {
        self.flush().await?;
        // Hops along the index from org to org, and looks for the first type there that is not below the wanted one.
        let mut statement = Statement::of(
            "WITH RECURSIVE hop (org) AS ((SELECT org FROM items ORDER BY org LIMIT 1) \
             UNION ALL SELECT (SELECT n.org FROM items n WHERE n.org > hop.org ORDER BY n.org LIMIT 1) FROM hop \
             WHERE hop.org IS NOT NULL) SELECT EXISTS (SELECT 1 FROM hop WHERE (SELECT n.type FROM items n \
             WHERE n.org = hop.org AND n.type >= ",
        );
        statement.bind(type_id.into()).push(" ORDER BY n.type LIMIT 1) = ").bind(type_id.into()).push(")");
        let rows = self.writer.rows(statement).await?;
        rows.first().map_or(Ok(false), |row| Reader::new(row).next().map_err(to_error))
    }

    async fn put_type_grants(&mut self, grants: &TypeGrants, remove: bool) -> Result<()> {
        self.change_types().await?;
        let instance = grants.instance.as_deref().unwrap_or_default().to_lowercase();
        let mut statement = Statement::new();
        if remove {
            statement.push("DELETE FROM type_grants WHERE org = ").bind(grants.org.into());
            statement.push(" AND type = ").bind(grants.type_id.into());
            statement.push(" AND instance = ").bind(instance.into());
        } else {
            statement.push("INSERT INTO type_grants (org, type, instance, grants) VALUES (");
            statement.bind(grants.org.into()).push(", ").bind(grants.type_id.into()).push(", ");
            statement.bind(instance.into()).push(", ").bind(to_json(&grants.grants, "grants")?.into());
            statement.push(") ON CONFLICT (org, type, instance) DO UPDATE SET grants = EXCLUDED.grants");
        }
        self.others.push(statement);
        Ok(())
    }

    async fn reindex(&mut self, registry: &TypeRegistry, field: &FieldRef, types: &[Uuid]) -> Result<()> {
        self.rebuild_index(registry, field, types).await
    }

    async fn begin_index(&mut self, field: &FieldRef, types: &[Uuid]) -> Result<bool> {
        self.note_building(field, types).await
    }

    async fn extend_index(
        &mut self,
        registry: &TypeRegistry,
        field: &FieldRef,
        types: &[Uuid],
        limit: usize,
    ) -> Result<bool> {
        self.build_further(registry, field, types, limit).await
    }

    async fn reindex_words(&mut self, registry: &TypeRegistry, types: &[Uuid]) -> Result<()> {
        self.rebuild_words(registry, types).await
    }

    async fn written_since(
        &mut self,
        types: &[Uuid],
        since: Timestamp,
        behind: Uuid,
        limit: usize,
    ) -> Result<Vec<Item>> {
        self.load_written_since(types, since, behind, limit).await
    }

    async fn put_password(&mut self, account: Uuid, password_hash: &str) -> Result<()> {
        let mut statement =
            Statement::of("INSERT INTO credentials AS c (account, password_hash, epoch) VALUES (");
        statement.bind(account.into()).push(", ").bind(password_hash.into());
        statement.push(
            ", 1) ON CONFLICT (account) DO UPDATE SET password_hash = EXCLUDED.password_hash, epoch = c.epoch + 1",
        );
        self.others.push(statement);
        self.end_sessions(account);
        Ok(())
    }

    async fn raise_epoch(&mut self, account: Uuid) -> Result<()> {
        let mut statement = Statement::of("INSERT INTO credentials AS c (account, epoch) VALUES (");
        statement.bind(account.into()).push(", 1) ON CONFLICT (account) DO UPDATE SET epoch = c.epoch + 1");
        self.others.push(statement);
        self.end_sessions(account);
        Ok(())
    }

    async fn put_source(&mut self, source: &SourceRecord, remove: bool) -> Result<()> {
        let (org, kind) = (source.org.unwrap_or_default(), source_kind(source.kind));
        let mut statement = Statement::new();
        if remove {
            statement.push("DELETE FROM sources WHERE org = ").bind(org.into());
            statement.push(" AND kind = ").bind(kind.into());
            statement.push(" AND object = ").bind(source.object.into());
        } else {
            statement.push("INSERT INTO sources (org, kind, object, source, applied) VALUES (");
            statement.bind(org.into()).push(", ").bind(kind.into()).push(", ").bind(source.object.into());
            statement.push(", ").bind(source.source.as_str().into());
            statement.push(", ").bind(to_json(&source.applied, "a source")?.into());
            statement.push(
                ") ON CONFLICT (org, kind, object) DO UPDATE SET source = EXCLUDED.source, \
                 applied = EXCLUDED.applied",
            );
        }
        self.others.push(statement);
        Ok(())
    }

    async fn put_reply(&mut self, key: &IdempotencyKey, reply: &StoredReply) -> Result<()> {
        let mut statement = Statement::of(
            "INSERT INTO replies AS r (account, scope, key, body_hash, reply, created_at) VALUES (",
        );
        statement.bind(key.account.unwrap_or_default().into());
        statement.push(", ").bind(key.scope.as_str().into()).push(", ").bind(key.key.as_str().into());
        statement.push(", ").bind(reply.body_hash.clone().into()).push(", ").bind(reply.reply.clone().into());
        statement.push(", ").bind(reply.created_at.as_micros().into());
        statement.push(
            ") ON CONFLICT (account, scope, key) DO UPDATE SET body_hash = EXCLUDED.body_hash, \
             created_at = EXCLUDED.created_at, reply = CASE WHEN r.created_at < ",
        );
        statement.bind(key.not_before.as_micros().into());
        statement.push(" THEN EXCLUDED.reply ELSE refuse('reply') END");
        self.others.push(statement);
        Ok(())
    }
}

impl PgTransaction {
    /// Types change under one lock, which also keeps out writers who do not know of the change.
    pub(super) async fn change_types(&mut self) -> Result<()> {
        if !self.types_locked {
            self.flush().await?;
            self.type_revision().await?;
        }
        // One rise per change set, whatever it changes.
        self.raise_types = !self.writes_types || self.raise_types;
        self.writes_types = true;
        Ok(())
    }

    fn end_sessions(&mut self, account: Uuid) {
        let mut statement = Statement::of("DELETE FROM sessions WHERE account = ");
        statement.bind(account.into());
        self.others.push(statement);
    }

    /// Two moves at the same time could close a circle that neither sees: one after the other, and looked at again.
    async fn verify_move(&mut self, item: &Item) -> Result<()> {
        let Some(parent) = item.parent_id else {
            self.chains.clear();
            return Ok(());
        };
        self.flush().await?;
        self.chains.clear();
        let lock = Statement::of(format!("SELECT pg_advisory_xact_lock({})::text", locks::MOVES));
        let look = read::ancestors_of(&[parent], Item::MAX_DEPTH);
        let mut results = self.writer.pipeline(vec![lock, look]).await?;
        let rows = results.pop().unwrap_or_default();
        self.note_chains(&[parent], &rows)?;
        let circle =
            parent == item.id || self.chains.get(&parent).is_some_and(|chain| chain.contains(&item.id));
        self.chains.clear();
        if circle { Err(Error::conflict("an item can not be placed below itself")) } else { Ok(()) }
    }
}

/// The name that a kind of source is stored by.
fn source_kind(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Type => "type",
        SourceKind::Item => "item",
    }
}

/// The error for an id that is there already.
pub(super) fn id_taken() -> Error {
    Error::conflict("an item with this id exists already")
}

/// The ids of a batch as one condition, for look-ups behind a conflict.
pub(super) fn any(column: &str, wanted: &[Uuid], statement: &mut Statement) {
    statement.push(format!("{column} = ANY(")).bind(ids(wanted)).push(")");
}

/// Bytes as one bound array.
pub(super) fn bytes(values: Vec<Vec<u8>>) -> Bind {
    Bind::Array(crate::statement::Array::Bytes(values))
}
