//! Building a registry: order by base, lay inherited parts together, check, prepare validators.

use super::bounds::{Growth, Limits};
use super::order::{name_key, ordered};
use super::problems::Problems;
use super::{TypeInfo, TypeRegistry, TypeSnapshot, references, resolve, retired};
use crate::error::Result;
use crate::model::TypeDefinition;

/// Resolves a snapshot within the bounds of `growth`; see [`TypeRegistry::build`] and [`TypeRegistry::successor`].
pub(super) fn build(snapshot: TypeSnapshot, mut growth: Growth<'_>) -> Result<TypeRegistry> {
    let mut problems = Problems::default();
    let building = snapshot.building.into_iter().collect();
    let mut registry = TypeRegistry { revision: snapshot.revision, building, ..TypeRegistry::default() };
    for definition in ordered(snapshot.definitions, &mut problems) {
        let org = definition.org;
        // What the bounds of an org refuse must not fill the memory before they are asked.
        if growth.is_exhausted(org) {
            problems.of_type(&definition.name, "and those before it take too much memory for one org");
            break;
        }
        let limits = growth.limits(&definition);
        let before = growth.previous().and_then(|previous| previous.by_id(definition.id));
        growth.add(org, add_type(&mut registry, definition, before, limits, &mut problems));
    }
    check_endpoints(&registry, &mut problems);
    check_modules(&registry, &mut problems);
    references::resolve(&mut registry, &mut problems);
    problems.into_result()?;
    registry.derived = references::derived_sets(&registry.types);
    registry.pointing = references::pointing_fields(&registry.types, &registry.by_id);
    for info in &registry.types {
        let layer = registry.layers.entry(info.org()).or_insert(info.index..info.index);
        layer.end = info.index + 1;
    }
    for grants in snapshot.grants {
        if let Some(index) = registry.by_id.get(&grants.type_id) {
            let instance = grants.instance.map(|name| name.to_lowercase());
            registry.grants.insert((grants.org, *index, instance), grants.grants);
        }
    }
    Ok(registry)
}

/// Adds a type; answers what it weighs.
fn add_type(
    registry: &mut TypeRegistry,
    definition: TypeDefinition,
    before: Option<&TypeInfo>,
    limits: Limits,
    problems: &mut Problems,
) -> usize {
    let index = registry.types.len();
    let base = definition.base.as_ref().and_then(|name| {
        let key = name.to_lowercase();
        let own = registry.by_name.get(&(definition.org, key.clone()));
        own.or_else(|| registry.by_name.get(&(None, key))).map(|index| &registry.types[*index])
    });
    let mut info = resolve::resolve(definition, index, base, limits, problems);
    if let Some(before) = before {
        retired::keep(&mut info, before);
    }
    let key = name_key(&info.definition);
    if let Some(endpoint) = info.definition.attributes.get("endpoint").and_then(|value| value.as_str()) {
        let previous = registry.by_endpoint.insert((key.0, endpoint.to_lowercase()), index);
        if let Some(previous) = previous {
            let other = registry.types[previous].name();
            problems.of_type(info.name(), format!("has the endpoint {endpoint}, as {other} has"));
        }
    }
    registry.by_id.insert(info.id(), index);
    registry.by_name.insert(key, index);
    let weight = info.weight;
    registry.types.push(info);
    weight
}

/// An endpoint that is the name of another type beside it would hide that type.
fn check_endpoints(registry: &TypeRegistry, problems: &mut Problems) {
    for ((org, endpoint), index) in &registry.by_endpoint {
        let named = registry.by_name.get(&(*org, endpoint.clone()));
        if let Some(other) = named.filter(|other| *other != index) {
            let other = registry.types[*other].name();
            let name = registry.types[*index].name();
            problems.of_type(name, format!("has the endpoint {endpoint}, which is the name of type {other}"));
        }
    }
}

/// An org's type keeps the module of the type of the system that governs it: under another one, what holds for accounts,
/// say, would not hold for the org's own kind of accounts. Nor does it inherit access where that type does not: who may write
/// an account, say, is not for whoever shares a folder to decide.
fn check_modules(registry: &TypeRegistry, problems: &mut Problems) {
    for info in registry.types().filter(|info| info.org().is_some()) {
        let Some(governing) = registry.governing(info).next() else { continue };
        if info.module() != governing.module() {
            let module = governing.module().unwrap_or_default();
            let detail = format!("the module of what derives from {} stays {module}", governing.name());
            problems.of_attribute(info.name(), "module", detail);
        }
        if info.inherits_access() && !governing.inherits_access() {
            let detail = format!("what derives from {} does not inherit access", governing.name());
            problems.of_attribute(info.name(), "inherits_access", detail);
        }
    }
}
