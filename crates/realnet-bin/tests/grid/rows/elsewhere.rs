//! Providers of identities: who sees and sets them, and the ways through them that lead nowhere here.

use serde_json::json;

use super::{delete, get, post, row, things};
use crate::cells::Row;

/// A provider that there is not.
const NO_ID: &str = "00000000-0000-4000-8000-000000000001";

pub fn rows() -> Vec<Row> {
    vec![
        row("GET /api/auth/providers", "of the first org", things::provider, |world, _, _| {
            get(format!("/api/auth/providers?org={}", world.org))
        }),
        row("GET /api/auth/providers", "of the other org", things::provider, |world, _, _| {
            get(format!("/api/auth/providers?org={}", world.other_org))
        }),
        row("GET /api/{resource}", "providers", things::provider, |_, _, _| get("/api/auths")),
        row("POST /api/{resource}", "a provider", things::name, |_, thing, _| {
            let issuer = "https://accounts.example.org";
            post("/api/auths", json!({"name": thing.mark, "issuer": issuer, "client_id": "x"}))
        }),
        row("GET /api/{resource}/{id}", "a provider", things::provider, |_, thing, _| {
            get(format!("/api/auths/{}", thing.id))
        }),
        row("DELETE /api/{resource}/{id}", "a provider", things::provider, |_, thing, _| {
            delete(format!("/api/auths/{}", thing.id))
        }),
        row("GET /api/auth/oidc/{id}/start", "one that is not there", things::nothing, |_, _, _| {
            get(format!("/api/auth/oidc/{NO_ID}/start"))
        }),
        row("GET /api/auth/{id}", "one that is not there", things::nothing, |_, _, _| {
            get(format!("/api/auth/{NO_ID}"))
        }),
        row("POST /api/auth/oidc/{id}/link", "one that is not there", things::nothing, |_, _, _| {
            post(format!("/api/auth/oidc/{NO_ID}/link"), json!(null))
        }),
        row("GET /api/auth/oidc/callback", "with what is no state", things::nothing, |_, _, _| {
            get("/api/auth/oidc/callback?state=nothing&code=nothing")
        }),
        row("GET /api/auth/{id}/callback", "with what is no state", things::nothing, |_, _, _| {
            get(format!("/api/auth/{NO_ID}/callback?state=nothing&code=nothing"))
        }),
        row("POST /api/auth/oidc/token", "with what is no code", things::nothing, |_, _, _| {
            post("/api/auth/oidc/token", json!({"code": "nothing", "verifier": "nothing"}))
        }),
        row("GET /api/auth/links", "one's own", things::nothing, |_, _, _| get("/api/auth/links")),
        row("DELETE /api/auth/links/{name}", "one that is not there", things::nothing, |_, _, _| {
            delete("/api/auth/links/nothing")
        }),
    ]
}
