//! Secrets of items are sealed before the store: a step before every commit, so that no write can forget it.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Secrets, fields};
use crate::change::{ChangeSet, Edit, Operation, Outcome};
use crate::error::Result;
use crate::model::Item;
use crate::provider::{Access, CommitStep, ItemProvider};
use crate::registry::TypeRegistry;

/// Seals the secret fields of all that is written, behind validation and before the store. What is read is as stored:
/// sealed. [`Secrets::open`] opens it.
pub struct SealedItems(Secrets);

impl SealedItems {
    /// The step by these keys.
    pub fn new(secrets: Secrets) -> Self {
        Self(secrets)
    }

    fn sealed(&self, registry: &Arc<TypeRegistry>, operation: Operation) -> Result<Operation> {
        Ok(match operation {
            Operation::Create(item) => match registry.by_id(item.type_id) {
                Some(info) if info.secret_names().next().is_some() => {
                    Operation::Create(Box::new(fields::seal_new(self.0.keyring(), info, *item)?))
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
        let (registry, secrets) = (Arc::clone(registry), self.0.clone());
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

#[async_trait]
impl CommitStep for SealedItems {
    async fn commit(
        &self,
        store: &dyn ItemProvider,
        access: &Access,
        mut changes: ChangeSet,
    ) -> Result<Vec<Outcome>> {
        let registry = Arc::clone(changes.next_registry.as_ref().unwrap_or(&access.registry));
        let operations = std::mem::take(&mut changes.operations).into_iter().enumerate();
        let sealed = operations.map(|(index, operation)| {
            self.sealed(&registry, operation).map_err(|error| error.at_operation(index))
        });
        changes.operations = sealed.collect::<Result<_>>()?;
        store.commit(access, changes).await
    }
}
