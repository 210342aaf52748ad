//! How many types one org may have, and how much they may weigh. Looked at where types change, not where they are loaded:
//! what is stored is stored.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{TypeInfo, TypeRegistry};
use crate::error::{Error, ErrorKind, Result};

/// The most types of one org.
const MAX_TYPES: usize = 2_000;
/// The most reference fields that types of one org declare: deletions ask for each that may refer to what goes.
const MAX_REFERENCES: usize = 5_000;
/// The most that all types of one org weigh, in bytes.
const MAX_WEIGHT: usize = 128 << 20;
/// The heaviest types that a registry is built from at all. Above what can be stored.
pub(super) const MAX_BUILT: usize = 2 * MAX_WEIGHT;

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
        let changed = self.changed_orgs(previous);
        for (org, now) in self.loads().into_iter().filter(|(org, _)| changed.contains(org)) {
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

    /// The orgs of types that are new or defined otherwise than in `previous`.
    fn changed_orgs(&self, previous: &Self) -> HashSet<Uuid> {
        let is_same = |info: &TypeInfo| {
            previous.by_id(info.id()).is_some_and(|before| before.definition == info.definition)
        };
        self.types.iter().filter(|info| !is_same(info)).filter_map(TypeInfo::org).collect()
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
