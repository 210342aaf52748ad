//! The snapshot itself: look-ups by id, name and endpoint, derived sets, access by class.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use uuid::Uuid;

use super::bounds::Growth;
use super::positions::Positions;
use super::references::Pointing;
use super::{FieldInfo, FieldRef, TypeGrants, TypeInfo, TypeSnapshot};
use crate::acl::Grant;
use crate::error::{Error, Result};
use crate::model::TypeDefinition;

/// Org (`None`: the system) and lower-case name or endpoint, to position.
pub(super) type Names = HashMap<(Option<Uuid>, String), usize>;

/// All types, resolved. Built once per change of types; reading it takes no lock.
#[derive(Debug, Default)]
pub struct TypeRegistry {
    pub(super) revision: i64,
    pub(super) types: Vec<TypeInfo>,
    pub(super) by_id: HashMap<Uuid, usize>,
    /// Lower-case name and org (`None`: system) to position.
    pub(super) by_name: Names,
    /// Lower-case endpoint and org to position.
    pub(super) by_endpoint: Names,
    /// Where the types of the system (`None`) and of each org stand.
    pub(super) layers: HashMap<Option<Uuid>, Range<usize>>,
    /// The positions of each type and all types derived from it.
    pub(super) derived: Vec<Positions>,
    /// Grants set by orgs, by org, type position and lower-case instance.
    pub(super) grants: HashMap<(Uuid, usize, Option<String>), Vec<Grant>>,
    /// The fields whose index is being built.
    pub(super) building: BTreeSet<FieldRef>,
    /// Reference fields by what they name.
    pub(super) pointing: Pointing,
}

impl TypeRegistry {
    /// Resolves a snapshot of definitions that a store holds. Unknown bases, cycles, duplicate names, contradictory or
    /// widened fields are errors that name type and field. How large the types are is not asked: what is stored must load.
    pub fn build(snapshot: TypeSnapshot) -> Result<Self> {
        super::build::build(snapshot, Growth::default())
    }

    /// Resolves a snapshot that is to come after this one: as [`Self::build`], within the bounds of what a change may add
    /// to the types of those whose types it changes. Definitions get notes of what the change would take protection from.
    pub fn successor(&self, snapshot: TypeSnapshot) -> Result<Self> {
        let growth = Growth::since(self, &snapshot.definitions);
        super::build::build(snapshot, growth)
    }

    /// Resolves a snapshot that a store holds, and that has come after this one by other ways than a change: as [`Self::build`],
    /// with notes of what it would take protection from, as [`Self::successor`] makes them. Nothing of it is refused.
    pub fn reloaded(&self, snapshot: TypeSnapshot) -> Result<Self> {
        super::build::build(snapshot, Growth::unbounded(self))
    }

    /// The definitions and grants that it was built from.
    pub fn snapshot(&self) -> TypeSnapshot {
        let grants = self.grants.iter().map(|((org, index, instance), grants)| TypeGrants {
            org: *org,
            type_id: self.types[*index].id(),
            instance: instance.clone(),
            grants: grants.clone(),
        });
        TypeSnapshot {
            revision: self.revision,
            definitions: self.types.iter().map(|info| TypeDefinition::clone(&info.definition)).collect(),
            grants: grants.collect(),
            building: self.building.iter().cloned().collect(),
        }
    }

    /// The fields whose index is being built, in a fixed order.
    pub fn building(&self) -> impl Iterator<Item = &FieldRef> {
        self.building.iter()
    }

    /// The revision of the snapshot it was built from.
    pub fn revision(&self) -> i64 {
        self.revision
    }

    /// All types, bases before derived ones.
    pub fn types(&self) -> impl Iterator<Item = &TypeInfo> {
        self.types.iter()
    }

    /// The types that an org sees: system and own.
    pub fn types_of(&self, org: Uuid) -> impl Iterator<Item = &TypeInfo> {
        self.layers_of(Some(org)).into_iter().flat_map(|layer| &self.types[layer])
    }

    /// A type by id.
    pub fn by_id(&self, id: Uuid) -> Option<&TypeInfo> {
        self.by_id.get(&id).map(|index| &self.types[*index])
    }

    /// A type by id; a stored id that is not known is a fault of the store.
    pub fn require(&self, id: Uuid) -> Result<&TypeInfo> {
        self.by_id(id).ok_or_else(|| Error::internal(format!("type {id} is not in the registry")))
    }

    /// A type by name as `org` sees it, without regard to case. What an org called so before the system did keeps the name
    /// there; where the rules of the system ask, [`Self::system`] is meant.
    pub fn find(&self, org: Uuid, name: &str) -> Option<&TypeInfo> {
        let names = [&self.by_name];
        self.look_up(&names, org, name)
    }

    /// A type of the system by name, without regard to case.
    pub fn system(&self, name: &str) -> Option<&TypeInfo> {
        self.by_name.get(&(None, name.to_lowercase())).map(|index| &self.types[*index])
    }

    /// The type that an endpoint of the API means: declared endpoints first, then type names; those of the org first.
    pub fn endpoint(&self, org: Uuid, name: &str) -> Option<&TypeInfo> {
        self.look_up(&[&self.by_endpoint, &self.by_name], org, name)
    }

    fn look_up(&self, tables: &[&Names], org: Uuid, name: &str) -> Option<&TypeInfo> {
        let mut key = (Some(org), name.to_lowercase());
        let mut of_layer = |layer| {
            key.0 = layer;
            tables.iter().find_map(|table| table.get(&key)).map(|index| &self.types[*index])
        };
        of_layer(Some(org)).or_else(|| of_layer(None))
    }

    /// The root type, from which all others derive.
    pub fn root(&self) -> Option<&TypeInfo> {
        self.types.first()
    }

    /// Whether `id` is `base` or derived from it.
    pub fn is_derived_from(&self, id: Uuid, base: Uuid) -> bool {
        match (self.by_id.get(&id), self.by_id.get(&base)) {
            (Some(index), Some(base)) => self.derived[*base].contains(*index),
            _ => false,
        }
    }

    /// The type and all types derived from it that `org` sees (`None`: every org's), abstract ones left out.
    pub fn derived<'a>(
        &'a self,
        info: &'a TypeInfo,
        org: Option<Uuid>,
    ) -> impl Iterator<Item = &'a TypeInfo> {
        let positions = &self.derived[info.index];
        let layers = match org {
            Some(_) => self.layers_of(org),
            None => [0..self.types.len(), 0..0],
        };
        let found = layers.into_iter().flat_map(|layer| positions.within(layer));
        found.map(|position| &self.types[position]).filter(|other| !other.is_abstract)
    }

    /// Where the types stand that an org sees: those of the system, and its own.
    fn layers_of(&self, org: Option<Uuid>) -> [Range<usize>; 2] {
        [None, org].map(|layer| self.layers.get(&layer).cloned().unwrap_or_default())
    }

    /// The types of the system in a type's chain whose rules are more than those of plain items, nearest first: their
    /// module is another one than the root's. An org can neither shed them nor slip items past them.
    pub fn governing<'a>(&'a self, info: &'a TypeInfo) -> impl Iterator<Item = &'a TypeInfo> {
        let plain = self.root().and_then(TypeInfo::module);
        let special = move |info: &TypeInfo| info.module().is_some_and(|module| Some(module) != plain);
        self.chain(info).filter(move |link| link.org().is_none() && special(link))
    }

    /// The chain of a type: itself, its base, and so on to the root.
    pub fn chain<'a>(&'a self, info: &'a TypeInfo) -> impl Iterator<Item = &'a TypeInfo> {
        info.chain.iter().map(|index| &self.types[*index])
    }

    /// The grants that hold in `org` for items of a type and instance: the nearest of what the org has set and
    /// what is declared, looking at the instance first, then along the chain.
    pub fn access<'a>(&'a self, org: Uuid, info: &'a TypeInfo, instance: Option<&str>) -> &'a [Grant] {
        if let Some(name) = instance
            && let Some(grants) = self.instance_access(org, info, name)
        {
            return grants;
        }
        self.type_access(org, info).map_or(&[], |(_, grants)| grants)
    }

    /// The name of the type that [`Self::access`] comes from, if a type rather than the instance says it.
    pub fn access_source<'a>(
        &'a self,
        org: Uuid,
        info: &'a TypeInfo,
        instance: Option<&str>,
    ) -> Option<&'a Arc<str>> {
        if instance.is_some_and(|name| self.instance_access(org, info, name).is_some()) {
            return None;
        }
        self.type_access(org, info).map(|(link, _)| link.name())
    }

    /// What the nearest type of the chain says that says anything.
    fn type_access<'a>(&'a self, org: Uuid, info: &'a TypeInfo) -> Option<(&'a TypeInfo, &'a [Grant])> {
        self.chain(info).find_map(|link| {
            let set = self.org_grants(org, link.index, None);
            set.or(link.definition.access.as_deref()).map(|grants| (link, grants))
        })
    }

    /// The grants that an org has set on the type itself, if any.
    pub fn own_grants(&self, org: Uuid, info: &TypeInfo, instance: Option<&str>) -> Option<&[Grant]> {
        self.org_grants(org, info.index, instance.map(str::to_lowercase))
    }

    fn org_grants(&self, org: Uuid, index: usize, instance: Option<String>) -> Option<&[Grant]> {
        if self.grants.is_empty() {
            return None;
        }
        self.grants.get(&(org, index, instance)).map(Vec::as_slice)
    }

    fn instance_access(&self, org: Uuid, info: &TypeInfo, name: &str) -> Option<&[Grant]> {
        info.chain.iter().copied().find_map(|position| {
            let declared = || {
                let instances = &self.types[position].definition.instances;
                let instance = instances.iter().find(|instance| instance.name.eq_ignore_ascii_case(name));
                instance.and_then(|instance| instance.access.as_deref())
            };
            self.org_grants(org, position, Some(name.to_lowercase())).or_else(declared)
        })
    }

    /// The instances of a type that have access of their own in `org`.
    pub fn instances_with_access<'a>(
        &'a self,
        org: Uuid,
        info: &'a TypeInfo,
    ) -> impl Iterator<Item = Arc<str>> + 'a {
        info.instances
            .iter()
            .filter(move |instance| self.instance_access(org, info, &instance.name).is_some())
            .map(|instance| Arc::clone(&instance.name))
    }

    /// The reference fields, of types that `org` sees, that may refer to items of `type_id`; each index once. References do not
    /// leave their org.
    pub fn referring_fields(&self, org: Uuid, type_id: Uuid) -> impl Iterator<Item = &Arc<FieldInfo>> {
        let chain = self.by_id(type_id).map(|info| info.chain.as_slice()).unwrap_or_default();
        // A reference to a type may hold items of the types derived from it.
        let layers = chain.iter().flat_map(move |link| [(None, *link), (Some(org), *link)]);
        layers.filter_map(|key| self.pointing.get(&key)).flatten()
    }
}
