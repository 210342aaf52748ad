//! How long a store of many documents takes to be opened, with and without its index, and to answer one of them.
//!
//! `cargo run --release -p realnet-provider-yaml --example many -- yaml 100000`, or `json`, or `xml`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "an example")]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use realnet_core::Uuid;
use realnet_core::acl::Caller;
use realnet_core::change::{ChangeSet, Operation};
use realnet_core::clock::{Clock as _, IdSource as _, System};
use realnet_core::model::{Attributes, Item, TypeDefinition};
use realnet_core::provider::{Access, ItemProvider as _, TypeProvider as _};
use realnet_core::registry::{TypeRegistry, TypeSnapshot};
use realnet_provider_generic::DocumentStore;
use serde_json::json;

const ORG: Uuid = Uuid::from_u128(10);
const NOTE: Uuid = Uuid::from_u128(2);
/// So many items are in one change.
const BATCH: usize = 500;

fn open(format: &str, folder: &Path) -> DocumentStore {
    let opened = match format {
        "json" => realnet_provider_json::open(folder),
        "xml" => realnet_provider_xml::open(folder),
        _ => realnet_provider_yaml::open(folder),
    };
    opened.unwrap()
}

fn types() -> Vec<TypeDefinition> {
    let root = json!({"id": Uuid::from_u128(1), "org": null, "name": "Item", "base": null, "attributes": {}, "fields": [],
                      "access": null, "instances": [], "version": 1});
    let fields = json!([{"name": "number", "type": "integer", "index": true}, {"name": "state", "type": "string", "index": true}]);
    let note = json!({"id": NOTE, "org": null, "name": "Note", "base": "Item", "attributes": {}, "fields": fields,
                      "access": null, "instances": [], "version": 1});
    [root, note].into_iter().map(|info| serde_json::from_value(info).unwrap()).collect()
}

fn note(number: usize) -> Item {
    let body = format!(
        "The text of note {number}, which is as long as such texts are: {}",
        "some words ".repeat(20)
    );
    let attributes = json!({"number": number, "state": "open", "body": body});
    let item = Item::new(System.next_id(), NOTE, Arc::from("Note"), ORG);
    let attributes = Attributes::from_map(attributes.as_object().unwrap().clone());
    Item { name: format!("Note {number}"), attributes, ..item }
}

async fn fill(documents: &DocumentStore, count: usize) -> Vec<Uuid> {
    let store = documents.store();
    let caller = Arc::new(Caller::system(ORG));
    let registry = Arc::new(TypeRegistry::build(TypeSnapshot::of(types())).unwrap());
    let change_set = |operations| ChangeSet::new(operations, System.now(), Arc::from("example"));
    let mut first = change_set(types().into_iter().map(|info| Operation::PutType(Box::new(info))).collect());
    first.next_registry = Some(Arc::clone(&registry));
    let access = Access { caller: Arc::clone(&caller), registry: Arc::default() };
    store.commit(&access, first).await.unwrap();
    let access = Access { caller, registry };
    let mut ids = Vec::new();
    for begin in (0..count).step_by(BATCH) {
        let notes: Vec<Item> = (begin..count.min(begin + BATCH)).map(note).collect();
        ids.extend(notes.iter().map(|note| note.id));
        let operations = notes.into_iter().map(|note| Operation::Create(Box::new(note))).collect();
        store.commit(&access, change_set(operations)).await.unwrap();
    }
    ids
}

/// The time that a look-up of one takes, in the middle of many.
async fn get(documents: &DocumentStore, ids: &[Uuid]) -> f64 {
    let store = documents.store();
    let registry = Arc::new(TypeRegistry::build(store.load_types().await.unwrap()).unwrap());
    let access = Access { caller: Arc::new(Caller::system(ORG)), registry };
    let mut times = Vec::new();
    for id in ids.iter().step_by(ids.len().div_ceil(10_000)) {
        let begun = Instant::now();
        assert!(store.get(&access, *id).await.unwrap().is_some());
        times.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    println!("  slowest of {}: {:.0} µs", times.len(), times[times.len() - 1]);
    times[times.len() / 2]
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let format = arguments.next().unwrap_or_else(|| "yaml".to_owned());
    let count = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(100_000);
    let folder = tempfile::tempdir().unwrap();
    let timed = |what: &str, begun: Instant| println!("{what}: {:.2} s", begun.elapsed().as_secs_f64());
    println!("{count} documents as {format}");
    let begun = Instant::now();
    let documents = open(&format, folder.path());
    let ids = fill(&documents, count).await;
    timed("acknowledged", begun);
    documents.close();
    timed("documents written and synced", begun);
    for round in ["first", "second"] {
        let begun = Instant::now();
        let documents = open(&format, folder.path());
        timed(&format!("opened with the index, {round} time"), begun);
        println!("GET: {:.1} µs", get(&documents, &ids).await);
        documents.close();
    }
    std::fs::remove_file(folder.path().join(".realnet/index.log")).unwrap();
    let begun = Instant::now();
    let documents = open(&format, folder.path());
    timed("opened without the index", begun);
    println!("GET: {:.1} µs", get(&documents, &ids).await);
}
