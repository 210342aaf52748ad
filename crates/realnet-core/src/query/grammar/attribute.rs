//! An attribute as a set of types sees it: its kind where they agree, its index, the constants to fold in.

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::names::Shape;
use crate::index::is_sparse;
use crate::model::FieldKind;
use crate::query::AttributePath;
use crate::registry::{FieldInfo, TypeInfo};

/// Whether items of the types may have an attribute at all: strict types know theirs.
pub(super) fn is_known(types: &[&TypeInfo], key: &str) -> bool {
    types.iter().any(|info| {
        !info.is_strict()
            || info.field(key).is_some()
            || info.constants().contains_key(key)
            || info.instances().iter().any(|instance| instance.constants.contains_key(key))
    })
}

pub(super) fn path(types: &[&TypeInfo], key: &str, rest: &[&str]) -> AttributePath {
    let shared = if rest.is_empty() { shared_field(types, key) } else { None };
    let constants = constants(types, key);
    let index = shared.and_then(|field| field.index()).filter(|_| constants.is_empty());
    AttributePath {
        key: Arc::from(key),
        path: rest.iter().map(|step| (*step).to_owned()).collect(),
        kind: shared.map(|field| field.field.kind),
        multiple: shared.is_some_and(|field| field.field.multiple),
        sparse: types.iter().filter_map(|info| info.field(key)).any(|field| is_sparse(field)),
        index: index.cloned(),
        constants,
    }
}

pub(super) fn shape(path: &AttributePath, fields: &[&Arc<FieldInfo>]) -> Shape {
    if let Some(kind) = path.kind {
        let mut values: Vec<Value> = Vec::new();
        let declared = fields.iter().filter_map(|field| field.field.values.as_ref());
        declared.flatten().for_each(|value| {
            if !values.contains(value) {
                values.push(value.clone());
            }
        });
        return Shape::Field { kind, is_list: path.multiple, values };
    }
    let mut kinds = fields.iter().map(|field| field.field.kind);
    let first = if path.path.is_empty() { kinds.next() } else { None };
    Shape::Untyped(first.filter(|first| kinds.all(|kind| kind == *first)))
}

/// The field, if all types have it and mean the same by it.
fn shared_field<'a>(types: &[&'a TypeInfo], key: &str) -> Option<&'a Arc<FieldInfo>> {
    let first = types.first()?.field(key)?;
    let same = |field: &FieldInfo| {
        field.key == first.key
            && field.field.kind == first.field.kind
            && field.field.multiple == first.field.multiple
    };
    types.iter().all(|info| info.field(key).is_some_and(|field| same(field))).then_some(first)
}

/// What items have that set no value of their own: by type, and by instance where that differs.
fn constants(types: &[&TypeInfo], key: &str) -> Vec<(Uuid, Option<Arc<str>>, Value)> {
    let mut constants = Vec::new();
    for info in types {
        let of_type = info.constants().get(key);
        constants.extend(of_type.map(|value| (info.id(), None, value.clone())));
        for instance in info.instances() {
            let value = instance.constants.get(key).filter(|value| of_type != Some(value));
            let entry = |value: &Value| (info.id(), Some(Arc::clone(&instance.name)), value.clone());
            constants.extend(value.map(entry));
        }
    }
    constants
}

/// The kinds whose values are text of any form.
pub(super) fn is_text(kind: FieldKind) -> bool {
    matches!(
        kind,
        FieldKind::String
            | FieldKind::Text
            | FieldKind::Email
            | FieldKind::Url
            | FieldKind::Slug
            | FieldKind::Enum
    )
}
