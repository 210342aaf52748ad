//! Documents that are not in order when a store is opened: all are named, with their places, and nothing is left out silently.

use realnet_core::ErrorKind;
use realnet_core::clock::{IdSource as _, System};
use serde_json::json;

use super::common::{World, file, open, replace};

async fn filled(folder: &std::path::Path) -> (World, Vec<realnet_core::model::Item>) {
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
    let log = folder.join(format!("changes/{}/0000000001.jsonl", super::common::ORG));
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
