//! Contents are stored, read, copied and removed.

use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use realnet_core::ErrorKind;
use realnet_core::clock::Timestamp;
use realnet_core::provider::{
    ByteRange, Content, DataProviderExt as _, DownloadTerms, Expectation, UploadTerms,
};

use crate::conformance::{expect_kind, race};
use crate::data::{DataWorld, checksum, pieces, sample};

/// Sizes around those of blocks and buffers.
const SIZES: [usize; 10] = [0, 1, 4095, 65_537, 262_143, 262_144, 262_145, 524_288, 1_048_577, 5_000_003];

/// Contents of any size are what they were, and their size and checksum are known.
pub async fn contents_are_read_back(world: DataWorld) {
    for (seed, size) in SIZES.into_iter().enumerate() {
        let (id, bytes) = (world.next_id(), sample(size, seed as u64));
        let stored = world.put_as(id, &bytes).await.unwrap();
        assert_eq!(stored, Content { id, size: size as u64, checksum: checksum(&bytes) });
        assert_eq!(world.data.head(id).await.unwrap(), Some(stored));
        let read = world.data.get(id, ByteRange::All).await.unwrap().unwrap();
        assert_eq!((read.content, &read.range), (stored, &(0..stored.size)));
        drop(read);
        assert!(world.read(id).await == bytes, "{size} bytes");
        assert_eq!(world.data.verify(id).await.unwrap(), Some(stored));
    }
    world.data.check().await.unwrap();
}

/// How a content is cut into pieces on its way has no meaning.
pub async fn pieces_may_have_any_size(world: DataWorld) {
    let bytes = sample(600_000, 1);
    for sizes in [&[1, 0, 2, 0, 0, 3][..], &[262_144], &[262_143, 2], &[1_000_000], &[5, 299_999]] {
        let bytes = if sizes[0] == 1 { &bytes[..5000] } else { &bytes };
        let id = world.next_id();
        let expected =
            Expectation { size: Some(bytes.len() as u64), checksum: Some(checksum(bytes)), limit: None };
        let empty = || stream::iter([Ok(Bytes::new())]);
        let data = empty().chain(pieces(bytes, sizes)).chain(empty()).boxed();
        world.data.put(id, data, expected).await.unwrap();
        assert!(world.read(id).await == bytes, "{sizes:?}");
    }
}

/// What is not there is not found.
pub async fn unknown_contents_are_absent(world: DataWorld) {
    let [id, to] = [world.next_id(), world.next_id()];
    assert_eq!(world.data.head(id).await.unwrap(), None);
    assert!(world.data.get(id, ByteRange::From(3)).await.unwrap().is_none());
    assert!(!world.data.delete(id).await.unwrap());
    assert_eq!(world.data.copy(id, to).await.unwrap(), None);
    assert_eq!(world.data.verify(id).await.unwrap(), None);
    assert_eq!(world.list(10).await, []);
    world.expect_nothing(to).await;
}

/// What is removed is gone, however often it is removed.
pub async fn a_deletion_can_be_repeated(world: DataWorld) {
    let content = world.put(b"gone").await;
    let other = world.put(b"stays").await;
    let deleting = world.clone();
    let removed = race(4, move |_| {
        let (data, id) = (deleting.data.clone(), content.id);
        async move { data.delete(id).await.unwrap() }
    });
    assert_eq!(removed.await.into_iter().filter(|removed| *removed).count(), 1);
    assert!(!world.data.delete(content.id).await.unwrap());
    assert_eq!(world.data.head(content.id).await.unwrap(), None);
    assert_eq!(world.list(10).await.iter().map(|entry| entry.id).collect::<Vec<_>>(), [other.id]);
}

/// A content is never overwritten.
pub async fn a_taken_id_is_a_conflict(world: DataWorld) {
    let content = world.put(b"first").await;
    for bytes in ["second", "first"] {
        expect_kind(world.put_as(content.id, bytes.as_bytes()).await, ErrorKind::Conflict);
    }
    assert_eq!(world.read(content.id).await, b"first");
    assert_eq!(world.data.head(content.id).await.unwrap(), Some(content));
}

/// Of several who store under one id, one does.
pub async fn one_of_many_takes_an_id(world: DataWorld) {
    let id = world.next_id();
    let bytes = |index: usize| sample(300_000 + index, index as u64);
    let storing = world.clone();
    let results = race(8, move |index| {
        let world = storing.clone();
        async move { world.data.put(id, pieces(&bytes(index), &[50_000]), Expectation::default()).await }
    });
    let mut winners = Vec::new();
    for (index, result) in results.await.into_iter().enumerate() {
        match result {
            Ok(_) => winners.push(index),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}"),
        }
    }
    assert_eq!(winners.len(), 1, "winners: {winners:?}");
    assert!(world.read(id).await == bytes(winners[0]));
    assert_eq!(world.list(10).await.len(), 1);
}

/// Contents that are stored at the same time are kept apart.
pub async fn contents_do_not_mix(world: DataWorld) {
    let storing = world.clone();
    let contents = race(16, move |index| {
        let (world, bytes) = (storing.clone(), sample(400_000 + index * 1000, index as u64));
        async move {
            let id = world.next_id();
            world.data.put(id, pieces(&bytes, &[9999]), Expectation::default()).await.unwrap()
        }
    });
    for (index, content) in contents.await.into_iter().enumerate() {
        assert!(world.read(content.id).await == sample(400_000 + index * 1000, index as u64), "{index}");
    }
}

/// A copy has the same bytes and a life of its own.
pub async fn a_copy_stands_alone(world: DataWorld) {
    let bytes = sample(700_001, 3);
    let content = world.put(&bytes).await;
    let to = world.next_id();
    assert_eq!(world.data.copy(content.id, to).await.unwrap(), Some(Content { id: to, ..content }));
    expect_kind(world.data.copy(content.id, to).await, ErrorKind::Conflict);
    expect_kind(world.data.copy(content.id, content.id).await, ErrorKind::Conflict);
    assert!(world.data.delete(content.id).await.unwrap());
    assert!(world.read(to).await == bytes);
    assert_eq!(world.data.verify(to).await.unwrap().map(|copy| copy.size), Some(content.size));
}

/// Who has begun to read goes on in the same bytes, or is told: replacing a content mixes nothing.
pub async fn a_reader_keeps_what_it_began(world: DataWorld) {
    let (old, new) = (sample(3_000_000, 1), sample(3_000_000, 2));
    let content = world.put(&old).await;
    let mut reading = world.data.get(content.id, ByteRange::All).await.unwrap().unwrap().data;
    let first = reading.try_next().await.unwrap().unwrap();
    assert!(first[..] == old[..first.len()]);
    let replacing = world.put(&new).await;
    assert!(world.data.delete(content.id).await.unwrap());
    let mut read = first.to_vec();
    while let Some(piece) = reading.next().await {
        let Ok(piece) = piece else { return };
        read.extend_from_slice(&piece);
    }
    assert!(read == old);
    assert!(world.read(replacing.id).await == new);
}

/// Contents are still there after the store was closed.
pub async fn contents_outlive_the_store(world: DataWorld) {
    let bytes = sample(600_000, 5);
    let [content, empty, gone] = [world.put(&bytes).await, world.put(b"").await, world.put(b"gone").await];
    world.data.delete(gone.id).await.unwrap();
    let Some(world) = world.reopen().await else { return };
    assert!(world.read(content.id).await == bytes);
    assert_eq!(world.data.head(content.id).await.unwrap(), Some(content));
    assert_eq!(world.data.verify(empty.id).await.unwrap(), Some(empty));
    assert_eq!(world.data.head(gone.id).await.unwrap(), None);
    expect_kind(world.put_as(content.id, b"again").await, ErrorKind::Conflict);
    assert_eq!(world.list(10).await.len(), 2);
}

/// A store without signed requests says so, with its name; one with them gives some.
pub async fn what_is_not_offered_is_refused_by_name(world: DataWorld) {
    let content = world.put(b"content").await;
    let expires_at = Timestamp::parse("2100-01-02T00:00:00Z").unwrap();
    let content_type = "text/plain".to_owned();
    let expected = Expectation::default();
    let upload = UploadTerms { content_type: content_type.clone(), expected, expires_at };
    let download = DownloadTerms { content_type, disposition: "attachment".to_owned(), expires_at };
    let asked = [
        world.data.presign_upload(world.next_id(), &upload).await,
        world.data.presign_download(content.id, &download).await,
    ];
    let capabilities = world.data.capabilities();
    for answer in asked {
        match answer {
            Ok(request) => assert!(capabilities.presigned && request.expires_at <= expires_at),
            Err(error) => {
                assert!(!capabilities.presigned && error.message().contains(capabilities.name), "{error:?}");
                assert_eq!(error.kind(), ErrorKind::Unsupported);
            }
        }
    }
}

/// A store that several share has a mark beside its contents, which one of those who replace the same replaces; others refuse it.
pub async fn a_shared_store_has_one_mark(world: DataWorld) {
    let capabilities = world.data.capabilities();
    if !capabilities.shared {
        for refused in [
            world.data.mark().await.map(drop),
            world.data.replace_mark(None, Bytes::from_static(b"mine")).await.map(drop),
        ] {
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.message().contains(capabilities.name), "{error}");
        }
        return;
    }
    assert_eq!(world.data.mark().await.unwrap(), None);
    let replace = async |current: Option<&'static [u8]>, next: &'static [u8]| {
        world.data.replace_mark(current, Bytes::from_static(next)).await.unwrap()
    };
    assert!(!replace(Some(b"no"), b"one").await, "there is none yet");
    assert!(replace(None, b"one").await && replace(None, b"one").await, "what stands there is written");
    assert!(!replace(None, b"two").await && !replace(Some(b"two"), b"three").await);
    assert_eq!(world.data.mark().await.unwrap().as_deref(), Some(&b"one"[..]));
    let names: Vec<String> = (0..8).map(|number| format!("of {number}")).collect();
    let tries = names.iter().map(|name| world.data.replace_mark(Some(b"one"), Bytes::from(name.clone())));
    let tries = futures::future::join_all(tries).await;
    let won: Vec<&String> =
        names.iter().zip(&tries).filter(|(_, done)| *done.as_ref().unwrap()).map(|(name, _)| name).collect();
    let stands = world.data.mark().await.unwrap().unwrap();
    assert_eq!(won, [std::str::from_utf8(&stands).unwrap()], "one of them has written it");
    assert_eq!(world.list(10).await.len(), 0, "it is no content");
    let Some(world) = world.reopen().await else { return };
    assert_eq!(world.data.mark().await.unwrap(), Some(stands));
}
