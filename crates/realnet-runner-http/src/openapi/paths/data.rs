//! The content of an item: bytes instead of JSON.

use serde_json::{Value, json};

use super::super::operations::{answer, operation, parameters, responses, schema, with, with_headers};

/// The content of an item, of any type of files.
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
            parameters(&["range", "if-none-match", "download", "thumb"]),
        ),
        "put": with(put, "requestBody", json!({"required": true, "content": bytes()})),
        "delete": with(
            operation(tag, "deleteData", "Take the content of an item away", gone),
            "parameters",
            parameters(&["if-match"]),
        ),
    })
}

/// Uploads in several requests, by the tus protocol.
pub(super) fn uploads(add: &mut impl FnMut(&str, Value)) {
    let tag = "Any resource";
    let told = |description: &str| json!({"description": description});
    let began = json!({"description": "Begun; `Location` is its address", "headers": {"Location": {"$ref": "#/components/headers/Location"}}});
    let bytes = || json!({"required": true, "content": {"application/offset+octet-stream": {"schema": {"type": "string", "format": "binary"}}}});
    let begin = responses(&[("201", began)], &[400, 401, 403, 408, 412, 413, 415, 422, 501]);
    let about = || responses(&[("204", told("What is understood of the protocol"))], &[]);
    add(
        "/api/uploads",
        json!({
            "post": operation(tag, "beginUpload", "Begin an upload in several requests (tus 1.0)", begin),
            "options": operation(tag, "uploadProtocol", "What is understood of the protocol", about()),
        }),
    );
    let look =
        responses(&[("200", told("How far it is: `Upload-Offset` of `Upload-Length`"))], &[401, 404, 412]);
    let append =
        responses(&[("204", told("How far it is now"))], &[400, 401, 403, 404, 408, 409, 412, 413, 415, 422]);
    let abort = responses(&[("204", told("Given up"))], &[401, 404, 412]);
    add(
        "/api/uploads/{id}",
        json!({
            "parameters": [super::parameter("id")],
            "get": operation(tag, "lookAtUpload", "How far an upload is", look),
            "patch": with(operation(tag, "appendUpload", "Go on with an upload", append), "requestBody", bytes()),
            "delete": operation(tag, "abortUpload", "Give an upload up", abort),
            "options": operation(tag, "oneUploadProtocol", "What is understood of the protocol", about()),
        }),
    );
}
