//! Behind the answers: documents that can not be written hold up no others, and logs do not grow for ever.

use std::path::{Path, PathBuf};

use realnet_core::model::Item;
use realnet_core::provider::CredentialProvider as _;
use realnet_provider_generic::{DocumentStore, Edits};
use realnet_provider_json::JsonCodec;
use serde_json::json;

use super::common::{ORG, ROOT, World, aside, create, eventually, journal, open, task};

/// A store with a task, and an item whose document can not be written: somebody has put a file where a folder has to be.
async fn with_one_stuck(folder: &Path) -> (World, Item, Item) {
    let world = open(folder).await;
    let kept = world.put("kept", json!({})).await;
    world.settled();
    std::fs::write(folder.join("items/Item"), "in the way").unwrap();
    let stuck = Item { type_id: ROOT, type_name: "Item".into(), ..task("stuck", json!({})) };
    world.commit(vec![create(&stuck)]).await.unwrap();
    eventually(|| world.documents.trouble().is_some());
    (world, kept, stuck)
}

fn document(folder: &Path, stuck: &Item) -> PathBuf {
    folder.join(format!("items/Item/{}.json", stuck.id))
}

#[tokio::test]
async fn a_document_that_can_not_be_written_holds_up_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let (world, kept, stuck) = with_one_stuck(folder.path()).await;
    for number in 0..20 {
        world.rename(kept.id, &format!("renamed {number}")).await.unwrap();
        world.put("large", json!({ "note": "x".repeat(50_000) })).await;
    }
    world.expect_file(kept.id, "renamed 19");
    // What waits for a document is carried on, and the rest goes from the journal.
    eventually(|| journal(folder.path()) < 10_000);
    world.rename(stuck.id, "stuck still").await.unwrap();
    assert!(world.documents.trouble().is_some());
    let folder = world.close();

    let world = open(&folder).await;
    assert_eq!(world.get(stuck.id).await.unwrap().name, "stuck still");
    assert_eq!(world.get(kept.id).await.unwrap().name, "renamed 19");
    eventually(|| world.documents.trouble().is_some());
    std::fs::remove_file(folder.join("items/Item")).unwrap();
    let document = document(&folder, &stuck);
    eventually(|| std::fs::read_to_string(&document).is_ok_and(|text| text.contains("stuck still")));
    world.settled();
    eventually(|| world.documents.trouble().is_none());
}

#[tokio::test]
async fn what_is_written_by_hand_before_the_journal_is_read_is_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    let (world, _, stuck) = with_one_stuck(folder.path()).await;
    let folder = world.close();
    std::fs::remove_file(folder.join("items/Item")).unwrap();
    std::fs::create_dir(folder.join("items/Item")).unwrap();
    let by_hand = json!({"type": "Item", "org": ORG, "name": "by hand"}).to_string();
    std::fs::write(document(&folder, &stuck), &by_hand).unwrap();
    let refused = DocumentStore::look(&folder, &JsonCodec, Edits::Refused).map(drop).unwrap_err();
    assert!(refused.message().contains("changed by hand"), "{refused}");
    let world = open(&folder).await;
    world.settled();
    assert_eq!(world.get(stuck.id).await.unwrap().name, "stuck");
    assert_eq!(aside(&folder), [by_hand]);
    assert!(std::fs::read_to_string(document(&folder, &stuck)).unwrap().contains("stuck"));
}

#[tokio::test]
async fn the_log_of_private_values_is_written_anew_while_the_store_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let world = open(folder.path()).await;
    let log = folder.path().join(".realnet/private.log");
    let value = |number: u8| vec![number; 300_000];
    world.store.setting_or_insert("large", value(0)).await.unwrap();
    world.store.setting_or_insert("small", vec![7]).await.unwrap();
    world.settled();
    let first = std::fs::metadata(&log).unwrap().len();
    let (mut before, mut shrank) = (first, 0);
    for number in 1..12 {
        assert!(world.store.replace_setting("large", &value(number - 1), value(number)).await.unwrap());
        world.settled();
        let length = std::fs::metadata(&log).unwrap().len();
        assert!(length <= 3 * first + (1 << 20), "{length}");
        shrank += usize::from(length < before);
        before = length;
    }
    assert!(shrank > 0);
    let folder = world.close();
    let world = open(&folder).await;
    assert_eq!(world.store.setting("large").await.unwrap(), Some(value(11)));
    assert_eq!(world.store.setting("small").await.unwrap(), Some(vec![7]));
}
