//! Types and the grants on them: an org's own and those of the system.

use serde_json::json;

use super::{delete, get, patch, post, put, row, things};
use crate::cells::Row;

pub fn rows() -> Vec<Row> {
    const GET: &str = "GET /api/types/{name}";
    const PUT: &str = "PUT /api/types/{name}";
    const PATCH: &str = "PATCH /api/types/{name}";
    const DELETE: &str = "DELETE /api/types/{name}";
    const ACL: &str = "PUT /api/types/{name}/acl";
    vec![
        row("GET /api/types", "a type of the org", things::org_type, |_, thing, _| {
            get(format!("/api/types?name={}", thing.id))
        }),
        row("POST /api/types", "a new one", things::name, |_, thing, _| {
            post("/api/types", json!({"name": thing.mark.replace('-', "_")}))
        }),
        row("POST /api/types", "one derived from Account", things::name, |_, thing, _| {
            post("/api/types", json!({"name": thing.mark.replace('-', "_"), "base": "Account"}))
        }),
        row(GET, "a type of the org", things::org_type, |_, thing, _| {
            get(format!("/api/types/{}", thing.id))
        }),
        row(GET, "a type of the system", things::system_type, |_, thing, _| {
            get(format!("/api/types/{}", thing.id))
        }),
        row(PUT, "a type of the org", things::org_type, |_, thing, _| {
            put(format!("/api/types/{}", thing.id), json!({"name": thing.id, "icon": "changed"}))
        }),
        row(PUT, "a type of the system", things::system_type, |_, thing, _| {
            put(format!("/api/types/{}", thing.id), json!({"name": thing.id, "icon": "changed"}))
        }),
        row(PATCH, "a type of the org", things::org_type, |_, thing, _| {
            patch(format!("/api/types/{}", thing.id), json!({"icon": "changed"}))
        }),
        row(PATCH, "a type of the system", things::system_type, |_, thing, _| {
            patch(format!("/api/types/{}", thing.id), json!({"icon": "changed"}))
        }),
        row(PATCH, "the rule on an account's role", things::nothing, |_, _, _| {
            patch("/api/types/Account", json!({"fields": []}))
        }),
        row(DELETE, "a type of the org", things::org_type, |_, thing, _| {
            delete(format!("/api/types/{}", thing.id))
        }),
        row(DELETE, "a type of the system", things::system_type, |_, thing, _| {
            delete(format!("/api/types/{}", thing.id))
        }),
        row("GET /api/types/{name}/acl", "of a type of the org", things::org_type, |_, thing, _| {
            get(format!("/api/types/{}/acl", thing.id))
        }),
        row(ACL, "reading for users, type of the org", things::org_type, |_, thing, _| open_up(&thing.id)),
        row(ACL, "reading for users, type of the system", things::system_type, |_, thing, _| {
            open_up(&thing.id)
        }),
        row("DELETE /api/types/{name}/acl", "of a type of the org", things::org_type, |_, thing, _| {
            delete(format!("/api/types/{}/acl", thing.id))
        }),
    ]
}

fn open_up(name: &str) -> crate::cells::Ask {
    let grant = json!({"subject": {"type": "role", "id": "user"}, "permissions": ["read"]});
    put(format!("/api/types/{name}/acl"), json!([grant]))
}
