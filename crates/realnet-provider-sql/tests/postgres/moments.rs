//! Lists of several statements see one moment of the database.

use realnet_core::Uuid;
use realnet_testkit::conformance::{eventually, item};

use crate::support::{client, replica, world};

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_moves_between_the_statements_comes_once() {
    let (database, world) = world().await;
    let bob = world.acme.bob.clone();
    let paper = |kind: &str, name: &str| item(kind).name(name).attr("rank", 1).owner(bob.account);
    let moving = world.create(&world.system(), paper("TeamPaper", "moving").org(world.acme.id)).await;
    let still = world.create(&world.system(), paper("OpenPaper", "still").org(world.acme.id)).await;
    // What bob owns among the types that are closed to him is one statement, the rest another, along an index.
    let papers = || world.find("Paper").by(&bob).order("rank").with("count", "exact");
    assert_eq!(papers().names().await, ["moving", "still"]);

    let mut outside = client(database.url()).await;
    let watcher = client(database.url()).await;
    let change = outside.transaction().await.unwrap();
    change.batch_execute("LOCK TABLE keys IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let query = papers();
    let reading = async { query.page().await };
    let writing = async {
        eventually("the list waits for its second statement", || async {
            let waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'realnet read' \
                           AND wait_event_type = 'Lock' AND datname = current_database()";
            let count: i64 = watcher.query_one(waiting, &[]).await.unwrap().get(0);
            (count > 0).then_some(())
        })
        .await;
        let set = |id: Uuid, kind: &str| {
            format!("UPDATE items SET type = '{}' WHERE id = '{id}'", world.type_id(kind))
        };
        change.batch_execute(&set(moving.id, "OpenPaper")).await.unwrap();
        change.batch_execute(&format!("DELETE FROM items WHERE id = '{}'", still.id)).await.unwrap();
        change.commit().await.unwrap();
    };
    let (page, ()) = tokio::join!(reading, writing);
    let names: Vec<&str> = page.items.iter().map(|item| item.name.as_str()).collect();
    assert_eq!(names, ["moving", "still"]);
    assert_eq!(page.total, Some(2));
    assert_eq!(papers().names().await, ["moving"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn totals_that_are_remembered_follow_all_servers() {
    let (database, world) = world().await;
    let other = replica(&database, &world).await;
    let alice = world.acme.alice.clone();
    for count in 1..=5 {
        let writer = if count % 2 == 0 { &world } else { &other };
        writer.create(&alice, item("Note").name("counted").attr("rank", 7)).await;
        for reader in [&world, &other, &world] {
            for query in [reader.find("Note"), reader.find("Note").with("rank", 7)] {
                assert_eq!(query.with("count", "exact").limit(1).page().await.total, Some(count));
            }
        }
    }
}
