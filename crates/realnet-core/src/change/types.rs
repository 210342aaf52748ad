//! Type operations of a change set: who may, and what follows for items and indexes.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::apply::Engine;
use super::{Guard, Operation, Outcome};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::index::is_searched;
use crate::model::TypeDefinition;
use crate::registry::{FieldInfo, FieldRef, TypeGrants, TypeInfo, TypeRegistry};

/// So many items are looked at again at a time.
const BATCH: usize = 1000;

impl Engine<'_> {
    /// The set was planned against one revision of types; another one has come in between.
    pub(super) async fn check_type_revision(&mut self) -> Result<()> {
        if self.tx.type_revision().await? == self.previous.revision() {
            return Ok(());
        }
        Err(self.changes.stale_types())
    }

    /// Items keep the rules that they were made under: a type that has some neither leaves a governing type of the system
    /// nor comes below one. Else an account could lose its rules, be changed without them, and be an account again.
    pub(super) async fn check_governed(&mut self) -> Result<()> {
        if self.access.caller.is_superuser() {
            return Ok(());
        }
        let (previous, next) = (Arc::clone(&self.previous), Arc::clone(&self.access.registry));
        for info in next.types() {
            let Some(before) = previous.by_id(info.id()) else { continue };
            let governing = |registry: &TypeRegistry, info| -> Vec<Uuid> {
                registry.governing(info).map(TypeInfo::id).collect()
            };
            if governing(&previous, before) != governing(&next, info) && self.tx.has_items(info.id()).await? {
                let name = |registry: &TypeRegistry, info| {
                    registry.governing(info).next().or(registry.root()).map(|info| Arc::clone(info.name()))
                };
                let (from, to) = (name(&previous, before), name(&next, info));
                let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
                let message = format!(
                    "type {} has items: it moves from {from} to {to} when they are gone",
                    info.name()
                );
                return Err(Error::conflict(message));
            }
        }
        Ok(())
    }

    pub(super) async fn put_type(&mut self, definition: &TypeDefinition) -> Result<Outcome> {
        self.check_layer(definition.org)?;
        let registry = Arc::clone(&self.access.registry);
        // What the change leaves behind is known to the registry, not to whoever wrote the definition.
        match registry.by_id(definition.id).map(|info| &info.definition().retired) {
            Some(retired) if *retired != definition.retired => {
                let definition = TypeDefinition { retired: retired.clone(), ..definition.clone() };
                self.tx.put_type(&definition).await?;
            }
            _ => self.tx.put_type(definition).await?,
        }
        Ok(Outcome::Done)
    }

    /// Stores what other types have to keep hidden since their bases have changed.
    pub(super) async fn put_retired(&mut self) -> Result<()> {
        let (previous, next) = (Arc::clone(&self.previous), Arc::clone(&self.access.registry));
        let is_put = |id: Uuid| {
            let mut operations = self.changes.operations.iter();
            operations.any(|operation| matches!(operation, Operation::PutType(put) if put.id == id))
        };
        let differs = |info: &&TypeInfo| {
            let before = previous.by_id(info.id());
            before.is_some_and(|before| before.definition().retired != info.definition().retired)
        };
        let noted: Vec<&TypeInfo> = next.types().filter(differs).filter(|info| !is_put(info.id())).collect();
        for info in noted {
            self.tx.put_type(info.definition()).await?;
        }
        Ok(())
    }

    pub(super) async fn remove_type(&mut self, id: Uuid) -> Result<Outcome> {
        let previous = Arc::clone(&self.previous);
        let info = previous.by_id(id).ok_or_else(|| Error::not_found("the type"))?;
        self.check_layer(info.org())?;
        if self.tx.has_items(id).await? {
            return Err(Error::conflict(format!("type {} still has items", info.name())));
        }
        self.tx.remove_type(id).await?;
        Ok(Outcome::Done)
    }

    pub(super) async fn set_type_grants(&mut self, grants: &TypeGrants, remove: bool) -> Result<Outcome> {
        let caller = &self.access.caller;
        let allowed = caller.is_superuser() || (caller.is_member_of(grants.org) && caller.is_admin());
        if !allowed {
            return Err(Error::forbidden("only administrators set grants on types"));
        }
        self.tx.put_type_grants(grants, remove).await?;
        Ok(Outcome::Done)
    }

    /// Asks the guard of every item of `types` that was written lately.
    pub(super) async fn recheck(
        &mut self,
        types: &[Uuid],
        since: Timestamp,
        guard: &Guard,
    ) -> Result<Outcome> {
        let mut behind = Uuid::nil();
        loop {
            let items = self.tx.written_since(types, since, behind, BATCH).await?;
            items.iter().try_for_each(|item| guard(item))?;
            match items.last() {
                Some(last) if items.len() == BATCH => behind = last.id,
                _ => return Ok(Outcome::Done),
            }
        }
    }

    fn check_layer(&self, org: Option<Uuid>) -> Result<()> {
        let caller = &self.access.caller;
        let allowed = match org {
            None => caller.is_superuser(),
            Some(org) => caller.is_superuser() || (caller.is_member_of(org) && caller.is_admin()),
        };
        if allowed { Ok(()) } else { Err(Error::forbidden("only administrators change types")) }
    }

    /// Brings the index of every field whose rows may have changed in line with the new registry. An index that is new is built
    /// behind the commit where there is much to do, unless something rests on its being complete.
    pub(super) async fn reindex_changed_fields(&mut self) -> Result<()> {
        let registry = Arc::clone(&self.access.registry);
        let before = keyed_fields(&self.previous);
        let after = keyed_fields(&registry);
        let nothing = HashMap::new();
        let mut fields: Vec<&FieldRef> = before.keys().chain(after.keys()).collect();
        fields.sort();
        fields.dedup();
        for field in fields {
            let [old, new] = [&before, &after].map(|fields| fields.get(field).unwrap_or(&nothing));
            if !self.has_changed(old, new) {
                continue;
            }
            let types = users(&registry, field);
            let is_new = old.is_empty() && new.values().all(|user| user.may_wait);
            if !(is_new && self.tx.begin_index(field, &types).await?) {
                self.tx.reindex(&registry, field, &types).await?;
            }
        }
        Ok(())
    }

    /// Whether rows of types that may have items differ. A type that is new has none.
    fn has_changed(&self, old: &HashMap<Uuid, User>, new: &HashMap<Uuid, User>) -> bool {
        let differs = |id: &Uuid| {
            let [old, new] = [old, new].map(|users| users.get(id).map(|user| &user.signature));
            old != new && self.previous.by_id(*id).is_some()
        };
        old.keys().chain(new.keys()).any(differs)
    }

    /// The next step of building an index. It is for the system, which sees all orgs.
    pub(super) async fn extend_index(&mut self, field: &FieldRef, limit: usize) -> Result<Outcome> {
        if !self.access.caller.is_superuser() {
            return Err(Error::forbidden("indexes are built by the system"));
        }
        let registry = Arc::clone(&self.access.registry);
        let types = users(&registry, field);
        self.tx.extend_index(&registry, field, &types, limit).await.map(Outcome::Indexed)
    }

    /// Brings the full text in line where a field has been closed to some readers, or opened again.
    pub(super) async fn reindex_changed_words(&mut self) -> Result<()> {
        let registry = Arc::clone(&self.access.registry);
        let changed = registry.types().filter(|info| {
            self.previous.by_id(info.id()).is_some_and(|before| searches_otherwise(before, info))
        });
        let types: Vec<Uuid> = changed.map(TypeInfo::id).collect();
        if types.is_empty() { Ok(()) } else { self.tx.reindex_words(&registry, &types).await }
    }
}

/// Whether the full text of a type's items has changed: a field that not every reader may read has no words in it.
fn searches_otherwise(before: &TypeInfo, after: &TypeInfo) -> bool {
    let names = before.fields().iter().chain(after.fields()).map(|info| &info.field.name);
    names.into_iter().any(|name| is_searched(before, name) != is_searched(after, name))
}

/// The types whose items have the field.
fn users(registry: &TypeRegistry, field: &FieldRef) -> Vec<Uuid> {
    let declaring = registry.by_id(field.declared_by);
    declaring.map(|info| registry.derived(info, None).map(TypeInfo::id).collect()).unwrap_or_default()
}

/// A type as one that uses an index.
struct User {
    /// What the rows of the index depend on.
    signature: String,
    /// Whether nothing but the speed of queries rests on it: neither uniqueness nor deletions.
    may_wait: bool,
}

impl User {
    /// Kind, list or not, unique or not.
    fn of(field: &FieldInfo) -> Self {
        let field = &field.field;
        let signature = format!("{:?} {} {} {}", field.kind, field.multiple, field.unique, field.index);
        Self { signature, may_wait: !field.unique && !field.is_reference() }
    }
}

/// The fields that have an index, with the types that use it.
fn keyed_fields(registry: &TypeRegistry) -> HashMap<FieldRef, HashMap<Uuid, User>> {
    let mut fields: HashMap<FieldRef, HashMap<Uuid, User>> = HashMap::new();
    for info in registry.types() {
        for field in info.fields().iter().filter(|field| field.field.is_keyed()) {
            fields.entry(field.key.clone()).or_default().insert(info.id(), User::of(field));
        }
        for rule in info.unique_together() {
            let user = User { signature: format!("{:?}", rule.fields), may_wait: false };
            fields.entry(rule.key.clone()).or_default().insert(info.id(), user);
        }
    }
    fields
}
