//! Parts of contents.

use realnet_core::ErrorKind;
use realnet_core::provider::ByteRange;

use crate::conformance::expect_kind;
use crate::data::{DataWorld, sample};

/// A range gives exactly its bytes, wherever blocks end.
pub async fn ranges_are_cut_exactly(world: DataWorld) {
    const SIZE: u64 = 600_001;
    let bytes = sample(SIZE as usize, 7);
    let id = world.put(&bytes).await.id;
    let edges = [0, 1, 262_143, 262_144, 262_145, 524_288, SIZE - 2, SIZE - 1];
    let mut ranges = vec![ByteRange::All, ByteRange::Last(SIZE + 1), ByteRange::Span(5, u64::MAX)];
    ranges.extend(edges.map(ByteRange::From));
    ranges.extend(edges.map(|edge| ByteRange::Last(edge + 1)));
    for first in edges {
        ranges
            .extend(edges.into_iter().filter(|last| *last >= first).map(|last| ByteRange::Span(first, last)));
    }
    for range in ranges {
        let wanted = range.resolve(SIZE).unwrap();
        let read = world.read_range(id, range).await.unwrap();
        assert!(read == bytes[wanted.start as usize..wanted.end as usize], "{range:?}");
    }
}

/// What begins behind the end is refused.
pub async fn ranges_outside_are_refused(world: DataWorld) {
    let content = world.put(b"0123456789").await;
    let empty = world.put(b"").await;
    for range in [ByteRange::From(10), ByteRange::Span(10, 20), ByteRange::Span(3, 2), ByteRange::Last(0)] {
        expect_kind(world.read_range(content.id, range).await, ErrorKind::RangeNotSatisfiable);
    }
    for range in [ByteRange::From(0), ByteRange::Span(0, 0), ByteRange::Last(1)] {
        expect_kind(world.read_range(empty.id, range).await, ErrorKind::RangeNotSatisfiable);
    }
    assert_eq!(world.read_range(empty.id, ByteRange::All).await.unwrap(), b"");
}
