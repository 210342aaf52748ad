//! Large contents: in parts, within bounded memory.

use realnet_core::ErrorKind;
use realnet_core::provider::{ByteRange, DataProvider as _, DataProviderExt as _, Expectation};

use crate::common::{
    digested, expect_failure, expect_whole, expectation, generated, next_id, open, options, put,
};

const PART: u64 = 8 << 20;

/// Sizes around those of parts.
#[tokio::test(flavor = "multi_thread")]
async fn contents_of_several_parts_are_read_back() {
    let data = open(&options().await);
    for size in [PART - 1, PART, PART + 1, 2 * PART, 3 * PART + 12_345] {
        let id = next_id();
        let expected = expectation(size).await;
        let stored = data.put(id, generated(size), expected).await.unwrap();
        assert_eq!((stored.size, Some(stored.checksum)), (size, expected.checksum));
        assert_eq!(data.head(id).await.unwrap(), Some(stored));
        assert_eq!(data.verify(id).await.unwrap(), Some(stored), "{size} bytes");
        let around = PART.min(size) - 3..(PART + 4).min(size);
        let read = data.get(id, ByteRange::Span(around.start, around.end - 1)).await.unwrap().unwrap();
        assert_eq!(read.range, around);
        assert_eq!(digested(read.data).await.unwrap().size(), around.end - around.start);
        let listed = data.list(None, 10).await.unwrap().contents;
        assert_eq!(listed.iter().map(|entry| (entry.id, entry.size)).collect::<Vec<_>>(), [(id, size)]);
        assert!(data.delete(id).await.unwrap());
        assert!(data.head(id).await.unwrap().is_none());
        assert!(data.get(id, ByteRange::All).await.unwrap().is_none());
    }
}

/// A taken id, other bytes than announced and an end before the end leave nothing, however much was sent.
#[tokio::test(flavor = "multi_thread")]
async fn what_fails_leaves_nothing_of_many_parts() {
    let data = open(&options().await);
    let id = next_id();
    put(&data, id, 2 * PART).await.unwrap();
    expect_failure(put(&data, id, 3 * PART).await, ErrorKind::Conflict, "already");
    expect_whole(&data, id, 2 * PART).await;
    let other = next_id();
    let expected = Expectation { checksum: expectation(1).await.checksum, ..Expectation::default() };
    expect_failure(data.put(other, generated(3 * PART), expected).await, ErrorKind::InvalidInput, "checksum");
    let expected = Expectation { limit: Some(2 * PART), ..Expectation::default() };
    expect_failure(data.put(other, generated(3 * PART), expected).await, ErrorKind::TooLarge, "larger");
    assert!(data.head(other).await.unwrap().is_none());
    put(&data, other, PART + 1).await.unwrap();
}

/// Of several who store large contents under one id, one does, and its bytes are not those of another.
#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_takes_an_id() {
    let data = open(&options().await);
    let id = next_id();
    let sizes = [0, 1, 2].map(|index| PART + 1 + index * 1000);
    let storing = sizes.map(|size| {
        let data = data.clone();
        tokio::spawn(async move { put(&data, id, size).await.is_ok() })
    });
    let mut winners = Vec::new();
    for (size, stored) in sizes.into_iter().zip(storing) {
        if stored.await.unwrap() {
            winners.push(size);
        }
    }
    assert_eq!(winners.len(), 1);
    expect_whole(&data, id, winners[0]).await;
}

/// The most memory that this process has had, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// Hundreds of megabytes go up and down in a few parts' memory.
#[tokio::test(flavor = "multi_thread")]
async fn memory_is_bounded() {
    const SIZE: u64 = 400 << 20;
    let data = open(&options().await);
    let id = next_id();
    // What the process needs anyhow.
    put(&data, next_id(), 1 << 20).await.unwrap();
    let before = peak();
    put(&data, id, SIZE).await.unwrap();
    let after_put = peak();
    expect_whole(&data, id, SIZE).await;
    let after_read = peak();
    println!("peak memory in MiB: {before} before, {after_put} after storing, {after_read} after reading");
    assert!(after_put - before < 80, "storing took {} MiB", after_put - before);
    assert!(after_read - after_put < 16, "reading took {} MiB more", after_read - after_put);
    data.delete(id).await.unwrap();
}
