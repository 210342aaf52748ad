//! A store of items behind which secrets are sealed: what is written goes through here, whoever writes it.

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use super::{Secrets, fields};
use crate::change::{
    ChangeFilter, ChangeRecord, ChangeSet, Edit, IdempotencyKey, Operation, Outcome, StoredReply,
};
use crate::error::Result;
use crate::model::Item;
use crate::provider::{Access, Capabilities, ItemProvider, Page};
use crate::query::aggregate::GroupRow;
use crate::query::{Aggregate, Query};
use crate::registry::TypeRegistry;

/// What a method of the trait gives that waits.
type Answer<'f, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'f>>;

/// Seals the secret fields of all that is written, behind validation and before the store. What is read is as stored:
/// sealed. [`Secrets::open`] opens it.
pub struct SealedItems {
    store: Arc<dyn ItemProvider>,
    secrets: Secrets,
}

impl SealedItems {
    /// Puts sealing before a store.
    pub fn new(store: Arc<dyn ItemProvider>, secrets: Secrets) -> Self {
        Self { store, secrets }
    }

    fn sealed(&self, registry: &Arc<TypeRegistry>, operation: Operation) -> Result<Operation> {
        Ok(match operation {
            Operation::Create(item) => match registry.by_id(item.type_id) {
                Some(info) if info.secret_names().next().is_some() => {
                    Operation::Create(Box::new(fields::seal_new(self.secrets.keyring(), info, *item)?))
                }
                _ => Operation::Create(item),
            },
            Operation::Update { id, expected_version, edit } => {
                Operation::Update { id, expected_version, edit: self.sealing(registry, edit) }
            }
            other => other,
        })
    }

    /// The edit with what it gives sealed. Made anew, it gives the same but for other ciphertexts.
    fn sealing(&self, registry: &Arc<TypeRegistry>, edit: Edit) -> Edit {
        let (registry, secrets) = (Arc::clone(registry), self.secrets.clone());
        Arc::new(move |before: &Item| {
            let after = edit(before)?;
            match registry.by_id(before.type_id) {
                Some(info) if info.secret_names().next().is_some() => {
                    fields::seal_changed(secrets.keyring(), info, before, after)
                }
                _ => Ok(after),
            }
        })
    }
}

/// Only what is written has to pass through here. The reads that every request makes are handed on as they are, without a future
/// around the store's.
#[async_trait]
impl ItemProvider for SealedItems {
    async fn commit(&self, access: &Access, mut changes: ChangeSet) -> Result<Vec<Outcome>> {
        let registry = Arc::clone(changes.next_registry.as_ref().unwrap_or(&access.registry));
        let operations = std::mem::take(&mut changes.operations).into_iter().enumerate();
        let sealed = operations.map(|(index, operation)| {
            self.sealed(&registry, operation).map_err(|error| error.at_operation(index))
        });
        changes.operations = sealed.collect::<Result<_>>()?;
        self.store.commit(access, changes).await
    }

    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    fn get<'s: 'f, 'a: 'f, 'f>(&'s self, access: &'a Access, id: Uuid) -> Answer<'f, Option<Item>>
    where
        Self: 'f,
    {
        self.store.get(access, id)
    }

    fn get_many<'s: 'f, 'a: 'f, 'i: 'f, 'f>(
        &'s self,
        access: &'a Access,
        ids: &'i [Uuid],
    ) -> Answer<'f, Vec<Item>>
    where
        Self: 'f,
    {
        self.store.get_many(access, ids)
    }

    async fn get_all(&self, access: &Access, ids: &[Uuid]) -> Result<Vec<Item>> {
        self.store.get_all(access, ids).await
    }

    fn list<'s: 'f, 'a: 'f, 'q: 'f, 'f>(&'s self, access: &'a Access, query: &'q Query) -> Answer<'f, Page>
    where
        Self: 'f,
    {
        self.store.list(access, query)
    }

    async fn aggregate(&self, access: &Access, aggregate: &Aggregate) -> Result<Vec<GroupRow>> {
        self.store.aggregate(access, aggregate).await
    }

    async fn stored_reply(&self, key: &IdempotencyKey) -> Result<Option<StoredReply>> {
        self.store.stored_reply(key).await
    }

    async fn history(
        &self,
        access: &Access,
        id: Uuid,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<ChangeRecord>> {
        self.store.history(access, id, before, limit).await
    }

    async fn changes(&self, org: Uuid, since: i64, limit: usize) -> Result<Vec<ChangeRecord>> {
        self.store.changes(org, since, limit).await
    }

    async fn changes_within(
        &self,
        org: Uuid,
        span: Range<i64>,
        filter: &ChangeFilter,
        limit: usize,
    ) -> Result<Vec<ChangeRecord>> {
        self.store.changes_within(org, span, filter, limit).await
    }

    async fn contents_in_use(&self, ids: &[Uuid]) -> Result<Vec<Uuid>> {
        self.store.contents_in_use(ids).await
    }

    async fn check(&self) -> Result<()> {
        self.store.check().await
    }
}
