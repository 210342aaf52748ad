//! Inheriting fields: a derived type may add fields and narrow inherited ones, never widen them.

use std::cmp::Ordering;
use std::sync::Arc;

use serde_json::Value;

use super::problems::Problems;
use super::{FieldInfo, FieldRef, TypeInfo, check, formats, weight};
use crate::model::{Field, FieldKind, TypeDefinition};

/// All fields of a type, inherited ones first; `most`: where it ends.
pub(super) fn inherit(
    definition: &TypeDefinition,
    base: Option<&TypeInfo>,
    most: usize,
    problems: &mut Problems,
) -> Vec<Arc<FieldInfo>> {
    let mut fields = base.map(|base| base.fields.clone()).unwrap_or_default();
    for (position, field) in definition.fields.iter().enumerate() {
        if definition.fields[..position].iter().any(|other| other.name == field.name) {
            problems.of_field(&definition.name, &field.name, "is declared twice");
            continue;
        }
        if fields.len() >= most && !fields.iter().any(|info| info.field.name == field.name) {
            let detail = format!("has more than {} fields, inherited ones included", check::MAX_FIELDS);
            problems.of_type(&definition.name, detail);
            break;
        }
        let (details, weight) = check::declaration(field);
        for detail in details {
            problems.of_field(&definition.name, &field.name, detail);
        }
        let inherited = fields.iter_mut().find(|info| info.field.name == field.name);
        let mut info = match &inherited {
            Some(wider) => {
                for detail in widened(&wider.field, field) {
                    problems.of_field(&definition.name, &field.name, detail);
                }
                let mut together = narrowed(wider, field);
                together.weight += weight;
                let alone = check::contradictions(field);
                for detail in check::contradictions(&together.field) {
                    if !alone.contains(&detail) {
                        problems.of_field(&definition.name, &field.name, detail);
                    }
                }
                together
            }
            None => FieldInfo {
                key: FieldRef { declared_by: definition.id, name: Arc::from(field.name.as_str()) },
                patterns: field.pattern.iter().map(|pattern| Arc::from(pattern.as_str())).collect(),
                field: field.clone(),
                reference: None,
                is_building: false,
                weight: weight::FIELD + weight,
            },
        };
        canonical_options(&mut info.field);
        if let Some(mut default) = info.field.default.take() {
            for detail in check::constant(&info, &mut default) {
                problems.of_field(&definition.name, &field.name, format!("default: {detail}"));
            }
            info.field.default = Some(default);
        }
        match inherited {
            Some(slot) => *slot = Arc::new(info),
            None => fields.push(Arc::new(info)),
        }
    }
    fields
}

/// Bounds and values in the canonical form of their kind, so that they compare with canonical values.
fn canonical_options(field: &mut Field) {
    let kind = field.kind;
    let values = field.values.iter_mut().flatten();
    for value in field.min.iter_mut().chain(field.max.iter_mut()).chain(values) {
        // What can not be read is reported by the check of the declaration.
        let _ = formats::canonicalize(kind, value);
    }
}

/// The inherited field with the options of the derived type over it; rules of both hold.
fn narrowed(wider: &FieldInfo, own: &Field) -> FieldInfo {
    let base = wider.field.clone();
    let mut patterns = wider.patterns.clone();
    if let Some(pattern) = own.pattern.as_deref().filter(|own| patterns.iter().all(|known| **known != **own))
    {
        patterns.push(Arc::from(pattern));
    }
    let schema = match (base.schema, own.schema.clone()) {
        (Some(wide), Some(narrow)) if wide != narrow => Some(serde_json::json!({"allOf": [wide, narrow]})),
        (wide, narrow) => narrow.or(wide),
    };
    let field = Field {
        name: base.name,
        kind: own.kind,
        required: base.required || own.required,
        default: own.default.clone().or(base.default),
        unique: base.unique || own.unique,
        index: base.index || own.index,
        multiple: base.multiple,
        readonly: base.readonly || own.readonly,
        hidden: base.hidden || own.hidden,
        description: own.description.clone().or(base.description),
        label: own.label.clone().or(base.label),
        read: own.read.clone().or(base.read),
        write: own.write.clone().or(base.write),
        min_length: own.min_length.or(base.min_length),
        max_length: own.max_length.or(base.max_length),
        pattern: own.pattern.clone().or(base.pattern),
        values: own.values.clone().or(base.values),
        min: own.min.clone().or(base.min),
        max: own.max.clone().or(base.max),
        multiple_of: own.multiple_of.or(base.multiple_of),
        precision: own.precision.or(base.precision),
        scale: own.scale.or(base.scale),
        reference: own.reference.clone().or(base.reference),
        on_delete: own.on_delete.or(base.on_delete),
        mime: own.mime.clone().or(base.mime),
        max_size: own.max_size.or(base.max_size),
        schema,
    };
    FieldInfo { field, patterns, ..wider.clone() }
}

/// In what `own` is wider than `base`.
fn widened(base: &Field, own: &Field) -> Vec<String> {
    let mut problems = Vec::new();
    if !kind_narrows(base, own.kind) {
        let (wide, narrow) = (check::kind_name(base.kind), check::kind_name(own.kind));
        problems.push(format!("type is {narrow}, which is not a narrower form of the inherited {wide}"));
    }
    if own.multiple && !base.multiple {
        problems.push("multiple can not be added to an inherited field".to_owned());
    }
    if own.on_delete.is_some_and(|rule| rule != base.on_delete()) {
        // One index serves the field in all derived types, and deletions follow that index.
        problems.push("on_delete differs from the inherited rule".to_owned());
    }
    problems.extend(numbers_widened(base, own));
    problems.extend(sets_widened(base, own));
    problems
}

fn numbers_widened(base: &Field, own: &Field) -> Vec<String> {
    let mut problems = Vec::new();
    let kind = own.kind;
    let wider = |option: &str, own: String, base: String| {
        format!("{option} is {own}, wider than the inherited {base}")
    };
    for (option, base, own) in [
        ("max_length", base.max_length.map(u64::from), own.max_length.map(u64::from)),
        ("precision", base.precision.map(u64::from), own.precision.map(u64::from)),
        ("scale", base.scale.map(u64::from), own.scale.map(u64::from)),
        ("max_size", base.max_size, own.max_size),
    ] {
        if let (Some(base), Some(own)) = (base, own)
            && own > base
        {
            problems.push(wider(option, own.to_string(), base.to_string()));
        }
    }
    if let (Some(base), Some(own)) = (base.min_length, own.min_length)
        && own < base
    {
        problems.push(wider("min_length", own.to_string(), base.to_string()));
    }
    for (option, base, own, side) in
        [("min", &base.min, &own.min, Ordering::Less), ("max", &base.max, &own.max, Ordering::Greater)]
    {
        if let (Some(base), Some(bound)) = (base, own)
            && compare_bounds(kind, bound, base) == Some(side)
        {
            problems.push(wider(option, bound.to_string(), base.to_string()));
        }
    }
    if let (Some(base), Some(own)) = (base.multiple_of, own.multiple_of) {
        let ratio = own / base;
        if (ratio - ratio.round()).abs() > 1e-9 {
            problems.push(format!("multiple_of is {own}, not a multiple of the inherited {base}"));
        }
    }
    problems
}

fn sets_widened(base: &Field, own: &Field) -> Vec<String> {
    let mut problems = Vec::new();
    let extra = [
        ("values", outside(base.values.as_ref(), own.values.as_ref())),
        ("read", outside(base.read.as_ref(), own.read.as_ref())),
        ("write", outside(base.write.as_ref(), own.write.as_ref())),
    ];
    for (option, extra) in extra {
        if let Some(extra) = extra {
            problems.push(format!("{option} has {extra}, which is not among the inherited ones"));
        }
    }
    if let (Some(wide), Some(narrow)) = (&base.mime, &own.mime) {
        let covers = |wide: &String, own: &String| {
            wide == own || wide.strip_suffix('*').is_some_and(|prefix| own.starts_with(prefix))
        };
        for mime in narrow.iter().filter(|own| !wide.iter().any(|wide| covers(wide, own))) {
            problems.push(format!("mime has {mime}, which is not among the inherited ones"));
        }
    }
    problems
}

/// A keyed field keeps its kind: its index holds values of all derived types in one order.
fn kind_narrows(base: &Field, own: FieldKind) -> bool {
    use FieldKind::{Email, Enum, Integer, Number, Slug, String, Text, Url, Uuid};
    if base.kind == own {
        return true;
    }
    !base.is_keyed()
        && match base.kind {
            Number => own == Integer,
            Text | String => matches!(own, String | Email | Url | Slug | Uuid | Enum),
            FieldKind::Json => base.schema.is_none() && own != FieldKind::Secret,
            _ => false,
        }
}

fn compare_bounds(kind: FieldKind, own: &Value, base: &Value) -> Option<Ordering> {
    let mut canonical = own.clone();
    formats::canonicalize(kind, &mut canonical).ok()?;
    formats::compare(kind, &canonical, base)
}

/// The first of `own` that is not in `base`.
fn outside<T: PartialEq + serde::Serialize>(base: Option<&Vec<T>>, own: Option<&Vec<T>>) -> Option<String> {
    let base = base?;
    let extra = own?.iter().find(|value| !base.contains(value))?;
    serde_json::to_string(extra).ok()
}
