//! Edits of types by hand: a change of types, checked against all others and against the items that are there.

use std::sync::Arc;

use realnet_core::change::{Guard, Operation};
use realnet_core::clock::{IdSource as _, System};
use realnet_core::error::{Error, Result};
use realnet_core::model::{Item, TypeDefinition};
use realnet_core::provider::{ItemProvider, TypeProvider as _};
use realnet_core::registry::{RegistryHandle, TypeInfo, TypeRegistry};
use realnet_core::{ErrorKind, Uuid};

use super::edits::{EVER, access, change_set, words};
use super::layout::Place;
use super::problem::Problem;
use super::shape;
use super::watch::{Edit, Watch};

impl Watch {
    /// Makes edits of types changes: all at once, or else each that is in order.
    pub(super) async fn change_types(
        &self,
        edits: Vec<Edit>,
        items: &dyn ItemProvider,
        registry: &RegistryHandle,
    ) -> Result<()> {
        if edits.is_empty() {
            return Ok(());
        }
        let all: Vec<&Edit> = edits.iter().collect();
        match self.commit_types(&all, items, registry).await {
            Ok(()) => return Ok(()),
            Err(error) if error.is_retryable() => return Err(error),
            // All types are worked out for each try: once is enough for one.
            Err(error) if edits.len() == 1 => return self.decline_types(&edits, &error).await,
            Err(_) => {}
        }
        for edit in &edits {
            match self.commit_types(&[edit], items, registry).await {
                Ok(()) => {}
                Err(error) if error.is_retryable() => return Err(error),
                Err(error) => self.decline_types(std::slice::from_ref(edit), &error).await?,
            }
        }
        Ok(())
    }

    async fn decline_types(&self, edits: &[Edit], error: &Error) -> Result<()> {
        for edit in edits {
            match edit.stamp {
                None => self.come_back(edit, error).await?,
                stamp => self.refuse(stamp, &Problem::new(&edit.document, words(error))),
            }
        }
        Ok(())
    }

    async fn commit_types(
        &self,
        edits: &[&Edit],
        items: &dyn ItemProvider,
        registry: &RegistryHandle,
    ) -> Result<()> {
        let current = registry.current();
        let operations = plan(edits, &current)?;
        let accepted = self.accept(edits);
        let Some((operations, next)) = operations else { return Ok(()) };
        let mut changes = change_set(operations);
        changes.next_registry = Some(next);
        if let Err(error) = items.commit(&access(current), changes).await {
            self.give_back(&accepted);
            return Err(error);
        }
        registry.replace(TypeRegistry::build(self.store.load_types().await?)?);
        Ok(())
    }
}

/// The change that edits mean; `None` when they change nothing.
fn plan(edits: &[&Edit], current: &TypeRegistry) -> Result<Option<(Vec<Operation>, Arc<TypeRegistry>)>> {
    let mut snapshot = current.snapshot();
    let mut operations = Vec::new();
    let mut changed = Vec::new();
    for edit in edits {
        let Place::Type(org, name) = &edit.place else { continue };
        let present = snapshot.definitions.iter().position(|info| info.org == *org && info.name == *name);
        let present = present.map(|index| snapshot.definitions.remove(index));
        let Some(mut info) = definition(edit, *org, name, present.as_ref())? else {
            operations.extend(present.map(|info| Operation::RemoveType(info.id)));
            continue;
        };
        if present.as_ref() != Some(&info) {
            info.version = present.map_or(1, |present| present.version + 1);
            changed.push(info.id);
            operations.push(Operation::PutType(Box::new(info.clone())));
        }
        snapshot.definitions.push(info);
    }
    if operations.is_empty() {
        return Ok(None);
    }
    snapshot.revision += 1;
    let next = Arc::new(current.successor(snapshot)?);
    let with_items = changed.iter().filter_map(|id| next.by_id(*id));
    let types: Vec<Uuid> = with_items.flat_map(|info| next.derived(info, None).map(TypeInfo::id)).collect();
    operations.push(Operation::Recheck { types, since: EVER, guard: guard(&next) });
    Ok(Some((operations, next)))
}

/// What the document of a type says.
fn definition(
    edit: &Edit,
    org: Option<Uuid>,
    name: &str,
    present: Option<&TypeDefinition>,
) -> Result<Option<TypeDefinition>> {
    let Some(value) = edit.value.clone() else { return Ok(None) };
    let id = present.map_or_else(|| System.next_id(), |present| present.id);
    let mut info = shape::type_definition(value, org, name, id).map_err(Error::malformed)?;
    if let Some(present) = present {
        if info.id != present.id {
            return Err(Error::malformed("the id of a type stays"));
        }
        info.version = present.version;
        info.retired.clone_from(&present.retired);
    }
    Ok(Some(info))
}

/// Refuses a change of types by which an item that is there would be no longer valid.
fn guard(next: &Arc<TypeRegistry>) -> Guard {
    let next = Arc::clone(next);
    Arc::new(move |item: &Item| {
        let mut attributes = item.attributes.clone().into_map();
        let valid = next.require(item.type_id)?.validate_stored(item.instance.as_deref(), &mut attributes);
        valid.map_err(|error| {
            let message = format!("item {} would not be valid: {}", item.id, words(&error));
            Error::new(ErrorKind::Conflict, message)
        })
    })
}
