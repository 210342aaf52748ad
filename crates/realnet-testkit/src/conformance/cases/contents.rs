//! The contents that items name.

use realnet_core::{ErrorKind, Uuid};

use crate::conformance::{World, item};

/// A content is read back with its item, by itself and in lists, and stands in the log; an edit changes and removes it.
pub async fn a_content_is_kept_with_its_item(world: World) {
    let alice = world.acme.alice.clone();
    let [first, second] = [world.next_id(), world.next_id()];
    let created = world.create(&alice, item("Note").name("file").content(first)).await;
    assert_eq!(created.content, Some(first));
    assert_eq!(world.get(&alice, created.id).await, Some(created.clone()));
    assert_eq!(world.find("Note").by(&alice).all().await, vec![created.clone()]);
    // What says nothing of the content leaves it.
    let renamed =
        world.update(&alice, created.id, |item| "renamed".clone_into(&mut item.name)).await.unwrap();
    assert_eq!((world.item(created.id).await.content, renamed.version), (Some(first), 2));
    let replaced = world.update(&alice, created.id, move |item| item.content = Some(second)).await.unwrap();
    assert_eq!((world.item(created.id).await, replaced.version), (replaced.clone(), 3));
    let removed = world.update(&alice, created.id, |item| item.content = None).await.unwrap();
    assert_eq!((world.item(created.id).await.content, removed.version), (None, 4));
    world.delete(&alice, created.id).await.unwrap();
    let log = world.log(world.acme.id, World::SETTLED + 5).await;
    let told: Vec<_> = log[World::SETTLED..]
        .iter()
        .map(|record| {
            [&record.before, &record.after].map(|state| state.as_ref().and_then(|item| item.content))
        })
        .collect();
    let (one, two) = (Some(first), Some(second));
    assert_eq!(told, [[None, one], [one, one], [one, two], [two, None], [None, None]]);
    assert_eq!(log[World::SETTLED + 2].touched(), ["content"]);
}

/// Of any ids, those are told that an item names, also of other orgs and of items that nobody else may read.
pub async fn contents_in_use_are_told(world: World) {
    let [named, hidden, elsewhere, replaced, deleted, never] = std::array::from_fn(|_| world.next_id());
    let alice = world.acme.alice.clone();
    world.create(&alice, item("Note").content(named)).await;
    world.create(&alice, item("PrivatePaper").content(hidden).attr("rank", 1)).await;
    world.create(&world.umbrella.admin.clone(), item("Note").content(elsewhere)).await;
    let other = world.create(&alice, item("Note").content(replaced)).await;
    world.update(&alice, other.id, |item| item.content = None).await.unwrap();
    let gone = world.create(&alice, item("Note").content(deleted)).await;
    world.delete(&alice, gone.id).await.unwrap();
    let asked = [named, hidden, elsewhere, replaced, deleted, never, gone.id];
    let in_use = async |ids: &[Uuid]| {
        let mut found = world.stores.items.contents_in_use(ids).await.unwrap();
        found.sort_unstable();
        found
    };
    let mut expected = vec![named, hidden, elsewhere];
    expected.sort_unstable();
    assert_eq!(in_use(&asked).await, expected);
    assert_eq!(in_use(&[]).await, Vec::<Uuid>::new());
    let many: Vec<Uuid> = (0..999).map(|_| world.next_id()).chain([elsewhere]).collect();
    assert_eq!(in_use(&many).await, [elsewhere]);
}

/// No two items name the same content, which goes with its item: not one after the other, not by an edit, and of several at once
/// one gets it.
pub async fn a_content_has_one_item(world: World) {
    let [content, other, contested] = std::array::from_fn(|_| world.next_id());
    let alice = world.acme.alice.clone();
    let owner = world.create(&alice, item("Note").content(content)).await;
    let second = world.try_create(&alice, item("Note").content(content)).await;
    assert_eq!(second.unwrap_err().kind(), ErrorKind::Conflict);
    let elsewhere = world.try_create(&world.umbrella.admin.clone(), item("Note").content(content)).await;
    assert_eq!(elsewhere.unwrap_err().kind(), ErrorKind::Conflict);
    let edited = world.create(&alice, item("Note").content(other)).await;
    let taken = world.update(&alice, edited.id, move |item| item.content = Some(content)).await;
    assert_eq!(taken.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(world.item(edited.id).await.content, Some(other), "nothing was changed");
    let many = (0..6).map(|_| world.try_create(&alice, item("Note").content(contested)));
    let many = futures::future::join_all(many).await;
    assert_eq!(many.iter().filter(|made| made.is_ok()).count(), 1, "{many:?}");
    // What its item lets go of is free.
    world.update(&alice, owner.id, |item| item.content = None).await.unwrap();
    world.update(&alice, edited.id, move |item| item.content = Some(content)).await.unwrap();
    world.delete(&alice, edited.id).await.unwrap();
    world.create(&alice, item("Note").content(content)).await;
    world.create(&alice, item("Note").content(other)).await;
}
