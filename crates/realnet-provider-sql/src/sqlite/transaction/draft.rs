//! A change set worked out before the writer is asked: the commit engine runs on a draft, which reads like anybody else and
//! only notes what is to be written.
//!
//! The writer takes a draft over when nothing that it has read has changed since; else, and whenever a draft can not be
//! made, it runs the engine itself. So the one writing thread is left with little more than ready statements, and both
//! ways are the same rules.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt as _;
use realnet_core::change::{
    self, ChangeRecord, ChangeSet, IdempotencyKey, Outcome, SourceRecord, StoredReply,
};
use realnet_core::clock::Timestamp;
use realnet_core::model::{Item, TypeDefinition};
use realnet_core::provider::{Access, ChildrenOf, Part, Reference, Transaction};
use realnet_core::registry::{FieldRef, TypeGrants, TypeRegistry};
use realnet_core::{Error, ErrorKind, Result, Uuid};

use super::SqliteTransaction;
use super::item_write::ItemWrite;
use super::log::ChangeRow;
use super::read::item_and_seq;
use crate::sqlite::pool::Reader;
use crate::sqlite::shared::Shared;

/// A change set that is ready to be written.
pub(in crate::sqlite) struct Draft {
    /// The last commit that its reads have surely seen.
    as_of: u64,
    /// The items that it has looked at, whether they were there or not.
    reads: Vec<Uuid>,
    writes: Vec<Write>,
    /// Why the change set is refused, when it is for what was read.
    refusal: Option<Error>,
    /// Whether it is refused whatever may have been written since.
    is_final: bool,
}

/// Something to write.
enum Write {
    New(ItemWrite),
    /// With the number of the row.
    Changed(ItemWrite, i64),
    Log(ChangeRow),
    Password(Uuid, String),
    Epoch(Uuid),
    Source(Box<SourceRecord>, bool),
    Reply(IdempotencyKey, StoredReply),
}

/// A draft in the making.
struct Drafting<'a> {
    shared: &'a Shared,
    /// Taken when first needed: a plain create reads nothing.
    reader: Option<Reader<'a>>,
    registry: Arc<TypeRegistry>,
    draft: Draft,
    /// The numbers of the rows that were read.
    seqs: HashMap<Uuid, i64>,
    /// What was written, in sets that may look at it again.
    written: Option<HashMap<Uuid, Item>>,
    /// Whether something was asked that only the writer can tell.
    is_beyond: bool,
}

impl Draft {
    /// Works a change set out, with what comes of it; that is nothing when it is refused for what was read. There is no
    /// draft when anything else is in the way: the writer then meets the same, and says so.
    pub(in crate::sqlite) fn make(
        shared: &Shared,
        access: &Access,
        changes: &ChangeSet,
    ) -> Option<(Self, Option<Vec<Outcome>>)> {
        if changes.next_registry.is_some() {
            return None;
        }
        let mut drafting = Drafting {
            shared,
            reader: None,
            registry: Arc::clone(&access.registry),
            draft: Self {
                as_of: shared.version(),
                reads: Vec::new(),
                writes: Vec::new(),
                refusal: None,
                is_final: false,
            },
            seqs: HashMap::new(),
            written: (changes.operations.len() > 1).then(HashMap::new),
            is_beyond: false,
        };
        let applied =
            catch_unwind(AssertUnwindSafe(|| change::apply(&mut drafting, access, changes).now_or_never()));
        let outcomes = match applied.ok()?? {
            Ok(outcomes) => Some(outcomes),
            // The one writing thread is not kept busy by what has no room.
            Err(error) if changes.room.as_ref().is_some_and(|room| room.was_refused()) => {
                drafting.draft.refusal = Some(error);
                drafting.draft.is_final = true;
                None
            }
            // Behind a write the writer may find another reason, which comes first.
            Err(error) if drafting.draft.writes.is_empty() && !drafting.is_beyond && is_refusal(&error) => {
                drafting.draft.refusal = Some(error);
                None
            }
            Err(_) => return None,
        };
        Some((drafting.draft, outcomes))
    }

    /// The refusal, if what was read is still so and the writer need not be asked: no commit has come or begun since, or
    /// it does not depend on what was read.
    pub(in crate::sqlite) fn take_refusal(&mut self, shared: &Shared, access: &Access) -> Option<Error> {
        let same_types = *shared.type_revision.borrow() == access.registry.revision();
        self.refusal.take_if(|_| self.is_final || same_types && shared.settled_version() == Some(self.as_of))
    }
}

/// Whether a change set fails by the rules, and not by the store.
fn is_refusal(error: &Error) -> bool {
    !error.is_retryable() && error.kind() != ErrorKind::Internal
}

impl SqliteTransaction<'_> {
    /// Applies a change set: writes its draft, if what that was made of is still so, and else runs the engine. Answers
    /// nothing when what has been foreseen has come.
    pub(in crate::sqlite) fn commit(
        &mut self,
        access: &Access,
        changes: &ChangeSet,
        draft: &mut Option<Draft>,
    ) -> Result<Option<Vec<Outcome>>> {
        if let Some(mut current) = draft.take_if(|draft| self.is_current(draft, access)) {
            // Given once: if the group has to be done again, the engine is asked.
            if let Some(refusal) = current.refusal.take() {
                return Err(refusal);
            }
            match self.write_draft(&current) {
                Ok(()) => {
                    // Kept, in case that the group has to be done again.
                    *draft = Some(current);
                    return Ok(None);
                }
                // The engine is asked again what is wrong: at once, or when what was written is taken back.
                Err(error) if self.connection.marks().is_any() => return Err(error),
                Err(_) => {}
            }
        }
        self.apply(access, changes).map(Some)
    }

    fn is_current(&self, draft: &Draft, access: &Access) -> bool {
        access.registry.revision() == self.counters.type_revision
            && self.counters.unchanged_since(draft.as_of, &draft.reads)
    }

    fn write_draft(&mut self, draft: &Draft) -> Result<()> {
        draft.writes.iter().try_for_each(|write| match write {
            Write::New(write) => self.write_new(write),
            Write::Changed(write, seq) => self.write_item(write, *seq),
            Write::Log(row) => self.append_row(row),
            Write::Password(account, hash) => self.write_credential(*account, Some(hash)),
            Write::Epoch(account) => self.write_credential(*account, None),
            Write::Source(source, remove) => self.write_source(source, *remove),
            Write::Reply(key, reply) => self.write_reply(key, reply),
        })
    }
}

impl Drafting<'_> {
    fn find(&mut self, id: Uuid) -> Result<Option<Item>> {
        if let Some(item) = self.written.as_ref().and_then(|written| written.get(&id)) {
            return Ok(Some(item.clone()));
        }
        let mut reader = match self.reader.take() {
            Some(reader) => reader,
            None => self.shared.pool.take()?,
        };
        self.draft.reads.push(id);
        let found = item_and_seq(reader.get()?, &self.registry, id)?;
        self.reader = Some(reader);
        Ok(found.map(|(item, seq)| {
            self.seqs.insert(id, seq);
            item
        }))
    }

    /// What only the writer can do: it depends on more than the items that are looked at.
    fn beyond<T>(&mut self) -> Result<T> {
        self.is_beyond = true;
        Err(Error::internal("a draft can not tell"))
    }

    fn note(&mut self, write: Write) {
        self.draft.writes.push(write);
    }
}

#[async_trait]
impl Transaction for Drafting<'_> {
    async fn items(&mut self, ids: &[Uuid]) -> Result<Vec<Item>> {
        ids.iter().filter_map(|id| self.find(*id).transpose()).collect()
    }

    async fn put_item(&mut self, registry: &TypeRegistry, before: Option<&Item>, after: &Item) -> Result<()> {
        match (before, self.seqs.get(&after.id)) {
            (None, _) => self.note(Write::New(ItemWrite::insert(registry, after)?)),
            (Some(before), Some(seq)) => {
                let seq = *seq;
                self.note(Write::Changed(ItemWrite::update(registry, before, after)?, seq));
            }
            // It was created in the same set.
            (Some(_), None) => return self.beyond(),
        }
        if let Some(written) = &mut self.written {
            written.insert(after.id, after.clone());
        }
        Ok(())
    }

    async fn append(&mut self, record: ChangeRecord) -> Result<()> {
        self.note(Write::Log(ChangeRow::of(&record)?));
        Ok(())
    }

    async fn put_password(&mut self, account: Uuid, password_hash: &str) -> Result<()> {
        self.note(Write::Password(account, password_hash.to_owned()));
        Ok(())
    }

    async fn raise_epoch(&mut self, account: Uuid) -> Result<()> {
        self.note(Write::Epoch(account));
        Ok(())
    }

    async fn put_source(&mut self, source: &SourceRecord, remove: bool) -> Result<()> {
        self.note(Write::Source(Box::new(source.clone()), remove));
        Ok(())
    }

    async fn put_reply(&mut self, key: &IdempotencyKey, reply: &StoredReply) -> Result<()> {
        self.note(Write::Reply(key.clone(), reply.clone()));
        Ok(())
    }

    async fn children(&mut self, _: ChildrenOf<'_>, _: usize) -> Result<Part> {
        self.beyond()
    }

    async fn heirs(&mut self, _: &[Uuid], _: Option<&Item>, _: usize) -> Result<Part> {
        self.beyond()
    }

    async fn ancestors(&mut self, _: Uuid, _: usize) -> Result<Vec<Uuid>> {
        self.beyond()
    }

    async fn height(&mut self, _: Uuid, _: usize) -> Result<usize> {
        self.beyond()
    }

    async fn referrers(&mut self, _: &FieldRef, _: Uuid, _: &[Uuid], _: usize) -> Result<Vec<Reference>> {
        self.beyond()
    }

    async fn remove_items(&mut self, _: &[Item]) -> Result<()> {
        self.beyond()
    }

    async fn type_revision(&mut self) -> Result<i64> {
        self.beyond()
    }

    async fn put_type(&mut self, _: &TypeDefinition) -> Result<()> {
        self.beyond()
    }

    async fn remove_type(&mut self, _: Uuid) -> Result<()> {
        self.beyond()
    }

    async fn has_items(&mut self, _: Uuid) -> Result<bool> {
        self.beyond()
    }

    async fn put_type_grants(&mut self, _: &TypeGrants, _: bool) -> Result<()> {
        self.beyond()
    }

    async fn reindex(&mut self, _: &TypeRegistry, _: &FieldRef, _: &[Uuid]) -> Result<()> {
        self.beyond()
    }

    async fn begin_index(&mut self, _: &FieldRef, _: &[Uuid]) -> Result<bool> {
        self.beyond()
    }

    async fn extend_index(&mut self, _: &TypeRegistry, _: &FieldRef, _: &[Uuid], _: usize) -> Result<bool> {
        self.beyond()
    }

    async fn reindex_words(&mut self, _: &TypeRegistry, _: &[Uuid]) -> Result<()> {
        self.beyond()
    }

    async fn written_since(&mut self, _: &[Uuid], _: Timestamp, _: Uuid, _: usize) -> Result<Vec<Item>> {
        self.beyond()
    }
}
