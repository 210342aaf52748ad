//! Resolving one type: attributes, fields, constants and instances laid over those of its base.

use std::sync::Arc;

use serde_json::Value;

use super::bounds::Limits;
use super::problems::Problems;
use super::validator::Validator;
use super::{FieldInfo, InstanceInfo, TypeInfo, check, fields, retired, together, weight};
use crate::model::{Map, TypeDefinition, is_meta_attribute};

/// The type with everything that it inherits. What is wrong is reported; the result is usable all the same.
pub(super) fn resolve(
    definition: TypeDefinition,
    index: usize,
    base: Option<&TypeInfo>,
    limits: Limits,
    problems: &mut Problems,
) -> TypeInfo {
    check::definition(&definition, problems);
    let mut attributes = base.map(|base| base.attributes.clone()).unwrap_or_default();
    // Abstractness and the endpoint are the type's own affair.
    attributes.remove("abstract");
    attributes.remove("endpoint");
    // Who has rules of its own says so itself: what may be shared is part of them.
    if ["module", "resource"].iter().any(|key| definition.attributes.contains_key(*key)) {
        attributes.remove("inherits_access");
    }
    attributes.extend(definition.attributes.clone());
    let fields = fields::inherit(&definition, base, limits.fields, problems);
    let inherited = base.map(|base| base.together.as_slice()).unwrap_or_default();
    let together = together::resolve(&definition, inherited, &fields, problems);
    check_constants(&definition, &mut attributes, &fields, problems);
    let constants = constants(&attributes, &fields);
    let weight = weigh(&definition, base, &attributes, &fields);
    let instances = match too_heavy(&definition, base, weight, limits) {
        Some(detail) => {
            problems.of_type(&definition.name, detail);
            Vec::new()
        }
        None => resolve_instances(&definition, base, &attributes, &fields, problems),
    };
    let text = |key: &str| attributes.get(key).and_then(Value::as_str).map(Arc::from);
    let flag = |key: &str| attributes.get(key).and_then(Value::as_bool).unwrap_or_default();
    let mut chain = vec![index];
    chain.extend(base.iter().flat_map(|base| base.chain.iter().copied()));
    let is_strict = flag("strict");
    let validator = Validator::new(&definition.name, &fields, is_strict, &constants);
    TypeInfo {
        index,
        chain,
        constants,
        instances,
        is_abstract: flag("abstract"),
        is_strict,
        inherits_access: flag("inherits_access"),
        module: text("module").or_else(|| text("resource")),
        name: Arc::from(definition.name.as_str()),
        validator,
        together,
        retired: retired::inherit(&definition, base),
        weight,
        secrets: fields.iter().filter(|field| field.is_secret()).cloned().collect(),
        fields,
        attributes,
        definition: Arc::new(definition),
    }
}

/// How much memory the type will take, about: looked at before it is laid out.
fn weigh(
    definition: &TypeDefinition,
    base: Option<&TypeInfo>,
    attributes: &Map,
    fields: &[Arc<FieldInfo>],
) -> usize {
    let attributes = weight::of_attributes(attributes);
    let inherited = base.iter().flat_map(|base| &base.instances).map(|instance| &instance.own);
    let own = definition.instances.iter().map(|instance| &instance.attributes);
    let instances =
        inherited.chain(own).map(|own| weight::of_instance(attributes, weight::of_attributes(own)));
    let instances = instances.sum();
    weight::of_type(fields.iter().map(|field| field.weight).sum(), attributes, instances)
}

/// Why a type is too large, if it is.
fn too_heavy(
    definition: &TypeDefinition,
    base: Option<&TypeInfo>,
    weight: usize,
    limits: Limits,
) -> Option<String> {
    let inherited = base.map_or(0, |base| base.instances.len());
    if inherited + definition.instances.len() > limits.instances {
        return Some(format!("has more than {} instances, inherited ones included", check::MAX_INSTANCES));
    }
    (weight > limits.weight).then(|| {
        let most = weight::MAX_TYPE;
        format!("would take {weight} bytes of memory with its fields, attributes and instances: at most {most} are allowed")
    })
}

/// A key is meta only where it is set undeclared.
fn constants(attributes: &Map, fields: &[Arc<FieldInfo>]) -> Map {
    attributes
        .iter()
        .filter(|(key, _)| !is_meta_attribute(key) || fields.iter().any(|info| info.field.name == **key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Constants of declared fields obey the field, and are brought to its canonical form. Looked at where either
/// the value or the field is new.
fn check_constants(
    definition: &TypeDefinition,
    attributes: &mut Map,
    fields: &[Arc<FieldInfo>],
    problems: &mut Problems,
) {
    for info in fields {
        let name = &info.field.name;
        let is_new = definition.attributes.contains_key(name)
            || definition.fields.iter().any(|field| field.name == *name);
        if let Some(value) = attributes.get_mut(name).filter(|_| is_new) {
            for detail in check::constant(info, value) {
                problems.of_attribute(&definition.name, name, detail);
            }
        }
    }
}

fn resolve_instances(
    definition: &TypeDefinition,
    base: Option<&TypeInfo>,
    attributes: &Map,
    fields: &[Arc<FieldInfo>],
    problems: &mut Problems,
) -> Vec<Arc<InstanceInfo>> {
    let inherited = base.map(|base| base.instances.as_slice()).unwrap_or_default();
    let overridden = |name: &str| definition.instances.iter().any(|own| own.name.eq_ignore_ascii_case(name));
    let mut instances: Vec<Arc<InstanceInfo>> = Vec::new();
    for instance in inherited.iter().filter(|instance| !overridden(&instance.name)) {
        // What the instance itself sets lies over the derived type's attributes.
        let mut own = instance.own.clone();
        check_instance(definition, &instance.name, &mut own, fields, problems);
        instances.push(Arc::new(with_constants(
            &instance.name,
            instance.declared_by,
            own,
            attributes,
            fields,
        )));
    }
    for instance in &definition.instances {
        if instances.iter().any(|other| other.name.eq_ignore_ascii_case(&instance.name)) {
            problems.of_instance(&definition.name, &instance.name, "is declared twice");
            continue;
        }
        let mut own = instance.attributes.clone();
        check_instance(definition, &instance.name, &mut own, fields, problems);
        instances.push(Arc::new(with_constants(&instance.name, definition.id, own, attributes, fields)));
    }
    instances
}

fn check_instance(
    definition: &TypeDefinition,
    name: &str,
    own: &mut Map,
    fields: &[Arc<FieldInfo>],
    problems: &mut Problems,
) {
    for info in fields {
        if let Some(value) = own.get_mut(&info.field.name) {
            for detail in check::constant(info, value) {
                problems.of_instance(&definition.name, name, format!("{}: {detail}", info.field.name));
            }
        }
    }
}

fn with_constants(
    name: &str,
    declared_by: uuid::Uuid,
    own: Map,
    attributes: &Map,
    fields: &[Arc<FieldInfo>],
) -> InstanceInfo {
    let mut all = attributes.clone();
    all.extend(own.clone());
    let constants = constants(&all, fields);
    InstanceInfo { name: Arc::from(name), declared_by, own, constants, attributes: all }
}
