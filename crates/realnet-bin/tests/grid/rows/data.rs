//! Contents of files.

use serde_json::{Value, json};

use super::{delete, get, options, patch, post, put, row, things};
use crate::cells::Row;

pub fn rows() -> Vec<Row> {
    const GET: &str = "GET /api/{resource}/{id}/data";
    const PUT: &str = "PUT /api/{resource}/{id}/data";
    const DELETE: &str = "DELETE /api/{resource}/{id}/data";
    vec![
        row(GET, "of a private file", things::file, |_, thing, _| {
            get(format!("/api/files/{}/data", thing.id))
        }),
        row(GET, "as an item", things::file, |_, thing, _| get(format!("/api/items/{}/data", thing.id))),
        row(GET, "of a public file", things::public_file, |_, thing, _| {
            get(format!("/api/files/{}/data", thing.id))
        }),
        row(GET, "of a foreign file", things::foreign_file, |_, thing, _| {
            get(format!("/api/files/{}/data", thing.id))
        }),
        row(GET, "of a paper, which has none", things::paper, |_, thing, _| {
            get(format!("/api/papers/{}/data", thing.id))
        }),
        row(PUT, "of a private file", things::file, |_, thing, _| {
            put(format!("/api/files/{}/data", thing.id), json!("changed"))
        }),
        row(PUT, "of a public file", things::public_file, |_, thing, _| {
            put(format!("/api/files/{}/data", thing.id), json!("changed"))
        }),
        row(PUT, "of a foreign file", things::foreign_file, |_, thing, _| {
            put(format!("/api/items/{}/data", thing.id), json!("changed"))
        }),
        row(PUT, "of a paper, which has none", things::paper, |_, thing, _| {
            put(format!("/api/papers/{}/data", thing.id), json!("changed"))
        }),
        row("POST /api/uploads", "of a file", things::nothing, |_, _, _| post("/api/uploads", Value::Null)),
        row("OPTIONS /api/uploads", "the protocol", things::nothing, |_, _, _| options("/api/uploads")),
        row("GET /api/uploads/{id}", "of another", things::upload, |_, thing, _| {
            get(format!("/api/uploads/{}", thing.id))
        }),
        row("PATCH /api/uploads/{id}", "of another", things::upload, |_, thing, _| {
            patch(format!("/api/uploads/{}", thing.id), Value::Null)
        }),
        row("DELETE /api/uploads/{id}", "of another", things::upload, |_, thing, _| {
            delete(format!("/api/uploads/{}", thing.id))
        }),
        row("OPTIONS /api/uploads/{id}", "the protocol", things::upload, |_, thing, _| {
            options(format!("/api/uploads/{}", thing.id))
        }),
        row(DELETE, "of a private file", things::file, |_, thing, _| {
            delete(format!("/api/files/{}/data", thing.id))
        }),
        row(DELETE, "of a foreign file", things::foreign_file, |_, thing, _| {
            delete(format!("/api/files/{}/data", thing.id))
        }),
    ]
}
