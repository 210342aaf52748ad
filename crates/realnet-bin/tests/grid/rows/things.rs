//! What is asked about: made anew after whoever has changed it, so that no answer depends on another.

use futures::future::{BoxFuture, FutureExt as _};
use reqwest::Method;
use serde_json::{Value, json};

use crate::cells::Thing;
use crate::world::{Actor, PASSWORD, World};

/// Nothing that is there already.
pub fn nothing(_: &World, _: Actor) -> BoxFuture<'_, Thing> {
    async { Thing::default() }.boxed()
}

/// A text that is nowhere yet, for what is to be made.
pub fn name(world: &World, _: Actor) -> BoxFuture<'_, Thing> {
    async { Thing { mark: world.fresh("new"), ..Thing::default() } }.boxed()
}

/// A paper of the owner, with grants to those who have their names of them.
pub fn paper(world: &World, _: Actor) -> BoxFuture<'_, Thing> {
    make_paper(world, json!({})).boxed()
}

/// The same, public.
pub fn public_paper(world: &World, _: Actor) -> BoxFuture<'_, Thing> {
    make_paper(world, json!({"public": true})).boxed()
}

async fn make_paper(world: &World, further: Value) -> Thing {
    let mark = world.fresh("paper");
    let mut body = json!({"name": mark, "title": mark});
    body.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    let created = world.must(Actor::Owner, Method::POST, "/api/papers", &body).await;
    let id = created["id"].as_str().unwrap().to_owned();
    share(world, &format!("/api/papers/{id}/acl")).await;
    item(id, mark)
}

/// Grants to those who have their names of them.
async fn share(world: &World, acl: &str) {
    let grants = [
        (Actor::Reader, vec!["read"]),
        (Actor::Writer, vec!["read", "write"]),
        (Actor::Deleter, vec!["read", "delete"]),
        (Actor::Sharer, vec!["read", "share"]),
    ];
    let grants = grants.map(|(actor, permissions)| {
        json!({"subject": {"type": "account", "id": world.account(actor)}, "permissions": permissions})
    });
    world.must(Actor::Owner, Method::PUT, acl, &json!(grants)).await;
}

/// An item. Whatever is done to it raises its version, grants as well.
fn item(id: String, mark: String) -> Thing {
    Thing { probes: vec![format!("/api/items/{id}")], id, mark, is_of_actor: false }
}

/// A paper of a user of the other org.
pub fn foreign_paper(world: &World, _: Actor) -> BoxFuture<'_, Thing> {
    async {
        let mark = world.fresh("foreign");
        let body = json!({"name": mark, "title": mark});
        let created = world.must(Actor::Foreigner, Method::POST, "/api/papers", &body).await;
        item(created["id"].as_str().unwrap().to_owned(), mark)
    }
    .boxed()
}

/// A file of the owner with a content that shows its mark, with the grants of [`paper`].
pub fn file(world: &World, _: Actor) -> BoxFuture<'_, Thing> {
    make_file(world, Actor::Owner, json!({})).boxed()
}

/// The same, public.
pub fn public_file(world: &World, _: Actor) -> BoxFuture<'_, Thing> {
    make_file(world, Actor::Owner, json!({"public": true})).boxed()
}

/// A file of a user of the other org.
pub fn foreign_file(world: &World, _: Actor) -> BoxFuture<'_, Thing> {
    make_file(world, Actor::Foreigner, json!({})).boxed()
}

async fn make_file(world: &World, by: Actor, mut body: Value) -> Thing {
    let mark = world.fresh("file");
    body["name"] = "file".into();
    let created = world.must(by, Method::POST, "/api/files", &body).await;
    let id = created["id"].as_str().unwrap().to_owned();
    world.must(by, Method::PUT, &format!("/api/files/{id}/data"), &json!(mark)).await;
    if by == Actor::Owner {
        share(world, &format!("/api/files/{id}/acl")).await;
    }
    let probes = ["", "/data"].map(|rest| format!("/api/files/{id}{rest}"));
    Thing { probes: probes.to_vec(), ..item(id, mark) }
}

/// An upload of the owner, of which nothing has come.
pub fn upload(world: &World, _: Actor) -> BoxFuture<'_, Thing> {
    async { Thing { id: world.begin_upload(Actor::Owner).await, ..Thing::default() } }.boxed()
}

/// A public paper `cover-…` that is about a private one: the mark is the private one's, the id the public one's.
pub fn cover(world: &World, _: Actor) -> BoxFuture<'_, Thing> {
    async {
        let inner = make_paper(world, json!({})).await;
        let body = json!({"name": format!("cover-{}", inner.id), "public": true, "about": inner.id});
        let created = world.must(Actor::Owner, Method::POST, "/api/papers", &body).await;
        Thing { id: created["id"].as_str().unwrap().to_owned(), mark: inner.mark, ..Thing::default() }
    }
    .boxed()
}

/// The same, but what must not be found by a filter on the private one is the public one.
pub fn cover_by_content(world: &World, _: Actor) -> BoxFuture<'_, Thing> {
    async {
        let inner = make_paper(world, json!({})).await;
        let mark = world.fresh("cover");
        let body = json!({"name": mark, "public": true, "about": inner.id});
        world.must(Actor::Owner, Method::POST, "/api/papers", &body).await;
        Thing { id: inner.mark, mark, ..Thing::default() }
    }
    .boxed()
}

/// A public paper with a wage that only administrators may read; its id is its name.
pub fn paid_paper(world: &World, _: Actor) -> BoxFuture<'_, Thing> {
    async {
        let name = world.fresh("paid");
        let wage = name.split('-').nth(1).unwrap().parse::<u64>().unwrap() + 7_000_000;
        let body = json!({"name": name, "public": true, "wage": wage});
        world.id("/api/papers", &body).await;
        Thing { id: name, mark: wage.to_string(), ..Thing::default() }
    }
    .boxed()
}

/// Another user of the org.
pub fn colleague(world: &World, _: Actor) -> BoxFuture<'_, Thing> {
    account(world, "colleague", "user").boxed()
}

/// Another administrator of the org.
pub fn chief(world: &World, _: Actor) -> BoxFuture<'_, Thing> {
    account(world, "chief", "admin").boxed()
}

/// Another superuser.
pub fn superuser(world: &World, _: Actor) -> BoxFuture<'_, Thing> {
    account(world, "root", "superuser").boxed()
}

async fn account(world: &World, what: &str, role: &str) -> Thing {
    let username = world.fresh(what);
    let body = json!({"username": username, "password": PASSWORD, "role": role});
    item(world.id("/api/accounts", &body).await, username)
}

/// A provider of identities of the first org.
pub fn provider(world: &World, _: Actor) -> BoxFuture<'_, Thing> {
    async {
        let mark = world.fresh("provider");
        let body = json!({"name": mark, "issuer": "https://accounts.example.org", "client_id": "x"});
        item(world.id("/api/auths", &body).await, mark)
    }
    .boxed()
}

/// The account of the one who asks; of the superuser for nobody.
pub fn own_account(world: &World, actor: Actor) -> BoxFuture<'_, Thing> {
    let actor = if actor == Actor::Nobody { Actor::Superuser } else { actor };
    let id = world.account(actor).to_owned();
    async { Thing { is_of_actor: true, ..item(id, String::new()) } }.boxed()
}

/// A key of the owner, shown by its name.
pub fn key(world: &World, _: Actor) -> BoxFuture<'_, Thing> {
    async {
        let mark = world.fresh("key");
        let scope = json!([{"resource": "papers", "permissions": ["read"]}]);
        let made = world
            .must(Actor::Owner, Method::POST, "/api/keys", &json!({"name": mark, "scopes": scope}))
            .await;
        let id = made["id"].as_str().unwrap().to_owned();
        Thing { probes: vec![format!("/api/keys/{id}")], id, mark, ..Thing::default() }
    }
    .boxed()
}

/// An org of its own.
pub fn org(world: &World, _: Actor) -> BoxFuture<'_, Thing> {
    named(world, "/api/orgs", "org").boxed()
}

/// A group of the first org.
pub fn group(world: &World, _: Actor) -> BoxFuture<'_, Thing> {
    named(world, "/api/groups", "group").boxed()
}

/// A client of the first org.
pub fn client(world: &World, _: Actor) -> BoxFuture<'_, Thing> {
    async {
        let mark = world.fresh("client");
        let body = json!({"name": mark, "account": world.account(Actor::Member)});
        item(world.id("/api/clients", &body).await, mark)
    }
    .boxed()
}

/// A role of the first org.
pub fn role(world: &World, _: Actor) -> BoxFuture<'_, Thing> {
    named(world, "/api/roles", "role").boxed()
}

async fn named(world: &World, path: &str, what: &str) -> Thing {
    let mark = world.fresh(what);
    item(world.id(path, &json!({"name": mark})).await, mark)
}

/// A type that an administrator has declared for the first org; its id is its name.
pub fn org_type(world: &World, _: Actor) -> BoxFuture<'_, Thing> {
    declared(world, Actor::Admin).boxed()
}

/// A type that the superuser has declared for all.
pub fn system_type(world: &World, _: Actor) -> BoxFuture<'_, Thing> {
    declared(world, Actor::Superuser).boxed()
}

async fn declared(world: &World, by: Actor) -> Thing {
    let name = world.fresh("type").replace('-', "_");
    let body = json!({"name": name, "base": "Item", "fields": [{"name": "size", "type": "integer"}]});
    world.must(by, Method::POST, "/api/types", &body).await;
    let probes = ["", "/acl"].map(|rest| format!("/api/types/{name}{rest}"));
    Thing { probes: probes.to_vec(), mark: name.clone(), id: name, ..Thing::default() }
}
