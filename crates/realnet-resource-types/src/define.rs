//! Types by name: create, replace, delete. What is done here is done by hand: no document owns it.

use std::sync::Arc;

use realnet_core::change::Operation;
use realnet_core::load::{self, Document, Layer, TYPE_KEYS, definitions};
use realnet_core::model::TypeDefinition;
use realnet_core::registry::TypeInfo;
use realnet_core::resource::{Context, PatchDocument, Resources, WriteOptions};
use realnet_core::{Error, ErrorKind, Result, Violation};
use serde_json::{Map, Value, json};

use crate::apply::{Writer, commit};
use crate::describe::{self, RETIRED};
use crate::resource::SOURCE;
use crate::subjects;

/// A type by name as the caller's org sees it.
pub(crate) fn find<'a>(cx: &'a Context, name: &str) -> Result<&'a TypeInfo> {
    cx.registry().find(cx.caller().org, name).ok_or_else(|| Error::not_found(format_args!("the type {name}")))
}

/// Creates a type and those inside it, or all types of a list; answers the names of what was asked for.
pub(crate) async fn create(cx: &Context, resources: &Arc<Resources>, body: &Value) -> Result<Vec<String>> {
    let layer = load::Target::of(Arc::clone(&cx.access.caller)).layer;
    let (mut new, mut names) = (Vec::new(), Vec::new());
    match body {
        Value::Array(bodies) if bodies.is_empty() => {
            return Err(Error::malformed_at("", "expected at least one type"));
        }
        Value::Array(bodies) => {
            for (position, body) in bodies.iter().enumerate() {
                let read = read_written(cx, body, layer).map_err(|error| within(&error, position))?;
                names.extend(read.first().map(|definition| definition.name.clone()));
                new.extend(read);
            }
        }
        body => {
            new = read_written(cx, body, layer)?;
            names.extend(new.first().map(|definition| definition.name.clone()));
        }
    }
    for definition in &mut new {
        if cx.registry().find(cx.caller().org, &definition.name).is_some() {
            return Err(Error::conflict(format!("the type {} is there already", definition.name)));
        }
        definition.id = cx.services.ids.next_id();
        definition.version = 1;
    }
    put(cx, resources, new).await?;
    Ok(names)
}

/// The violations of one type of a list, by their place in the list.
fn within(error: &Error, position: usize) -> Error {
    let violations = error.violations().iter();
    Error::invalid(
        violations
            .map(|violation| {
                Violation::new(format!("/{position}{}", violation.pointer), violation.detail.clone())
            })
            .collect(),
    )
}

/// Replaces a definition as a whole; id and layer stay.
pub(crate) async fn replace(
    cx: &Context,
    resources: &Arc<Resources>,
    name: &str,
    body: &Value,
    options: &WriteOptions,
) -> Result<()> {
    let stored = Arc::clone(find(cx, name)?.definition());
    may_change(cx, &stored)?;
    check_version(&stored, options)?;
    let mut body = body.clone();
    if let Value::Object(map) = &mut body {
        map.entry("name").or_insert_with(|| json!(stored.name));
        if let (None, Some(base)) = (map.get("base"), &stored.base) {
            map.insert("base".to_owned(), json!(base));
        }
    }
    let mut read = read_written(cx, &body, stored.org)?;
    let [definition] = read.as_mut_slice() else {
        return Err(Error::invalid(vec![Violation::new(
            "/types",
            "types inside a type are created, not replaced",
        )]));
    };
    if !definition.name.eq_ignore_ascii_case(&stored.name) {
        let detail = format!("the name of a type stays: expected {}", stored.name);
        return Err(Error::invalid(vec![Violation::new("/name", detail)]));
    }
    definition.id = stored.id;
    definition.version = stored.version + 1;
    definition.retired.clone_from(&stored.retired);
    if (TypeDefinition { version: stored.version, ..definition.clone() }) == *stored {
        return Ok(());
    }
    put(cx, resources, read).await
}

/// Changes a part of a definition: a patch of the document that describes it.
pub(crate) async fn patch(
    cx: &Context,
    resources: &Arc<Resources>,
    name: &str,
    patch: PatchDocument,
    options: &WriteOptions,
) -> Result<()> {
    let info = find(cx, name)?;
    let document = describe::definition(info, true);
    let patched = match patch {
        PatchDocument::Merge(patch) => PatchDocument::Merge(folded(patch, info)?).apply(document.clone())?,
        patch @ PatchDocument::Json(_) => patch.apply(document.clone())?,
    };
    let Value::Object(map) = &patched else {
        return Err(Error::invalid(vec![Violation::new("", "expected a type (an object)")]));
    };
    let differs = |key: &&&str| map.get(**key) != document.get(**key);
    let set_here = DESCRIBED
        .iter()
        .filter(differs)
        .map(|key| Violation::new(format!("/{key}"), "is set by the server and can not be changed"));
    let without_base = map.get("base").is_none_or(Value::is_null) && info.definition().base.is_some();
    let base = without_base.then(|| Violation::new("/base", "a type keeps a base"));
    let violations: Vec<Violation> = set_here.chain(base).collect();
    if !violations.is_empty() {
        return Err(Error::invalid(violations));
    }
    replace(cx, resources, name, &patched, options).await
}

/// What stands beside a definition in a description that is read.
const RESOLVED: [&str; 4] = ["effective", "schema", "building", SOURCE];
/// What describes a type and is not a part of its definition.
const DESCRIBED: [&str; 4] = ["id", "version", "layer", RETIRED];

/// Reads what somebody has written as a type, and refuses keys that are nearly parts of one.
fn read_written(
    cx: &Context,
    body: &Value,
    layer: Option<realnet_core::Uuid>,
) -> Result<Vec<TypeDefinition>> {
    if let Value::Object(map) = body {
        let base = map.get("base").and_then(Value::as_str);
        let base = base.and_then(|name| cx.registry().find(cx.caller().org, name));
        let is_known = |key: &str| DESCRIBED.contains(&key) || RESOLVED.contains(&key);
        check_keys(map, base, map.keys().map(String::as_str).filter(|key| !is_known(key)))?;
    }
    read(body, layer)
}

/// Any key that is no part of a definition is an attribute, which all items show: one that is nearly a part, or nearly a
/// field, is a slip. Below `attributes` it says what it is.
fn check_keys<'a>(
    map: &'a Map<String, Value>,
    info: Option<&'a TypeInfo>,
    keys: impl Iterator<Item = &'a str>,
) -> Result<()> {
    let own = map.get("fields").and_then(Value::as_array).into_iter().flatten();
    let own = own.filter_map(|field| field.get("name").and_then(Value::as_str));
    let known = info.into_iter().flat_map(TypeInfo::fields).map(|info| info.field.name.as_str());
    let fields: Vec<&str> = own.chain(known).collect();
    let slip = |key: &str| {
        let meant = load::misspelt(key, fields.iter().copied())?;
        let detail = format!(
            "is no part of a type: was '{meant}' meant? An attribute of that name stands below attributes"
        );
        Some(Violation::new(format!("/{key}"), detail))
    };
    let slips: Vec<Violation> = keys.filter_map(slip).collect();
    if slips.is_empty() { Ok(()) } else { Err(Error::invalid(slips)) }
}

/// A merge patch with the keys that are attributes below `attributes`, as in every other document.
fn folded(patch: Value, info: &TypeInfo) -> Result<Value> {
    let Value::Object(patch) = patch else {
        return Err(Error::malformed("expected an object with the parts of a type that change"));
    };
    let is_part = |key: &str| key == "attributes" || TYPE_KEYS.contains(&key) || DESCRIBED.contains(&key);
    let (mut parts, loose): (Map<String, Value>, Map<String, Value>) =
        patch.into_iter().partition(|(key, _)| is_part(key));
    if loose.is_empty() {
        return Ok(Value::Object(parts));
    }
    let is_new = |key: &&str| !info.definition().attributes.contains_key(*key);
    check_keys(&parts, Some(info), loose.keys().map(String::as_str).filter(is_new))?;
    let attributes = parts.entry("attributes").or_insert_with(|| json!({}));
    let Value::Object(attributes) = attributes else {
        return Err(Error::malformed_at("/attributes", "expected an object"));
    };
    for (key, value) in loose {
        if attributes.contains_key(&key) {
            let detail = "stands both in the document and in its attributes";
            return Err(Error::malformed_at(format!("/{key}"), detail));
        }
        attributes.insert(key, value);
    }
    Ok(Value::Object(parts))
}

/// Deletes a type without items and derived types, to which no field refers.
pub(crate) async fn delete(
    cx: &Context,
    resources: &Arc<Resources>,
    name: &str,
    options: &WriteOptions,
) -> Result<()> {
    let stored = Arc::clone(find(cx, name)?.definition());
    may_change(cx, &stored)?;
    check_version(&stored, options)?;
    let mut snapshot = cx.registry().snapshot();
    snapshot.revision += 1;
    snapshot.definitions.retain(|definition| definition.id != stored.id);
    let next = cx.registry().successor(snapshot).map_err(|error| in_use(&stored.name, &error))?;
    let operations = vec![Operation::RemoveType(stored.id)];
    commit(Writer::of(cx, resources), operations, Some(Arc::new(next))).await
}

/// Names the first of what stands in the way.
fn in_use(name: &str, error: &Error) -> Error {
    let count = error.violations().len();
    let first = error.violations().first().map_or(error.message(), |violation| &violation.detail);
    let more = if count > 1 { format!(", and {} more", count - 1) } else { String::new() };
    Error::conflict(format!("the type {name} is in use: {first}{more}"))
}

async fn put(cx: &Context, resources: &Arc<Resources>, definitions: Vec<TypeDefinition>) -> Result<()> {
    let mut snapshot = cx.registry().snapshot();
    snapshot.revision += 1;
    for definition in &definitions {
        snapshot.definitions.retain(|other| other.id != definition.id);
        snapshot.definitions.push(definition.clone());
    }
    let next = cx.registry().successor(snapshot)?;
    next.check_change(cx.registry())?;
    let operations: Vec<Operation> =
        definitions.into_iter().map(|definition| Operation::PutType(Box::new(definition))).collect();
    subjects::check_types(cx, &operations).await?;
    commit(Writer::of(cx, resources), operations, Some(Arc::new(next))).await
}

/// Reads a body as a type of an initialization file; pointers are into the body.
fn read(body: &Value, layer: Option<realnet_core::Uuid>) -> Result<Vec<TypeDefinition>> {
    let mut body = body.clone();
    if let Value::Object(map) = &mut body {
        // What describes a type may be sent back as it came.
        for key in DESCRIBED.into_iter().chain(RESOLVED) {
            map.remove(key);
        }
    }
    let document = json!({"types": [body]});
    Document::from_value("body", &document, |_| None)
        .and_then(|document| definitions(&document.with_layer(Layer::App), layer))
        .map_err(|error| {
            let at = |pointer: &str| pointer.strip_prefix("/types/0").unwrap_or(pointer).to_owned();
            let words = |detail: &str| {
                detail
                    .split_once(": ")
                    .filter(|(place, _)| place.starts_with("body"))
                    .map_or(detail, |(_, words)| words)
                    .to_owned()
            };
            let violations = error.violations().iter();
            Error::invalid(
                violations
                    .map(|violation| Violation::new(at(&violation.pointer), words(&violation.detail)))
                    .collect(),
            )
        })
}

fn may_change(cx: &Context, stored: &TypeDefinition) -> Result<()> {
    if stored.org.is_none() && !cx.caller().is_superuser() {
        let message = format!("{} is a type of the system: only superusers change it", stored.name);
        return Err(Error::forbidden(message));
    }
    Ok(())
}

fn check_version(stored: &TypeDefinition, options: &WriteOptions) -> Result<()> {
    match options.expected_version {
        Some(version) if version.number != stored.version => Err(Error::new(
            ErrorKind::PreconditionFailed,
            format!(
                "the type is at version {}, not {}: read it again and retry",
                stored.version, version.number
            ),
        )),
        _ => Ok(()),
    }
}
