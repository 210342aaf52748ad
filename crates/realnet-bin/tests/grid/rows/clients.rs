//! Clients: what they sign in with.

use serde_json::{Value, json};

use super::{delete, post, row, things};
use crate::cells::Row;
use crate::world::Actor;

pub fn rows() -> Vec<Row> {
    vec![
        row("POST /api/auth/token", "with what is no form", things::nothing, |_, _, _| {
            post("/api/auth/token", json!({"grant_type": "client_credentials"}))
        }),
        row("POST /api/{resource}", "a client", things::name, |world, thing, _| {
            post("/api/clients", json!({"name": thing.mark, "account": world.account(Actor::Member)}))
        }),
        row("POST /api/{resource}/{*rest}", "the secret of a client", things::client, |_, thing, _| {
            post(format!("/api/clients/{}/secret", thing.id), Value::Null)
        }),
        row("DELETE /api/{resource}/{*rest}", "the secret of a client", things::client, |_, thing, _| {
            delete(format!("/api/clients/{}/secret", thing.id))
        }),
    ]
}
