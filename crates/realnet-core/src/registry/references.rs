//! What types know of each other: targets of reference fields, derived sets, incoming references.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::positions::Positions;
use super::problems::Problems;
use super::{FieldInfo, TypeInfo, TypeRegistry};
use crate::model::FieldKind;

/// Reference fields by the org of the declaring type and the position of the type that they name.
pub(super) type Pointing = HashMap<(Option<Uuid>, usize), Vec<Arc<FieldInfo>>>;

/// Looks up the types that reference fields name (mutual and self references are fine), and marks fields whose index is
/// being built. References never are among these: one that was another field before is indexed in the commit that makes it one.
pub(super) fn resolve(registry: &mut TypeRegistry, problems: &mut Problems) {
    let mut resolved: Vec<Vec<Arc<FieldInfo>>> = Vec::with_capacity(registry.types.len());
    for info in &registry.types {
        let fields = info.fields.iter().map(|field| with_target(registry, info, field, problems)).collect();
        resolved.push(fields);
    }
    for (info, fields) in registry.types.iter_mut().zip(resolved) {
        info.fields = fields;
    }
    for info in &registry.types {
        check_narrowed(registry, info, problems);
    }
}

fn with_target(
    registry: &TypeRegistry,
    info: &TypeInfo,
    field: &Arc<FieldInfo>,
    problems: &mut Problems,
) -> Arc<FieldInfo> {
    if !field.field.is_reference() {
        return if registry.building.contains(&field.key) {
            Arc::new(FieldInfo { is_building: true, ..FieldInfo::clone(field) })
        } else {
            Arc::clone(field)
        };
    }
    let file = (field.field.kind == FieldKind::File).then_some("File");
    let name = field.field.reference.as_deref().or(file).unwrap_or("Item");
    let target = match info.org() {
        Some(org) => registry.find(org, name),
        None => registry.by_name.get(&(None, name.to_lowercase())).map(|index| &registry.types[*index]),
    };
    if target.is_none() {
        let detail = format!("refers to the unknown type {name}");
        problems.of_field(info.name(), &field.field.name, detail);
    }
    Arc::new(FieldInfo { reference: target.map(TypeInfo::id), ..FieldInfo::clone(field) })
}

/// A derived type may point a reference at a more special type only.
fn check_narrowed(registry: &TypeRegistry, info: &TypeInfo, problems: &mut Problems) {
    let Some(base) = info.chain.get(1).map(|index| &registry.types[*index]) else { return };
    for inherited in base.fields.iter().filter(|field| field.reference.is_some()) {
        let Some(field) = info.field(&inherited.field.name) else { continue };
        let position = |id| registry.by_id.get(&id).copied();
        let (Some(target), Some(wider)) =
            (field.reference.and_then(position), inherited.reference.and_then(position))
        else {
            continue;
        };
        if !registry.types[target].chain.contains(&wider) {
            let wider = registry.types[wider].name();
            let detail = format!("must refer to {wider}, as inherited, or a type derived from it");
            problems.of_field(info.name(), &field.field.name, detail);
        }
    }
}

/// The positions of each type and all types derived from it.
pub(super) fn derived_sets(types: &[TypeInfo]) -> Vec<Positions> {
    let mut sets = vec![Positions::default(); types.len()];
    for info in types {
        for ancestor in &info.chain {
            sets[*ancestor].push(info.index);
        }
    }
    sets
}

/// The reference fields that types of an org (`None`: the system) point at a type, each once: inherited fields share the index
/// of the type that declares them.
pub(super) fn pointing_fields(types: &[TypeInfo], by_id: &HashMap<Uuid, usize>) -> Pointing {
    let mut pointing: Pointing = HashMap::new();
    for info in types {
        let own = info.fields.iter().filter(|field| field.key.declared_by == info.id());
        for field in own {
            let target = field.reference.and_then(|id| by_id.get(&id));
            if let Some(target) = target {
                pointing.entry((info.org(), *target)).or_default().push(Arc::clone(field));
            }
        }
    }
    pointing
}
