//! Who may do what: every endpoint and operation, asked by every kind of caller, on every store.
//!
//! [`rows`] says what is asked, [`world`] who asks and of what. Each answer becomes a word of a table: the status, `+` when the
//! answer shows what it was about, `!` when that has changed. The tables are snapshots that are read by people when they
//! change; they are the same on all stores. A new route fails the test until there is a row for it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod cells;
#[path = "../common/mod.rs"]
mod common;
mod grants;
mod rows;
mod world;

use std::collections::BTreeSet;

use common::Settings;
use world::World;

/// Both tables of a server with these settings.
async fn tables(settings: &Settings) -> [String; 2] {
    let world = World::make(settings).await;
    [cells::table(&world, &rows::all()).await, grants::table(&world).await]
}

fn embedded(kind: &str) -> Settings {
    vec![("REALNET_DB_TYPE".to_owned(), kind.to_owned())]
}

#[tokio::test(flavor = "multi_thread")]
async fn in_memory() {
    let [endpoints, grants] = tables(&embedded("memory")).await;
    insta::assert_snapshot!("endpoints", endpoints);
    insta::assert_snapshot!("grants", grants);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    let [endpoints, grants] = tables(&embedded("sqlite")).await;
    insta::assert_snapshot!("endpoints", endpoints);
    insta::assert_snapshot!("grants", grants);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql() {
    let database = realnet_testkit::engines::fresh_database().await.unwrap();
    let [endpoints, grants] = tables(&common::postgres_settings(database.url())).await;
    insta::assert_snapshot!("endpoints", endpoints);
    insta::assert_snapshot!("grants", grants);
}

#[test]
fn every_endpoint_has_a_row() {
    let asked: BTreeSet<String> = rows::all().iter().map(|row| row.route.to_owned()).collect();
    let offered: BTreeSet<String> = realnet_runner_http::offers()
        .into_iter()
        .map(|(method, pattern)| format!("{method} {pattern}"))
        .collect();
    let missing: Vec<_> = offered.difference(&asked).collect();
    assert!(missing.is_empty(), "without a row in tests/grid/rows: {missing:#?}");
    let gone: Vec<_> = asked.difference(&offered).collect();
    assert!(gone.is_empty(), "rows of routes that there are no more: {gone:#?}");
}
