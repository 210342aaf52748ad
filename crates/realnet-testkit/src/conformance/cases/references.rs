//! Reference fields: what they may hold, and what a deletion of the referred item does.

use realnet_core::acl::{Permission, Subject};
use realnet_core::{ErrorKind, Uuid};
use serde_json::{Value, json};

use crate::conformance::{World, delete, expect_kind, grant, item, race};

async fn target(world: &World, name: &str) -> Uuid {
    world.create(&world.acme.alice, item("Target").name(name)).await.id
}

/// A reference leads to an item of the right type that the caller can read; else it is invalid, with a pointer.
pub async fn references_lead_to_readable_items(world: World) {
    let alice = world.acme.alice.clone();
    let readable = target(&world, "readable").await;
    let derived = world.create(&alice, item("SubTarget").name("derived")).await.id;
    for id in [readable, derived] {
        world.create(&alice, item("Referrer").name("fine").attr("clear", id.to_string())).await;
    }
    let wrong_type = world.create(&alice, item("Note")).await.id;
    let unreadable = world.create(&world.acme.bob, item("Target")).await.id;
    let foreign = world.create(&world.umbrella.alice, item("Target")).await.id;
    // Whoever may read it elsewhere: deletions look for referrers in the org of the item.
    let public = world.create(&world.umbrella.alice, item("Target").public()).await.id;
    assert!(world.get(&alice, public).await.is_some());
    for id in [wrong_type, unreadable, foreign, public, world.next_id()] {
        for (field, value) in [("clear", json!(id)), ("clear_list", json!([readable, id]))] {
            let draft = item("Referrer").name("bad").attr(field, value);
            let error = expect_kind(world.try_create(&alice, draft).await, ErrorKind::InvalidInput);
            let pointer = format!("/attributes/{field}");
            assert!(
                error.violations()[0].pointer.starts_with(&pointer),
                "{error:?} {:?}",
                error.violations()
            );
        }
        if id != wrong_type {
            let linked = item("Note").name("bad").linked(id);
            expect_kind(world.try_create(&alice, linked).await, ErrorKind::InvalidInput);
        }
    }
    let referrer = world.find("Referrer").all().await.remove(0);
    expect_kind(world.set(&alice, referrer.id, json!({"clear": unreadable})).await, ErrorKind::InvalidInput);
    assert_eq!(world.item(referrer.id).await, referrer);
}

/// A reference that is there already does not stand in the way when its target is no longer readable.
pub async fn an_old_reference_is_not_asked_again(world: World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let target = world.create(&bob, item("Target").name("theirs")).await;
    let read = vec![grant(crate::conformance::Org::account(&alice), &[Permission::Read])];
    world.share(&bob, target.id, read).await.unwrap();
    let referrer = world.create(&alice, item("Referrer").attr("clear", target.id.to_string())).await;
    world.share(&bob, target.id, vec![]).await.unwrap();
    world.set(&alice, referrer.id, json!({"note": "changed"})).await.unwrap();
}

/// `restrict` refuses the deletion, names the referrer only to those who can read it, and lets it go when the
/// referrer goes along or has let go.
pub async fn restrict_refuses(world: World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    for (field, many) in [("restrict", false), ("restrict_list", true)] {
        let id = target(&world, field).await;
        let delete_all = grant(Subject::Org(world.acme.id), &[Permission::Read, Permission::Delete]);
        world.share(&alice, id, vec![delete_all]).await.unwrap();
        let value = if many { json!([id]) } else { json!(id) };
        let referrer = world.create(&alice, item("SubReferrer").name("holds").attr(field, value)).await;
        let error = expect_kind(world.delete(&alice, id).await, ErrorKind::Conflict);
        assert!(error.message().contains(&referrer.id.to_string()), "{error:?}");
        let error = expect_kind(world.delete(&bob, id).await, ErrorKind::Conflict);
        assert!(
            !error.message().contains(&referrer.id.to_string()),
            "names what bob can not read: {error:?}"
        );
        world.set(&alice, referrer.id, json!({field: null})).await.unwrap();
        assert_eq!(world.delete(&alice, id).await.unwrap(), 1);
    }
    let parent = target(&world, "parent").await;
    let child = item("Referrer").name("inside").parent(parent).attr("restrict", parent.to_string());
    world.create(&alice, child).await;
    assert_eq!(world.delete(&alice, parent).await.unwrap(), 2);
}

/// `clear` removes the reference, in lists only the one, and logs the change.
pub async fn clear_removes_the_reference(world: World) {
    let alice = world.acme.alice.clone();
    let [gone, kept] = [target(&world, "gone").await, target(&world, "kept").await];
    let referrer = item("Referrer")
        .name("clears")
        .attr("clear", gone.to_string())
        .attr("clear_list", json!([kept, gone, kept]))
        .attr("label", "stays");
    let referrer = world.create(&alice, referrer).await;
    let theirs = world
        .create(
            &world.system(),
            item("Referrer").name("bob's").org(world.acme.id).attr("clear", gone.to_string()),
        )
        .await;
    assert_eq!(world.delete(&alice, gone).await.unwrap(), 1);
    let cleared = world.item(referrer.id).await;
    let expected = json!({"clear_list": [kept, kept], "label": "stays"});
    assert_eq!(Value::Object(cleared.attributes.as_map().clone()), expected);
    assert!(cleared.version > referrer.version);
    assert!(
        world.item(theirs.id).await.attributes.is_empty(),
        "what the caller can not see is cleared as well"
    );
    world.find("Referrer").with("clear", format!("eq.{gone}")).gives(&[]).await;
    world.find("Referrer").with("clear", "is.null").gives(&["clears", "bob's"]).await;
    world.find("Referrer").with("clear_list", format!("cs.{{{kept}}}")).gives(&["clears"]).await;
}

/// `cascade` deletes the referrer, what is below it, and what refers to that.
pub async fn cascade_deletes_the_referrer(world: World) {
    let alice = world.acme.alice.clone();
    let root = target(&world, "root").await;
    let single =
        world.create(&alice, item("Referrer").name("single").attr("cascade", root.to_string())).await;
    world.create(&alice, item("SubReferrer").name("list").attr("cascade_list", json!([root]))).await;
    let below = world.create(&alice, item("Target").name("below").parent(single.id)).await;
    world.create(&alice, item("Referrer").name("second").attr("cascade", below.id.to_string())).await;
    let clears =
        world.create(&alice, item("Referrer").name("clears").attr("clear", below.id.to_string())).await;
    assert_eq!(world.delete(&alice, root).await.unwrap(), 5);
    world.find("Target").gives(&[]).await;
    world.find("Referrer").gives(&["clears"]).await;
    assert!(world.item(clears.id).await.attributes.is_empty());
}

/// A restricting reference anywhere below stops the whole deletion.
pub async fn restrict_below_a_cascade_stops_all(world: World) {
    let alice = world.acme.alice.clone();
    let root = target(&world, "root").await;
    let single =
        world.create(&alice, item("Referrer").name("single").attr("cascade", root.to_string())).await;
    let below = world.create(&alice, item("Target").name("below").parent(single.id)).await;
    world.create(&alice, item("Referrer").name("holds").attr("restrict", below.id.to_string())).await;
    expect_kind(world.delete(&alice, root).await, ErrorKind::Conflict);
    world.find("Referrer").gives(&["single", "holds"]).await;
    world.find("Target").gives(&["root", "below"]).await;
}

/// References that form a circle are deleted together.
pub async fn circles_are_deleted(world: World) {
    let alice = world.acme.alice.clone();
    let a = world.create(&alice, item("Paper").name("a")).await;
    let b = world.create(&alice, item("Paper").name("b").attr("boss", a.id.to_string())).await;
    world.set(&alice, a.id, json!({"boss": b.id})).await.unwrap();
    world.create(&alice, item("Paper").name("own boss").id(world.next_id())).await;
    assert_eq!(world.delete(&alice, a.id).await.unwrap(), 1);
    assert!(world.item(b.id).await.attributes.is_empty());
    let own = world.find("Paper").with("name", "own boss").all().await.remove(0);
    world.set(&alice, own.id, json!({"boss": own.id})).await.unwrap();
    assert_eq!(world.delete(&alice, own.id).await.unwrap(), 1);
}

/// A reference and the deletion of its target at the same moment never leave a reference to nothing.
pub async fn no_reference_to_a_target_that_goes(world: World) {
    let alice = world.acme.alice.clone();
    for round in 0..12 {
        let id = target(&world, "contended").await;
        race(2, |index| {
            let (world, alice) = (world.clone(), alice.clone());
            async move {
                let refer = item("Referrer").name(format!("r{round}")).attr("restrict", id.to_string());
                let operation = if index == 0 { world.creation(&alice, refer) } else { delete(id) };
                let _ = world.persist(&alice, operation).await;
            }
        })
        .await;
        let there = world.get(&alice, id).await.is_some();
        let referred = !world.find("Referrer").with("restrict", format!("eq.{id}")).all().await.is_empty();
        assert_eq!(there, referred, "round {round}: target there: {there}, referred to: {referred}");
    }
}
