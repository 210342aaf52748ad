//! How large one type may be, how many types one org may have, and how much they may weigh. Looked at where types change,
//! not where they are loaded: what is stored is stored. And only what a change adds counts: nobody is refused for what
//! somebody else's types have grown to, or what theirs have inherited meanwhile.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{TypeInfo, TypeRegistry, check, weight};
use crate::error::{Error, ErrorKind, Result};
use crate::model::TypeDefinition;

/// The most types of one org.
const MAX_TYPES: usize = 2_000;
/// The most reference fields that types of one org declare: deletions ask for each that may refer to what goes.
const MAX_REFERENCES: usize = 5_000;
/// The most that all types of one org weigh, in bytes.
const MAX_WEIGHT: usize = 128 << 20;
/// The heaviest types of one org that a change is worked out with at all: what would fill the memory is refused before.
const MAX_BUILT: usize = 2 * MAX_WEIGHT;

/// What one type may have at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Fields, inherited ones included.
    pub(super) fields: usize,
    /// Instances, inherited ones included.
    pub(super) instances: usize,
    /// Bytes of memory.
    pub(super) weight: usize,
}

impl Limits {
    const NONE: Self = Self { fields: usize::MAX, instances: usize::MAX, weight: usize::MAX };
    const MOST: Self =
        Self { fields: check::MAX_FIELDS, instances: check::MAX_INSTANCES, weight: weight::MAX_TYPE };

    /// What may be more than these already may stay so.
    fn or_as(self, info: &TypeInfo) -> Self {
        Self {
            fields: self.fields.max(info.fields.len()),
            instances: self.instances.max(info.instances.len()),
            weight: self.weight.max(info.weight),
        }
    }
}

/// What is looked at while a registry is built.
#[derive(Default)]
pub(super) struct Growth<'a> {
    /// The registry that is changed; none where what is stored is loaded.
    previous: Option<&'a TypeRegistry>,
    /// The orgs (`None`: the system) whose own definitions are new or others.
    changed: HashSet<Option<Uuid>>,
    /// What the types of an org may weigh until the rest is not built.
    most: HashMap<Uuid, usize>,
    /// What they weigh so far.
    weights: HashMap<Uuid, usize>,
}

impl<'a> Growth<'a> {
    /// What a change from `previous` to these definitions is bounded by.
    pub(super) fn since(previous: &'a TypeRegistry, definitions: &[TypeDefinition]) -> Self {
        let changed = changed_layers(previous, definitions.iter());
        let loads = previous.loads().into_iter();
        let most = loads.map(|(org, load)| (org, load.weight.max(MAX_BUILT))).collect();
        Self { previous: Some(previous), changed, most, weights: HashMap::new() }
    }

    /// What follows on `previous` without being bounded: it is stored already.
    pub(super) fn unbounded(previous: &'a TypeRegistry) -> Self {
        Self { previous: Some(previous), ..Self::default() }
    }

    /// The registry that is changed, if one is.
    pub(super) fn previous(&self) -> Option<&'a TypeRegistry> {
        self.previous
    }

    /// What a type may have at most.
    pub(super) fn limits(&self, definition: &TypeDefinition) -> Limits {
        match self.previous {
            Some(previous) if self.changed.contains(&definition.org) => {
                previous.by_id(definition.id).map_or(Limits::MOST, |info| Limits::MOST.or_as(info))
            }
            _ => Limits::NONE,
        }
    }

    /// Whether the types of an org fill too much memory already.
    pub(super) fn is_exhausted(&self, org: Option<Uuid>) -> bool {
        let Some(id) = org.filter(|_| self.changed.contains(&org)) else { return false };
        let most = self.most.get(&id).copied().unwrap_or(MAX_BUILT);
        self.weights.get(&id).is_some_and(|weight| *weight > most)
    }

    /// Notes that a type was built.
    pub(super) fn add(&mut self, org: Option<Uuid>, weight: usize) {
        if let Some(org) = org {
            *self.weights.entry(org).or_default() += weight;
        }
    }
}

/// The orgs (`None`: the system) of definitions that are new or others than in `previous`.
fn changed_layers<'d>(
    previous: &TypeRegistry,
    definitions: impl Iterator<Item = &'d TypeDefinition>,
) -> HashSet<Option<Uuid>> {
    let is_same = |definition: &&TypeDefinition| {
        previous.by_id(definition.id).is_some_and(|before| *before.definition == **definition)
    };
    definitions.filter(|definition| !is_same(definition)).map(|definition| definition.org).collect()
}

/// The types of one org together.
#[derive(Debug, Default, Clone, Copy)]
struct Load {
    types: usize,
    references: usize,
    weight: usize,
}

impl TypeRegistry {
    /// Refuses what an org has grown to since `previous` by types of its own, beyond what one org may have. The system is
    /// not bounded: who writes its types runs the server, and what orgs inherit from them is not held against anybody.
    pub(super) fn check_growth(&self, previous: &Self) -> Result<()> {
        let before = previous.loads();
        let changed = changed_layers(previous, self.types.iter().map(|info| &*info.definition));
        for (org, now) in self.loads().into_iter().filter(|(org, _)| changed.contains(&Some(*org))) {
            let before = before.get(&org).copied().unwrap_or_default();
            for (count, was, most, what) in [
                (now.types, before.types, MAX_TYPES, "types"),
                (now.references, before.references, MAX_REFERENCES, "reference fields"),
                (now.weight, before.weight, MAX_WEIGHT, "bytes of memory for its types"),
            ] {
                if count > most && count > was {
                    let message =
                        format!("an org has at most {most} {what}: with this change it would have {count}");
                    return Err(Error::new(ErrorKind::TooLarge, message));
                }
            }
        }
        Ok(())
    }

    fn loads(&self) -> HashMap<Uuid, Load> {
        let mut loads: HashMap<Uuid, Load> = HashMap::new();
        for info in &self.types {
            let Some(org) = info.org() else { continue };
            let load = loads.entry(org).or_default();
            load.types += 1;
            load.references += info.definition.fields.iter().filter(|field| field.is_reference()).count();
            load.weight += info.weight;
        }
        loads
    }
}
