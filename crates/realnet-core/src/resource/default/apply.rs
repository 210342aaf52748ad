//! The next state of an item: a replacement, a merge patch or a JSON Patch laid over the present one.

use serde_json::Value;

use super::json_patch::{JsonPatch, document};
use super::owner::OwnerChoice;
use super::property;
use crate::error::{Error, Result, Violation};
use crate::model::{Attributes, Item, Map};
use crate::provider::Access;
use crate::registry::TypeInfo;
use crate::resource::Body;

/// A change that is ready to be laid over an item.
#[derive(Debug, Clone)]
pub(super) enum Applied {
    /// Attributes are replaced, properties set where given.
    Replace(Body),
    /// RFC 7396.
    Merge(Body),
    /// RFC 6902.
    Patch(JsonPatch),
}

/// Lays a change over an item. Rules of fields are checked by the caller; what is wrong with properties is put to
/// `violations`.
pub(super) fn apply(
    access: &Access,
    info: &TypeInfo,
    before: &Item,
    change: &Applied,
    owner: Option<OwnerChoice>,
    violations: &mut Vec<Violation>,
) -> Result<Item> {
    if let Applied::Replace(body) | Applied::Merge(body) = change {
        check_unknown(access, info, body)?;
    }
    let hidden = |body: &Body| names_hidden(access, info, body);
    let mut after = before.clone();
    let patched;
    let body = match change {
        Applied::Replace(body) => body,
        Applied::Merge(body) => {
            merge_properties(access, info, &mut after, body, owner, violations);
            merge_attributes(access, info, before, &mut after, body);
            after.version += i64::from(hidden(body));
            return Ok(after);
        }
        Applied::Patch(patch) => {
            patched = Body::parse(patch.apply(document(access, before)?)?)?;
            check_unknown(access, info, &patched)?;
            violations.extend(removed(&patched));
            property::reset_absent(&mut after, info, &patched.properties);
            &patched
        }
    };
    let owner = match change {
        Applied::Patch(_) => OwnerChoice::of_patched(&body.properties, owner),
        _ => owner,
    };
    set_properties(access, info, &mut after, &body.properties, owner, violations);
    let constants = info.constants_of(after.instance.as_deref());
    after.attributes =
        Attributes::from_map(replaced_attributes(access, info, before, constants, &body.attributes));
    after.version += i64::from(hidden(body));
    Ok(after)
}

/// Who can neither read nor write a field may not name it, whatever the value: else the right one, which changes nothing,
/// would be told apart from all others.
fn check_unknown(access: &Access, info: &TypeInfo, body: &Body) -> Result<()> {
    for info in info.fields() {
        let name = &info.field.name;
        let is_unknown = !info.is_readable_by(&access.caller) && !info.is_writable_by(&access.caller);
        if is_unknown && body.attributes.contains_key(name) {
            return Err(Error::forbidden(format!("you may not set the field {name}")));
        }
    }
    let retired = info.retired_names().filter(|name| info.is_hidden_from(name, &access.caller));
    match retired.into_iter().find(|name| body.attributes.contains_key(*name)) {
        Some(name) => Err(Error::forbidden(format!("you may not set the field {name}, which is gone"))),
        None => Ok(()),
    }
}

/// Whether a document sets what the caller does not see. That always counts as a change: a version that stays would tell that
/// the value was right.
fn names_hidden(access: &Access, info: &TypeInfo, body: &Body) -> bool {
    info.hidden_from(&access.caller).any(|name| body.attributes.contains_key(name))
}

/// A JSON Patch can not take away what the server sets.
fn removed(body: &Body) -> impl Iterator<Item = Violation> {
    let fixed = property::FIXED.iter().chain(&["org", "owner"]);
    let missing = fixed.filter(|key| !body.properties.contains_key(**key));
    missing.map(|key| Violation::new(format!("/{key}"), "can not be removed"))
}

/// New attributes in place of the old ones, except for those that the caller could not have seen or may not write.
/// What only repeats a constant of the type stays a constant: a caller writes back what it has read.
fn replaced_attributes(access: &Access, info: &TypeInfo, before: &Item, constants: &Map, given: &Map) -> Map {
    let own = before.attributes.as_map();
    let mut attributes: Map = given
        .iter()
        .filter(|(key, value)| own.contains_key(*key) || constants.get(*key) != Some(*value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    info.carry_over(&access.caller, own, &mut attributes);
    attributes
}

fn set_properties(
    access: &Access,
    info: &TypeInfo,
    item: &mut Item,
    properties: &Map,
    owner: Option<OwnerChoice>,
    violations: &mut Vec<Violation>,
) {
    for (key, value) in properties {
        let done = match property::set(item, info, key, value) {
            Ok(true) => Ok(()),
            Ok(false) => property::check_fixed(item, info, key, value),
            Err(detail) => Err(detail),
        };
        if let Err(detail) = done {
            violations.push(Violation::new(format!("/{key}"), detail));
        }
    }
    if let Some(choice) = owner
        && let Err(violation) = choice.assign(&access.caller, item)
    {
        violations.push(violation);
    }
    property::check_validity(item, violations);
}

fn merge_properties(
    access: &Access,
    info: &TypeInfo,
    item: &mut Item,
    body: &Body,
    owner: Option<OwnerChoice>,
    violations: &mut Vec<Violation>,
) {
    // `location` is the one property that is an object, so the one that merges.
    match body.properties.get("location").filter(|value| value.is_object()) {
        None => set_properties(access, info, item, &body.properties, owner, violations),
        Some(patch) => {
            let mut properties = body.properties.clone();
            let mut location = serde_json::to_value(&item.location).unwrap_or_default();
            ::json_patch::merge(&mut location, patch);
            properties.insert("location".to_owned(), location);
            set_properties(access, info, item, &properties, owner, violations);
        }
    }
}

fn merge_attributes(access: &Access, info: &TypeInfo, before: &Item, after: &mut Item, body: &Body) {
    if body.attributes.is_empty() && !body.clears {
        return;
    }
    let mut attributes = std::mem::take(&mut after.attributes).into_map();
    if body.clears {
        attributes = Map::new();
        info.carry_over(&access.caller, before.attributes.as_map(), &mut attributes);
    }
    for (key, patch) in &body.attributes {
        match patch {
            Value::Null => {
                attributes.remove(key);
            }
            Value::Object(_) => {
                let value = attributes.entry(key.clone()).or_insert(Value::Null);
                // Whether what comes of merging with something unseen is valid would tell of it.
                if info.is_hidden_from(key, &access.caller) {
                    *value = Value::Null;
                }
                ::json_patch::merge(value, patch);
            }
            other => {
                attributes.insert(key.clone(), other.clone());
            }
        }
    }
    after.attributes = Attributes::from_map(attributes);
}
