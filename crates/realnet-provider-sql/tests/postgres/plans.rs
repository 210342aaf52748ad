//! Plans that must hold whatever the planner believes of the data.

use realnet_core::acl::{Grant, Permission, Permissions, Subject};
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

/// How many rows of grants were read one after the other, and how many entries of their index.
async fn grants_read(outside: &Client) -> (i64, i64) {
    let both = "SELECT t.seq_tup_read, i.idx_tup_read FROM pg_stat_user_tables t, pg_stat_user_indexes i \
                WHERE t.relname = 'grants' AND i.indexrelname = 'grants_pkey'";
    let row = outside.query_one(both, &[]).await.unwrap();
    (row.get(0), row.get(1))
}

#[tokio::test(flavor = "multi_thread")]
async fn few_grants_are_not_sought_among_those_of_others() {
    let (database, world) = world().await;
    let (alice, visitor) = (world.acme.alice.clone(), world.acme.visitor.clone());
    let account = Subject::Account(visitor.account.unwrap());
    let read = Grant { subject: account, permissions: Permissions::of(&[Permission::Read]) };
    for name in ["first", "second"] {
        world.create(&alice, item("PrivatePaper").name(name).grants(vec![read.clone()])).await;
    }
    // The planner learns that whoever has grants has a great many.
    let outside = client(database.url()).await;
    let many = format!(
        "INSERT INTO grants (org, principal, type, item, perms) SELECT g.org, g.principal, g.type, \
                gen_random_uuid(), g.perms FROM (SELECT * FROM grants WHERE type = '{}' AND perms > 2 LIMIT 1) g, \
         generate_series(1, 50000)",
        world.type_id("PrivatePaper")
    );
    let inserted = outside.execute(&many, &[]).await.unwrap();
    assert_eq!(inserted, 50_000);
    outside.batch_execute("VACUUM ANALYZE grants").await.unwrap();
    let (rows, entries) = grants_read(&outside).await;
    for order in ["id.desc", "rank.desc"] {
        let names = world.find("PrivatePaper").by(&visitor).order(order).names().await;
        assert_eq!(names.len(), 2, "by {order}");
    }
    let page = world.find("PrivatePaper").by(&visitor).with("count", "exact").limit(1).page().await;
    assert_eq!(page.total, Some(2));
    let now = eventually("the server tells what was read", || async {
        world.stores.items.check().await.unwrap();
        let now = grants_read(&outside).await;
        (now.1 > entries + 2).then_some(now)
    })
    .await;
    // What the statement above has read itself may be told late.
    let few = now.0 < rows + 1000 && now.1 < entries + 1000;
    assert!(few, "{rows} rows and {entries} entries became {now:?}");
}
