//! What was applied from which document.

use realnet_core::change::{Operation, SourceKind, SourceRecord};
use serde_json::json;

use crate::conformance::World;

fn record(world: &World, org: Option<realnet_core::Uuid>, kind: SourceKind, source: &str) -> SourceRecord {
    SourceRecord {
        org,
        kind,
        object: world.next_id(),
        source: source.to_owned(),
        applied: json!({"name": "x \u{1F600}", "nested": {"list": [1, 2.5, null, "a"]}}),
    }
}

async fn put(world: &World, record: &SourceRecord, remove: bool) {
    let operation = Operation::Source { record: record.clone(), remove };
    world.commit(&world.system(), vec![operation]).await.expect("sources are kept");
}

async fn held(world: &World, org: Option<realnet_core::Uuid>) -> Vec<SourceRecord> {
    let mut records = world.stores.sources.sources(org).await.expect("reading sources works");
    records.sort_by_key(|record| record.object);
    records
}

/// Records are kept per layer, replaced per object, and forgotten when asked.
pub async fn sources_are_kept_per_object(world: World) {
    let (acme, umbrella) = (Some(world.acme.id), Some(world.umbrella.id));
    let system = record(&world, None, SourceKind::Type, "core.json");
    let own = record(&world, acme, SourceKind::Type, "own.json");
    let first = record(&world, acme, SourceKind::Item, "own.json");
    let theirs = record(&world, umbrella, SourceKind::Item, "own.json");
    for record in [&system, &own, &first, &theirs] {
        put(&world, record, false).await;
    }
    assert_eq!(held(&world, None).await, vec![system.clone()]);
    assert_eq!(held(&world, acme).await, vec![own.clone(), first.clone()]);
    assert_eq!(held(&world, umbrella).await, vec![theirs.clone()]);
    let moved = SourceRecord { source: "moved.json".to_owned(), applied: json!({}), ..first.clone() };
    put(&world, &moved, false).await;
    assert_eq!(held(&world, acme).await, vec![own.clone(), moved.clone()]);
    put(&world, &moved, true).await;
    put(&world, &moved, true).await;
    assert_eq!(held(&world, acme).await, vec![own]);
    assert_eq!(held(&world, umbrella).await, vec![theirs]);
}
