//! JSON Patch (RFC 6902) on the document of an item, within bounds: a patch of a few bytes must not grow without end.

use json_patch::{PatchOperation, patch};
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::model::Item;
use crate::model::value::MAX_DEPTH;
use crate::provider::Access;
use crate::resource::{AttributeSet, Projection, Rendered};

/// The most operations of a patch.
const MAX_OPERATIONS: usize = 1000;
/// The most `copy` operations among them: each may double the document.
const MAX_COPIES: usize = 32;
/// The largest document on the way, in bytes of its JSON, roughly.
const MAX_SIZE: usize = 2 * Item::MAX_ATTRIBUTES;

/// A patch that was read and is within bounds.
#[derive(Debug, Clone)]
pub(in crate::resource) struct JsonPatch(Vec<PatchOperation>);

impl JsonPatch {
    /// Reads a list of operations.
    pub(in crate::resource) fn parse(operations: Value) -> Result<Self> {
        let operations: Vec<PatchOperation> = serde_json::from_value(operations)
            .map_err(|error| Error::malformed(format!("not a JSON Patch: {error}")))?;
        let copies = operations.iter().filter(|operation| matches!(operation, PatchOperation::Copy(_)));
        if operations.len() > MAX_OPERATIONS || copies.count() > MAX_COPIES {
            let message =
                format!("a patch has at most {MAX_OPERATIONS} operations, {MAX_COPIES} of them copies");
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        Ok(Self(operations))
    }

    /// Applies all operations, or none. A failed `test` is a conflict, a path that leads nowhere is invalid.
    pub(in crate::resource) fn apply(&self, mut document: Value) -> Result<Value> {
        for (index, operation) in self.0.iter().enumerate() {
            patch(&mut document, std::slice::from_ref(operation)).map_err(|error| {
                let kind = match operation {
                    PatchOperation::Test(_) => ErrorKind::Conflict,
                    _ => ErrorKind::InvalidInput,
                };
                Error::new(kind, format!("operation {index} of the patch ({}): {}", error.path, error.kind))
            })?;
            if depth_at(&document, operation.path().as_str()) > MAX_DEPTH {
                let message =
                    format!("operation {index} of the patch: nested deeper than {MAX_DEPTH} levels");
                return Err(Error::new(ErrorKind::TooLarge, message));
            }
            if matches!(operation, PatchOperation::Copy(_)) && size(&document) > MAX_SIZE {
                return Err(Error::new(ErrorKind::TooLarge, "the patched document is too large"));
            }
        }
        Ok(document)
    }
}

/// How deep a document is where an operation has changed it. Asked after each one, so that no step goes down further than twice as
/// deep as documents may be.
fn depth_at(document: &Value, path: &str) -> usize {
    let steps = path.matches('/').count();
    let changed = match path.strip_suffix("/-") {
        Some(list) => document.pointer(list).and_then(|list| list.as_array()?.last()),
        None => document.pointer(path),
    };
    changed.map_or(0, |value| steps + depth(value))
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// The document that a patch speaks of: what the caller may see of the item, with its own attributes.
pub(super) fn document(access: &Access, item: &Item) -> Result<Value> {
    let projection = Projection { attributes: AttributeSet::Own, select: Vec::new() };
    let mut text = Vec::new();
    Rendered::for_access(access, item.clone(), projection).write_json(&mut text);
    serde_json::from_slice(&text)
        .map_err(|error| Error::internal("an item was rendered badly").with_source(error))
}

/// Roughly the bytes that a value takes as JSON.
fn size(value: &Value) -> usize {
    match value {
        Value::Array(values) => values.iter().map(size).sum::<usize>() + values.len() + 2,
        Value::Object(map) => map.iter().map(|(key, value)| key.len() + size(value) + 4).sum::<usize>() + 2,
        Value::String(text) => text.len() + 2,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn applies_in_order() {
        let patch = JsonPatch::parse(json!([
            {"op": "test", "path": "/a", "value": 1},
            {"op": "move", "from": "/a", "path": "/b"},
            {"op": "add", "path": "/c", "value": [1]},
        ]));
        let done = patch.unwrap().apply(json!({"a": 1})).unwrap();
        assert_eq!(done, json!({"b": 1, "c": [1]}));
    }

    #[test]
    fn a_failed_test_is_a_conflict() {
        let patch = JsonPatch::parse(json!([{"op": "test", "path": "/a", "value": 2}])).unwrap();
        assert_eq!(patch.apply(json!({"a": 1})).unwrap_err().kind(), ErrorKind::Conflict);
        let patch = JsonPatch::parse(json!([{"op": "remove", "path": "/x"}])).unwrap();
        assert_eq!(patch.apply(json!({"a": 1})).unwrap_err().kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn growth_is_bounded() {
        let mut operations = vec![json!({"op": "add", "path": "/a", "value": "x".repeat(1 << 16)})];
        operations.extend((0..20).map(|n| json!({"op": "copy", "from": "", "path": format!("/{n}")})));
        let patch = JsonPatch::parse(Value::Array(operations)).unwrap();
        assert_eq!(patch.apply(json!({})).map(|grown| size(&grown)).unwrap_err().kind(), ErrorKind::TooLarge);
        let copies: Vec<Value> = (0..40).map(|_| json!({"op": "copy", "from": "/a", "path": "/b"})).collect();
        assert_eq!(JsonPatch::parse(Value::Array(copies)).unwrap_err().kind(), ErrorKind::TooLarge);
    }

    #[test]
    fn depth_is_bounded() {
        // The whole is copied to its own innermost place, so each copy doubles it.
        let copy = |n: usize| json!({"op": "copy", "from": "", "path": "/a".repeat(1 << n)});
        for (copies, is_right) in [(6, true), (7, false)] {
            let deep = JsonPatch::parse(Value::Array((0..copies).map(copy).collect())).unwrap();
            let done = deep.apply(json!({"a": 1})).map_err(|error| error.kind());
            assert_eq!(done.map(drop), if is_right { Ok(()) } else { Err(ErrorKind::TooLarge) });
        }
        // Pieces are hung one below another.
        let place = |levels: usize| format!("/list{}/-", "/0".repeat(levels));
        let piece = |level: usize| json!({"op": "add", "path": place(level), "value": []});
        for (levels, is_right) in [(MAX_DEPTH - 2, true), (MAX_DEPTH - 1, false)] {
            let pieces = JsonPatch::parse(Value::Array((0..levels).map(piece).collect())).unwrap();
            assert_eq!(pieces.apply(json!({"list": []})).is_ok(), is_right, "{levels}");
        }
    }

    #[test]
    fn nonsense_is_malformed() {
        for bad in [json!({}), json!([{"op": "fly", "path": "/a"}]), json!([{"op": "add"}])] {
            assert_eq!(JsonPatch::parse(bad).unwrap_err().kind(), ErrorKind::Malformed);
        }
    }
}
