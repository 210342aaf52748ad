//! Documents that are not in order when a store is opened: all are named, with their places, and nothing is left out silently.

use realnet_core::acl::{Grant, Permission, Permissions, Subject};
use realnet_core::clock::{IdSource as _, System};
use realnet_core::model::{Attributes, Item};
use realnet_core::{ErrorKind, Uuid};
use serde_json::{Value, json};

use super::common::{ORG, SAFE, World, create, file, open, replace};

async fn filled(folder: &std::path::Path) -> (World, Vec<Item>) {
    let world = open(folder).await;
    let mut items = Vec::new();
    for number in 0..4 {
        items.push(world.put(&format!("task {number}"), json!({"email": format!("a{number}@b.test")})).await);
    }
    (world, items)
}

/// Why the folder can not be opened.
fn refused(folder: &std::path::Path) -> String {
    let error = realnet_provider_json::open(folder).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    error.message().to_owned()
}

#[tokio::test]
async fn everything_that_is_not_in_order_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (world, items) = filled(folder.path()).await;
    let folder = world.close();
    let [broken, mistyped, twin, taken] = items.as_slice() else { panic!() };
    std::fs::write(file(&folder, broken.id), "{\n  \"id\": 1,\n  oops\n}").unwrap();
    replace(&file(&folder, mistyped.id), "\"attributes\"", "\"atributes\"");
    std::fs::create_dir(folder.join("items/Item")).unwrap();
    std::fs::copy(file(&folder, twin.id), folder.join(format!("items/Item/{}.json", twin.id))).unwrap();
    replace(&file(&folder, taken.id), "a3@b.test", "a2@b.test");
    std::fs::write(folder.join("items/Task/notes.json"), "{}").unwrap();
    std::fs::write(folder.join("items/README.md"), "for people").unwrap();
    // A folder whose change log is another one is read without its index.
    std::fs::remove_file(folder.join(".realnet/index.log")).unwrap();
    let said = refused(&folder);
    for expected in [
        format!("items/Task/{}.json:3:3: ", broken.id),
        format!("items/Task/{}.json: 'atributes' is no member", mistyped.id),
        format!("items/Item/{}.json: an item of type Task stands in items/Task/", twin.id),
        "items/Task/notes.json: 'notes' is no id".to_owned(),
    ] {
        assert!(said.contains(&expected), "{expected} in\n{said}");
    }
    assert!(!said.contains("README"), "{said}");

    std::fs::remove_file(folder.join("items/Task/notes.json")).unwrap();
    std::fs::remove_file(folder.join(format!("items/Item/{}.json", twin.id))).unwrap();
    std::fs::remove_file(file(&folder, broken.id)).unwrap();
    replace(&file(&folder, mistyped.id), "\"atributes\"", "\"attributes\"");
    let said = refused(&folder);
    assert!(said.contains("the value of 'email' is that of item"), "{said}");
    replace(&file(&folder, taken.id), "a2@b.test", "a4@b.test");
    let world = open(&folder).await;
    assert_eq!(world.get(taken.id).await.unwrap().attributes.get("email"), Some(&json!("a4@b.test")));
    assert!(
        world.get(broken.id).await.is_none(),
        "what somebody has removed while nobody had an index is gone"
    );
}

#[tokio::test]
async fn types_and_logs_are_named_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let (world, items) = filled(folder.path()).await;
    let folder = world.close();
    let log = folder.join(format!("changes/{ORG}/0000000001.jsonl"));
    let whole = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    std::fs::write(&log, format!("{}\n{}\n", lines[0], lines[2])).unwrap();
    assert!(refused(&folder).contains("0000000001.jsonl:2:1: expected change 2"));
    std::fs::write(&log, format!("{}\n{{\"org\":", lines[0])).unwrap();
    assert!(refused(&folder).contains("0000000001.jsonl:2:"));
    std::fs::write(&log, &whole).unwrap();

    replace(&folder.join("types/Task.json"), "\"base\": \"Item\"", "\"base\": \"Nothing\"");
    assert!(refused(&folder).contains("Nothing"));
    replace(&folder.join("types/Task.json"), "\"base\": \"Nothing\"", "\"base\": \"Item\"");
    std::fs::rename(folder.join("types/Task.json"), folder.join("types/Other.json")).unwrap();
    assert!(refused(&folder).contains("types/Other.json: the name is not that of the file"));
    std::fs::rename(folder.join("types/Other.json"), folder.join("types/Task.json")).unwrap();

    let private = folder.join(".realnet/private.log");
    let whole = std::fs::read(&private).unwrap();
    let mut damaged = whole.clone();
    damaged[12] ^= 1;
    std::fs::write(&private, damaged).unwrap();
    assert!(refused(&folder).contains("private.log is damaged in line 1"));
    std::fs::write(&private, whole).unwrap();
    let world = open(&folder).await;
    assert_eq!(world.get(items[0].id).await.as_ref(), Some(&items[0]));
}

#[tokio::test]
async fn a_clone_without_private_files_has_everything_else() {
    let folder = tempfile::tempdir().unwrap();
    let (world, items) = filled(folder.path()).await;
    let folder = world.close();
    std::fs::remove_dir_all(folder.join(".realnet")).unwrap();
    let world = open(&folder).await;
    for item in &items {
        assert_eq!(world.get(item.id).await.as_ref(), Some(item));
    }
    let new = world.put("new", json!({"email": System.next_id().to_string() + "@b.test"})).await;
    let folder = world.close();
    assert_eq!(open(&folder).await.get(new.id).await, Some(new));
}

/// Without the index everything is read from the documents, as after a pull of somebody else's changes.
fn forget_index(folder: &std::path::Path) {
    let index = folder.join(".realnet/index.log");
    if index.exists() {
        std::fs::remove_file(index).unwrap();
    }
}

#[tokio::test]
async fn what_is_read_without_an_index_is_checked_like_any_other_change() {
    let folder = tempfile::tempdir().unwrap();
    let world = open(folder.path()).await;
    let task = world.put("task", json!({"size": 1})).await;
    let safe = Item::new(System.next_id(), SAFE, "Safe".into(), ORG);
    // As it is stored: whoever seals it stands before the store.
    let sealed = json!({"code": {"$plain": "1234"}});
    let Value::Object(sealed) = sealed else { panic!() };
    let safe = Item { attributes: Attributes::from_map(sealed), ..safe };
    world.commit(vec![create(&safe)]).await.unwrap();
    let folder = world.close();
    let safe_file = folder.join(format!("items/Safe/{}.json", safe.id));

    forget_index(&folder);
    replace(&file(&folder, task.id), "\"size\": 1", "\"size\": \"large\"");
    let text = std::fs::read_to_string(&safe_file).unwrap();
    let compact: String = text.split_whitespace().collect();
    assert!(compact.contains("\"code\":{\"$plain\":\"1234\"}"), "{text}");
    let plain: Value = serde_json::from_str(&text).unwrap();
    let plain = Value::Object(
        plain
            .as_object()
            .unwrap()
            .clone()
            .into_iter()
            .chain([("attributes".to_owned(), json!({"code": "1234"}))])
            .collect(),
    );
    std::fs::write(&safe_file, plain.to_string()).unwrap();
    let said = refused(&folder);
    assert!(said.contains(&format!("items/Task/{}.json: /attributes/size ", task.id)), "{said}");
    assert!(
        said.contains(&format!("items/Safe/{}.json: the secret 'code' is plain text", safe.id)),
        "{said}"
    );
    assert!(!said.contains("1234"), "{said}");
    std::fs::write(&safe_file, text).unwrap();
    replace(&file(&folder, task.id), "\"size\": \"large\"", "\"size\": 2");
    let world = open(&folder).await;
    assert_eq!(world.get(task.id).await.unwrap().attributes.get("size"), Some(&json!(2)));
}

#[tokio::test]
async fn what_items_have_of_those_above_is_no_word_of_their_documents() {
    let folder = tempfile::tempdir().unwrap();
    let world = open(folder.path()).await;
    let reader = Uuid::from_u128(0x77);
    let grant =
        Grant { subject: Subject::Account(reader), permissions: Permissions::of(&[Permission::Read]) };
    let mut safes: Vec<Item> = Vec::new();
    for number in 0..3 {
        let safe = Item::new(System.next_id(), SAFE, "Safe".into(), ORG);
        let parent_id = safes.last().map(|above: &Item| above.id);
        let grants = if number == 0 { vec![grant.clone()] } else { Vec::new() };
        let outcomes = world.commit(vec![create(&Item { parent_id, grants, ..safe })]).await.unwrap();
        safes.push(outcomes[0].item().unwrap().clone());
    }
    assert!(safes[0].inherited.is_empty() && safes[2].inherited == safes[1].inherited);
    assert_eq!(safes[2].inherited.iter().map(|one| one.from).collect::<Vec<_>>(), [safes[0].id]);
    let folder = world.close();
    let file_of = |safe: &Item| folder.join(format!("items/Safe/{}.json", safe.id));
    assert!(!std::fs::read_to_string(file_of(&safes[2])).unwrap().contains("inherited"));

    // Somebody would like to have more.
    let other = json!({"subject": {"type": "public"}, "permissions": ["read", "write"], "from": safes[0].id});
    let mine = format!("{{\n  \"inherited\": [{other}],");
    let text = std::fs::read_to_string(file_of(&safes[2])).unwrap();
    std::fs::write(file_of(&safes[2]), text.replacen('{', &mine, 1)).unwrap();
    forget_index(&folder);
    let world = open(&folder).await;
    for safe in &safes {
        assert_eq!(world.get(safe.id).await.as_ref(), Some(safe));
    }
    let folder = world.close();

    // One that stands below nothing.
    let gone = Uuid::from_u128(0x99);
    let whole = std::fs::read_to_string(file_of(&safes[1])).unwrap();
    replace(&file_of(&safes[1]), &safes[0].id.to_string(), &gone.to_string());
    forget_index(&folder);
    let said = refused(&folder);
    assert!(
        said.contains(&format!("items/Safe/{}.json: its parent {gone} is not there", safes[1].id)),
        "{said}"
    );
    std::fs::write(file_of(&safes[1]), whole).unwrap();

    let below = format!("\"parent_id\": \"{}\",\n  \"type\":", safes[2].id);
    let top = folder.join(format!("items/Safe/{}.json", safes[0].id));
    let text = std::fs::read_to_string(&top).unwrap();
    std::fs::write(&top, text.replacen("\"type\":", &below, 1)).unwrap();
    forget_index(&folder);
    let said = refused(&folder);
    assert!(said.contains("the item stands below itself"), "{said}");
}

#[tokio::test]
async fn damage_in_the_middle_of_the_index_is_no_earlier_state() {
    let folder = tempfile::tempdir().unwrap();
    let (world, items) = filled(folder.path()).await;
    world.settled();
    world.rename(items[0].id, "renamed").await.unwrap();
    let folder = world.close();
    let index = folder.join(".realnet/index.log");
    let mut text = std::fs::read(&index).unwrap();
    text[40] ^= 1;
    std::fs::write(&index, text).unwrap();
    let world = open(&folder).await;
    assert_eq!(world.get(items[0].id).await.unwrap().name, "renamed");
    world.look().await;
    assert_eq!(world.problems(), Vec::<String>::new());
    let folder = world.close();
    let text = std::fs::read_to_string(&index).unwrap();
    assert_eq!(text.lines().count(), items.len() + 1, "it was made anew");
    assert_eq!(open(&folder).await.get(items[1].id).await.as_ref(), Some(&items[1]));
}
