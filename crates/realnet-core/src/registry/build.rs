//! Building a registry: order by base, lay inherited parts together, compile validators.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::validator::Validator;
use super::{FieldInfo, FieldRef, InstanceInfo, TypeInfo, TypeRegistry, TypeSnapshot};
use crate::error::{Error, Result, Violation};
use crate::model::{Map, TypeDefinition, is_meta_attribute};

type NameKey = (Option<Uuid>, String);

/// Resolves a snapshot; see [`TypeRegistry::build`].
pub(super) fn build(snapshot: TypeSnapshot) -> Result<TypeRegistry> {
    let mut registry = TypeRegistry { revision: snapshot.revision, ..TypeRegistry::default() };
    for definition in ordered(snapshot.definitions)? {
        add_type(&mut registry, definition)?;
    }
    resolve_references(&mut registry)?;
    registry.derived = derived_sets(&registry.types);
    registry.referring = referring_fields(&registry);
    for grants in snapshot.grants {
        if let Some(index) = registry.by_id.get(&grants.type_id) {
            let instance = grants.instance.map(|name| name.to_lowercase());
            registry.grants.insert((grants.org, *index, instance), grants.grants);
        }
    }
    Ok(registry)
}

fn name_key(definition: &TypeDefinition) -> NameKey {
    (definition.org, definition.name.to_lowercase())
}

/// Bases before derived types; the root first.
fn ordered(definitions: Vec<TypeDefinition>) -> Result<Vec<TypeDefinition>> {
    let mut waiting: HashMap<NameKey, TypeDefinition> = HashMap::new();
    let mut names: Vec<NameKey> = Vec::new();
    for definition in definitions {
        let key = name_key(&definition);
        if waiting.contains_key(&key) || (key.0.is_some() && waiting.contains_key(&(None, key.1.clone()))) {
            return Err(problem(&definition.name, "is defined twice"));
        }
        names.push(key.clone());
        waiting.insert(key, definition);
    }
    // The root first, then by name, so that the order does not depend on the store.
    names.sort_by_key(|(org, name)| (org.is_some(), name != "item", name.clone(), *org));
    let mut done = HashSet::new();
    let mut sorted = Vec::with_capacity(names.len());
    for key in &names {
        place(key, &mut waiting, &mut done, &mut sorted)?;
    }
    Ok(sorted)
}

/// Places a type behind its bases. Walks with a list of its own: a chain may be long.
fn place(
    key: &NameKey,
    waiting: &mut HashMap<NameKey, TypeDefinition>,
    done: &mut HashSet<NameKey>,
    sorted: &mut Vec<TypeDefinition>,
) -> Result<()> {
    let mut chain: Vec<NameKey> = Vec::new();
    let mut next = Some(key.clone());
    while let Some(current) = next.take() {
        if done.contains(&current) {
            break;
        }
        if chain.contains(&current) {
            return Err(problem(&current.1, "is its own base (a cycle)"));
        }
        let definition = &waiting[&current];
        next = base_key(definition, waiting, done)?;
        chain.push(current);
    }
    for key in chain.into_iter().rev() {
        if let Some(definition) = waiting.remove(&key) {
            done.insert(key);
            sorted.push(definition);
        }
    }
    Ok(())
}

fn base_key(
    definition: &TypeDefinition,
    waiting: &HashMap<NameKey, TypeDefinition>,
    done: &HashSet<NameKey>,
) -> Result<Option<NameKey>> {
    let Some(base) = &definition.base else { return Ok(None) };
    let name = base.to_lowercase();
    [None, definition.org]
        .into_iter()
        .map(|org| (org, name.clone()))
        .find(|key| waiting.contains_key(key) || done.contains(key))
        .map(Some)
        .ok_or_else(|| problem(&definition.name, format!("has the unknown base {base}")))
}

fn problem(name: &str, detail: impl std::fmt::Display) -> Error {
    Error::invalid(vec![Violation::new(format!("/types/{name}"), format!("type {name} {detail}"))])
}

fn add_type(registry: &mut TypeRegistry, definition: TypeDefinition) -> Result<()> {
    let index = registry.types.len();
    let base = match &definition.base {
        Some(name) => {
            let key = name.to_lowercase();
            let found = registry
                .by_name
                .get(&(None, key.clone()))
                .or_else(|| registry.by_name.get(&(definition.org, key)));
            found.map(|index| &registry.types[*index])
        }
        None => None,
    };
    let info = resolve(definition, index, base)?;
    let key = name_key(&info.definition);
    if let Some(endpoint) = info.definition.attributes.get("endpoint").and_then(|value| value.as_str()) {
        let previous = registry.by_endpoint.insert((key.0, endpoint.to_lowercase()), index);
        if let Some(previous) = previous {
            let other = registry.types[previous].name();
            return Err(problem(info.name(), format!("has the endpoint {endpoint}, as {other} has")));
        }
    }
    registry.by_id.insert(info.id(), index);
    registry.by_name.insert(key, index);
    registry.types.push(info);
    Ok(())
}

fn resolve(definition: TypeDefinition, index: usize, base: Option<&TypeInfo>) -> Result<TypeInfo> {
    let mut attributes = base.map(|base| base.attributes.clone()).unwrap_or_default();
    // Abstractness and the endpoint are the type's own affair.
    attributes.remove("abstract");
    attributes.remove("endpoint");
    attributes.extend(definition.attributes.clone());
    let fields = resolve_fields(&definition, base)?;
    let constants = constants(&attributes, &fields, base.map(|base| &base.constants));
    let instances = resolve_instances(&definition, base, &attributes, &fields);
    let text = |key: &str| attributes.get(key).and_then(|value| value.as_str()).map(Arc::from);
    let flag = |key: &str| attributes.get(key).and_then(serde_json::Value::as_bool).unwrap_or_default();
    let mut chain = vec![index];
    chain.extend(base.iter().flat_map(|base| base.chain.iter().copied()));
    Ok(TypeInfo {
        index,
        chain,
        constants,
        instances,
        is_abstract: flag("abstract"),
        is_strict: flag("strict"),
        module: text("module").or_else(|| text("resource")),
        name: Arc::from(definition.name.as_str()),
        validator: Validator::default(),
        fields,
        attributes,
        definition: Arc::new(definition),
    })
}

fn resolve_fields(definition: &TypeDefinition, base: Option<&TypeInfo>) -> Result<Vec<Arc<FieldInfo>>> {
    let mut fields = base.map(|base| base.fields.clone()).unwrap_or_default();
    for field in &definition.fields {
        let inherited = fields.iter_mut().find(|info| info.field.name == field.name);
        if let Some(slot) = inherited {
            let info = FieldInfo { field: field.clone(), key: slot.key.clone(), reference: slot.reference };
            *slot = Arc::new(info);
        } else {
            let key = FieldRef { declared_by: definition.id, name: Arc::from(field.name.as_str()) };
            fields.push(Arc::new(FieldInfo { field: field.clone(), key, reference: None }));
        }
    }
    Ok(fields)
}

/// A key is meta only where it is set undeclared.
fn constants(attributes: &Map, fields: &[Arc<FieldInfo>], _base: Option<&Map>) -> Map {
    attributes
        .iter()
        .filter(|(key, _)| !is_meta_attribute(key) || fields.iter().any(|info| info.field.name == **key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn resolve_instances(
    definition: &TypeDefinition,
    base: Option<&TypeInfo>,
    attributes: &Map,
    fields: &[Arc<FieldInfo>],
) -> Vec<Arc<InstanceInfo>> {
    let inherited = base.map(|base| base.instances.as_slice()).unwrap_or_default();
    let mut own: Vec<(String, Uuid, Map)> = Vec::new();
    for instance in inherited {
        // What the instance itself set lies over the derived type's attributes.
        let base_attributes = base.map(|base| &base.attributes);
        let set = instance
            .attributes
            .iter()
            .filter(|(key, value)| base_attributes.and_then(|base| base.get(*key)) != Some(value))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        own.push((instance.name.to_string(), instance.declared_by, set));
    }
    for instance in &definition.instances {
        own.retain(|(name, ..)| !name.eq_ignore_ascii_case(&instance.name));
        own.push((instance.name.clone(), definition.id, instance.attributes.clone()));
    }
    own.into_iter()
        .map(|(name, declared_by, set)| {
            let mut all = attributes.clone();
            all.extend(set);
            let constants = constants(&all, fields, None);
            Arc::new(InstanceInfo { name: Arc::from(name), declared_by, constants, attributes: all })
        })
        .collect()
}

/// Looks up the types that reference fields name.
fn resolve_references(registry: &mut TypeRegistry) -> Result<()> {
    let mut resolved: Vec<Vec<Arc<FieldInfo>>> = Vec::with_capacity(registry.types.len());
    for info in &registry.types {
        let mut fields = Vec::with_capacity(info.fields.len());
        for field in &info.fields {
            fields.push(resolve_reference(registry, info, field)?);
        }
        resolved.push(fields);
    }
    for (info, fields) in registry.types.iter_mut().zip(resolved) {
        info.fields = fields;
    }
    Ok(())
}

fn resolve_reference(
    registry: &TypeRegistry,
    info: &TypeInfo,
    field: &Arc<FieldInfo>,
) -> Result<Arc<FieldInfo>> {
    if !field.field.is_reference() {
        return Ok(Arc::clone(field));
    }
    let file = (field.field.kind == crate::model::FieldKind::File).then_some("File");
    let name = field.field.reference.as_deref().or(file).unwrap_or("Item");
    let target = match info.org() {
        Some(org) => registry.find(org, name),
        None => registry.by_name.get(&(None, name.to_lowercase())).map(|index| &registry.types[*index]),
    };
    let target = target.ok_or_else(|| {
        problem(
            info.name(),
            format!("has the field {} that refers to the unknown type {name}", field.field.name),
        )
    })?;
    Ok(Arc::new(FieldInfo { reference: Some(target.id()), ..FieldInfo::clone(field) }))
}

fn derived_sets(types: &[TypeInfo]) -> Vec<Vec<u64>> {
    let words = types.len().div_ceil(64);
    let mut sets = vec![vec![0_u64; words]; types.len()];
    for info in types {
        for ancestor in &info.chain {
            sets[*ancestor][info.index / 64] |= 1 << (info.index % 64);
        }
    }
    sets
}

/// A reference to type T may hold items of T's derived types, so each of them is referred to by it.
fn referring_fields(registry: &TypeRegistry) -> Vec<Vec<Arc<FieldInfo>>> {
    let mut referring: Vec<Vec<Arc<FieldInfo>>> = vec![Vec::new(); registry.types.len()];
    for info in &registry.types {
        // Inherited fields share the index of the type that declares them; it is visited there.
        let own = info.fields.iter().filter(|field| field.key.declared_by == info.id());
        for field in own.filter(|field| field.reference.is_some()) {
            let Some(target) = field.reference.and_then(|id| registry.by_id.get(&id)) else { continue };
            for other in &registry.types {
                if other.chain.contains(target) {
                    referring[other.index].push(Arc::clone(field));
                }
            }
        }
    }
    referring
}
