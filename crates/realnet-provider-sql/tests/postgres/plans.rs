//! Plans that must hold whatever the planner believes of the data.

use realnet_core::query::OrgScope;
use realnet_testkit::conformance::{eventually, item};
use tokio_postgres::Client;

use crate::support::{client, world};

/// How many rows were read through the primary key, and how often the index of types was.
async fn reads(outside: &Client) -> (i64, i64) {
    let of = |index: &str, what: &str| {
        format!("(SELECT {what} FROM pg_stat_user_indexes WHERE indexrelname = '{index}')")
    };
    let both = format!("SELECT {}, {}", of("items_pkey", "idx_tup_read"), of("items_by_type", "idx_scan"));
    let row = outside.query_one(&both, &[]).await.unwrap();
    (row.get(0), row.get(1))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rare_type_is_not_sought_among_all_items() {
    let (database, world) = world().await;
    let (alice, system) = (world.acme.alice.clone(), world.system());
    let outside = client(database.url()).await;
    // The planner learns that all items are of one type.
    let many = format!(
        "INSERT INTO items (id, org, type, name, attributes, tags, visibility, public, version, created_at, \
         updated_at, search) SELECT gen_random_uuid(), '{}', '{}', 'n', '{{}}', '{{}}', 0, false, 1, 0, 0, '' \
         FROM generate_series(1, 20000)",
        world.acme.id,
        world.type_id("Note")
    );
    outside.batch_execute("TRUNCATE items").await.unwrap();
    outside.batch_execute(&many).await.unwrap();
    outside.batch_execute("VACUUM ANALYZE items").await.unwrap();
    for name in ["first", "second"] {
        world.create(&alice, item("Target").name(name)).await;
    }
    let (by_key, by_type) = reads(&outside).await;
    for order in ["id", "id.desc"] {
        assert_eq!(world.find("Target").by(&world.acme.admin).order(order).names().await.len(), 2);
        // Nor among those of all orgs.
        let all = world.find("Target").by(&system).scope(OrgScope::All).order(order);
        assert_eq!(all.names().await.len(), 2);
    }
    let count = world.find("Target").by(&world.acme.admin).with("count", "exact").limit(1).page().await;
    assert_eq!(count.total, Some(2));
    let (read, _) = eventually("the server tells what was read", || async {
        world.stores.items.check().await.unwrap();
        let now = reads(&outside).await;
        (now.1 > by_type + 2).then_some(now)
    })
    .await;
    assert!(read - by_key < 100, "{} rows were read through the primary key", read - by_key);
}
