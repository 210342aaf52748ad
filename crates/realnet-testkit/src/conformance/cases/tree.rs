//! The tree of items: rules of parents, cycles, depth, cascades, and queries along it.

use realnet_core::acl::{Permission, Subject};
use realnet_core::model::Item;
use realnet_core::{ErrorKind, Uuid};

use crate::conformance::{Org, World, delete, expect_kind, grant, item, race};

async fn note(world: &World, name: &str, parent: Option<Uuid>) -> Uuid {
    let draft = item("Note").name(name);
    let draft = match parent {
        Some(parent) => draft.parent(parent),
        None => draft,
    };
    world.create(&world.acme.alice, draft).await.id
}

/// A parent is in the same org, readable and writable.
pub async fn a_parent_must_be_writable(world: World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let unreadable = world.create(&bob, item("Note")).await.id;
    let foreign = world.create(&world.umbrella.alice, item("Note").public()).await.id;
    for id in [unreadable, foreign, world.next_id()] {
        let error =
            expect_kind(world.try_create(&alice, item("Note").parent(id)).await, ErrorKind::InvalidInput);
        assert_eq!(error.violations()[0].pointer, "/parent_id");
    }
    let account = Org::account(&alice);
    world.share(&bob, unreadable, vec![grant(account.clone(), &[Permission::Read])]).await.unwrap();
    expect_kind(world.try_create(&alice, item("Note").parent(unreadable)).await, ErrorKind::Forbidden);
    let write = vec![grant(account, &[Permission::Read, Permission::Write])];
    world.share(&bob, unreadable, write).await.unwrap();
    world.create(&alice, item("Note").name("child").parent(unreadable)).await;
}

/// An item can not come below itself.
pub async fn cycles_are_refused(world: World) {
    let alice = world.acme.alice.clone();
    let a = note(&world, "a", None).await;
    let b = note(&world, "b", Some(a)).await;
    let c = note(&world, "c", Some(b)).await;
    for below in [a, b, c] {
        let moved = world.update(&alice, a, move |item| item.parent_id = Some(below)).await;
        expect_kind(moved, ErrorKind::Conflict);
    }
    world.update(&alice, c, |item| item.parent_id = None).await.unwrap();
    world.update(&alice, a, move |item| item.parent_id = Some(c)).await.unwrap();
    world.find("Note").with("parent", c).with("any_level", true).order("name").gives(&["a", "b"]).await;
}

/// Two moves at the same moment never make a circle.
pub async fn concurrent_moves_make_no_cycle(world: World) {
    let alice = world.acme.alice.clone();
    for round in 0..12 {
        let [a, b] = [note(&world, "a", None).await, note(&world, "b", None).await];
        race(2, |index| {
            let (world, alice) = (world.clone(), alice.clone());
            let (id, below) = if index == 0 { (a, b) } else { (b, a) };
            async move {
                let step = world.edit(id, None, move |item: &mut Item| item.parent_id = Some(below));
                let _ = world.persist(&alice, step).await;
            }
        })
        .await;
        let [a, b] = [world.item(a).await, world.item(b).await];
        let circle = a.parent_id == Some(b.id) && b.parent_id == Some(a.id);
        assert!(!circle, "round {round}: each is the other's parent");
    }
}

/// A child that is attached while its parent goes is either refused or deleted along.
pub async fn no_orphan_below_a_parent_that_goes(world: World) {
    let alice = world.acme.alice.clone();
    for round in 0..12 {
        let parent = note(&world, "parent", None).await;
        race(3, |index| {
            let (world, alice) = (world.clone(), alice.clone());
            async move {
                let child = item("Note").name("child").parent(parent);
                let operation = if index > 0 { world.creation(&alice, child) } else { delete(parent) };
                let _ = world.persist(&alice, operation).await;
            }
        })
        .await;
        let children = world.find("Note").with("parent", parent).all().await;
        let there = world.get(&alice, parent).await.is_some();
        assert!(there || children.is_empty(), "round {round}: {} orphans", children.len());
    }
}

/// A tree is bounded in depth, and the bound is far beyond 64 levels.
pub async fn depth_is_bounded(world: World) {
    let alice = world.acme.alice.clone();
    let mut operations = Vec::new();
    let mut parent = None;
    for _ in 0..Item::MAX_DEPTH {
        let draft = item("Note").name("level");
        let draft = world.build(&alice, parent.map_or(draft.clone(), |parent| draft.parent(parent)));
        parent = Some(draft.id);
        operations.push(realnet_core::change::Operation::Create(Box::new(draft)));
    }
    world.commit(&alice, operations).await.unwrap();
    let bottom = world.find("Note").all().await.last().unwrap().id;
    let mut parent = bottom;
    let refused = loop {
        match world.try_create(&alice, item("Note").parent(parent)).await {
            Ok(created) => parent = created.id,
            Err(error) => break error,
        }
        assert!(world.find("Note").all().await.len() < Item::MAX_DEPTH + 3, "no bound is kept");
    };
    assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{refused:?}");
}

/// A tree that is moved takes its depth along.
pub async fn a_moved_tree_stays_shallow(world: World) {
    let alice = world.acme.alice.clone();
    let chain = async |count: usize| {
        let mut ids: Vec<Uuid> = Vec::new();
        let mut operations = Vec::new();
        for _ in 0..count {
            let draft = item("Note");
            let draft = ids.last().map_or(draft.clone(), |parent| draft.parent(*parent));
            ids.push(world.next_id());
            operations.push(world.creation(&alice, draft.id(ids[ids.len() - 1])));
        }
        world.commit(&alice, operations).await.unwrap();
        ids
    };
    let half = Item::MAX_DEPTH / 2;
    let (upper, lower) = (chain(half).await, chain(half + 1).await);
    let [bottom, top, second] = [upper[half - 1], lower[0], lower[1]];
    let moved = world.update(&alice, top, move |item| item.parent_id = Some(bottom)).await;
    expect_kind(moved, ErrorKind::InvalidInput);
    world.update(&alice, second, move |item| item.parent_id = Some(bottom)).await.unwrap();
    let last = lower[half];
    expect_kind(world.try_create(&alice, item("Note").parent(last)).await, ErrorKind::InvalidInput);
}

/// Children and descendants, of every level, as the caller sees them.
pub async fn children_and_descendants_are_found(world: World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let root = note(&world, "root", None).await;
    let a = note(&world, "a", Some(root)).await;
    let b = note(&world, "b", Some(root)).await;
    let aa = note(&world, "aa", Some(a)).await;
    note(&world, "aaa", Some(aa)).await;
    note(&world, "elsewhere", None).await;
    world.create(&alice, item("Place").name("place").parent(a)).await;
    let children = |parent: Uuid| world.find("Note").with("parent", parent);
    let below = |parent: Uuid| children(parent).with("any_level", true);
    children(root).order("name").gives(&["a", "b"]).await;
    children(b).gives(&[]).await;
    below(root).order("name").gives(&["a", "aa", "aaa", "b"]).await;
    below(a).order("name").gives(&["aa", "aaa"]).await;
    world.find("Item").with("parent", a).order("name").gives(&["aa", "place"]).await;
    below(root).with("name", "like.aa*").limit(1).gives(&["aa", "aaa"]).await;
    below(root).order("name.desc").limit(2).gives(&["b", "aaa", "aa", "a"]).await;
    // What lies below something unreadable is still found by who may read it.
    world.share(&alice, aa, vec![grant(Org::account(&bob), &[Permission::Read])]).await.unwrap();
    world.find("Note").by(&bob).gives(&["aa"]).await;
    below(root).by(&bob).check().await;
    children(a).by(&bob).check().await;
    world.find("Note").with("parent_id", "is.null").check().await;
}

/// Deleting a parent deletes its descendants, each of which must be deletable.
pub async fn a_parent_takes_its_descendants_along(world: World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let root = note(&world, "root", None).await;
    let a = note(&world, "a", Some(root)).await;
    note(&world, "b", Some(root)).await;
    world
        .share(&alice, a, vec![grant(Org::account(&bob), &[Permission::Read, Permission::Write])])
        .await
        .unwrap();
    let foreign = world.create(&bob, item("Note").name("foreign").parent(a)).await;
    expect_kind(world.delete(&alice, root).await, ErrorKind::Forbidden);
    assert_eq!(world.find("Note").all().await.len(), 4);
    let delete = vec![grant(Subject::Org(world.acme.id), &[Permission::Delete])];
    world.share(&bob, foreign.id, delete).await.unwrap();
    assert_eq!(world.delete(&alice, root).await.unwrap(), 4);
    world.find("Note").gives(&[]).await;
    let log = world.log(world.acme.id, World::SETTLED + 10).await;
    let deletions =
        log.iter().filter(|record| record.kind == realnet_core::change::ChangeKind::Delete).count();
    assert_eq!(deletions, 4, "each deleted item has its record");
}
