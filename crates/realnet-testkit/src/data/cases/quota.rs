//! Bounds in bytes. Stores that do not offer one have nothing to show.

use realnet_core::ErrorKind;
use realnet_core::provider::Expectation;

use crate::conformance::{eventually, expect_kind, race};
use crate::data::{DataWorld, broken, pieces, sample};

const QUOTA: u64 = 1_000_000;

async fn used(world: &DataWorld) -> u64 {
    world.data.usage().await.unwrap().used.expect("a store with a bound counts")
}

/// A store takes as much as its bound, and more when something has been removed.
pub async fn a_full_store_takes_no_more(world: DataWorld) {
    let Some(world) = world.bounded(QUOTA).await else { return };
    let content = world.put(&sample(600_000, 1)).await;
    assert_eq!(used(&world).await, 600_000);
    let id = world.next_id();
    expect_kind(world.put_as(id, &sample(400_001, 2)).await, ErrorKind::TooLarge);
    expect_kind(world.data.copy(content.id, id).await, ErrorKind::TooLarge);
    expect_kind(world.put_as(content.id, &sample(100, 2)).await, ErrorKind::Conflict);
    assert!(world.data.put(id, broken(&sample(300_000, 2)), Expectation::default()).await.is_err());
    assert_eq!(used(&world).await, 600_000, "what failed counts no more");
    world.put_as(id, &sample(400_000, 2)).await.unwrap();
    assert_eq!(used(&world).await, QUOTA);
    expect_kind(world.put_as(world.next_id(), b"x").await, ErrorKind::TooLarge);
    assert!(world.data.delete(content.id).await.unwrap());
    assert!(!world.data.delete(content.id).await.unwrap());
    assert_eq!(used(&world).await, 400_000);
    let copy = world.data.copy(id, world.next_id()).await.unwrap();
    assert_eq!((copy.map(|copy| copy.size), used(&world).await), (Some(400_000), 800_000));
}

/// Unfinished uploads take room, and give it back when they are aborted.
pub async fn uploads_count(world: DataWorld) {
    let Some(world) = world.bounded(QUOTA).await else { return };
    let [first, second] = [world.next_id(), world.next_id()];
    for id in [first, second] {
        world.data.begin_upload(id).await.unwrap();
    }
    world.append(first, 0, &sample(600_000, 1)).await.unwrap();
    assert_eq!(used(&world).await, 600_000);
    let data = pieces(&sample(600_000, 1), &[100_000]);
    expect_kind(world.data.append_upload(second, 0, data, None).await, ErrorKind::TooLarge);
    let offset = world.offset(second).await.unwrap();
    assert!(offset <= 400_000);
    assert_eq!(used(&world).await, 600_000 + offset);
    assert!(world.data.abort_upload(first).await.unwrap());
    assert!(!world.data.abort_upload(first).await.unwrap());
    assert_eq!(used(&world).await, offset);
    world.append(second, offset as usize, &sample(1000, 1)).await.unwrap();
    world.data.finish_upload(second, Expectation::default()).await.unwrap();
    assert_eq!(used(&world).await, offset + 1000, "a content takes the room of its upload");
    assert!(world.data.delete(second).await.unwrap());
    assert_eq!(used(&world).await, 0);
}

/// Many who store at once do not exceed the bound, and what they were refused is free again.
pub async fn no_two_exceed_it_together(world: DataWorld) {
    let Some(world) = world.bounded(QUOTA).await else { return };
    let storing = world.clone();
    let results = race(8, move |index| {
        let world = storing.clone();
        async move {
            let data = pieces(&sample(300_000, index as u64), &[10_000]);
            world.data.put(world.next_id(), data, Expectation::default()).await
        }
    });
    let mut stored = 0;
    for result in results.await {
        match result {
            Ok(_) => stored += 1,
            Err(error) => assert_eq!(error.kind(), ErrorKind::TooLarge, "{error:?}"),
        }
    }
    assert!(stored <= 3, "{stored} contents of 300,000 bytes fit into {QUOTA}");
    eventually("what was refused is free again", async || {
        (used(&world).await == stored * 300_000).then_some(())
    })
    .await;
    assert_eq!(world.list(100).await.len() as u64, stored);
    if stored < 3 {
        world.put(&sample(300_000, 99)).await;
    }
}
