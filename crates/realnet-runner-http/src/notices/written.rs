//! What is odd about a write: keys of its documents that look mistyped. They are kept as attributes that no type declares, so the
//! answer says so. Stands beside the handlers of writes: the keys are looked at before the write takes the documents along, and
//! held against the type that the written item turns out to have.

use std::slice;

use realnet_core::acl::Caller;
use realnet_core::model::Item;
use realnet_core::registry::{TypeInfo, TypeRegistry};
use realnet_core::resource::{PatchDocument, Reply};
use serde_json::{Map, Value};

use super::{MOST_LOOKED_AT, Names, Notices, Place, has, is_plain, is_property};

/// Longer texts of attributes are of programs: their keys are not looked at.
const LONGEST: usize = 16 * 1024;

/// The keys that a write gives and that its endpoint's type does not have, each with the number of its document, or without one
/// when it is said of several. Mostly none.
#[derive(Default)]
pub(crate) struct Written {
    keys: Vec<(Option<usize>, String)>,
}

impl Written {
    /// Of documents of items of a type.
    pub(crate) fn of_documents(base: Option<&TypeInfo>, body: &Value) -> Self {
        let documents = body.as_array().map_or_else(|| slice::from_ref(body), Vec::as_slice);
        let mut written = Self::default();
        for (index, document) in documents.iter().enumerate() {
            written.add_document(index, base, document);
        }
        written
    }

    /// Of a patch of an item of a type.
    pub(crate) fn of_patch(base: Option<&TypeInfo>, patch: &PatchDocument) -> Self {
        let operations = match patch {
            PatchDocument::Merge(document) => return Self::of_documents(base, document),
            PatchDocument::Json(operations) => operations,
        };
        let mut written = Self::default();
        for operation in operations.as_array().into_iter().flatten() {
            written.add_operation(0, base, operation);
        }
        written
    }

    /// Of the operations of a batch, each at an endpoint of its own.
    pub(crate) fn of_batch(registry: &TypeRegistry, caller: &Caller, body: &Value) -> Self {
        let mut written = Self::default();
        let operations = body.get("operations").and_then(Value::as_array).into_iter().flatten();
        for (index, operation) in operations.enumerate() {
            let resource = operation.get("resource").and_then(Value::as_str).unwrap_or_default();
            let base = base_of(registry, caller, resource);
            match operation.get("body") {
                Some(Value::Array(patch)) => {
                    for operation in patch {
                        written.add_operation(index, base, operation);
                    }
                }
                Some(document) => written.add_document(index, base, document),
                None => {}
            }
        }
        written
    }

    /// Of texts that are said of files, by names and values.
    pub(crate) fn of_texts(base: Option<&TypeInfo>, texts: &[(String, String)]) -> Self {
        let mut written = Self::default();
        for (name, value) in texts {
            written.add_text(base, name, value);
        }
        written
    }

    /// One of these.
    pub(crate) fn add_text(&mut self, base: Option<&TypeInfo>, name: &str, value: &str) {
        self.add_key(None, base, name);
        if name == "attributes" && value.len() <= LONGEST {
            let attributes: Map<String, Value> = serde_json::from_str(value).unwrap_or_default();
            for key in attributes.keys() {
                self.add_key(None, base, key);
            }
        }
    }

    fn add_document(&mut self, index: usize, base: Option<&TypeInfo>, document: &Value) {
        let Some(document) = document.as_object() else { return };
        let given = |map: &Map<String, Value>, at: &mut dyn FnMut(&str)| {
            // What is taken away is no slip: or there is nothing to take away.
            map.iter().filter(|(_, value)| !value.is_null()).for_each(|(key, _)| at(key));
        };
        given(document, &mut |key| self.add(index, base, key));
        if let Some(Value::Object(attributes)) = document.get("attributes") {
            given(attributes, &mut |key| self.add(index, base, key));
        }
    }

    /// What a JSON Patch (RFC 6902) puts somewhere.
    fn add_operation(&mut self, index: usize, base: Option<&TypeInfo>, operation: &Value) {
        let text = |key: &str| operation.get(key).and_then(Value::as_str).unwrap_or_default();
        if !["add", "replace", "copy", "move"].contains(&text("op")) {
            return;
        }
        let path = text("path");
        let path = path.strip_prefix("/attributes/").or_else(|| path.strip_prefix('/')).unwrap_or_default();
        self.add(index, base, path.split('/').next().unwrap_or_default());
    }

    fn add(&mut self, index: usize, base: Option<&TypeInfo>, key: &str) {
        self.add_key(Some(index), base, key);
    }

    fn add_key(&mut self, index: Option<usize>, base: Option<&TypeInfo>, key: &str) {
        let is_known = is_property(key) || base.is_some_and(|base| has(base, key));
        if !is_known && is_plain(key) && self.keys.len() < MOST_LOOKED_AT {
            self.keys.push((index, key.to_owned()));
        }
    }

    /// What is odd about it, now that it is done.
    pub(crate) fn notices(
        &self,
        registry: &TypeRegistry,
        caller: &Caller,
        base: Option<&TypeInfo>,
        reply: &Reply,
    ) -> Notices {
        let mut notices = Notices::default();
        for (index, key) in &self.keys {
            let info = match (reply, index) {
                (Reply::Affected(_), _) | (_, None) => base,
                (reply, Some(index)) => written(reply, *index).and_then(|item| registry.by_id(item.type_id)),
            };
            if let Some(base) = info {
                notices.look_at(&Names { registry, caller, base }, key, Place::Written);
            }
        }
        notices
    }
}

/// The item that was made of a document, as far as the answer has it.
fn written(reply: &Reply, index: usize) -> Option<&Item> {
    match reply {
        Reply::Created { items, .. } => items.value.get(index),
        Reply::Changed(item) => Some(&item.value),
        Reply::Batch { results, .. } => results.value.get(index)?.item.as_ref(),
        _ => None,
    }
}

/// The type whose items an endpoint has.
pub(crate) fn base_of<'a>(registry: &'a TypeRegistry, caller: &Caller, name: &str) -> Option<&'a TypeInfo> {
    if name.eq_ignore_ascii_case("items") { registry.root() } else { registry.endpoint(caller.org, name) }
}
