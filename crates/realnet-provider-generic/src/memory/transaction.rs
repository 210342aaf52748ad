//! The transaction that the core's commit engine drives: changes are made at once and taken back on failure.

use std::collections::HashSet;
use std::ops::Bound;
use std::sync::Arc;

use async_trait::async_trait;
use realnet_core::Uuid;
use realnet_core::change::{ChangeRecord, IdempotencyKey, SourceRecord, StoredReply};
use realnet_core::clock::Timestamp;
use realnet_core::error::{Error, Result};
use realnet_core::index::{entries, id_of_key};
use realnet_core::model::{Item, TypeDefinition};
use realnet_core::provider::{ChildrenOf, Part, Reference, Transaction};
use realnet_core::registry::{FieldRef, TypeGrants, TypeRegistry};

use super::effects::Touch;
use super::state::{State, reply_key};
use super::undo::{UndoLog, set, set_ordered};

/// One commit on the locked state. Dropped without [`Self::keep`], on an error or while a panic of an edit unwinds,
/// it takes everything back.
pub(super) struct MemoryTransaction<'a> {
    pub(super) state: &'a mut State,
    pub(super) log: UndoLog,
    /// Whether the type revision has risen already.
    pub(super) types_changed: bool,
}

impl Drop for MemoryTransaction<'_> {
    fn drop(&mut self) {
        std::mem::take(&mut self.log).roll_back(self.state);
    }
}

impl<'a> MemoryTransaction<'a> {
    pub(super) fn begin(state: &'a mut State) -> Self {
        Self { state, log: UndoLog::default(), types_changed: false }
    }

    /// Ends the transaction and leaves what it did; answers how it can be taken back all the same.
    pub(super) fn keep(mut self) -> UndoLog {
        std::mem::take(&mut self.log)
    }

    /// The revision of types as it is now.
    pub(super) fn present_type_revision(&self) -> i64 {
        self.state.type_revision
    }
}

#[async_trait]
impl Transaction for MemoryTransaction<'_> {
    async fn items(&mut self, ids: &[Uuid]) -> Result<Vec<Item>> {
        let ids: HashSet<&Uuid> = ids.iter().collect();
        Ok(ids.into_iter().filter_map(|id| self.state.items.get(id).cloned()).collect())
    }

    async fn children(&mut self, of: ChildrenOf<'_>, limit: usize) -> Result<Part> {
        let ids = of.parents.iter().enumerate().flat_map(|(index, parent)| {
            let behind = if index == 0 { Bound::Excluded(of.behind) } else { Bound::Unbounded };
            self.state
                .children
                .get(parent)
                .into_iter()
                .flat_map(move |below| below.range((behind, Bound::Unbounded)))
        });
        let children = ids.filter_map(|id| self.state.items.get(id));
        Ok(part(children.filter(|child| of.types.is_none_or(|types| types.contains(&child.type_id))), limit))
    }

    async fn heirs(&mut self, types: &[Uuid], behind: Option<&Item>, limit: usize) -> Result<Part> {
        let has_grants = |item: &Item| !item.grants.is_empty() || !item.inherited.is_empty();
        let is_heir = |item: &&Item| {
            let parent = item.parent_id.and_then(|id| self.state.items.get(&id));
            types.contains(&item.type_id)
                && parent.is_some_and(|parent| has_grants(parent) || has_grants(item))
        };
        let begin = behind.map_or(Bound::Unbounded, |item| Bound::Excluded(item.id));
        let items = self.state.items.range((begin, Bound::Unbounded)).map(|(_, item)| item);
        Ok(part(items.filter(is_heir), limit))
    }

    async fn ancestors(&mut self, id: Uuid, limit: usize) -> Result<Vec<Uuid>> {
        Ok(self.state.ancestors(id, limit))
    }

    async fn height(&mut self, id: Uuid, limit: usize) -> Result<usize> {
        let mut level = vec![id];
        for height in 0..limit {
            let children = level.iter().filter_map(|parent| self.state.children.get(parent));
            level = children.flatten().copied().collect();
            if level.is_empty() {
                return Ok(height);
            }
        }
        Ok(limit)
    }

    async fn referrers(
        &mut self,
        field: &FieldRef,
        org: Uuid,
        targets: &[Uuid],
        limit: usize,
    ) -> Result<Vec<Reference>> {
        let targets: HashSet<&Uuid> = targets.iter().collect();
        let mut found = Vec::new();
        for ((_, _, value), ids) in
            self.state.by_key.iter().filter(|((key, of, _), _)| key == field && *of == org)
        {
            if !id_of_key(value).is_some_and(|id| targets.contains(&id)) {
                continue;
            }
            let items = ids.iter().filter_map(|id| self.state.items.get(id));
            let room = limit - found.len();
            found.extend(items.take(room).map(|item| Reference { item: item.id, size: item.size() }));
        }
        Ok(found)
    }

    async fn put_item(&mut self, registry: &TypeRegistry, before: Option<&Item>, after: &Item) -> Result<()> {
        if before.is_none() && self.state.items.contains_key(&after.id) {
            return Err(Error::conflict(format!("there is an item {} already", after.id)));
        }
        self.set_keys(after.id, after.org, Some(entries(registry, after)?.keys))?;
        self.set_content(after.id, after.content)?;
        self.set_child(before.and_then(|before| before.parent_id), after.id, false);
        self.set_child(after.parent_id, after.id, true);
        self.set_item(after.id, Arc::clone(&after.type_name), Some(after.clone()));
        Ok(())
    }

    async fn remove_items(&mut self, items: &[Item]) -> Result<()> {
        for item in items {
            self.set_keys(item.id, item.org, None)?;
            self.set_content(item.id, None)?;
            self.set_child(item.parent_id, item.id, false);
            self.set_item(item.id, Arc::clone(&item.type_name), None);
            if self.state.credentials.contains_key(&item.id) {
                self.put_credential(item.id, None);
            }
            let sessions = self.state.sessions.values().filter(|session| session.account == item.id);
            for session in sessions.map(|session| session.id).collect::<Vec<_>>() {
                self.set_session(session, None);
            }
            let records = self.state.records.iter().filter(|(_, record)| record.account == Some(item.id));
            for key in records.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
                self.set_record(key, None);
            }
        }
        Ok(())
    }

    async fn append(&mut self, mut record: ChangeRecord) -> Result<()> {
        let org = record.org;
        let changes = self.state.changes.entry(org).or_default();
        record.revision = changes.len() as i64 + 1;
        self.log.touch(Touch::Change(org, record.revision));
        changes.push(record);
        self.log.push(move |state| {
            state.changes.get_mut(&org).and_then(Vec::pop);
        });
        Ok(())
    }

    async fn type_revision(&mut self) -> Result<i64> {
        Ok(self.state.type_revision)
    }

    async fn put_type(&mut self, definition: &TypeDefinition) -> Result<()> {
        let id = definition.id;
        self.touch_type(id);
        self.log.touch(Touch::Type(id, definition.org, definition.name.clone()));
        set_ordered(self.state, &mut self.log, |state| &mut state.types, id, Some(definition.clone()));
        self.raise_type_revision();
        Ok(())
    }

    async fn remove_type(&mut self, id: Uuid) -> Result<()> {
        self.touch_type(id);
        set_ordered(self.state, &mut self.log, |state| &mut state.types, id, None);
        let others = self.state.type_grants.iter().filter(|grants| grants.type_id != id).cloned();
        let others = others.collect();
        self.set_type_grants(others);
        self.raise_type_revision();
        Ok(())
    }

    async fn has_items(&mut self, type_id: Uuid) -> Result<bool> {
        Ok(self.state.items.values().any(|item| item.type_id == type_id))
    }

    async fn put_type_grants(&mut self, grants: &TypeGrants, remove: bool) -> Result<()> {
        let same_instance = |other: &Option<String>| match (other, &grants.instance) {
            (Some(other), Some(name)) => other.eq_ignore_ascii_case(name),
            (other, name) => other == name,
        };
        let is_same = |other: &&TypeGrants| {
            other.org == grants.org && other.type_id == grants.type_id && same_instance(&other.instance)
        };
        let mut all: Vec<TypeGrants> =
            self.state.type_grants.iter().filter(|other| !is_same(other)).cloned().collect();
        if !remove {
            all.push(grants.clone());
        }
        self.set_type_grants(all);
        self.raise_type_revision();
        Ok(())
    }

    async fn reindex(&mut self, registry: &TypeRegistry, _field: &FieldRef, types: &[Uuid]) -> Result<()> {
        let concerned = self.state.items.values().filter(|item| types.contains(&item.type_id));
        let concerned: Vec<Item> = concerned.cloned().collect();
        // Old entries go first, so that a value may move from one item to another.
        for item in &concerned {
            self.set_keys(item.id, item.org, None)?;
        }
        for item in &concerned {
            self.set_keys(item.id, item.org, Some(entries(registry, item)?.keys))?;
        }
        Ok(())
    }

    async fn reindex_words(&mut self, _registry: &TypeRegistry, _types: &[Uuid]) -> Result<()> {
        // Words are made when they are searched.
        Ok(())
    }

    async fn written_since(
        &mut self,
        types: &[Uuid],
        since: Timestamp,
        behind: Uuid,
        limit: usize,
    ) -> Result<Vec<Item>> {
        let behind = self.state.items.range((Bound::Excluded(behind), Bound::Unbounded));
        let found = behind
            .map(|(_, item)| item)
            .filter(|item| types.contains(&item.type_id) && item.updated_at >= since);
        Ok(found.take(limit).cloned().collect())
    }

    async fn put_password(&mut self, account: Uuid, password_hash: &str) -> Result<()> {
        self.set_credential(account, Some(password_hash));
        Ok(())
    }

    async fn raise_epoch(&mut self, account: Uuid) -> Result<()> {
        self.set_credential(account, None);
        Ok(())
    }

    async fn put_source(&mut self, source: &SourceRecord, remove: bool) -> Result<()> {
        let key = (source.org, source.kind, source.object);
        let value = (!remove).then(|| source.clone());
        self.log.touch(Touch::Source(key));
        set(self.state, &mut self.log, |state| &mut state.sources, key, value);
        Ok(())
    }

    async fn put_reply(&mut self, key: &IdempotencyKey, reply: &StoredReply) -> Result<()> {
        let name = reply_key(key);
        if self.state.replies.get(&name).is_some_and(|kept| kept.created_at >= key.not_before) {
            return Err(Error::conflict("this idempotency key was used by a request that is just done"));
        }
        for old in self.state.old_replies(key.not_before) {
            self.set_reply(old, None);
        }
        self.set_reply(name, Some(reply.clone()));
        Ok(())
    }
}

/// The first items, so many that they are no burden together.
fn part<'i>(items: impl Iterator<Item = &'i Item> + Clone, limit: usize) -> Part {
    let fitting = Part::fitting(items.clone().take(limit).map(Item::size));
    let has_more = items.clone().nth(fitting).is_some();
    Part { items: items.take(fitting).cloned().collect(), has_more }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Effect;

    fn key(number: usize) -> IdempotencyKey {
        let not_before = Timestamp::from_micros(10);
        IdempotencyKey { account: None, scope: "POST /x".to_owned(), key: number.to_string(), not_before }
    }

    #[tokio::test]
    async fn replies_that_are_forgotten_are_forgotten_by_whoever_keeps_them() {
        let reply = |at| StoredReply {
            body_hash: Vec::new(),
            reply: vec![1],
            created_at: Timestamp::from_micros(at),
        };
        let mut state = State::default();
        for number in 0..1002 {
            // One of them is not old.
            state.replies.insert(reply_key(&key(number)), reply(if number == 5 { 11 } else { 9 }));
        }
        for is_kept in [false, true] {
            let mut transaction = MemoryTransaction::begin(&mut state);
            transaction.put_reply(&key(7), &reply(20)).await.unwrap();
            if !is_kept {
                drop(transaction);
                assert_eq!(state.replies.len(), 1002, "what fails forgets nothing");
                state.replies_left = 0;
                continue;
            }
            let mut log = transaction.keep();
            assert_eq!(state.replies.len(), 2);
            let effects = log.effects(&state);
            let gone = effects.iter().filter(|effect| matches!(effect, Effect::Gone(Touch::Reply(_))));
            assert_eq!((effects.len(), gone.count()), (1001, 1000));
        }
    }
}
