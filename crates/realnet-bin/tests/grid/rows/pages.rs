//! What is open to all, or tells about the server itself.

use serde_json::json;

use super::{get, row, things};
use crate::cells::Row;

pub fn rows() -> Vec<Row> {
    let open = |route: &'static str, ask| row(route, "look", things::nothing, ask);
    vec![
        open("GET /", |_, _, _| get("/")),
        open("GET /healthz", |_, _, _| get("/healthz")),
        open("GET /readyz", |_, _, _| get("/readyz")),
        open("GET /metrics", |_, _, _| get("/metrics")),
        open("GET /docs", |_, _, _| get("/docs")),
        open("GET /docs/{name}", |_, _, _| get("/docs/nothing.js")),
        open("GET /api/info", |_, _, _| get("/api/info")),
        row("GET /api/openapi.json", "a type of the org in it", things::org_type, |_, _, _| {
            get("/api/openapi.json")
        }),
        row("POST /api/plan", "a new type", things::name, |_, thing, _| {
            super::post("/api/plan", json!({"types": [{"name": thing.mark.replace('-', "_")}]}))
        }),
        row("POST /api/apply", "a new type", things::name, |_, thing, _| {
            super::post("/api/apply", json!({"types": [{"name": thing.mark.replace('-', "_")}]}))
        }),
        row("POST /api/apply", "a paper", things::name, |_, thing, _| {
            super::post("/api/apply", json!({"items": [{"type": "Paper", "name": thing.mark}]}))
        }),
        row("POST /api/apply", "a superuser", things::name, |_, thing, _| {
            let account =
                json!({"type": "Account", "name": thing.mark, "username": thing.mark, "role": "superuser"});
            super::post("/api/apply", json!({"items": [account]}))
        }),
        open("GET /api/drift", |_, _, _| get("/api/drift")),
    ]
}
