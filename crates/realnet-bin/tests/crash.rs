//! What a crash leaves: everything that was answered with success, in a store that opens, and work that goes on.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::Server;
use realnet_client::{Client, ListQuery};
use serde_json::{Value, json};

/// How often the server is killed.
const CRASHES: usize = 50;
/// How many clients write meanwhile.
const WRITERS: usize = 8;

/// What a writer was told is stored: id to the last acknowledged count.
type Acknowledged = BTreeMap<String, i64>;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_nothing_that_it_acknowledged() {
    let (_guard, folder) = common::folder();
    let mut stored = Acknowledged::new();
    for crash in 0..CRASHES {
        let server = Server::start(&folder);
        let client = server.admin().await;
        verify(&client, &stored, crash).await;
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| tokio::spawn(write(client.clone(), format!("{crash}-{number}"), Arc::clone(&stop))))
            .collect();
        // Another moment each time, from the first write to well into the load.
        tokio::time::sleep(Duration::from_millis(20 + (crash as u64 * 37) % 160)).await;
        server.kill();
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            stored.extend(writer.await.unwrap());
        }
    }
    assert!(stored.len() > CRASHES, "the load has written too little to prove anything: {}", stored.len());
    let server = Server::start(&folder);
    verify(&server.admin().await, &stored, CRASHES).await;
}

/// Creates items and counts each up, until the server is gone.
async fn write(client: Client, name: String, stop: Arc<AtomicBool>) -> Acknowledged {
    let mut acknowledged = Acknowledged::new();
    while !stop.load(Ordering::Relaxed) {
        let Ok(item) = client.create("item", &json!({"name": name, "tally": 0})).await else { break };
        let id = item["id"].as_str().unwrap().to_owned();
        acknowledged.insert(id.clone(), 0);
        for count in 1..4 {
            if client.patch("item", &id, &json!({"tally": count}), None).await.is_err() {
                break;
            }
            acknowledged.insert(id.clone(), count);
        }
    }
    acknowledged
}

/// Every acknowledged write is there; one that was under way may be there as well.
async fn verify(client: &Client, stored: &Acknowledged, crash: usize) {
    let mut found = BTreeMap::new();
    let mut query = ListQuery::default().with("tally", "not.is.null").with("limit", "1000");
    loop {
        let page = client.list("item", &query).await.unwrap();
        for item in page.items {
            let count = item.pointer("/attributes/tally").and_then(Value::as_i64).unwrap();
            assert_eq!(item["version"].as_i64().unwrap(), count + 1, "after crash {crash}");
            found.insert(item["id"].as_str().unwrap().to_owned(), count);
        }
        let Some(cursor) = page.next else { break };
        query =
            ListQuery::default().with("tally", "not.is.null").with("limit", "1000").with("cursor", cursor);
    }
    for (id, count) in stored {
        let present = found.get(id).unwrap_or_else(|| panic!("item {id} is lost after crash {crash}"));
        assert!(
            present >= count && *present <= count + 1,
            "item {id} fell back to {present} after crash {crash}"
        );
    }
}

/// How many items an index is built of.
const READINGS: usize = 12_000;

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_was_being_built_gets_ready_after_a_crash() {
    let (_guard, folder) = common::folder();
    let server = Server::start(&folder);
    let client = server.admin().await;
    let field = |index: bool| json!({"name": "level", "type": "integer", "index": index});
    let definition = json!({"name": "Reading", "base": "Item", "fields": [field(false)]});
    client.create("types", &definition).await.unwrap();
    for batch in 0..READINGS / 1000 {
        let readings: Vec<Value> = (0..1000).map(|index| json!({"level": batch * 1000 + index})).collect();
        client.create("reading", &json!(readings)).await.unwrap();
    }
    client.patch("types", "Reading", &json!({"fields": [field(true)]}), None).await.unwrap();
    let shown = client.get("types", "Reading").await.unwrap();
    assert_eq!(shown["building"], json!(["level"]), "the change is done before the index is");
    last_readings(&client).await;
    server.kill();
    let server = Server::start(&folder);
    let client = server.admin().await;
    last_readings(&client).await;
    let begun = std::time::Instant::now();
    while client.get("types", "Reading").await.unwrap().get("building").is_some() {
        assert!(begun.elapsed() < Duration::from_secs(100), "the index never gets ready");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    last_readings(&client).await;
}

async fn last_readings(client: &Client) {
    let query =
        ListQuery::default().with("level", format!("gte.{}", READINGS - 2)).with("order", "level.desc");
    let page = client.list("reading", &query).await.unwrap();
    let levels: Vec<_> = page.items.iter().map(|item| item["attributes"]["level"].clone()).collect();
    assert_eq!(levels, [json!(READINGS - 1), json!(READINGS - 2)]);
}
