//! Contents of files.

use serde_json::json;

use super::{delete, get, put, row, things};
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
        row(DELETE, "of a private file", things::file, |_, thing, _| {
            delete(format!("/api/files/{}/data", thing.id))
        }),
        row(DELETE, "of a foreign file", things::foreign_file, |_, thing, _| {
            delete(format!("/api/files/{}/data", thing.id))
        }),
    ]
}
