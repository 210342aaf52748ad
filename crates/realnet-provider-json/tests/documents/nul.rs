//! Documents of earlier versions, in whose texts a NUL may stand: a folder opens all the same.

use realnet_core::provider::ItemProvider as _;
use realnet_provider_generic::{DocumentStore, Edits};
use realnet_provider_json::JsonCodec;
use serde_json::json;

use super::common::{open, replace};

#[tokio::test]
async fn a_document_with_nul_does_not_keep_a_folder_shut() {
    let folder = tempfile::tempdir().unwrap();
    let world = open(folder.path()).await;
    let item = world.put("a-name", json!({"note": "a-text"})).await;
    world.expect_file(item.id, "a-text");
    let (file, access) = (world.file(item.id), world.access());
    world.close();
    std::fs::remove_file(folder.path().join(".realnet/index.log")).unwrap();
    for (from, to) in
        [("a-name", "a\\u0000name"), ("a-text", "a\\u0000text"), ("\"note\"", "\"no\\u0000te\"")]
    {
        replace(&file, from, to);
    }
    let looked = DocumentStore::look(folder.path(), &JsonCodec, Edits::PassedOver).unwrap();
    let found = looked.get(&access, item.id).await.unwrap().unwrap();
    assert_eq!(found.name, "a\u{fffd}name");
    assert_eq!(found.attributes.get("no\u{fffd}te"), Some(&json!("a\u{fffd}text")));
    drop(looked);
    // From then on it can be written.
    let world = open(folder.path()).await;
    world.rename(item.id, "b").await.unwrap();
    assert_eq!(world.get(item.id).await.unwrap().name, "b");
    world.close();
}
