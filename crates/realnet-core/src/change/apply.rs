//! The commit engine: applies a change set to a store's transaction. One algorithm for every store.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::{ChangeKind, ChangeRecord, ChangeSet, Operation, Outcome, PassedDown};
use crate::error::{Error, ErrorKind, Result};
use crate::model::Item;
use crate::provider::{Access, Transaction};
use crate::registry::TypeRegistry;

/// How many times the bytes of a state are in memory while it is worked on: as it was read and changed, as text for the store
/// and its log, and as an outcome.
const WEIGHT: usize = 2;

/// The state of one application: the transaction and everything that the rules look at.
pub(super) struct Engine<'a> {
    pub tx: &'a mut dyn Transaction,
    pub access: Access,
    /// The registry before the set, for what type operations changed.
    pub previous: Arc<TypeRegistry>,
    pub changes: &'a ChangeSet,
    /// Bytes of the states that were changed so far.
    pub bytes: usize,
    /// By how much the versions of items have risen because of what they inherit: of those that have to be at some version.
    pub raised: HashMap<Uuid, i64>,
}

/// Applies a change set inside `tx`, checking access, versions, references and the tree as it goes.
///
/// On error the caller must roll the transaction back; the error names the operation by index.
pub async fn apply(tx: &mut dyn Transaction, access: &Access, changes: &ChangeSet) -> Result<Vec<Outcome>> {
    if let Some(freed) = &changes.freed {
        drop(freed.take());
    }
    let registry = changes.next_registry.as_ref().unwrap_or(&access.registry);
    let mut engine = Engine {
        tx,
        access: Access { caller: Arc::clone(&access.caller), registry: Arc::clone(registry) },
        previous: Arc::clone(&access.registry),
        changes,
        bytes: 0,
        raised: changes.operations.iter().filter_map(Operation::pinned).map(|id| (id, 0)).collect(),
    };
    if let Some(trial) = &changes.trial {
        trial.begin();
    }
    if changes.next_registry.is_some() {
        engine.check_type_revision().await?;
        registry.check_change(&access.registry)?;
        engine.check_governed().await?;
    }
    let mut outcomes = Vec::with_capacity(changes.operations.len());
    for (index, operation) in changes.operations.iter().enumerate() {
        let outcome = engine.step(operation).await.map_err(|error| error.at_operation(index))?;
        outcomes.push(outcome);
    }
    if changes.next_registry.is_some() {
        engine.put_retired().await?;
        engine.reinherit_types().await?;
        engine.reindex_changed_fields().await?;
        engine.reindex_changed_words().await?;
    }
    if let Some((key, reply_of)) = &changes.reply {
        engine.tx.put_reply(key, &reply_of(&outcomes)).await?;
    }
    if let Some(trial) = &changes.trial {
        // What waits is written: only the store knows which values are taken.
        engine.tx.let_go(&[]).await?;
        return Err(trial.pass(&outcomes));
    }
    if let Some(room) = &changes.room {
        room.note_done();
    }
    Ok(outcomes)
}

impl Engine<'_> {
    async fn step(&mut self, operation: &Operation) -> Result<Outcome> {
        match operation {
            Operation::Create(item) => self.create(item).await,
            Operation::Update { id, expected_version, edit } => {
                self.update(*id, *expected_version, edit).await
            }
            Operation::Reseal { id, edit } => self.reseal(*id, edit).await,
            Operation::Delete { id, expected_version, guard } => {
                self.delete(*id, *expected_version, guard.as_ref()).await
            }
            Operation::SetGrants { id, expected_version, grants } => {
                self.set_grants(*id, *expected_version, grants).await
            }
            Operation::PutType(definition) => self.put_type(definition).await,
            Operation::RemoveType(id) => self.remove_type(*id).await,
            Operation::Recheck { types, since, guard } => self.recheck(types, *since, guard).await,
            Operation::SetTypeGrants { grants, remove } => self.set_type_grants(grants, *remove).await,
            Operation::SetPassword { account, password_hash } => {
                self.tx.put_password(*account, password_hash).await?;
                Ok(Outcome::Done)
            }
            Operation::EndSessions(account) => {
                self.tx.raise_epoch(*account).await?;
                Ok(Outcome::Done)
            }
            Operation::ExtendIndex { field, limit } => self.extend_index(field, *limit).await,
            Operation::Source { record, remove } => {
                self.tx.put_source(record, *remove).await?;
                Ok(Outcome::Done)
            }
        }
    }

    pub(super) async fn load(&mut self, id: Uuid) -> Result<Option<Item>> {
        Ok(self.tx.items(&[id]).await?.pop())
    }

    fn too_large(&self) -> Error {
        let most = self.changes.max_bytes / 1024 / 1024;
        let message =
            format!("the changes take more than {most} MiB together: make them in several requests");
        Error::new(ErrorKind::TooLarge, message)
    }

    /// Counts states that are held until the commit.
    pub(super) fn count<'i>(&mut self, states: impl IntoIterator<Item = &'i Item>) -> Result<()> {
        self.bytes += states.into_iter().map(Item::size).sum::<usize>();
        if self.bytes > self.changes.max_bytes {
            return Err(self.too_large());
        }
        self.hold(0)
    }

    /// Sees that there is room for what is at hand for a moment, beside the states that are held until the commit.
    pub(super) fn hold(&self, bytes: usize) -> Result<()> {
        self.changes.room.as_ref().map_or(Ok(()), |room| room.reach(WEIGHT * (self.bytes + bytes)))
    }

    pub(super) async fn log(
        &mut self,
        kind: ChangeKind,
        before: Option<Item>,
        after: Option<Item>,
    ) -> Result<()> {
        self.count(before.iter().chain(&after))?;
        self.append(kind, before, after).await
    }

    /// As [`Self::log`], of states that are counted already.
    pub(super) async fn append(
        &mut self,
        kind: ChangeKind,
        before: Option<Item>,
        after: Option<Item>,
    ) -> Result<()> {
        let Some(item) = after.as_ref().or(before.as_ref()) else {
            return Err(Error::internal("a change without an item"));
        };
        let named = before.as_ref().and_then(|item| item.content);
        if let (Some(content), Some(freed)) = (named, &self.changes.freed)
            && after.as_ref().is_none_or(|item| item.content != named)
        {
            freed.note(content);
        }
        let record = self.record(kind, item);
        self.tx.append(ChangeRecord { before, after, ..record }).await
    }

    /// Logs that an item, which may be large, inherits otherwise, and that nothing else of it has changed.
    pub(super) async fn append_passed_down(&mut self, before: Item, after: Item) -> Result<()> {
        if after.version % ChangeRecord::WHOLE == 0 {
            return self.append(ChangeKind::Grant, Some(before), Some(after)).await;
        }
        let record = self.record(ChangeKind::Grant, &after);
        let passed_down = Some(PassedDown::between(before, after));
        self.tx.append(ChangeRecord { passed_down, ..record }).await
    }

    /// A record without states.
    fn record(&self, kind: ChangeKind, item: &Item) -> ChangeRecord {
        ChangeRecord {
            revision: 0,
            org: item.org,
            item_id: item.id,
            type_id: item.type_id,
            kind,
            // A deletion is a change as well: it takes the version after the last one.
            version: item.version + i64::from(kind == ChangeKind::Delete),
            actor: self.access.caller.account,
            at: self.changes.now,
            request_id: Arc::clone(&self.changes.request_id),
            origin: self.changes.origin.clone(),
            before: None,
            after: None,
            passed_down: None,
        }
    }
}
