//! Items: private, public and foreign ones, alone and many, and every way around.

use realnet_core::clock::{IdSource as _, System};
use serde_json::{Value, json};

use super::{delete, get, patch, post, put, row, things};
use crate::cells::Row;
use crate::world::Actor;

pub fn rows() -> Vec<Row> {
    [lists(), figures(), one(), around(), batches()].into_iter().flatten().collect()
}

fn lists() -> Vec<Row> {
    const LIST: &str = "GET /api/{resource}";
    vec![
        row(LIST, "a private paper, by its name", things::paper, |_, thing, _| {
            get(format!("/api/papers?name={}", thing.mark))
        }),
        row(LIST, "among all items", things::paper, |_, thing, _| {
            get(format!("/api/items?name={}&count=exact", thing.mark))
        }),
        row(LIST, "by a search", things::paper, |_, thing, _| {
            get(format!("/api/papers?search={}", thing.mark))
        }),
        row(LIST, "by any of two filters", things::paper, |_, thing, _| {
            get(format!("/api/papers?or=(id.eq.{},title.eq.{})", thing.id, thing.mark))
        }),
        row(LIST, "by not being another", things::paper, |_, thing, _| {
            get(format!("/api/papers?id=in.({})&title=neq.x", thing.id))
        }),
        row(LIST, "by its owner", things::paper, |world, thing, _| {
            get(format!("/api/papers?owner={}&name={}", world.account(Actor::Owner), thing.mark))
        }),
        row(LIST, "a public paper", things::public_paper, |_, thing, _| {
            get(format!("/api/papers?name={}", thing.mark))
        }),
        row(LIST, "a foreign paper", things::foreign_paper, |_, thing, _| {
            get(format!("/api/papers?name={}", thing.mark))
        }),
        row(LIST, "a foreign paper, by its org", things::foreign_paper, |world, thing, _| {
            get(format!("/api/papers?org={}&name={}", world.other_org, thing.mark))
        }),
        row(LIST, "a private paper expanded in a public one", things::cover, |_, thing, _| {
            get(format!("/api/papers?id=in.({})&select=name,about(name)", thing.id))
        }),
        row(LIST, "a public paper by a private one it is about", things::cover_by_content, |_, thing, _| {
            get(format!("/api/papers?about.name={}", thing.id))
        }),
        row(LIST, "the same, by the negation", things::cover_by_content, |_, thing, _| {
            get(format!("/api/papers?name=like.cover*&about.name=neq.{}&limit=1000", thing.id))
        }),
        row(LIST, "a field for administrators", things::paid_paper, |_, thing, _| {
            get(format!("/api/papers?name={}", thing.id))
        }),
        row("PATCH /api/{resource}", "a private paper, by its name", things::paper, |_, thing, _| {
            patch(format!("/api/papers?name={}", thing.mark), json!({"title": "changed"}))
        }),
        row("PATCH /api/{resource}", "a public paper", things::public_paper, |_, thing, _| {
            patch(format!("/api/papers?name={}", thing.mark), json!({"title": "changed"}))
        }),
        row("DELETE /api/{resource}", "a private paper, by its name", things::paper, |_, thing, _| {
            delete(format!("/api/papers?name={}", thing.mark))
        }),
        row("DELETE /api/{resource}", "a foreign paper", things::foreign_paper, |world, thing, _| {
            delete(format!("/api/papers?name={}&org={}", thing.mark, world.other_org))
        }),
    ]
}

fn figures() -> Vec<Row> {
    const FIGURES: &str = "GET /api/{resource}/aggregate";
    vec![
        row(FIGURES, "a private paper, by its name", things::paper, |_, thing, _| {
            get(format!("/api/papers/aggregate?name={}&group=name", thing.mark))
        }),
        row(FIGURES, "among all items", things::paper, |_, thing, _| {
            get(format!("/api/items/aggregate?name={}&select=max(name)", thing.mark))
        }),
        row(FIGURES, "a public paper", things::public_paper, |_, thing, _| {
            get(format!("/api/papers/aggregate?name={}&group=name", thing.mark))
        }),
        row(FIGURES, "a foreign paper, by its org", things::foreign_paper, |world, thing, _| {
            get(format!("/api/papers/aggregate?org={}&name={}&group=name", world.other_org, thing.mark))
        }),
        row(FIGURES, "a private paper that a public one leads to", things::cover, |_, thing, _| {
            get(format!("/api/papers/aggregate?id=in.({})&group=about.name", thing.id))
        }),
        row(FIGURES, "a field for administrators", things::paid_paper, |_, thing, _| {
            get(format!("/api/papers/aggregate?name={}&select=max(wage)", thing.id))
        }),
    ]
}

fn one() -> Vec<Row> {
    const GET: &str = "GET /api/{resource}/{id}";
    const PUT: &str = "PUT /api/{resource}/{id}";
    const PATCH: &str = "PATCH /api/{resource}/{id}";
    const DELETE: &str = "DELETE /api/{resource}/{id}";
    vec![
        row(GET, "a private paper", things::paper, |_, thing, _| get(format!("/api/papers/{}", thing.id))),
        row(GET, "as an item", things::paper, |_, thing, _| get(format!("/api/items/{}", thing.id))),
        row(GET, "a public paper", things::public_paper, |_, thing, _| {
            get(format!("/api/papers/{}", thing.id))
        }),
        row(GET, "a foreign paper", things::foreign_paper, |_, thing, _| {
            get(format!("/api/papers/{}", thing.id))
        }),
        row(PUT, "a private paper", things::paper, |_, thing, _| {
            put(format!("/api/papers/{}", thing.id), json!({"name": thing.mark, "title": "changed"}))
        }),
        row(PATCH, "a private paper", things::paper, |_, thing, _| {
            patch(format!("/api/papers/{}", thing.id), json!({"title": "changed"}))
        }),
        row(PATCH, "a private paper, by JSON Patch", things::paper, |_, thing, _| {
            let step = json!({"op": "replace", "path": "/attributes/title", "value": "changed"});
            patch(format!("/api/papers/{}", thing.id), json!([step]))
        }),
        row(PATCH, "a public paper", things::public_paper, |_, thing, _| {
            patch(format!("/api/papers/{}", thing.id), json!({"title": "changed"}))
        }),
        row(PATCH, "a foreign paper", things::foreign_paper, |_, thing, _| {
            patch(format!("/api/papers/{}", thing.id), json!({"title": "changed"}))
        }),
        row(PATCH, "a field for administrators", things::paper, |_, thing, _| {
            patch(format!("/api/papers/{}", thing.id), json!({"wage": 5}))
        }),
        row(PATCH, "its owner, to oneself", things::paper, |world, thing, actor| {
            patch(format!("/api/papers/{}", thing.id), json!({"owner": world.account(actor)}))
        }),
        row(PATCH, "its org", things::paper, |world, thing, _| {
            patch(format!("/api/papers/{}", thing.id), json!({"org": world.other_org}))
        }),
        row(PATCH, "its version", things::paper, |_, thing, _| {
            patch(format!("/api/papers/{}", thing.id), json!({"version": 70}))
        }),
        row(PATCH, "to public", things::paper, |_, thing, _| {
            patch(format!("/api/papers/{}", thing.id), json!({"public": true}))
        }),
        row(PATCH, "its type, to Account", things::paper, |_, thing, _| {
            patch(format!("/api/papers/{}", thing.id), json!({"type": "Account"}))
        }),
        row(DELETE, "a private paper", things::paper, |_, thing, _| {
            delete(format!("/api/papers/{}", thing.id))
        }),
        row(DELETE, "a public paper", things::public_paper, |_, thing, _| {
            delete(format!("/api/papers/{}", thing.id))
        }),
        row(DELETE, "a foreign paper", things::foreign_paper, |_, thing, _| {
            delete(format!("/api/papers/{}", thing.id))
        }),
    ]
}

fn around() -> Vec<Row> {
    const ACL: &str = "PUT /api/{resource}/{id}/acl";
    const REST: &str = "/api/{resource}/{*rest}";
    // What a resource adds of its own, which papers have none of.
    let own_call = |method: &'static str, ask| {
        let route = Box::leak(format!("{method} {REST}").into_boxed_str());
        row(route, "what papers do not offer", things::paper, ask)
    };
    vec![
        row("GET /api/{resource}/{id}/items", "of a private paper", things::paper, |_, thing, _| {
            get(format!("/api/papers/{}/items", thing.id))
        }),
        row("GET /api/{resource}/{id}/history", "of a private paper", things::paper, |_, thing, _| {
            get(format!("/api/papers/{}/history", thing.id))
        }),
        row(
            "GET /api/{resource}/{id}/history",
            "of a foreign paper",
            things::foreign_paper,
            |_, thing, _| get(format!("/api/papers/{}/history", thing.id)),
        ),
        row("GET /api/{resource}/{id}/acl", "of a private paper", things::paper, |_, thing, _| {
            get(format!("/api/papers/{}/acl", thing.id))
        }),
        row(ACL, "reading for all of the org", things::paper, |world, thing, _| {
            share(&thing.id, &json!({"type": "org", "id": world.org}), "read")
        }),
        row(ACL, "writing for oneself", things::paper, |world, thing, actor| {
            share(&thing.id, &json!({"type": "account", "id": world.account(actor)}), "write")
        }),
        row(ACL, "of a foreign paper", things::foreign_paper, |world, thing, actor| {
            share(&thing.id, &json!({"type": "account", "id": world.account(actor)}), "read")
        }),
        own_call("GET", |_, thing, _| get(format!("/api/papers/{}/nothing/here", thing.id))),
        own_call("POST", |_, thing, _| post(format!("/api/papers/{}/nothing/here", thing.id), json!({}))),
        own_call("PUT", |_, thing, _| put(format!("/api/papers/{}/nothing/here", thing.id), json!({}))),
        own_call("PATCH", |_, thing, _| patch(format!("/api/papers/{}/nothing/here", thing.id), json!({}))),
        own_call("DELETE", |_, thing, _| delete(format!("/api/papers/{}/nothing/here", thing.id))),
    ]
}

fn share(id: &str, subject: &Value, permission: &str) -> crate::cells::Ask {
    put(format!("/api/papers/{id}/acl"), json!([{"subject": subject, "permissions": [permission]}]))
}

fn batches() -> Vec<Row> {
    const CREATE: &str = "POST /api/{resource}";
    const BATCH: &str = "POST /api/batch";
    vec![
        row(CREATE, "a paper", things::name, |_, thing, _| post("/api/papers", json!({"name": thing.mark}))),
        row(CREATE, "a paper in another org", things::name, |world, thing, actor| {
            let org = if actor == Actor::Foreigner || actor == Actor::ForeignAdmin {
                &world.org
            } else {
                &world.other_org
            };
            post("/api/papers", json!({"name": thing.mark, "org": org}))
        }),
        row(CREATE, "a paper with an id", things::name, |_, thing, _| {
            post("/api/papers", json!({"name": thing.mark, "id": System.next_id()}))
        }),
        row(CREATE, "a paper of another owner", things::name, |world, thing, _| {
            post("/api/papers", json!({"name": thing.mark, "owner": world.account(Actor::Visitor)}))
        }),
        row(CREATE, "a child of a private paper", things::paper, |_, thing, _| {
            post("/api/papers", json!({"name": "child", "parent_id": thing.id}))
        }),
        row(CREATE, "a paper about a private one", things::paper, |_, thing, _| {
            post("/api/papers", json!({"name": "note", "about": thing.id}))
        }),
        row(CREATE, "a child of a public paper", things::public_paper, |_, thing, _| {
            post("/api/papers", json!({"name": "child", "parent_id": thing.id}))
        }),
        row(CREATE, "a paper about a foreign one", things::foreign_paper, |_, thing, _| {
            post("/api/papers", json!({"name": "note", "about": thing.id}))
        }),
        row(CREATE, "a paper with a field for administrators", things::name, |_, thing, _| {
            post("/api/papers", json!({"name": thing.mark, "wage": 1}))
        }),
        row(BATCH, "patch a private paper", things::paper, |_, thing, _| {
            let operation =
                json!({"operation": "patch", "resource": "papers", "id": thing.id, "body": {"title": "x"}});
            post("/api/batch", json!({"operations": [operation]}))
        }),
        row(BATCH, "replace a private paper", things::paper, |_, thing, _| {
            let body = json!({"name": thing.mark, "title": "x"});
            let operation =
                json!({"operation": "replace", "resource": "papers", "id": thing.id, "body": body});
            post("/api/batch", json!({"operations": [operation]}))
        }),
        row(BATCH, "delete a private paper", things::paper, |_, thing, _| {
            let operation = json!({"operation": "delete", "resource": "papers", "id": thing.id});
            post("/api/batch", json!({"operations": [operation]}))
        }),
        row(BATCH, "delete a foreign paper", things::foreign_paper, |_, thing, _| {
            let operation = json!({"operation": "delete", "resource": "papers", "id": thing.id});
            post("/api/batch", json!({"operations": [operation]}))
        }),
        row(BATCH, "create a superuser", things::name, |_, thing, _| {
            let body = json!({"name": thing.mark, "username": thing.mark, "role": "superuser"});
            let operation = json!({"operation": "create", "resource": "accounts", "body": body});
            post("/api/batch", json!({"operations": [operation]}))
        }),
        row(BATCH, "create an account as an item", things::name, |_, thing, _| {
            let body =
                json!({"type": "Account", "name": thing.mark, "username": thing.mark, "role": "superuser"});
            let operation = json!({"operation": "create", "resource": "items", "body": body});
            post("/api/batch", json!({"operations": [operation]}))
        }),
    ]
}
