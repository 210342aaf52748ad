//! Reading the types of a document: nested types, instances, fields, keys folded into attributes.

use serde_json::Value;

use super::document::{Document, InstanceEntry, TypeEntry, folded_attributes, required_text, tolerant_bool};
use super::place::Place;
use crate::acl::Grant;
use crate::error::Violation;
use crate::model::{Field, Map};

/// What a type has besides attributes: any other key of its document is an attribute.
pub const TYPE_KEYS: &[&str] = &["name", "base", "fields", "access", "instances", "types"];
const INSTANCE_KEYS: &[&str] = &["name", "type", "access"];
/// Flags of types, which may be written as text.
const FLAGS: &[&str] = &["abstract", "strict", "creatable", "inherits_access"];
/// Flags of fields.
const FIELD_FLAGS: &[&str] = &["required", "unique", "index", "multiple", "readonly", "hidden"];

/// Reads a list of types, those inside a type after it, with that type as their base.
pub(super) fn list(
    value: &Value,
    host: Option<&str>,
    place: &Place,
    document: &mut Document,
    violations: &mut Vec<Violation>,
) {
    let Some(entries) = value.as_array() else {
        violations.push(place.violation("expected a list of types"));
        return;
    };
    for (position, entry) in entries.iter().enumerate() {
        one(entry, host, &place.below(position), document, violations);
    }
}

fn one(
    value: &Value,
    host: Option<&str>,
    place: &Place,
    document: &mut Document,
    violations: &mut Vec<Violation>,
) {
    let Value::Object(map) = value else {
        violations.push(place.violation("expected a type (an object)"));
        return;
    };
    let Some(name) = required_text(map, "name", place, violations) else { return };
    let mut attributes = folded_attributes(map, TYPE_KEYS, place, violations);
    read_flags(&mut attributes, FLAGS);
    let nested = map.get("types");
    // Names alone are the types that an interface offers for new children.
    let offered = nested.filter(|types| is_names(types));
    if let Some(offered) = offered {
        attributes.insert("types".to_owned(), offered.clone());
    }
    let base = base(map, host, &name, place, document, violations);
    let fields = fields(map.get("fields"), &name, &place.below("fields"), violations);
    let instances = instances(map.get("instances"), &name, &place.below("instances"), violations);
    let access = access(map.get("access"), &place.below("access"), violations);
    document.types.push(TypeEntry {
        name: name.clone(),
        base,
        attributes,
        fields,
        access,
        instances,
        place: place.clone(),
    });
    if let (Some(nested), None) = (nested, offered) {
        list(nested, Some(&name), &place.below("types"), document, violations);
    }
}

fn is_names(value: &Value) -> bool {
    value.as_array().is_some_and(|types| !types.is_empty() && types.iter().all(Value::is_string))
}

fn base(
    map: &Map,
    host: Option<&str>,
    name: &str,
    place: &Place,
    document: &mut Document,
    violations: &mut Vec<Violation>,
) -> Option<String> {
    let written = match map.get("base") {
        None | Some(Value::Null) => None,
        Some(Value::String(base)) if !base.is_empty() => Some(base.clone()),
        Some(_) => {
            violations
                .push(place.below("base").violation(format!("type {name}: base must be the name of a type")));
            None
        }
    };
    if let (Some(written), Some(host)) = (&written, host)
        && !written.eq_ignore_ascii_case(host)
    {
        let detail = format!("type {name}: stands inside {host}, but says that its base is {written}");
        document.contradictions.push(place.below("base").violation(detail));
    }
    written.or_else(|| host.map(str::to_owned))
}

fn read_flags(map: &mut Map, flags: &[&str]) {
    for flag in flags {
        if let Some(value) = map.get_mut(*flag)
            && let Some(read) = tolerant_bool(value)
        {
            *value = Value::Bool(read);
        }
    }
}

fn fields(
    value: Option<&Value>,
    type_name: &str,
    place: &Place,
    violations: &mut Vec<Violation>,
) -> Vec<(Field, Place)> {
    let entries = match value {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(entries)) => entries,
        Some(_) => {
            violations.push(place.violation(format!("type {type_name}: expected a list of fields")));
            return Vec::new();
        }
    };
    let mut fields = Vec::with_capacity(entries.len());
    for (position, entry) in entries.iter().enumerate() {
        let place = place.below(position);
        let mut entry = entry.clone();
        if let Value::Object(map) = &mut entry {
            read_flags(map, FIELD_FLAGS);
        }
        let text = |key: &str| entry.get(key).and_then(Value::as_str);
        let name = text("name").unwrap_or("without a name").to_owned();
        let unknown = text("type").map(|kind| format!("unknown variant `{kind}`"));
        match serde_json::from_value::<Field>(entry) {
            Ok(field) => fields.push((field, place)),
            Err(error) => {
                let mut reason = error.to_string();
                if let Some(unknown) = unknown.filter(|unknown| reason.starts_with(unknown.as_str())) {
                    reason = reason.replacen(
                        &unknown,
                        &unknown.replace("unknown variant", "there is no field type"),
                        1,
                    );
                }
                violations.push(place.violation(format!("type {type_name}: field {name}: {reason}")));
            }
        }
    }
    fields
}

fn instances(
    value: Option<&Value>,
    type_name: &str,
    place: &Place,
    violations: &mut Vec<Violation>,
) -> Vec<InstanceEntry> {
    let entries = match value {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(entries)) => entries,
        Some(_) => {
            violations.push(place.violation(format!("type {type_name}: expected a list of instances")));
            return Vec::new();
        }
    };
    let mut instances = Vec::with_capacity(entries.len());
    for (position, entry) in entries.iter().enumerate() {
        let place = place.below(position);
        let Value::Object(map) = entry else {
            violations.push(place.violation(format!("type {type_name}: expected an instance (an object)")));
            continue;
        };
        let Some(name) = required_text(map, "name", &place, violations) else { continue };
        let attributes = folded_attributes(map, INSTANCE_KEYS, &place, violations);
        let access = access(map.get("access"), &place.below("access"), violations);
        let written = map.get("type").and_then(Value::as_str);
        let type_name = written.filter(|own| !own.eq_ignore_ascii_case(type_name)).map(str::to_owned);
        instances.push(InstanceEntry { name, type_name, attributes, access, place });
    }
    instances
}

/// Grants; roles and groups by name. `null` is as good as nothing.
fn access(value: Option<&Value>, place: &Place, violations: &mut Vec<Violation>) -> Option<Vec<Grant>> {
    let value = value.filter(|value| !value.is_null())?;
    match Grant::list_from_json(value, "") {
        Ok(grants) => Some(grants),
        Err(error) => {
            violations.push(place.violation(format!("access: {}", error.message().trim_start_matches('/'))));
            None
        }
    }
}
