//! What can go wrong while a content comes: nothing of it is left.

use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use realnet_core::ErrorKind;
use realnet_core::provider::{Checksum, Expectation};

use crate::conformance::expect_kind;
use crate::data::{DataWorld, broken, checksum, endless, pieces, sample, whole};

/// The stream's own error is answered, early or late.
pub async fn a_broken_stream_leaves_nothing(world: DataWorld) {
    for size in [0, 1, 300_000, 2_000_000] {
        let id = world.next_id();
        let answer = world.data.put(id, broken(&sample(size, 1)), Expectation::default()).await;
        let error = expect_kind(answer, ErrorKind::Unavailable);
        assert_eq!(error.message(), "the client went away");
        world.expect_nothing(id).await;
    }
}

/// A call that is dropped in the middle has never been.
pub async fn what_is_given_up_leaves_nothing(world: DataWorld) {
    for size in [0, 10, 300_000, 2_000_000] {
        let id = world.next_id();
        let silent = pieces(&sample(size, 1), &[100_000]).chain(stream::pending()).boxed();
        let put = world.data.put(id, silent, Expectation::default());
        let given_up = tokio::time::timeout(Duration::from_millis(50), put).await;
        assert!(given_up.is_err(), "a stream without end has no answer");
        world.expect_nothing(id).await;
    }
}

/// A content that is shorter or longer than announced is refused.
pub async fn other_sizes_are_refused(world: DataWorld) {
    let bytes = sample(500_000, 2);
    for announced in [0, 1, 499_999, 500_001, u64::MAX] {
        let id = world.next_id();
        let expected = Expectation { size: Some(announced), ..Expectation::default() };
        expect_kind(world.data.put(id, pieces(&bytes, &[10_000]), expected).await, ErrorKind::InvalidInput);
        world.expect_nothing(id).await;
    }
    let expected =
        Expectation { size: Some(500_000), checksum: Some(checksum(&bytes)), limit: Some(500_000) };
    world.data.put(world.next_id(), whole(&bytes), expected).await.unwrap();
}

/// A content whose bytes are others than announced is refused.
pub async fn other_checksums_are_refused(world: DataWorld) {
    let bytes = sample(500_000, 2);
    for announced in [checksum(b""), checksum(&bytes[1..]), Checksum::new([0; 32])] {
        let id = world.next_id();
        let expected = Expectation { checksum: Some(announced), ..Expectation::default() };
        expect_kind(world.data.put(id, whole(&bytes), expected).await, ErrorKind::InvalidInput);
        world.expect_nothing(id).await;
    }
}

/// What is too long is refused before it ends.
pub async fn a_limit_ends_an_endless_stream(world: DataWorld) {
    let limit = Expectation { limit: Some(1_000_000), ..Expectation::default() };
    let size = Expectation { size: Some(1_000_000), ..Expectation::default() };
    for (expected, kind) in [(limit, ErrorKind::TooLarge), (size, ErrorKind::InvalidInput)] {
        let id = world.next_id();
        let put = world.data.put(id, endless(), expected);
        let answer = tokio::time::timeout(Duration::from_secs(30), put).await;
        expect_kind(answer.expect("the stream is not read to its end"), kind);
        world.expect_nothing(id).await;
    }
}
