//! Types by name: create, replace, delete. What is done here is done by hand: no document owns it.

use std::sync::Arc;

use realnet_core::change::Operation;
use realnet_core::load::{self, Document, Layer, definitions};
use realnet_core::model::TypeDefinition;
use realnet_core::registry::{TypeInfo, TypeRegistry};
use realnet_core::resource::{Context, WriteOptions};
use realnet_core::{Error, ErrorKind, Result, Violation};
use serde_json::{Value, json};

use crate::apply::commit;

/// A type by name as the caller's org sees it.
pub(crate) fn find<'a>(cx: &'a Context, name: &str) -> Result<&'a TypeInfo> {
    cx.registry().find(cx.caller().org, name).ok_or_else(|| Error::not_found(format_args!("the type {name}")))
}

/// Creates a type, and those inside it; answers its name.
pub(crate) async fn create(cx: &Context, body: &Value) -> Result<String> {
    let layer = load::Target::of(Arc::clone(&cx.access.caller)).layer;
    let mut new = read(body, layer)?;
    for definition in &mut new {
        if cx.registry().find(cx.caller().org, &definition.name).is_some() {
            return Err(Error::conflict(format!("the type {} is there already", definition.name)));
        }
        definition.id = cx.services.ids.next_id();
        definition.version = 1;
    }
    let name = new.first().map(|definition| definition.name.clone()).unwrap_or_default();
    put(cx, new).await?;
    Ok(name)
}

/// Replaces a definition as a whole; id and layer stay.
pub(crate) async fn replace(cx: &Context, name: &str, body: &Value, options: &WriteOptions) -> Result<()> {
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
    let mut read = read(&body, stored.org)?;
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
    if (TypeDefinition { version: stored.version, ..definition.clone() }) == *stored {
        return Ok(());
    }
    put(cx, read).await
}

/// Deletes a type without items and derived types, to which no field refers.
pub(crate) async fn delete(cx: &Context, name: &str, options: &WriteOptions) -> Result<()> {
    let stored = Arc::clone(find(cx, name)?.definition());
    may_change(cx, &stored)?;
    check_version(&stored, options)?;
    let mut snapshot = cx.registry().snapshot();
    snapshot.revision += 1;
    snapshot.definitions.retain(|definition| definition.id != stored.id);
    let next = TypeRegistry::build(snapshot).map_err(|error| in_use(&stored.name, &error))?;
    let operations = vec![Operation::RemoveType(stored.id)];
    commit(&cx.services, &cx.access, &cx.request_id, operations, Some(Arc::new(next))).await
}

/// Names the first of what stands in the way.
fn in_use(name: &str, error: &Error) -> Error {
    let count = error.violations().len();
    let first = error.violations().first().map_or(error.message(), |violation| &violation.detail);
    let more = if count > 1 { format!(", and {} more", count - 1) } else { String::new() };
    Error::conflict(format!("the type {name} is in use: {first}{more}"))
}

async fn put(cx: &Context, definitions: Vec<TypeDefinition>) -> Result<()> {
    let mut snapshot = cx.registry().snapshot();
    snapshot.revision += 1;
    for definition in &definitions {
        snapshot.definitions.retain(|other| other.id != definition.id);
        snapshot.definitions.push(definition.clone());
    }
    let next = TypeRegistry::build(snapshot)?;
    let operations =
        definitions.into_iter().map(|definition| Operation::PutType(Box::new(definition))).collect();
    commit(&cx.services, &cx.access, &cx.request_id, operations, Some(Arc::new(next))).await
}

/// Reads a body as a type of an initialization file; pointers are into the body.
fn read(body: &Value, layer: Option<realnet_core::Uuid>) -> Result<Vec<TypeDefinition>> {
    let mut body = body.clone();
    if let Value::Object(map) = &mut body {
        // What describes a type may be sent back as it came.
        for key in ["id", "version", "layer", "effective", "schema"] {
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
        Some(version) if version != stored.version => Err(Error::new(
            ErrorKind::PreconditionFailed,
            format!("the type is at version {}, not {version}: read it again and retry", stored.version),
        )),
        _ => Ok(()),
    }
}
