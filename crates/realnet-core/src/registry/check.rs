//! Checks of declarations: names, options that do not fit the kind, options that contradict each other.

use std::cmp::Ordering;

use serde_json::Value;

use super::problems::Problems;
use super::{FieldInfo, formats, schema_bounds, validator};
use crate::model::{Field, FieldKind, Item, OnDelete, TypeDefinition};

/// The longest name of a type, instance or field, in bytes.
const MAX_NAME: usize = 128;
/// The most fields that one type may have, inherited ones included.
pub(super) const MAX_FIELDS: usize = 500;
/// The most instances that one type may have, inherited ones included.
pub(super) const MAX_INSTANCES: usize = 500;

/// The kind as documents write it.
pub(super) fn kind_name(kind: FieldKind) -> String {
    serde_json::to_value(kind).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The names and flags of a type.
pub(super) fn definition(definition: &TypeDefinition, problems: &mut Problems) {
    let name = &definition.name;
    let usable = name.starts_with(char::is_alphabetic)
        && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if !usable || name.len() > MAX_NAME {
        problems.of_type(name, "needs a name of letters, digits, '_' and '-' that begins with a letter");
    }
    for key in ["abstract", "strict", "creatable", "inherits_access"] {
        if definition.attributes.get(key).is_some_and(|value| !value.is_boolean()) {
            problems.of_attribute(name, key, "expected true or false");
        }
    }
    for key in ["module", "resource", "endpoint", "provider", "icon"] {
        if definition.attributes.get(key).is_some_and(|value| !value.is_string()) {
            problems.of_attribute(name, key, "expected text");
        }
    }
    let endpoint = definition.attributes.get("endpoint").and_then(Value::as_str);
    if endpoint.is_some_and(|text| {
        text.is_empty() || !text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
    }) {
        problems.of_attribute(name, "endpoint", "expected letters, digits, '_' and '-'");
    }
    for instance in &definition.instances {
        if instance.name.trim().is_empty() || instance.name.len() > MAX_NAME {
            problems.of_instance(name, &instance.name, format!("needs a name of at most {MAX_NAME} bytes"));
        }
    }
}

/// What is wrong with a declared field by itself; and what it weighs.
pub(super) fn declaration(field: &Field) -> (Vec<String>, usize) {
    let mut problems = Vec::new();
    check_name(&field.name, &mut problems);
    check_fit(field, &mut problems);
    problems.extend(contradictions(field));
    check_values(field, &mut problems);
    let weight = validator::weigh(field).unwrap_or_else(|detail| {
        problems.push(detail);
        0
    });
    (problems, weight)
}

fn check_name(name: &str, problems: &mut Vec<String>) {
    let usable = name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if !usable || name.len() > MAX_NAME {
        problems.push("the name must be letters, digits, '_' and '-', beginning with a letter".to_owned());
    }
    // An attribute of that name could not be told from the property.
    if Item::PROPERTIES.contains(&name) {
        problems.push("is the name of a property that every item has".to_owned());
    }
}

/// Options that mean nothing for the kind are mistakes.
fn check_fit(field: &Field, problems: &mut Vec<String>) {
    use FieldKind::{
        Date, Datetime, Decimal, Duration, Enum, File, Geo, Integer, Json, Number, Reference, Secret, String,
        Text, Time,
    };
    let textual: &[FieldKind] = &[String, Text];
    let numeric: &[FieldKind] = &[Integer, Number];
    let ordered: &[FieldKind] = &[Integer, Number, Decimal, Date, Datetime, Time, Duration];
    let options: [(&str, bool, &[FieldKind]); 14] = [
        ("min_length", field.min_length.is_some(), textual),
        ("max_length", field.max_length.is_some(), textual),
        ("pattern", field.pattern.is_some(), textual),
        ("values", field.values.is_some(), &[String, Text, Enum]),
        ("min", field.min.is_some(), ordered),
        ("max", field.max.is_some(), ordered),
        ("multiple_of", field.multiple_of.is_some(), numeric),
        ("precision", field.precision.is_some(), &[Decimal]),
        ("scale", field.scale.is_some(), &[Decimal]),
        ("reference", field.reference.is_some(), &[Reference]),
        ("on_delete", field.on_delete.is_some(), &[Reference, File]),
        ("mime", field.mime.is_some(), &[File]),
        ("max_size", field.max_size.is_some(), &[File]),
        ("schema", field.schema.is_some(), &[Json]),
    ];
    for (option, given, kinds) in options {
        if given && !kinds.contains(&field.kind) {
            problems.push(format!("{option} does not fit the type {}", kind_name(field.kind)));
        }
    }
    if matches!(field.kind, Json | Geo | Secret) {
        for (option, given) in [("unique", field.unique), ("index", field.index)] {
            if given {
                problems.push(format!("{option} does not fit the type {}", kind_name(field.kind)));
            }
        }
    }
    if field.kind == Secret && field.default.is_some() {
        problems.push("a secret has no default: definitions can be read".to_owned());
    }
}

/// Options that can not hold together: of one declaration, or of one and the inherited ones that it leaves as they are.
pub(super) fn contradictions(field: &Field) -> Vec<String> {
    let mut problems = Vec::new();
    if field.on_delete == Some(OnDelete::Clear) && field.required && !field.multiple {
        problems.push("on_delete is clear, but the field is required".to_owned());
    }
    check_limits(field, &mut problems);
    problems
}

fn check_limits(field: &Field, problems: &mut Vec<String>) {
    if let (Some(min), Some(max)) = (field.min_length, field.max_length)
        && min > max
    {
        problems.push(format!("min_length {min} is over max_length {max}"));
    }
    if field.multiple_of.is_some_and(|step| !step.is_finite() || step <= 0.0) {
        problems.push("multiple_of must be over 0".to_owned());
    }
    if field.precision == Some(0) {
        problems.push("precision must be at least 1".to_owned());
    }
    if let (Some(precision), Some(scale)) = (field.precision, field.scale)
        && scale > precision
    {
        problems.push(format!("scale {scale} is over precision {precision}"));
    }
    let mut bounds = Vec::new();
    for (option, bound) in [("min", &field.min), ("max", &field.max)] {
        let Some(bound) = bound else { continue };
        let mut canonical = bound.clone();
        match formats::canonicalize(field.kind, &mut canonical) {
            Ok(()) => bounds.push(canonical),
            Err(detail) => problems.push(format!("{option}: {detail}")),
        }
    }
    if let [min, max] = bounds.as_slice()
        && formats::compare(field.kind, min, max) == Some(Ordering::Greater)
    {
        problems.push(format!("min {min} is over max {max}"));
    }
}

fn check_values(field: &Field, problems: &mut Vec<String>) {
    if field.kind == FieldKind::Enum && field.values.as_ref().is_none_or(Vec::is_empty) {
        problems.push("an enum needs values".to_owned());
    }
    let values = field.values.as_deref().unwrap_or_default();
    if values.len() > schema_bounds::MAX_VALUES {
        problems.push(format!("values has more than {}", schema_bounds::MAX_VALUES));
        return;
    }
    for (position, value) in values.iter().enumerate() {
        if value.is_null() || value.is_array() || value.is_object() {
            problems.push(format!("values has {value}, expected text, a number, true or false"));
        }
        if values[..position].contains(value) {
            problems.push(format!("values has {value} twice"));
        }
    }
    for mime in field.mime.iter().flatten() {
        if mime.split('/').filter(|part| !part.is_empty()).count() != 2 {
            problems.push(format!("mime has '{mime}', expected a media type such as image/*"));
        }
    }
}

/// Brings the value that a type, instance or default gives to a field to its canonical form; says what is wrong.
pub(super) fn constant(info: &FieldInfo, value: &mut Value) -> Vec<String> {
    if info.field.kind == FieldKind::Secret {
        return vec!["a secret can not be given by a type: definitions can be read".to_owned()];
    }
    if value.is_null() {
        return Vec::new();
    }
    validator::check_value(info, value)
}
