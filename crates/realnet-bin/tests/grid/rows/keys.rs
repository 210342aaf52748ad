//! Keys for programs: one's own and those of others.

use serde_json::{Value, json};

use super::{delete, get, post, row, things};
use crate::cells::{Ask, Row};
use crate::world::Actor;

pub fn rows() -> Vec<Row> {
    const MAKE: &str = "POST /api/keys";
    vec![
        row("GET /api/keys", "one's own", things::key, |_, _, _| get("/api/keys")),
        row("GET /api/keys", "the owner's", things::key, |world, _, _| {
            get(format!("/api/keys?account={}", world.account(Actor::Owner)))
        }),
        row(MAKE, "for oneself", things::name, |_, thing, _| make(json!({"name": thing.mark}))),
        row(MAKE, "for a colleague", things::colleague, |_, thing, _| {
            make(json!({"name": thing.mark, "account": thing.id}))
        }),
        row(MAKE, "for an administrator", things::chief, |_, thing, _| {
            make(json!({"name": thing.mark, "account": thing.id}))
        }),
        row(MAKE, "for a superuser", things::superuser, |_, thing, _| {
            make(json!({"name": thing.mark, "account": thing.id}))
        }),
        row("GET /api/keys/{id}", "the owner's", things::key, |_, thing, _| {
            get(format!("/api/keys/{}", thing.id))
        }),
        row("DELETE /api/keys/{id}", "the owner's", things::key, |_, thing, _| {
            delete(format!("/api/keys/{}", thing.id))
        }),
    ]
}

fn make(mut body: Value) -> Ask {
    body["scopes"] = json!([{"resource": "papers", "permissions": ["read"]}]);
    post("/api/keys", body)
}
