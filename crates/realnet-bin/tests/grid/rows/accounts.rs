//! Accounts, orgs, groups and roles, which are items with rules of their own: rows of the routes of items.

use serde_json::{Value, json};

use super::{delete, get, patch, post, put, row, things};
use crate::cells::{Ask, Row, Thing};
use crate::world::{Actor, PASSWORD};

const GET: &str = "GET /api/{resource}/{id}";
const CREATE: &str = "POST /api/{resource}";
const PATCH: &str = "PATCH /api/{resource}/{id}";
const DELETE: &str = "DELETE /api/{resource}/{id}";
const ACL: &str = "PUT /api/{resource}/{id}/acl";

pub fn rows() -> Vec<Row> {
    [seen(), made(), changed(), deleted(), orgs()].into_iter().flatten().collect()
}

fn change(thing: &Thing, body: Value) -> Ask {
    patch(format!("/api/accounts/{}", thing.id), body)
}

fn seen() -> Vec<Row> {
    vec![
        row(GET, "a colleague", things::colleague, |_, thing, _| get(format!("/api/accounts/{}", thing.id))),
        row(GET, "a colleague, as an item", things::colleague, |_, thing, _| {
            get(format!("/api/items/{}", thing.id))
        }),
        row(GET, "a superuser", things::superuser, |_, thing, _| get(format!("/api/accounts/{}", thing.id))),
        row(GET, "an org", things::org, |_, thing, _| get(format!("/api/orgs/{}", thing.id))),
        row(GET, "a group", things::group, |_, thing, _| get(format!("/api/groups/{}", thing.id))),
        row("GET /api/{resource}", "a colleague, by name", things::colleague, |_, thing, _| {
            get(format!("/api/accounts?username={}", thing.mark))
        }),
        row("GET /api/{resource}/{id}/history", "of a colleague", things::colleague, |_, thing, _| {
            get(format!("/api/accounts/{}/history", thing.id))
        }),
    ]
}

fn made() -> Vec<Row> {
    vec![
        row(CREATE, "a user", things::name, |_, thing, _| {
            post("/api/accounts", account(&thing.mark, "user"))
        }),
        row(CREATE, "a user with a password", things::name, |_, thing, _| {
            let mut body = account(&thing.mark, "user");
            body["password"] = json!(PASSWORD);
            post("/api/accounts", body)
        }),
        row(CREATE, "an administrator", things::name, |_, thing, _| {
            post("/api/accounts", account(&thing.mark, "admin"))
        }),
        row(CREATE, "a superuser", things::name, |_, thing, _| {
            post("/api/accounts", account(&thing.mark, "superuser"))
        }),
        row(CREATE, "an account, as an item", things::name, |_, thing, _| {
            let mut body = account(&thing.mark, "superuser");
            body["type"] = json!("Account");
            post("/api/items", body)
        }),
        row(CREATE, "a user of another org", things::name, |world, thing, actor| {
            let mut body = account(&thing.mark, "user");
            let is_foreign = matches!(actor, Actor::Foreigner | Actor::ForeignAdmin);
            body["org"] = json!(if is_foreign { &world.org } else { &world.other_org });
            post("/api/accounts", body)
        }),
        row(CREATE, "an org", things::name, |_, thing, _| post("/api/orgs", json!({"name": thing.mark}))),
        row(CREATE, "a group", things::name, |_, thing, _| post("/api/groups", json!({"name": thing.mark}))),
        row(CREATE, "a role", things::name, |_, thing, _| post("/api/roles", json!({"name": thing.mark}))),
        row(CREATE, "oneself into a group", things::group, |world, thing, actor| {
            post("/api/accountgroup", json!({"account": world.account(actor), "group": thing.id}))
        }),
        row(CREATE, "oneself into a role", things::role, |world, thing, actor| {
            post("/api/accountrole", json!({"account": world.account(actor), "role": thing.id}))
        }),
    ]
}

fn account(username: &str, role: &str) -> Value {
    json!({"username": username, "role": role})
}

fn changed() -> Vec<Row> {
    vec![
        row(PATCH, "one's own display name", things::own_account, |world, thing, _| {
            change(thing, json!({"display_name": world.fresh("display")}))
        }),
        row(PATCH, "one's own role", things::own_account, |_, thing, actor| {
            let role = if actor == Actor::Superuser { "admin" } else { "superuser" };
            change(thing, json!({"role": role}))
        }),
        row(PATCH, "a colleague's display name", things::colleague, |_, thing, _| {
            change(thing, json!({"display_name": "Another"}))
        }),
        row(PATCH, "a colleague to administrator", things::colleague, |_, thing, _| {
            change(thing, json!({"role": "admin"}))
        }),
        row(PATCH, "a colleague to superuser", things::colleague, |_, thing, _| {
            change(thing, json!({"role": "superuser"}))
        }),
        row(PATCH, "the same, as an item", things::colleague, |_, thing, _| {
            patch(format!("/api/items/{}", thing.id), json!({"role": "superuser"}))
        }),
        row(PATCH, "the same, by JSON Patch", things::colleague, |_, thing, _| {
            change(thing, json!([{"op": "replace", "path": "/attributes/role", "value": "superuser"}]))
        }),
        row(PATCH, "a colleague's password", things::colleague, |_, thing, _| {
            change(thing, json!({"password": "another long password"}))
        }),
        row(PATCH, "a colleague to disabled", things::colleague, |_, thing, _| {
            change(thing, json!({"disabled": true}))
        }),
        row(PATCH, "a colleague's org", things::colleague, |world, thing, _| {
            change(thing, json!({"org": world.other_org}))
        }),
        row(PATCH, "an administrator to user", things::chief, |_, thing, _| {
            change(thing, json!({"role": "user"}))
        }),
        row(PATCH, "a superuser's display name", things::superuser, |_, thing, _| {
            change(thing, json!({"display_name": "Another"}))
        }),
        row(PATCH, "a superuser's password", things::superuser, |_, thing, _| {
            change(thing, json!({"password": "another long password"}))
        }),
        row(PATCH, "a superuser to disabled", things::superuser, |_, thing, _| {
            change(thing, json!({"disabled": true}))
        }),
        row(ACL, "a colleague to oneself", things::colleague, |world, thing, actor| {
            own(world.account(actor), thing)
        }),
        row(ACL, "a superuser to oneself", things::superuser, |world, thing, actor| {
            own(world.account(actor), thing)
        }),
    ]
}

fn own(account: &str, thing: &Thing) -> Ask {
    let subject = json!({"type": "account", "id": account});
    put(
        format!("/api/accounts/{}/acl", thing.id),
        json!([{"subject": subject, "permissions": ["read", "write"]}]),
    )
}

fn deleted() -> Vec<Row> {
    vec![
        row(DELETE, "a colleague", things::colleague, |_, thing, _| {
            delete(format!("/api/accounts/{}", thing.id))
        }),
        row(DELETE, "an administrator", things::chief, |_, thing, _| {
            delete(format!("/api/accounts/{}", thing.id))
        }),
        row(DELETE, "a superuser", things::superuser, |_, thing, _| {
            delete(format!("/api/accounts/{}", thing.id))
        }),
        row(DELETE, "a superuser, as an item", things::superuser, |_, thing, _| {
            delete(format!("/api/items/{}", thing.id))
        }),
        row(DELETE, "a group", things::group, |_, thing, _| delete(format!("/api/groups/{}", thing.id))),
        row(DELETE, "a role", things::role, |_, thing, _| delete(format!("/api/roles/{}", thing.id))),
        row(DELETE, "another org", things::org, |_, thing, _| delete(format!("/api/orgs/{}", thing.id))),
    ]
}

fn orgs() -> Vec<Row> {
    vec![
        row(PATCH, "another org", things::org, |_, thing, _| {
            patch(format!("/api/orgs/{}", thing.id), json!({"description": "changed"}))
        }),
        row(PATCH, "a group", things::group, |_, thing, _| {
            patch(format!("/api/groups/{}", thing.id), json!({"description": "changed"}))
        }),
        row(PATCH, "a role", things::role, |_, thing, _| {
            patch(format!("/api/roles/{}", thing.id), json!({"description": "changed"}))
        }),
    ]
}
