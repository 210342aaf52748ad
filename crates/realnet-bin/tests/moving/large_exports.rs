//! Exports with more in them than a server takes: named before anything is sent, and read in little memory.

use std::path::Path;

use serde_json::json;

use crate::travellers::Place;

const ID: &str = "0198a7c2-0000-7000-8000-00000000000";

/// An export of one's own making.
fn export(folder: &Path, name: &str, documents: &[(String, String)]) {
    let root = folder.join(name);
    let head = ("realnet-export.json".to_owned(), "{\"format\": 1}".to_owned());
    for (path, text) in documents.iter().chain([&head]) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

/// The document of a task.
fn task(number: u8, attributes: &str) -> (String, String) {
    let text = format!(
        "{{\"id\": \"{ID}{number}\", \"type\": \"Task\", \"name\": \"t\", \"attributes\": {attributes}}}"
    );
    (format!("items/Task/{ID}{number}.json"), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_server_takes_is_named_before_anything_is_sent() {
    let place = Place::start();
    let user = place.admin().await;
    let before = place.count().await;
    let zeros = |count: usize| format!("[{}0]", "0,".repeat(count));
    let declared = |name: &str, count: usize| {
        let text = format!("{{\"name\": \"{name}\", \"attributes\": {{\"x\": {}}}}}", zeros(count));
        (format!("types/{name}.json"), text)
    };
    let small = task(0, "{}");
    let text = json!({"text": "x".repeat(4 << 20)}).to_string();
    let cases = [
        ("long", vec![small.clone(), task(1, &text)], "'attributes' have 4194315 bytes as JSON"),
        (
            "many",
            vec![small.clone(), task(1, &format!("{{\"x\": {}}}", zeros(3 << 20)))],
            "says more than 5 MiB",
        ),
        (
            "spaces",
            vec![small.clone(), task(1, &format!("{{{}}}", " ".repeat(17 << 20)))],
            "is larger than 16 MiB",
        ),
        ("type", vec![small.clone(), declared("Big", 3 << 20)], "types/Big.json: is larger than 4 MiB"),
        (
            "types",
            vec![declared("A", 400_000), declared("B", 400_000), declared("C", 400_000), small.clone()],
            "types/C.json: the types of the export say more together",
        ),
    ];
    for (name, documents, words) in cases {
        export(&place.folder, name, &documents);
        for arguments in [&["import", name][..], &["import", name, "--dry-run"]] {
            let said = user.refused(arguments);
            assert!(said.contains(words) && said.contains("nothing was imported"), "{name}: {said}");
        }
    }
    assert_eq!(place.count().await, before);

    // What is about as large as an item may be goes there and back, in whichever form.
    let most = json!({"text": "x".repeat((4 << 20) - 100)}).to_string();
    export(
        &place.folder,
        "most",
        &[task(2, &most), ("types/Mark.json".to_owned(), "\u{feff}{\"name\": \"Mark\"}".to_owned())],
    );
    assert!(user.told(&["import", "most"]).contains("1 item created"));
    for form in ["json", "yaml", "xml"] {
        user.told(&["export", form, "--type", "task", "--format", form]);
        assert!(user.told(&["import", form]).contains("0 items created, 0 changed, 1 there already"));
    }
}

/// Types that are short themselves and inherit much.
#[tokio::test(flavor = "multi_thread")]
async fn types_that_inherit_too_much_are_refused() {
    let place = Place::start();
    let fields: Vec<_> =
        (0..2000).map(|number| json!({"name": format!("f{number}"), "type": "string"})).collect();
    let mut documents =
        vec![("types/Wide.json".to_owned(), json!({"name": "Wide", "fields": fields}).to_string())];
    for number in 0..250 {
        let (name, id) = (format!("Wide{number}"), format!("0198a7c2-0000-7000-8000-{number:012}"));
        let declared = json!({"name": name, "base": "Wide"});
        documents.push((format!("types/{name}.json"), declared.to_string()));
        let item = json!({"id": id, "type": name, "name": "w"});
        documents.push((format!("items/{name}/{id}.json"), item.to_string()));
    }
    export(&place.folder, "wide", &documents);
    let said = place.admin().await.refused(&["import", "wide", "--dry-run"]);
    assert!(said.contains("wide: its types inherit more than can be read at once"), "{said}");
}

/// Small values are long in a document: it goes without its layout.
#[tokio::test(flavor = "multi_thread")]
async fn an_item_of_many_small_values_is_exported_and_imported() {
    let place = Place::start();
    let client = place.server.admin().await;
    let deep = (0..20).fold(json!(vec![0; 100_000]), |inner, _| json!([inner]));
    let deep = json!({"name": "deep", "values": vec![deep; 4]});
    client.create("task", &deep).await.unwrap();
    let user = place.admin().await;
    user.told(&["export", "deep", "--type", "task"]);
    let folder = std::fs::read_dir(place.folder.join("deep/items/Task")).unwrap();
    let path = folder.map(|entry| entry.unwrap().path()).next().unwrap();
    assert_eq!(std::fs::read_to_string(path).unwrap().lines().count(), 1);
    assert!(user.told(&["import", "deep"]).contains("0 items created, 0 changed, 1 there already"));
    let said = user.refused(&["export", "deep.xml", "--type", "task", "--format", "xml"]);
    assert!(said.contains("deep (") && said.contains("--format json is shorter"), "{said}");
}
