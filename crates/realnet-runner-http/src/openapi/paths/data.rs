//! The content of an item: bytes instead of JSON.

use serde_json::{Value, json};

use super::super::operations::{answer, operation, parameters, responses, schema, with, with_headers};

/// What an operation on a content is called.
pub(super) fn content(tag: &str, place: &Value) -> Value {
    let bytes = || json!({"*/*": {"schema": {"type": "string", "format": "binary"}}});
    let whole = json!({"description": "The content", "content": bytes()});
    let part = json!({"description": "A part of it", "content": bytes()});
    let known = json!({"description": "The content is the one at hand"});
    let get = responses(
        &[
            ("200", with_headers(whole, &["ETag"])),
            ("206", with_headers(part, &["ETag", "Content-Range"])),
            ("304", known),
        ],
        &[400, 401, 403, 404, 405, 412, 416, 501],
    );
    let changed = with_headers(answer("The item", schema("realnet.Item")), &["ETag"]);
    let put = responses(&[("200", changed)], &[400, 401, 403, 404, 405, 408, 409, 412, 413, 415, 422, 501]);
    let gone =
        responses(&[("204", json!({"description": "Taken away"}))], &[400, 401, 403, 404, 405, 412, 501]);
    let put = with(
        operation(tag, "writeData", "Replace the content of an item", put),
        "parameters",
        parameters(&["if-match", "if-none-match"]),
    );
    json!({
        "parameters": place,
        "get": with(
            operation(tag, "readData", "The content of an item, or a part of it", get),
            "parameters",
            parameters(&["range", "if-none-match", "download"]),
        ),
        "put": with(put, "requestBody", json!({"required": true, "content": bytes()})),
        "delete": with(
            operation(tag, "deleteData", "Take the content of an item away", gone),
            "parameters",
            parameters(&["if-match"]),
        ),
    })
}
