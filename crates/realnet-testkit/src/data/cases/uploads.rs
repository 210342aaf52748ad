//! Uploads in several requests.

use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use realnet_core::ErrorKind;
use realnet_core::clock::{Clock as _, System};
use realnet_core::provider::{Content, ContentId, DataProviderExt as _, Expectation};
use tokio::sync::oneshot;

use crate::conformance::{eventually, expect_kind};
use crate::data::{DataWorld, broken, checksum, pieces, sample, whole};

async fn begun(world: &DataWorld) -> ContentId {
    let id = world.next_id();
    world.data.begin_upload(id).await.unwrap();
    id
}

fn exactly(bytes: &[u8]) -> Expectation {
    Expectation { size: Some(bytes.len() as u64), checksum: Some(checksum(bytes)), limit: None }
}

/// An upload in parts of odd lengths becomes the content that it would be in one.
pub async fn an_upload_goes_on_where_it_ended(world: DataWorld) {
    let bytes = sample(1_500_000, 1);
    let id = begun(&world).await;
    assert_eq!(world.offset(id).await, Some(0));
    let mut end = 0;
    for length in [1, 0, 6, 262_144, 1, 262_143, 700_000, 275_705] {
        let data = pieces(&bytes[end..end + length], &[70_001]);
        let next = world.data.append_upload(id, end as u64, data, None).await.unwrap();
        end += length;
        assert_eq!((next, world.offset(id).await), (end as u64, Some(end as u64)));
    }
    assert_eq!(end, bytes.len());
    let content = world.data.finish_upload(id, exactly(&bytes)).await.unwrap();
    assert_eq!(content, Content { id, size: end as u64, checksum: checksum(&bytes) });
    assert_eq!(world.offset(id).await, None);
    assert!(world.read(id).await == bytes);
    let empty = begun(&world).await;
    world.data.finish_upload(empty, exactly(b"")).await.unwrap();
    assert_eq!(world.read(empty).await, b"");
}

/// Who begins elsewhere than at the end is refused.
pub async fn an_offset_must_be_the_end(world: DataWorld) {
    let id = begun(&world).await;
    expect_kind(world.append(id, 1, b"x").await, ErrorKind::Conflict);
    world.append(id, 0, b"12345").await.unwrap();
    for offset in [0, 4, 6, usize::MAX >> 1] {
        expect_kind(world.append(id, offset, b"x").await, ErrorKind::Conflict);
    }
    assert_eq!(world.append(id, 5, b"6").await.unwrap(), 6);
    world.data.finish_upload(id, exactly(b"123456")).await.unwrap();
    let unknown = world.next_id();
    expect_kind(world.append(unknown, 0, b"x").await, ErrorKind::NotFound);
    assert_eq!(world.offset(unknown).await, None);
    world.expect_nothing(unknown).await;
}

/// A connection that breaks costs what had not come yet.
pub async fn what_came_before_a_break_is_kept(world: DataWorld) {
    let bytes = sample(1_000_000, 4);
    let id = begun(&world).await;
    let mut end = 0;
    for length in [0, 1, 300_001, 600_000] {
        let data = broken(&bytes[end..end + length]);
        let answer = world.data.append_upload(id, end as u64, data, None).await;
        let error = expect_kind(answer, ErrorKind::Unavailable);
        assert_eq!(error.message(), "the client went away");
        end += length;
        assert_eq!(world.offset(id).await, Some(end as u64));
    }
    world.append(id, end, &bytes[end..]).await.unwrap();
    world.data.finish_upload(id, exactly(&bytes)).await.unwrap();
    assert!(world.read(id).await == bytes);
}

/// What is not as announced is refused, and can still be mended.
pub async fn a_refusal_changes_nothing(world: DataWorld) {
    let bytes = sample(400_000, 4);
    let id = begun(&world).await;
    world.append(id, 0, &bytes[..300_000]).await.unwrap();
    let other = Expectation { checksum: Some(checksum(b"other")), ..Expectation::default() };
    let large = Expectation { limit: Some(299_999), ..Expectation::default() };
    let refused = [
        (exactly(&bytes), ErrorKind::InvalidInput),
        (exactly(&bytes[..200_000]), ErrorKind::InvalidInput),
        (other, ErrorKind::InvalidInput),
        (large, ErrorKind::TooLarge),
    ];
    for (expected, kind) in refused {
        expect_kind(world.data.finish_upload(id, expected).await, kind);
        assert_eq!(world.offset(id).await, Some(300_000));
        assert_eq!(world.data.head(id).await.unwrap(), None);
    }
    world.append(id, 300_000, &bytes[300_000..]).await.unwrap();
    world.data.finish_upload(id, exactly(&bytes)).await.unwrap();
    assert!(world.read(id).await == bytes);
}

/// Who has lost the answer asks again.
pub async fn finishing_can_be_repeated(world: DataWorld) {
    let id = begun(&world).await;
    world.append(id, 0, b"whole").await.unwrap();
    let content = world.data.finish_upload(id, exactly(b"whole")).await.unwrap();
    assert_eq!(world.data.finish_upload(id, exactly(b"whole")).await.unwrap(), content);
    expect_kind(world.data.finish_upload(id, exactly(b"other")).await, ErrorKind::InvalidInput);
    expect_kind(world.append(id, 5, b"!").await, ErrorKind::NotFound);
    assert!(!world.data.abort_upload(id).await.unwrap());
    assert_eq!(world.data.verify(id).await.unwrap(), Some(content));
    let unknown = world.next_id();
    expect_kind(world.data.finish_upload(unknown, Expectation::default()).await, ErrorKind::NotFound);
}

/// An aborted upload is gone.
pub async fn aborting_can_be_repeated(world: DataWorld) {
    let id = begun(&world).await;
    world.append(id, 0, b"part").await.unwrap();
    assert!(world.data.abort_upload(id).await.unwrap());
    assert!(!world.data.abort_upload(id).await.unwrap());
    assert_eq!(world.offset(id).await, None);
    expect_kind(world.append(id, 4, b"x").await, ErrorKind::NotFound);
    expect_kind(world.data.finish_upload(id, Expectation::default()).await, ErrorKind::NotFound);
    world.data.begin_upload(id).await.unwrap();
    world.append(id, 0, b"anew").await.unwrap();
    world.data.finish_upload(id, exactly(b"anew")).await.unwrap();
    assert_eq!(world.read(id).await, b"anew");
}

/// While one writes, all others are refused; what was given up is free again.
pub async fn one_writes_at_a_time(world: DataWorld) {
    let id = begun(&world).await;
    let ((asked, is_asked), (release, released)) = (oneshot::channel(), oneshot::channel::<()>());
    let begin = stream::once(async move {
        asked.send(()).unwrap();
        Ok(Bytes::from_static(b"one"))
    });
    let end = stream::once(async move {
        released.await.unwrap();
        Ok(Bytes::new())
    });
    let writing = world.clone();
    let data = begin.chain(end).boxed();
    let first = tokio::spawn(async move { writing.data.append_upload(id, 0, data, None).await });
    // Whose stream is read has the upload.
    is_asked.await.unwrap();
    expect_kind(world.append(id, 0, b"other").await, ErrorKind::Conflict);
    expect_kind(world.data.finish_upload(id, Expectation::default()).await, ErrorKind::Conflict);
    expect_kind(world.data.abort_upload(id).await, ErrorKind::Conflict);
    assert_eq!(world.data.expire_uploads(System.now().plus_seconds(3600)).await.unwrap(), 0);
    release.send(()).unwrap();
    assert_eq!(first.await.unwrap().unwrap(), 3);
    let silent = whole(b"two").chain(stream::pending()).boxed();
    let given_up = world.data.append_upload(id, 3, silent, None);
    assert!(tokio::time::timeout(Duration::from_millis(50), given_up).await.is_err());
    let end = eventually("what was given up is free again", async || {
        let end = world.offset(id).await.unwrap();
        world.append(id, end as usize, b"").await.ok()
    })
    .await;
    assert!(end == 3 || end == 6, "the end is at {end}");
    world.data.finish_upload(id, exactly(&b"onetwo"[..end as usize])).await.unwrap();
}

/// No more comes than was allowed, and what fits can still be sent.
pub async fn an_upload_has_a_limit(world: DataWorld) {
    let bytes = sample(500_000, 6);
    let id = begun(&world).await;
    let limit = Some(bytes.len() as u64);
    world.data.append_upload(id, 0, whole(&bytes[..100_000]), limit).await.unwrap();
    let data = pieces(&sample(800_000, 6)[100_000..], &[30_000]);
    expect_kind(world.data.append_upload(id, 100_000, data, limit).await, ErrorKind::TooLarge);
    let end = world.offset(id).await.unwrap() as usize;
    assert!((100_000..=bytes.len()).contains(&end), "the end is at {end}");
    world.data.append_upload(id, end as u64, whole(&bytes[end..]), limit).await.unwrap();
    expect_kind(world.data.append_upload(id, 500_000, whole(b"x"), limit).await, ErrorKind::TooLarge);
    world.data.finish_upload(id, exactly(&bytes)).await.unwrap();
}

/// An upload takes no id of another, and its id is not taken by one.
pub async fn an_upload_needs_a_free_id(world: DataWorld) {
    let content = world.put(b"taken").await;
    expect_kind(world.data.begin_upload(content.id).await, ErrorKind::Conflict);
    let id = begun(&world).await;
    world.append(id, 0, b"part").await.unwrap();
    expect_kind(world.data.begin_upload(id).await, ErrorKind::Conflict);
    assert_eq!(world.offset(id).await, Some(4));
    assert_eq!(world.read(content.id).await, b"taken");
}

/// Uploads that nobody goes on with are removed, and no others.
pub async fn unused_uploads_expire(world: DataWorld) {
    let content = world.put(b"content").await;
    let [first, second] = [begun(&world).await, begun(&world).await];
    world.append(first, 0, b"part").await.unwrap();
    assert_eq!(world.data.expire_uploads(System.now().plus_seconds(-3600)).await.unwrap(), 0);
    assert_eq!((world.offset(first).await, world.offset(second).await), (Some(4), Some(0)));
    assert_eq!(world.data.expire_uploads(System.now().plus_seconds(3600)).await.unwrap(), 2);
    assert_eq!((world.offset(first).await, world.offset(second).await), (None, None));
    assert_eq!(world.data.expire_uploads(System.now().plus_seconds(3600)).await.unwrap(), 0);
    assert_eq!(world.data.verify(content.id).await.unwrap(), Some(content));
}

/// An upload goes on after the store was closed.
pub async fn uploads_outlive_the_store(world: DataWorld) {
    let bytes = sample(900_000, 8);
    let id = begun(&world).await;
    world.append(id, 0, &bytes[..400_000]).await.unwrap();
    let Some(world) = world.reopen().await else { return };
    assert_eq!(world.offset(id).await, Some(400_000));
    world.append(id, 400_000, &bytes[400_000..]).await.unwrap();
    let content = world.data.finish_upload(id, exactly(&bytes)).await.unwrap();
    assert_eq!(world.data.verify(id).await.unwrap(), Some(content));
    assert!(world.read(id).await == bytes);
}
