//! All documents of a load together: refinements merged, contradictions refused or warned of, layers kept apart.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::document::{Document, InstanceEntry, ItemEntry, Layer, TypeEntry};
use super::place::{Place, refused};
use super::plan::Target;
use crate::acl::Grant;
use crate::error::{Result, Violation};
use crate::model::{InstanceDefinition, Map};
use crate::registry::TypeRegistry;

/// The attribute that lists what stands among the instances of a type, but is of another type.
pub(super) const MEMBERS: &str = "members";

/// A type of the load, all its definitions merged.
#[derive(Debug, Clone)]
pub(super) struct GatheredType {
    pub(super) name: String,
    pub(super) base: Option<String>,
    pub(super) attributes: Map,
    pub(super) fields: Vec<(crate::model::Field, Place)>,
    pub(super) access: Option<Vec<Grant>>,
    pub(super) instances: Vec<(InstanceDefinition, Place)>,
    /// Type and place of instances that are members of this host.
    pub(super) members: Vec<(String, Place)>,
    pub(super) layer: Layer,
    pub(super) place: Place,
}

/// Types and items of a load.
#[derive(Debug, Default)]
pub(super) struct Gathered<'a> {
    pub(super) types: Vec<GatheredType>,
    pub(super) items: Vec<&'a ItemEntry>,
    pub(super) sources: Vec<Arc<str>>,
    pub(super) warnings: Vec<String>,
    by_name: HashMap<String, usize>,
    violations: Vec<Violation>,
    compat: bool,
}

/// Puts the documents of a load together.
pub(super) fn gather(documents: &[Document], compat: bool) -> Result<Gathered<'_>> {
    let mut gathered = Gathered { compat, ..Gathered::default() };
    for document in documents {
        gathered.sources.push(Arc::clone(&document.source));
        for contradiction in &document.contradictions {
            gathered.contradiction(contradiction.clone());
        }
        for entry in &document.types {
            gathered.add(entry, document.layer);
        }
        gathered.items.extend(&document.items);
    }
    gathered.check_member_cycles();
    let violations = std::mem::take(&mut gathered.violations);
    if violations.is_empty() { Ok(gathered) } else { Err(refused(violations)) }
}

impl Gathered<'_> {
    /// The type of that name in this load.
    pub(super) fn find(&self, name: &str) -> Option<&GatheredType> {
        self.by_name.get(&name.to_lowercase()).map(|index| &self.types[*index])
    }

    fn contradiction(&mut self, violation: Violation) {
        if self.compat { self.warnings.push(violation.detail) } else { self.violations.push(violation) }
    }

    fn add(&mut self, entry: &TypeEntry, layer: Layer) {
        let key = entry.name.to_lowercase();
        if let Some(index) = self.by_name.get(&key) {
            self.refine(*index, entry);
            return;
        }
        self.by_name.insert(key, self.types.len());
        let root = entry.name.eq_ignore_ascii_case("item");
        let base = entry.base.clone().or_else(|| (!root).then(|| "Item".to_owned()));
        self.types.push(GatheredType {
            name: entry.name.clone(),
            base,
            attributes: entry.attributes.clone(),
            fields: entry.fields.clone(),
            access: entry.access.clone(),
            instances: Vec::new(),
            members: Vec::new(),
            layer,
            place: entry.place.clone(),
        });
        self.add_instances(self.types.len() - 1, &entry.instances);
    }

    /// A later definition refines an earlier one: same base, attributes and fields laid over.
    fn refine(&mut self, index: usize, entry: &TypeEntry) {
        let known = &mut self.types[index];
        self.warnings
            .push(format!("{}: type {} refines its definition at {}", entry.place, entry.name, known.place));
        known.attributes.extend(entry.attributes.clone());
        if entry.access.is_some() {
            known.access.clone_from(&entry.access);
        }
        for (field, place) in &entry.fields {
            match known.fields.iter_mut().find(|(other, _)| other.name == field.name) {
                Some(slot) => *slot = (field.clone(), place.clone()),
                None => known.fields.push((field.clone(), place.clone())),
            }
        }
        let differs = entry
            .base
            .as_deref()
            .filter(|base| known.base.as_deref().is_none_or(|known| !known.eq_ignore_ascii_case(base)));
        if let Some(base) = differs {
            let first = known.base.as_deref().unwrap_or("none");
            let detail =
                format!("type {}: has the base {base} here, but {first} at {}", entry.name, known.place);
            self.contradiction(entry.place.below("base").violation(detail));
        }
        self.add_instances(index, &entry.instances);
    }

    fn add_instances(&mut self, index: usize, entries: &[InstanceEntry]) {
        for entry in entries {
            let host = &mut self.types[index];
            if let Some(type_name) = &entry.type_name {
                let member = json!({"name": entry.name, "type": type_name, "attributes": entry.attributes});
                let list = host.attributes.entry(MEMBERS).or_insert_with(|| json!([]));
                if let Value::Array(list) = list {
                    list.push(member);
                }
                host.members.push((type_name.clone(), entry.place.clone()));
                continue;
            }
            let twin =
                host.instances.iter_mut().find(|(other, _)| other.name.eq_ignore_ascii_case(&entry.name));
            if let Some((known, place)) = twin {
                let detail =
                    format!("type {}: the instance {} stands twice, first at {place}", host.name, entry.name);
                // In old documents the later one lies over the earlier.
                known.attributes.extend(entry.attributes.clone());
                if entry.access.is_some() {
                    known.access.clone_from(&entry.access);
                }
                self.contradiction(entry.place.violation(detail));
                continue;
            }
            let instance = InstanceDefinition {
                name: entry.name.clone(),
                attributes: entry.attributes.clone(),
                access: entry.access.clone(),
            };
            host.instances.push((instance, entry.place.clone()));
        }
    }

    /// A host needs the types of its members; two that need each other can not be set up.
    fn check_member_cycles(&mut self) {
        let edges: Vec<Vec<usize>> = self
            .types
            .iter()
            .map(|host| {
                let names = host.members.iter().map(|(name, _)| name.to_lowercase());
                names.filter_map(|name| self.by_name.get(&name).copied()).collect()
            })
            .collect();
        if let Err(cycle) = super::topology::sorted(&edges) {
            let names: Vec<&str> = cycle.iter().map(|index| self.types[*index].name.as_str()).collect();
            let host = &self.types[cycle[0]];
            let detail =
                format!("types are members of each other (a cycle): {} → {}", names.join(" → "), host.name);
            self.violations.push(host.place.violation(detail));
        }
    }
}

/// Refuses resource types that refer to app types, and members of unknown types. `registry` holds the types of
/// the load too.
pub(super) fn check_layers(
    gathered: &mut Gathered<'_>,
    registry: &TypeRegistry,
    target: &Target,
) -> Result<()> {
    let app = registry.system("App").map(crate::registry::TypeInfo::id);
    let is_app_type = |gathered: &Gathered<'_>, name: &str| match gathered.find(name) {
        Some(found) => found.layer == Layer::App,
        None => target
            .find(registry, name)
            .zip(app)
            .is_some_and(|(info, app)| info.id() != app && registry.is_derived_from(info.id(), app)),
    };
    let mut violations = Vec::new();
    let mut unknown = Vec::new();
    for found in &gathered.types {
        for (member, place) in &found.members {
            if target.find(registry, member).is_none() {
                unknown.push(
                    place.violation(format!(
                        "type {}: an instance is of the unknown type {member}",
                        found.name
                    )),
                );
            }
        }
        if found.layer == Layer::App {
            continue;
        }
        let bases = found.base.iter().map(|base| (base, found.place.clone(), "has the base"));
        let members = found.members.iter().map(|(name, place)| (name, place.clone(), "has an instance of"));
        let references = found.fields.iter().filter_map(|(field, place)| {
            field.reference.as_ref().map(|target| (target, place.clone(), "has a field that refers to"))
        });
        for (name, place, how) in bases.chain(members).chain(references) {
            if is_app_type(gathered, name) {
                let detail = format!("the resource type {} {how} {name}, which is an app type", found.name);
                violations.push(place.violation(detail));
            }
        }
    }
    for violation in unknown {
        gathered.contradiction(violation);
    }
    violations.append(&mut gathered.violations);
    if violations.is_empty() { Ok(()) } else { Err(refused(violations)) }
}
