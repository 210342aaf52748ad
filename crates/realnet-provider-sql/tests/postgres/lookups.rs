//! Lists that look at more items elsewhere than they keep, or at larger ones.

use std::sync::Arc;

use realnet_core::ErrorKind;
use realnet_provider_sql::postgres::{PostgresConfig, PostgresStore};
use realnet_testkit::conformance::{World, expect_kind, item};
use realnet_testkit::engines::fresh_database;

use crate::support::{Tuned, world};

#[tokio::test(flavor = "multi_thread")]
async fn lists_over_many_others_are_in_order() {
    let database = fresh_database().await.unwrap();
    let world = World::open(Arc::new(Tuned(database.url().to_owned(), |config| config.looked_up = 5))).await;
    let alice = world.acme.alice.clone();
    let top = (0..20).map(|n| item("Paper").name(format!("top {:02}", n * 7 % 20))).collect();
    let top = world.create_all(&alice, top).await;
    let bosses = (0..40).map(|n| {
        item("Paper").name(format!("boss {:02}", n * 11 % 40)).attr("boss", top[n % 20].id.to_string())
    });
    let bosses = world.create_all(&alice, bosses.collect()).await;
    // More than are looked at in one go.
    let papers = (0..600)
        .map(|n| item("Paper").name(format!("paper {n}")).attr("boss", bosses[n * 13 % 40].id.to_string()));
    world.create_all(&alice, papers.collect()).await;
    for order in ["boss.name", "boss.name.desc,name", "boss.boss.name,name.desc"] {
        let found = world.find("Paper").by(&alice).order(order).limit(1000).check().await;
        assert_eq!(found.len(), 660, "{order}");
        let found = world.find("Paper").by(&alice).order(order).limit(70).all().await;
        assert_eq!(found, world.find("Paper").by(&alice).order(order).limit(1000).all().await, "{order}");
    }
    world
        .find("Paper")
        .by(&alice)
        .with("boss.boss.name", "like.top 1*")
        .order("boss.name")
        .limit(300)
        .check()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lists_look_at_is_bounded_in_bytes() {
    let (database, world) = world().await;
    let alice = world.acme.alice.clone();
    let mut bosses = Vec::new();
    for batch in 0..3 {
        let large = |n: usize| {
            item("Paper")
                .name(format!("boss {:02}", (batch * 8 + n) * 11 % 24))
                .attr("blob", "x".repeat(1 << 20))
        };
        bosses.extend(world.create_all(&alice, (0..8).map(large).collect()).await);
    }
    let papers = (0..60).map(|n| {
        item("Paper").name(format!("paper {n:02}")).attr("boss", bosses[n * 13 % 24].id.to_string())
    });
    world.create_all(&alice, papers.collect()).await;
    let list = |world: &World| {
        world.find("Paper").by(&alice).with("name", "like.paper*").order("boss.name.desc,name").limit(100)
    };
    // More than one statement may read.
    assert_eq!(list(&world).check().await.len(), 60);
    let mut config = PostgresConfig::from_url(database.url()).unwrap();
    config.looked_up_bytes = 20 << 20;
    let mut narrow = world.clone();
    narrow.stores.items = Arc::new(PostgresStore::connect(config).await.unwrap());
    let list = list(&narrow);
    let error =
        expect_kind(list.try_run(&list.query()).await.map(|page| page.items.len()), ErrorKind::TooLarge);
    assert!(error.message().contains("20 MiB"), "{}", error.message());
}
