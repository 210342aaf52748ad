//! Documents that are changed by hand: a change like any other, or refused with its place, and nothing is lost.

use realnet_core::Uuid;
use realnet_core::change::Operation;
use realnet_core::provider::{ItemProvider as _, TypeProvider as _};
use realnet_core::registry::{TypeGrants, TypeRegistry};
use realnet_provider_generic::{DocumentStore, Edits};
use realnet_provider_json::JsonCodec;
use serde_json::{Value, json};

use super::common::{ORG, TASK, aside, open, replace};

#[tokio::test]
async fn an_edit_is_a_change_with_a_record() {
    let folder = tempfile::tempdir().unwrap();
    let world = open(folder.path()).await;
    let item = world.put("before", json!({"size": 1})).await;
    world.expect_file(item.id, "before");
    let file = world.file(item.id);
    replace(&file, "before", "by hand");
    replace(&file, "\"size\": 1", "\"size\": 2");
    world.look().await;
    assert_eq!(world.problems(), Vec::<String>::new());
    let edited = world.get(item.id).await.unwrap();
    assert_eq!(
        (edited.name.as_str(), edited.version, edited.attributes.get("size")),
        ("by hand", 2, Some(&json!(2)))
    );
    let history = world.store.history(&world.access(), item.id, None, 10).await.unwrap();
    assert_eq!(history.len(), 2);
    assert_eq!((history[0].touched(), history[0].actor), (vec!["name", "size"], None));
    assert_eq!(&*history[0].origin.as_ref().unwrap().via, "documents");
    // The document says what the store has, and nothing was put aside.
    world.expect_file(item.id, "\"version\": 2");
    assert!(!world.folder.join(".realnet/edits").exists());
    world.look().await;
    assert_eq!(world.get(item.id).await.unwrap().version, 2);

    // White space is no change.
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("\n{text}\n")).unwrap();
    world.look().await;
    assert_eq!(world.get(item.id).await.unwrap().version, 2);
    let folder = world.close();
    let world = open(&folder).await;
    world.look().await;
    assert_eq!(world.get(item.id).await.unwrap().version, 2);
}

#[tokio::test]
async fn documents_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let world = open(folder.path()).await;
    let kept = world.put("kept", json!({})).await;
    world.expect_file(kept.id, "kept");
    // One refers to the other, whichever is looked at first.
    let (first, second) = ("01900000-0000-7000-8000-000000000001", "01900000-0000-7000-8000-000000000002");
    let write = |id: &str, after: &str| {
        let document = json!({"type": "Task", "org": ORG, "name": id, "attributes": {"after": after}});
        std::fs::write(world.folder.join(format!("items/Task/{id}.json")), document.to_string()).unwrap();
    };
    write(first, second);
    write(second, &kept.id.to_string());
    world.look().await;
    assert_eq!(world.problems(), Vec::<String>::new());
    let [first, second] = [first, second].map(|id| id.parse().unwrap());
    let created = world.get(first).await.unwrap();
    assert_eq!((created.version, created.type_id), (1, TASK));
    world.expect_file(first, "created_at");

    // What others refer to can not go.
    world.settled();
    std::fs::remove_file(world.file(kept.id)).unwrap();
    world.look_until(async || world.file(kept.id).exists()).await;
    assert_eq!(world.get(kept.id).await.as_ref(), Some(&kept));
    world.expect_file(kept.id, "kept");
    std::fs::remove_file(world.file(first)).unwrap();
    world.look_until(async || world.get(first).await.is_none()).await;
    assert!(world.get(second).await.is_some());

    // Also while nobody is looking.
    world.expect_file(second, "created_at");
    let folder = world.close();
    std::fs::remove_file(super::common::file(&folder, second)).unwrap();
    replace(&super::common::file(&folder, kept.id), "kept", "edited meanwhile");
    let world = open(&folder).await;
    world.look().await;
    assert!(world.get(second).await.is_some(), "it may be gone for a moment");
    world.look_until(async || world.get(second).await.is_none()).await;
    let edited = world.get(kept.id).await.unwrap();
    assert_eq!((edited.name.as_str(), edited.version), ("edited meanwhile", 2));
}

#[tokio::test]
async fn what_is_not_in_order_is_refused_with_its_place_and_the_last_good_version_stays() {
    let folder = tempfile::tempdir().unwrap();
    let world = open(folder.path()).await;
    let item = world.put("good", json!({"size": 1})).await;
    let other = world.put("other", json!({"email": "a@b.test"})).await;
    world.settled();
    let file = world.file(item.id);
    let good = std::fs::read_to_string(&file).unwrap();
    let name = format!("items/Task/{}.json", item.id);
    for (from, to, expected) in [
        ("\"good\",", "\"good\"", ":6:3: "),
        ("\"size\": 1", "\"size\": \"large\"", ": /attributes/size"),
        ("\"size\": 1", "\"email\": \"a@b.test\"", "email"),
        ("\"size\": 1", "\"after\": \"01900000-0000-7000-8000-000000000001\"", ": /attributes/after"),
        ("\"name\"", "\"nmae\"", ": 'nmae' is no member of an item"),
        ("\"Task\"", "\"Item\"", "different types"),
        ("\"version\": 1", "\"version\": 7", "at version 1, not 7"),
    ] {
        std::fs::write(&file, good.replace(from, to)).unwrap();
        world.look().await;
        let problems = world.problems();
        assert!(problems.len() == 1 && problems[0].starts_with(&name), "{problems:?}");
        assert!(problems[0].contains(expected), "{expected} in {problems:?}");
        assert_eq!(world.get(item.id).await.as_ref(), Some(&item), "{to}");
        world.look().await;
        assert_eq!(world.problems(), problems);
    }
    // A change by the server puts the refused document aside.
    world.rename(item.id, "by the server").await.unwrap();
    world.expect_file(item.id, "by the server");
    let aside = aside(&world.folder);
    assert!(aside.len() == 1 && aside[0].contains("\"version\": 7"), "{aside:?}");
    world.look().await;
    assert_eq!(world.problems(), Vec::<String>::new());

    // Others go on while one is refused.
    std::fs::write(&file, "{").unwrap();
    replace(&world.file(other.id), "other", "another");
    std::fs::write(world.folder.join("items/Task/x.json"), "{}").unwrap();
    world.look().await;
    assert_eq!(world.get(other.id).await.unwrap().name, "another");
    assert_eq!(world.problems().len(), 2);
}

#[tokio::test]
async fn types_are_edited_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let world = open(folder.path()).await;
    let item = world.put("a task", json!({"colour": "blue"})).await;
    let types = world.folder.join("types");
    world.settled();
    let text = std::fs::read_to_string(types.join("Task.json")).unwrap();
    // Two that need each other, and an item that fits.
    let fields =
        "\"fields\": [\n    {\"name\": \"colour\", \"type\": \"enum\", \"values\": [\"blue\", \"red\"]},";
    std::fs::write(types.join("Task.json"), text.replacen("\"fields\": [", fields, 1)).unwrap();
    std::fs::write(types.join("Chore.json"), "{\"base\": \"Task\"}").unwrap();
    world.look().await;
    assert_eq!(world.problems(), Vec::<String>::new());
    let registry = world.registry.current();
    assert_eq!(registry.system("chore").unwrap().fields().len(), 4);
    let fitting = super::common::task("x", json!({"after": item.id}));
    world.commit(vec![super::common::create(&fitting)]).await.unwrap();
    // What the store gives back of the types would put the next edit aside.
    world.settled();
    assert!(std::fs::read_to_string(types.join("Chore.json")).unwrap().contains("\"id\""));

    // One by which the item would be no longer valid.
    let edited = std::fs::read_to_string(types.join("Task.json")).unwrap();
    std::fs::write(types.join("Task.json"), edited.replace("\"blue\"", "\"green\"")).unwrap();
    world.look().await;
    let problems = world.problems();
    assert!(problems.len() == 1 && problems[0].contains(&item.id.to_string()), "{problems:?}");
    assert_eq!(world.registry.current().revision(), registry.revision());
    std::fs::write(types.join("Task.json"), edited).unwrap();
    std::fs::remove_file(types.join("Chore.json")).unwrap();
    world.look_until(async || world.registry.current().system("chore").is_none()).await;
    assert_eq!(world.problems(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_absent_for_a_moment_was_not_removed() {
    let folder = tempfile::tempdir().unwrap();
    let world = open(folder.path()).await;
    let item = world.put("here", json!({"size": 1})).await;
    world.settled();
    let file = world.file(item.id);
    let text = std::fs::read_to_string(&file).unwrap();
    // As `git stash` and `git stash pop` do it, however long it is between two looks.
    for _ in 0..3 {
        std::fs::remove_file(&file).unwrap();
        world.look().await;
        std::fs::write(&file, &text).unwrap();
        world.look().await;
    }
    assert_eq!(world.get(item.id).await, Some(item));
    assert_eq!(world.store.changes(ORG, 0, 10).await.unwrap().len(), 1);
    assert_eq!(world.problems(), Vec::<String>::new());
}

#[tokio::test]
async fn what_stands_below_goes_along_in_one_change() {
    let folder = tempfile::tempdir().unwrap();
    let world = open(folder.path()).await;
    let above = world.put("above", json!({})).await;
    let below = super::common::task("below", json!({}));
    let below = realnet_core::model::Item { parent_id: Some(above.id), ..below };
    world.commit(vec![super::common::create(&below)]).await.unwrap();
    world.settled();
    for id in [below.id, above.id] {
        std::fs::remove_file(world.file(id)).unwrap();
    }
    world.look_until(async || world.get(below.id).await.is_none()).await;
    assert!(world.get(above.id).await.is_none());
    let changes = world.store.changes(ORG, 0, 10).await.unwrap();
    assert!(changes.len() == 4 && changes[2].at == changes[3].at, "{changes:?}");
    world.settled();
    world.look().await;
    assert!(!world.file(below.id).exists() && !world.file(above.id).exists());
}

#[tokio::test]
async fn what_is_no_item_and_is_needed_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let world = open(folder.path()).await;
    let item = world.put("a task", json!({})).await;
    let grants = TypeGrants { org: ORG, type_id: TASK, instance: None, grants: Vec::new() };
    world.commit(vec![Operation::SetTypeGrants { grants, remove: false }]).await.unwrap();
    world.registry.replace(TypeRegistry::build(world.store.load_types().await.unwrap()).unwrap());
    world.settled();
    let documents = ["types/Task.json".to_owned(), format!("directory/access/{ORG}.json")];
    let documents = documents.map(|document| world.folder.join(document));
    let texts = documents.each_ref().map(|document| std::fs::read_to_string(document).unwrap());
    for document in &documents {
        std::fs::remove_file(document).unwrap();
    }
    world.look_until(async || documents.iter().all(|document| document.exists())).await;
    assert_eq!(documents.each_ref().map(|document| std::fs::read_to_string(document).unwrap()), texts);
    assert_eq!(world.problems(), Vec::<String>::new());
    let folder = world.close();
    assert_eq!(open(&folder).await.get(item.id).await, Some(item));
}

#[tokio::test]
async fn a_document_in_a_wrong_place_is_refused_and_removes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let world = open(folder.path()).await;
    let (moved, removed) = (world.put("moved", json!({})).await, world.put("removed", json!({})).await);
    world.settled();
    let place = world.folder.join("items/Safe");
    std::fs::create_dir(&place).unwrap();
    std::fs::rename(world.file(moved.id), place.join(format!("{}.json", moved.id))).unwrap();
    std::fs::remove_file(world.file(removed.id)).unwrap();
    // However long one is missing, until it counts as removed, the other is not.
    world.look_until(async || world.get(removed.id).await.is_none()).await;
    assert_eq!(world.get(moved.id).await.as_ref(), Some(&moved));
    let problems = world.problems();
    assert!(problems.len() == 1 && problems[0].contains("stands in items/Task/"), "{problems:?}");
    std::fs::rename(place.join(format!("{}.json", moved.id)), world.file(moved.id)).unwrap();
    world.look().await;
    assert_eq!(world.problems(), Vec::<String>::new());
    assert_eq!(world.get(moved.id).await, Some(moved));
}

#[tokio::test]
async fn what_only_the_server_sets_is_set_by_no_document() {
    let folder = tempfile::tempdir().unwrap();
    let world = open(folder.path()).await;
    let id = Uuid::from_u128(0x01900000_0000_7000_8000_000000000001);
    let place = world.folder.join("items/Safe");
    std::fs::create_dir_all(&place).unwrap();
    let file = place.join(format!("{id}.json"));
    let write = |attributes: Value| {
        let document = json!({"type": "Safe", "org": ORG, "attributes": attributes});
        std::fs::write(&file, document.to_string()).unwrap();
    };
    let words = "/attributes/opened is set by the system only";
    write(json!({"opened": 3}));
    world.look().await;
    assert!(world.problems()[0].contains(words), "{:?}", world.problems());
    assert!(world.get(id).await.is_none());
    write(json!({}));
    world.look().await;
    assert!(world.problems().is_empty() && world.get(id).await.is_some());
    world.settled();
    write(json!({"opened": 3}));
    world.look().await;
    assert!(world.problems()[0].contains(words), "{:?}", world.problems());
}

#[tokio::test]
async fn a_look_names_edits_that_no_server_will_take() {
    let folder = tempfile::tempdir().unwrap();
    let world = open(folder.path()).await;
    let item = world.put("good", json!({"size": 1})).await;
    let folder = world.close();
    let file = super::common::file(&folder, item.id);
    let good = std::fs::read_to_string(&file).unwrap();
    let look = || DocumentStore::look(&folder, &JsonCodec, Edits::PassedOver).map(drop);
    for (from, to, expected) in [
        ("\"size\": 1", "\"size\": \"large\"", ": /attributes/size"),
        ("\"version\": 1", "\"version\": 7", "at version 1, not 7"),
        ("\"name\": \"good\"", "\"name\": 42", ": 'name': invalid type"),
    ] {
        std::fs::write(&file, good.replace(from, to)).unwrap();
        let refused = look().unwrap_err();
        assert!(refused.message().contains(&format!("items/Task/{}.json", item.id)), "{refused}");
        assert!(refused.message().contains(expected), "{expected} in {refused}");
    }
    std::fs::write(&file, good.replace("\"size\": 1", "\"size\": 2")).unwrap();
    look().unwrap();
}
