//! Reading ahead: everything that a change set will surely look at, locked in one round trip and in one order.

use std::collections::{BTreeSet, HashSet};

use realnet_core::change::{ChangeSet, Operation};
use realnet_core::model::Item;
use realnet_core::registry::TypeRegistry;
use realnet_core::{Result, Uuid};
use serde_json::Value;

use super::slot::Lock;
use super::{PgTransaction, read};

/// What a change set will look at.
#[derive(Default)]
struct Wanted {
    changed: BTreeSet<Uuid>,
    targets: BTreeSet<Uuid>,
    parents: BTreeSet<Uuid>,
}

impl Wanted {
    fn of(registry: &TypeRegistry, changes: &ChangeSet) -> Self {
        let mut wanted = Self::default();
        let mut created = HashSet::new();
        for operation in &changes.operations {
            match operation {
                Operation::Create(item) => {
                    created.insert(item.id);
                    wanted.refer(registry, item);
                }
                Operation::Update { id, .. }
                | Operation::Reseal { id, .. }
                | Operation::Delete { id, .. }
                | Operation::SetGrants { id, .. } => {
                    wanted.changed.insert(*id);
                }
                _ => {}
            }
        }
        wanted.changed.retain(|id| !created.contains(id));
        let Self { changed, targets, parents } = &mut wanted;
        targets.retain(|id| !created.contains(id) && !changed.contains(id));
        parents.retain(|id| !created.contains(id));
        wanted
    }

    fn refer(&mut self, registry: &TypeRegistry, item: &Item) {
        self.parents.extend(item.parent_id);
        self.targets.extend(item.parent_id);
        self.targets.extend(item.linked_item_id);
        let Some(info) = registry.by_id(item.type_id) else { return };
        for field in info.fields().iter().filter(|field| field.reference.is_some()) {
            match item.attributes.get(&field.field.name) {
                Some(Value::Array(values)) => self.targets.extend(values.iter().filter_map(id_of)),
                Some(value) => self.targets.extend(id_of(value)),
                None => {}
            }
        }
    }
}

fn id_of(value: &Value) -> Option<Uuid> {
    value.as_str().and_then(|text| Uuid::parse_str(text).ok())
}

impl PgTransaction {
    /// Loads and locks what the operations name. A set that names nothing, such as a plain create, opens no transaction.
    pub(super) async fn prefetch(&mut self, changes: &ChangeSet) -> Result<()> {
        // Who changes types locks them first, before any item.
        if changes.next_registry.is_some() {
            return Ok(());
        }
        let wanted = Wanted::of(&self.registry, changes);
        let locks = [(wanted.changed, Lock::Update), (wanted.targets, Lock::Share)]
            .map(|(ids, lock)| (ids.into_iter().collect::<Vec<_>>(), lock));
        let mut statements = Vec::new();
        for (ids, lock) in &locks {
            statements.extend(ids.chunks(read::CHUNK).map(|chunk| read::by_ids(chunk, *lock)));
        }
        let parents: Vec<Uuid> = wanted.parents.into_iter().collect();
        statements
            .extend(parents.chunks(read::CHUNK).map(|chunk| read::ancestors_of(chunk, Item::MAX_DEPTH)));
        if statements.is_empty() {
            return Ok(());
        }
        let mut results = self.writer.pipeline(statements).await?.into_iter();
        for (ids, lock) in &locks {
            for (chunk, rows) in ids.chunks(read::CHUNK).zip(results.by_ref()) {
                let items = self.read_all(&rows)?;
                self.slots.fetched(chunk, items, *lock);
            }
        }
        for (chunk, rows) in parents.chunks(read::CHUNK).zip(results) {
            self.note_chains(chunk, &rows)?;
        }
        Ok(())
    }
}
