//! Lists of contents, from which a sweep finds what no item names.

use std::collections::HashMap;

use realnet_core::clock::{Clock as _, System};

use crate::data::{DataWorld, broken, sample, whole};
use realnet_core::provider::Expectation;

/// How far the clocks of a store and of the suite may be apart, in seconds.
const SKEW: i64 = 60;

/// Each content is in one page, with its size and the time at which it came.
pub async fn every_content_is_listed_once(world: DataWorld) {
    let before = System.now().plus_seconds(-SKEW);
    let mut sizes = HashMap::new();
    for size in 0..25 {
        sizes.insert(world.put(&sample(size, 1)).await.id, size as u64);
    }
    let after = System.now().plus_seconds(SKEW);
    for limit in [1, 7, 24, 25, 26, 1000] {
        let entries = world.list(limit).await;
        assert_eq!(entries.len(), 25, "pages of {limit}");
        for entry in entries {
            assert_eq!(sizes.get(&entry.id), Some(&entry.size));
            assert!(before <= entry.stored_at && entry.stored_at <= after, "{entry:?}");
        }
    }
    let page = world.data.list(None, 10).await.unwrap();
    assert_eq!((page.contents.len(), page.next), (10, page.contents.last().map(|last| last.id)));
}

/// A sweep removes what it has just listed, and goes on behind it.
pub async fn a_list_goes_on_behind_what_is_gone(world: DataWorld) {
    for size in 0..20 {
        world.put(&sample(size, 1)).await;
    }
    let (mut after, mut seen) = (None, 0);
    loop {
        let page = world.data.list(after, 3).await.unwrap();
        for entry in &page.contents {
            assert!(world.data.delete(entry.id).await.unwrap());
        }
        seen += page.contents.len();
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, 20);
    assert_eq!(world.list(100).await, []);
}

/// What has not come to its end is no content.
pub async fn unfinished_ones_are_not_listed(world: DataWorld) {
    let [id, failed] = [world.next_id(), world.next_id()];
    world.data.begin_upload(id).await.unwrap();
    world.append(id, 0, b"part").await.unwrap();
    let put = world.data.put(failed, broken(b"part"), Expectation::default());
    assert!(put.await.is_err());
    assert_eq!(world.list(10).await, []);
    assert_eq!(world.data.head(id).await.unwrap(), None);
    world.data.append_upload(id, 4, whole(b"!"), None).await.unwrap();
    world.data.finish_upload(id, Expectation::default()).await.unwrap();
    assert_eq!(
        world.list(10).await.iter().map(|entry| (entry.id, entry.size)).collect::<Vec<_>>(),
        [(id, 5)]
    );
}
