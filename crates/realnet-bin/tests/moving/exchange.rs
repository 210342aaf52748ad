//! `realnet export` and `realnet import`, between real servers.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use realnet_client::ListQuery;
use serde_json::{Value, json};

use crate::shop::{PIN, content};
use crate::travellers::{Place, User, fill, tree};

/// What has been exported from one server and imported into another is exported from there as the same, in every format; done again,
/// the import changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn items_move_with_their_ids() {
    let from = Place::start();
    let ids = fill(&from.server).await;
    let user = from.admin().await;
    let said = user.told(&["export", "plan", "--with-data", "--dry-run"]);
    assert!(
        said.contains("would export 7 items, 3 types, 1 content") && !from.folder.join("plan").exists(),
        "{said}"
    );
    for (form, archive) in [("json", None), ("yaml", Some("x.tar.gz")), ("xml", Some("x.tar.zst"))] {
        let to = Place::start();
        let folder = to.folder.join(form);
        let path = folder.to_str().unwrap();
        let said = user.told(&["export", path, "--with-data", "--format", form]);
        assert!(
            said.contains("exported 7 items, 3 types, 1 content") && said.contains("left out: "),
            "{said}"
        );
        let files = tree(&folder);
        assert_eq!(files.len(), 11, "{:?}", files.keys());
        assert!(files.contains_key(&format!("items/Novel/{}.{form}", ids["novel"])));
        for (name, bytes) in &files {
            let holds_secret = bytes.windows(PIN.len()).any(|window| window == PIN.as_bytes());
            assert!(!holds_secret, "a secret is in {name}");
        }
        let source = match archive {
            None => path.to_owned(),
            Some(name) => {
                let file = to.folder.join(name).to_str().unwrap().to_owned();
                user.told(&["export", &file, "--with-data", "--format", form]);
                file
            }
        };
        let there = to.admin().await;
        let said = there.told(&["import", &source, "--dry-run"]);
        assert!(said.contains("7 items would be created") && said.contains("3 types would be"), "{said}");
        let before = to.count().await;
        let said = there.told(&["import", &source]);
        assert!(
            said.contains("7 items created, 0 changed, 0 there") && said.contains("1 content sent"),
            "{said}"
        );
        assert_eq!(to.count().await, before + 6, "one of them is hidden");
        assert_eq!(content(&to.server, &ids["file"]).await.len(), 300_008);
        let client = to.server.admin().await;
        let versions = async || {
            let novel = client.get("novel", &ids["novel"]).await.unwrap();
            let anna = client.get("author", &ids["anna"]).await.unwrap();
            let file = client.get("files", &ids["file"]).await.unwrap();
            let link = client.get("link", &ids["link"]).await.unwrap();
            [novel, link, anna, file].map(|item| item["version"].as_i64().unwrap())
        };
        let seen = versions().await;
        assert_eq!(
            seen[..3],
            [1, 1, 2],
            "what is in a circle is made and completed, what stands behind it only made"
        );
        let said = there.told(&["import", &source]);
        assert!(said.contains("0 items created, 0 changed, 7 there already"), "{said}");
        assert!(!said.contains("type") && !said.contains("form") && !said.contains("sent"), "{said}");
        assert_eq!(versions().await, seen, "nothing has changed");
        let said = there.told(&["import", &source, "--dry-run"]);
        assert!(said.contains("0 would be changed, 7 there already"), "{said}");
        there.told(&["export", "back", "--with-data", "--format", form]);
        let back = tree(&to.folder.join("back"));
        assert_eq!(back.keys().collect::<Vec<_>>(), files.keys().collect::<Vec<_>>());
        for (name, bytes) in &files {
            assert_eq!(owners_aside(bytes), owners_aside(&back[name]), "{name}");
        }
    }
}

/// Owners are accounts of their server.
fn owners_aside(bytes: &[u8]) -> Vec<&[u8]> {
    bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.windows(5).any(|window| window == b"owner"))
        .collect()
}

/// Who is no administrator gets new ids, and what items refer to each other by leads to these; a second time nothing is made.
#[tokio::test(flavor = "multi_thread")]
async fn users_get_items_of_their_own() {
    let place = Place::start();
    let ids = fill(&place.server).await;
    let client = place.server.admin().await;
    let account = json!({"username": "uma", "password": "correct-horse-uma", "role": "user"});
    client.create("accounts", &account).await.unwrap();
    place.admin().await.told(&["export", "all", "--with-data"]);
    let uma = User::of(&place.server, &place.folder, ("uma", "correct-horse-uma")).await;
    // What is unique is taken by the first one.
    let said = uma.refused(&["import", "all"]);
    assert!(
        said.contains(&format!("items/Novel/{}.json: ", ids["novel"])) && said.contains("isbn"),
        "{said}"
    );
    assert!(said.contains("items were made before it"), "{said}");
    let novel = place.folder.join(format!("all/items/Novel/{}.json", ids["novel"]));
    let document = std::fs::read_to_string(&novel).unwrap().replace("\"isbn\": \"1\"", "\"isbn\": \"2\"");
    std::fs::write(&novel, document).unwrap();
    let said = uma.told(&["import", "all"]);
    assert!(said.contains("the items have new ids") && said.contains("1 content sent"), "{said}");
    let said = uma.told(&["import", "all"]);
    assert!(said.contains("0 items created, 0 changed, 7 there already"), "{said}");

    let one = async |resource: &str, filters: &[(&str, &str)]| {
        let query =
            filters.iter().fold(ListQuery::default(), |query, (name, value)| query.with(*name, *value));
        let found = client.list(resource, &query).await.unwrap().items;
        assert_eq!(found.len(), 1, "{resource} {filters:?}");
        found.into_iter().next().unwrap()
    };
    let book = one("novel", &[("isbn", "2"), ("visibility", "hidden")]).await;
    let me = one("accounts", &[("username", "uma")]).await;
    assert_eq!(book["owner"], me["id"]);
    let id = |item: &Value| item["id"].as_str().unwrap().to_owned();
    let [author, folder, cover] =
        [&book["attributes"]["author"], &book["parent_id"], &book["attributes"]["covers"][0]]
            .map(|id| id.as_str().unwrap().to_owned());
    assert!(author != ids["bert"] && folder != ids["folder"] && cover != ids["file"]);
    let bert = client.get("author", &author).await.unwrap();
    let anna = client.get("author", bert["attributes"]["friend"].as_str().unwrap()).await.unwrap();
    assert_eq!((&bert["name"], &anna["name"]), (&json!("Bert"), &json!("Anna")));
    assert_eq!(anna["attributes"]["friend"], bert["id"], "the circle is closed");
    assert_eq!(client.get("folder", &folder).await.unwrap()["name"], "shelf");
    assert_eq!(content(&place.server, &cover).await.len(), 300_008);
    let link = one("link", &[("linked_item_id", &id(&book))]).await;
    assert_eq!(link["parent_id"], json!(folder));
    // An item that has been deleted since is made again.
    client.delete("link", &id(&link)).await.unwrap();
    let said = uma.told(&["import", "all"]);
    assert!(said.contains("1 item created, 0 changed, 6 there already"), "{said}");
    let again = one("link", &[("linked_item_id", &id(&book))]).await;
    assert_ne!(again["id"], link["id"], "it is there, and not only said to be");
    let said = uma.told(&["import", "all"]);
    assert!(said.contains("0 items created, 0 changed, 7 there already"), "{said}");
}

/// A user declares no types, and nothing is made before that is clear; some types and filters are exported alone.
#[tokio::test(flavor = "multi_thread")]
async fn parts_are_exported() {
    let from = Place::start();
    let ids = fill(&from.server).await;
    let user = from.admin().await;
    let said = user.told(&["export", "authors.tar.gz", "--type", "author"]);
    assert!(said.contains("exported 2 items, 1 type, 0 contents"), "{said}");
    let said =
        user.told(&["export", "anna", "--type", "author", "--filter", "name=Anna", "--format", "yaml"]);
    assert!(said.contains("exported 1 item, 1 type"), "{said}");
    let said = user.told(&["export", "both", "--type", "novel", "--type", "folder"]);
    assert!(said.contains("exported 3 items, 3 types"), "{said}");
    let said = user.told(&["export", "people", "--type", "account"]);
    assert!(said.contains("exported 1 item, 0 types"), "{said}");
    let documents = tree(&from.folder.join("people"));
    assert!(documents.values().all(|document| !String::from_utf8_lossy(document).contains("password")));
    for (arguments, words) in [
        (&["export", "x", "--type", "nothing"][..], "nothing"),
        (&["export", "x", "--filter", "name"], "expected field=value"),
        (&["export", "x", "--filter", "limit=1"], "is no filter"),
        (&["export", "x", "--format", "toml"], "expected json, yaml or xml"),
        (&["export", "authors.tar.gz"], "is there already"),
        (&["export", "both"], "--update brings it up to date"),
        (&["export", "both", "--update"], "other types"),
        (&["export", "."], "is not empty, and holds no export"),
    ] {
        let said = user.refused(arguments);
        assert!(said.contains(words), "{arguments:?}: {said}");
    }

    let to = Place::start();
    let client = to.server.admin().await;
    client
        .create("accounts", &json!({"username": "uma", "password": "correct-horse-uma", "role": "user"}))
        .await
        .unwrap();
    let uma = User::of(&to.server, &from.folder, ("uma", "correct-horse-uma")).await;
    let before = to.count().await;
    let said = uma.refused(&["import", "authors.tar.gz"]);
    assert!(said.contains("the server has no types Author, and only administrators declare some"), "{said}");
    let there = User::admin(&to.server, &from.folder).await;
    let said = there.refused(&["import", "anna"]);
    assert!(
        said.contains(&format!("friend refers to {}", ids["bert"])) && said.contains("--drop-missing"),
        "{said}"
    );
    assert_eq!(to.count().await, before, "nothing was made");
    let said = there.told(&["import", "anna", "--drop-missing"]);
    assert!(
        said.contains("1 item created") && said.contains("1 reference to what is not here left out"),
        "{said}"
    );
    // The rest comes by itself; what is there already is left alone unless it is to be overwritten.
    client.patch("author", &ids["anna"], &json!({"name": "Anne"}), None).await.unwrap();
    let said = there.told(&["import", "authors.tar.gz"]);
    assert!(said.contains("1 item created") && said.contains("1 part here in another form"), "{said}");
    let anna = client.get("author", &ids["anna"]).await.unwrap();
    assert_eq!((&anna["name"], &anna["attributes"]["friend"]), (&json!("Anne"), &Value::Null));
    let said = there.told(&["import", "authors.tar.gz", "--overwrite", "--dry-run"]);
    assert!(said.contains("1 would be changed"), "{said}");
    let said = there.told(&["import", "authors.tar.gz", "--overwrite"]);
    assert!(said.contains("0 items created, 1 changed, 1 there already"), "{said}");
    let anna = client.get("author", &ids["anna"]).await.unwrap();
    assert_eq!((&anna["name"], &anna["attributes"]["friend"]), (&json!("Anna"), &json!(ids["bert"])));
}

/// An export that is brought up to date changes where the server has changed, and nowhere else.
#[tokio::test(flavor = "multi_thread")]
async fn exports_are_brought_up_to_date() {
    let place = Place::start();
    let ids = fill(&place.server).await;
    let user = place.admin().await;
    user.told(&["export", "all", "--with-data"]);
    let root = place.folder.join("all");
    std::fs::create_dir(root.join(".git")).unwrap();
    let before = tree(&root);
    let document = root.join(format!("items/Author/{}.json", ids["anna"]));
    let written = std::fs::metadata(&document).unwrap().modified().unwrap();
    let client = place.server.admin().await;
    client.patch("novel", &ids["novel"], &json!({"status": "back"}), None).await.unwrap();
    client.delete("link", &ids["link"]).await.unwrap();
    let said = user.told(&["export", "all", "--with-data", "--update"]);
    assert!(said.contains("exported 6 items, 3 types, 1 content"), "{said}");
    let after = tree(&root);
    let changed: Vec<&String> = before.keys().filter(|name| after.get(*name) != before.get(*name)).collect();
    assert_eq!(
        changed,
        [&format!("items/Link/{}.json", ids["link"]), &format!("items/Novel/{}.json", ids["novel"])]
    );
    assert_eq!(
        std::fs::metadata(&document).unwrap().modified().unwrap(),
        written,
        "what is the same is not written"
    );
    assert!(root.join(".git").is_dir());
    for (arguments, words) in [
        (&["export", "all", "--update"][..], "--with-data keeps them"),
        (&["export", "all", "--update", "--with-data", "--format", "yaml"], "--format json keeps to it"),
    ] {
        let said = user.refused(arguments);
        assert!(said.contains(words), "{arguments:?}: {said}");
        assert_eq!(tree(&root), after, "nothing is lost");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let data = root.join(format!("data/{}", ids["file"]));
        assert_eq!((mode(&root), mode(&document), mode(&data)), (0o700, 0o600, 0o600));
        // What a folder from elsewhere has of links leads nowhere.
        let precious = place.folder.join("precious");
        std::fs::write(&precious, "as it was").unwrap();
        symlink(&precious, root.join(".realnet-export.json.part")).unwrap();
        user.told(&["export", "all", "--with-data", "--update"]);
        assert_eq!(std::fs::read_to_string(&precious).unwrap(), "as it was");
        std::fs::rename(root.join("data"), place.folder.join("elsewhere")).unwrap();
        symlink("../elsewhere", root.join("data")).unwrap();
        let said = user.refused(&["export", "all", "--with-data", "--update"]);
        assert!(said.contains("\"data\" is a link"), "{said}");
        std::fs::remove_file(root.join("data")).unwrap();
        std::fs::rename(place.folder.join("elsewhere"), root.join("data")).unwrap();
    }
    // One that was broken off is not taken for whole, and is gone on with.
    let head = root.join("realnet-export.json");
    let text = std::fs::read_to_string(&head).unwrap().replace("\"complete\": true", "\"complete\": false");
    std::fs::write(&head, text).unwrap();
    std::fs::remove_file(&document).unwrap();
    let said = user.refused(&["import", "all"]);
    assert!(said.contains("was not finished"), "{said}");
    user.told(&["export", "all", "--with-data", "--update"]);
    assert_eq!(tree(&root), after);
    assert!(user.told(&["import", "all"]).contains("6 there already"));
}

/// Imports that are killed are gone on with: everything is there once, whether ids are new or not.
#[tokio::test(flavor = "multi_thread")]
async fn killed_imports_go_on() {
    let from = Place::start();
    let client = from.server.admin().await;
    for part in 0..6 {
        let tasks: Vec<Value> = (0..500).map(|index| json!({"name": format!("t {part} {index}")})).collect();
        client.create("task", &json!(tasks)).await.unwrap();
    }
    let user = from.admin().await;
    user.told(&["export", "tasks.tar.gz", "--type", "task"]);
    for arguments in [&["import", "tasks.tar.gz"][..], &["import", "tasks.tar.gz", "--new-ids"]] {
        let to = Place::start();
        let there = User::admin(&to.server, &from.folder).await;
        let client = to.server.admin().await;
        let query = ListQuery::default().with("count", "exact").with("limit", "1");
        let count = async || client.list("task", &query).await.unwrap().total.unwrap();
        let mut import = there.command(arguments);
        let mut import = import.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        while count().await < 240 {
            assert!(begun.elapsed() < Duration::from_mins(1), "nothing is imported");
        }
        import.kill().unwrap();
        assert!(!import.wait().unwrap().success(), "it was killed in the middle");
        let made = count().await;
        assert!((240..3000).contains(&made), "{made}");
        let said = there.told(arguments);
        assert!(said.contains(" there already") && !said.contains("3000 items created"), "{said}");
        assert_eq!(count().await, 3000, "{said}");
        let said = there.told(arguments);
        assert!(said.contains("0 items created, 0 changed, 3000 there already"), "{said}");
    }
}
