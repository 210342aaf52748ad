//! Callers by keys: what their scope leaves of what the account may see and do.

use realnet_core::ErrorKind;
use realnet_core::acl::Permission::{Create, Delete, Read, Write};
use realnet_core::acl::{Permission, Subject};
use realnet_core::query::OrgScope;
use serde_json::json;

use super::types::put;
use crate::conformance::fixture::definition;
use crate::conformance::{World, delete, expect_kind, grant, item};

/// Lists, totals, look-ups, references and histories know nothing of what lies outside.
pub async fn a_key_sees_what_its_scope_leaves(world: World) {
    let admin = world.acme.admin.clone();
    let boss = world.create(&admin, item("UserPaper").name("boss").attr("rank", 1)).await;
    let open =
        world.create(&admin, item("OpenPaper").name("open").public().attr("boss", json!(boss.id))).await;
    let team = world.create(&admin, item("TeamPaper").name("team").attr("boss", json!(boss.id))).await;
    let note = world.create(&admin, item("Note").name("note").attr("rank", 2)).await;
    let key = world.by_key(&admin, &[("TeamPaper", &[Read]), ("Note", &[Read]), ("UserPaper", &[Write])]);
    let find = |base: &str| world.find(base).by(&key);
    find("Item").gives(&["team", "note"]).await;
    find("Item").limit(1).gives(&["team", "note"]).await;
    find("Paper").gives(&["team"]).await;
    find("OpenPaper").gives(&[]).await;
    find("Paper").with("rank", "eq.1").gives(&[]).await;
    find("Paper").with("boss.rank", "eq.1").gives(&[]).await;
    find("Paper").with("boss.name", "is.null").gives(&["team"]).await;
    find("Paper").order("boss.name.desc,name").gives(&["team"]).await;
    if world.stores.items.capabilities().search {
        find("Item").with("search", "open").gives(&[]).await;
        find("Item").with("search", "team").gives(&["team"]).await;
    }
    let access = world.access(&key);
    for (item, is_seen) in [(&boss, false), (&open, false), (&team, true), (&note, true)] {
        assert_eq!(world.get(&key, item.id).await.is_some(), is_seen, "{}", item.name);
        let history = world.stores.items.history(&access, item.id, None, 10).await.unwrap();
        assert_eq!(!history.is_empty(), is_seen, "{}", item.name);
    }
    let ids = [boss.id, open.id, team.id, note.id];
    assert_eq!(world.stores.items.get_many(&access, &ids).await.unwrap().len(), 2);
    // What the account may not see, no key shows.
    let all: &[(&str, &[Permission])] = &[("*", &Permission::ALL)];
    world.find("Paper").by(&world.by_key(&world.acme.anonymous, all)).gives(&["open"]).await;
    world.find("Paper").by(&world.by_key(&admin, &[])).gives(&[]).await;
    let system = world.by_key(&world.system(), &[("Note", &[Read])]);
    world.find("Item").by(&system).scope(OrgScope::All).gives(&["note"]).await;
}

/// Changes as well, and none that is about types.
pub async fn a_key_does_what_its_scope_leaves(world: World) {
    let admin = world.acme.admin.clone();
    let paper = world.create(&admin, item("Paper").name("paper")).await;
    let place = world.create(&admin, item("Place").name("place")).await;
    let key = world.by_key(&admin, &[("Note", &[Create, Read]), ("Paper", &[Read, Write])]);
    let note = world.create(&key, item("Note").name("note")).await;
    world.set(&key, paper.id, json!({"rank": 7})).await.unwrap();
    expect_kind(world.try_create(&key, item("Place")).await, ErrorKind::Forbidden);
    expect_kind(world.try_create(&key, item("Paper")).await, ErrorKind::Forbidden);
    expect_kind(world.set(&key, note.id, json!({"rank": 7})).await, ErrorKind::Forbidden);
    expect_kind(world.set(&key, place.id, json!({"rank": 7})).await, ErrorKind::NotFound);
    expect_kind(world.delete(&key, paper.id).await, ErrorKind::Forbidden);
    expect_kind(world.delete(&key, place.id).await, ErrorKind::NotFound);
    let shared = vec![grant(Subject::Public, &[Read])];
    expect_kind(world.share(&key, paper.id, shared).await, ErrorKind::Forbidden);
    // What lies outside is nothing to refer to, and nothing to hang something on.
    expect_kind(world.try_create(&key, item("Note").linked(place.id)).await, ErrorKind::InvalidInput);
    expect_kind(world.try_create(&key, item("Note").parent(place.id)).await, ErrorKind::InvalidInput);
    expect_kind(world.try_create(&key, item("Note").parent(note.id)).await, ErrorKind::Forbidden);
    // Nor does it go along with what is deleted.
    world.create(&admin, item("Place").name("below").parent(note.id)).await;
    let deleter = world.by_key(&admin, &[("Note", &[Read, Delete])]);
    expect_kind(world.delete(&deleter, note.id).await, ErrorKind::Forbidden);
    // One refusal undoes the rest.
    let both = vec![world.creation(&key, item("Note").name("lost")), delete(place.id)];
    expect_kind(world.commit(&key, both).await, ErrorKind::NotFound);
    world.find("Note").gives(&["note"]).await;
    let declared = definition(world.next_id(), Some(admin.org), json!({"name": "Own"}));
    let declare = || put(declared.clone());
    let all_items = world.by_key(&admin, &[("Item", &Permission::ALL)]);
    for limited in [&key, &all_items] {
        expect_kind(world.change_types(limited, declare()).await, ErrorKind::Forbidden);
    }
    let whole = world.by_key(&admin, &[("*", &Permission::ALL)]);
    world.change_types(&whole, declare()).await.unwrap();
    world.delete(&whole, note.id).await.unwrap();
}
