//! Changes of types and what they leave in the tables.

use realnet_core::acl::{Permission, Subject};
use realnet_core::change::{Operation, Outcome};
use realnet_testkit::conformance::{delete, grant, item};
use serde_json::json;

use crate::support::{client, world};

/// A type that goes together with its last items leaves no row behind, also not in the indexes of inherited fields.
#[tokio::test(flavor = "multi_thread")]
async fn a_type_goes_with_its_items() {
    let (database, world) = world().await;
    let outside = client(database.url()).await;
    let rows = || async {
        let count = "SELECT (SELECT count(*) FROM items), (SELECT count(*) FROM keys), \
                     (SELECT count(*) FROM unique_keys), (SELECT count(*) FROM grants)";
        let row = outside.query_one(count, &[]).await.unwrap();
        [0, 1, 2, 3].map(|column| row.get::<_, i64>(column))
    };
    let registry = world.registry.current();
    let base = registry.by_id(world.type_id("Paper")).unwrap();
    let mut definition = (**base.definition()).clone();
    definition.id = world.next_id();
    definition.name = "Leaflet".into();
    definition.base = Some("Paper".into());
    definition.fields.clear();
    definition.instances.clear();
    let id = definition.id;
    let put = Operation::PutType(Box::new(definition));
    world.change_types(&world.system(), vec![put]).await.unwrap();
    let before = rows().await;
    let everybody = vec![grant(Subject::Public, &[Permission::Read])];
    let draft = item("Leaflet").name("x").attr("rank", 3).owner(world.acme.alice.account).grants(everybody);
    let leaflet = world.create(&world.system(), draft).await;
    assert!(rows().await.iter().zip(before).all(|(now, before)| *now >= before));
    assert_ne!(rows().await[1], before[1], "the inherited field is indexed");
    let remove = vec![delete(leaflet.id), Operation::RemoveType(id)];
    world.change_types(&world.system(), remove).await.unwrap();
    assert_eq!(rows().await, before);
    let log = world.changes(world.acme.id, 0, 1000).await;
    let last = log.last().unwrap().before.as_ref().unwrap();
    assert_eq!((last.id, &*last.type_name), (leaflet.id, "Leaflet"));
}

/// Items of megabytes are indexed a few at a time, built behind the commit as well as within it.
#[tokio::test(flavor = "multi_thread")]
async fn indexes_of_large_items_are_built_in_small_steps() {
    let (_database, world) = world().await;
    let alice = world.acme.alice.clone();
    let note = |n: usize| item("Note").name(format!("note {n}")).attr("label", format!("l{}", n % 7));
    for batch in 0..5 {
        let large = |n: usize| note(batch * 8 + n).attr("blob", "x".repeat(1 << 20));
        world.create_all(&alice, (0..8).map(large).collect()).await;
    }
    let declare = async |fields: serde_json::Value| {
        let mut changed =
            (**world.registry.current().by_id(world.type_id("Note")).unwrap().definition()).clone();
        changed.fields = serde_json::from_value(fields).unwrap();
        changed.version += 1;
        let put = Operation::PutType(Box::new(changed));
        world.change_types(&world.system(), vec![put]).await.unwrap();
    };
    let find = async || {
        world.find("Note").by(&alice).with("label", "l3").check().await;
        world.find("Note").by(&alice).with("search", "l3").check().await;
    };
    // Few: within the commit. So are words, which only some may search any more.
    let closed = json!({"name": "body", "type": "text", "read": ["admin"]});
    declare(json!([{"name": "label", "type": "string", "index": true}, closed])).await;
    find().await;
    declare(json!([{"name": "label", "type": "string"}])).await;
    world.create_all(&alice, (40..1_100).map(note).collect()).await;
    declare(json!([{"name": "label", "type": "string", "index": true}])).await;
    let mut steps = 0;
    while let Some(field) = world.registry.current().building().next().cloned() {
        let step = Operation::ExtendIndex { field, limit: 10_000 };
        let done = world.commit(&world.system(), vec![step]).await.unwrap();
        steps += 1;
        assert!(steps < 10, "it ends");
        if done == [Outcome::Indexed(true)] {
            world.load_types().await;
        }
    }
    // Three of items (40 MiB, at most 17 each), and the one that finds nothing left.
    assert_eq!(steps, 4);
    world.find("Note").by(&alice).with("label", "l3").limit(500).check().await;
}
