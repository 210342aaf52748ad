//! Changes of types and what they leave in the tables.

use realnet_core::acl::{Permission, Subject};
use realnet_core::change::Operation;
use realnet_testkit::conformance::{delete, grant, item};

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
