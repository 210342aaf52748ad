//! Subject × permission × who asks × what: a grant of one permission to one subject, on an item, on its type and on what it
//! stands in and inherits of, and what it opens to those whom it names and to those whom it does not.

use std::fmt::Write as _;

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::cells::{Ask, Thing, outcome};
use crate::world::{Actor, World};

/// Whom a grant names: the member by itself, by its group, its role or its org, or everybody.
const SUBJECTS: [&str; 5] = ["account", "group", "role", "org", "public"];

const PERMISSIONS: [&str; 6] = ["read", "write", "delete", "share", "execute", "message"];

/// Who asks: `Member` is named by the grant (in whatever way), the others are named at most by their org or as anybody.
const ASKING: [Actor; 4] = [Actor::Member, Actor::Visitor, Actor::Foreigner, Actor::Nobody];

/// A request about the item.
type Asked = fn(&World, &Thing) -> Ask;

/// How many of [`OPERATIONS`] leave the item as it is.
const LOOKS: usize = 6;

/// What is asked of the item; the first ones only look.
const OPERATIONS: [(&str, Asked); 11] = [
    ("get", |_, thing| (Method::GET, path(thing, ""), Value::Null)),
    ("list", |_, thing| (Method::GET, format!("/api/memos?name={}", thing.mark), Value::Null)),
    ("children", |_, thing| (Method::GET, path(thing, "/items"), Value::Null)),
    ("history", |_, thing| (Method::GET, path(thing, "/history"), Value::Null)),
    ("acl", |_, thing| (Method::GET, path(thing, "/acl"), Value::Null)),
    ("explain", |_, thing| (Method::GET, format!("/api/explain?item={}", thing.id), Value::Null)),
    ("patch", |_, thing| (Method::PATCH, path(thing, ""), json!({"title": "changed"}))),
    ("child", |_, thing| {
        (Method::POST, "/api/memos".to_owned(), json!({"name": "child", "parent_id": thing.id}))
    }),
    ("share read", |world, thing| share(world, thing, "read")),
    ("share write", |world, thing| share(world, thing, "write")),
    ("delete", |_, thing| (Method::DELETE, path(thing, ""), Value::Null)),
];

fn path(thing: &Thing, rest: &str) -> String {
    format!("/api/memos/{}{rest}", thing.id)
}

fn share(world: &World, thing: &Thing, permission: &str) -> Ask {
    let subject = json!({"type": "account", "id": world.account(Actor::Reader)});
    (Method::PUT, path(thing, "/acl"), json!([{"subject": subject, "permissions": [permission]}]))
}

/// The table: a line for each permission, subject and actor, a column for each operation.
pub async fn table(world: &World) -> String {
    let named = prepare(world).await;
    let mut text = line(["grant", "to", "asks"], &OPERATIONS.map(|(name, _)| name.to_owned()));
    for place in [Place::Item, Place::Type, Place::Above] {
        let _ = writeln!(text, "\n{place:?}");
        for permission in PERMISSIONS {
            for subject in subjects(permission) {
                let grant = json!([{"subject": named.subject(world, subject), "permissions": [permission]}]);
                text.push_str(&lines(world, place, permission, subject, &grant).await);
            }
        }
    }
    text
}

/// What nothing asks for yet is told by one kind of subject as by all.
fn subjects(permission: &str) -> &'static [&'static str] {
    if matches!(permission, "execute" | "message") { &SUBJECTS[..1] } else { &SUBJECTS }
}

/// Where the grant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Item,
    Type,
    Above,
}

/// The group and the role in which the member is.
struct Named {
    group: String,
    role: String,
}

impl Named {
    fn subject(&self, world: &World, subject: &str) -> Value {
        let id = match subject {
            "account" => world.account(Actor::Member),
            "group" => &self.group,
            "role" => &self.role,
            "org" => &world.org,
            _ => return json!({"type": "public"}),
        };
        json!({"type": subject, "id": id})
    }
}

async fn prepare(world: &World) -> Named {
    // Private but for what the grants of the table say.
    let memo = json!({"name": "Memo", "endpoint": "memos", "access": [], "fields": [{"name": "title", "type": "string"}]});
    let memo = with(memo, "inherits_access", &json!(true));
    let binder = json!({"name": "Binder", "access": []});
    world.superuser(Method::POST, "/api/types", &json!([memo, binder])).await;
    let named = Named {
        group: world.id("/api/groups", &json!({"name": "Named"})).await,
        role: world.id("/api/roles", &json!({"name": "Named"})).await,
    };
    let member = world.account(Actor::Member);
    world.id("/api/accountgroup", &json!({"account": member, "group": named.group})).await;
    world.id("/api/accountrole", &json!({"account": member, "role": named.role})).await;
    named
}

async fn lines(world: &World, place: Place, permission: &str, subject: &str, grant: &Value) -> String {
    if place == Place::Type {
        world.must(Actor::Admin, Method::PUT, "/api/types/Memo/acl", grant).await;
    }
    let mut text = String::new();
    let (looks, changes) = OPERATIONS.split_at(LOOKS);
    let shown = memo(world, place, grant).await;
    for actor in ASKING {
        let looks = looks.iter().map(|(_, ask)| cell(world, &shown, actor, *ask));
        let mut cells = join_all(looks).await;
        cells.extend(join_all(changes.iter().map(|(_, ask)| apart(world, place, grant, actor, *ask))).await);
        text.push_str(&line([permission, subject, actor.name()], &cells));
    }
    if place == Place::Type {
        world.must(Actor::Admin, Method::PUT, "/api/types/Memo/acl", &json!([])).await;
    }
    text
}

/// An item, with the grant when it stands on items.
async fn memo(world: &World, place: Place, grant: &Value) -> Thing {
    let mark = world.fresh("memo");
    let memo = json!({"name": mark, "title": mark});
    let id = if place == Place::Above {
        let binder = world.id("/api/binder", &json!({"name": mark})).await;
        let id = world.id("/api/memos", &with(memo, "parent_id", &json!(binder))).await;
        world.superuser(Method::PUT, &format!("/api/binder/{binder}/acl"), grant).await;
        id
    } else {
        world.id("/api/memos", &memo).await
    };
    if place == Place::Item {
        world.superuser(Method::PUT, &format!("/api/memos/{id}/acl"), grant).await;
    }
    Thing { probes: vec![format!("/api/memos/{id}")], id, mark, ..Thing::default() }
}

fn with(mut document: Value, key: &str, value: &Value) -> Value {
    document[key] = value.clone();
    document
}

/// A request about an item of its own.
async fn apart(world: &World, place: Place, grant: &Value, actor: Actor, ask: Asked) -> String {
    let thing = memo(world, place, grant).await;
    cell(world, &thing, actor, ask).await
}

async fn cell(world: &World, thing: &Thing, actor: Actor, ask: Asked) -> String {
    let request = ask(world, thing);
    outcome(world, world.token(actor), thing, request).await
}

fn line(head: [&str; 3], cells: &[String]) -> String {
    let mut text = format!("  {:<8} {:<8} {:<10}", head[0], head[1], head[2]);
    for cell in cells {
        let _ = write!(text, " {cell:<11}");
    }
    format!("{}\n", text.trim_end())
}
