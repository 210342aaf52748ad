//! Imports that are done again: what is there stays as it is, also where it once had to wait; what was broken off is finished, and what
//! has gone is made anew.

use realnet_client::{Client, ListQuery};
use serde_json::{Value, json};

use crate::travellers::{Place, User};

const UMA: (&str, &str) = ("uma", "correct-horse-uma");

/// A server with a user beside the administrator.
async fn place() -> (Place, Client) {
    let place = Place::start();
    let client = place.server.admin().await;
    let account = json!({"username": UMA.0, "password": UMA.1, "role": "user"});
    client.create("accounts", &account).await.unwrap();
    (place, client)
}

/// Declares a type whose items refer to each other, which one of these roles may say; all, where there are none.
async fn declare(client: &Client, roles: &[&str]) {
    let mut friend = json!({"name": "friend", "type": "reference", "reference": "Pal", "on_delete": "clear"});
    if !roles.is_empty() {
        friend["write"] = json!(roles);
    }
    let document = json!({"types": [{"name": "Pal", "base": "Item", "fields": [friend]}]});
    client.apply(&document, &[("source", "pals.json")]).await.unwrap();
}

/// The items of a type that somebody owns.
async fn of(client: &Client, resource: &str, owner: &Value) -> Vec<Value> {
    let query = ListQuery::default().with("owner", owner.as_str().unwrap()).with("order", "name");
    client.list(resource, &query).await.unwrap().items
}

/// References that had to wait are set by the import that has left them out, also when it is done again, and by no other.
#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_broken_off_is_completed() {
    let (place, client) = place().await;
    declare(&client, &["hr"]).await;
    let a = client.create("pal", &json!({"name": "a"})).await.unwrap();
    let b = client.create("pal", &json!({"name": "b", "friend": a["id"]})).await.unwrap();
    client.patch("pal", a["id"].as_str().unwrap(), &json!({"friend": b["id"]}), None).await.unwrap();
    place.admin().await.told(&["export", "pals", "--type", "pal"]);

    // Who may not set the reference makes the items without it, and is then refused.
    let uma = User::of(&place.server, &place.folder, UMA).await;
    let said = uma.refused(&["import", "pals"]);
    assert!(said.contains("items/Pal/") && said.contains("friend"), "{said}");
    let me =
        client.list("accounts", &ListQuery::default().with("username", "uma")).await.unwrap().items[0]["id"]
            .clone();
    let made = of(&client, "pal", &me).await;
    assert_eq!(made.len(), 2);
    assert!(made.iter().all(|pal| pal["attributes"]["friend"].is_null()));
    declare(&client, &[]).await;
    let said = uma.told(&["import", "pals", "--dry-run"]);
    assert!(said.contains("0 items would be created, 2 would be changed"), "{said}");
    let said = uma.told(&["import", "pals"]);
    assert!(said.contains("0 items created, 2 changed, 0 there already"), "{said}");
    let made = of(&client, "pal", &me).await;
    assert_eq!(made[0]["attributes"]["friend"], made[1]["id"]);
    assert_eq!(made[1]["attributes"]["friend"], made[0]["id"]);

    // It is whole now: what is taken out on purpose stays out.
    let id = made[0]["id"].as_str().unwrap();
    client.patch("pal", id, &json!({"friend": null}), None).await.unwrap();
    let said = uma.told(&["import", "pals"]);
    assert!(
        said.contains("0 items created, 0 changed, 1 there already")
            && said.contains("1 part here in another form"),
        "{said}"
    );
    assert_eq!(
        client.get("pal", id).await.unwrap()["version"],
        3,
        "made, completed, and emptied by its owner"
    );
    // Nor does an export lead to what is somebody's: one with its id and a circle changes nothing.
    let said = place.admin().await.told(&["import", "pals"]);
    assert!(said.contains("0 items created, 0 changed, 2 there already"), "{said}");
    let path =
        |item: &Value| place.folder.join(format!("pals/items/Pal/{}.json", item["id"].as_str().unwrap()));
    let victim = client.create("pal", &json!({"name": "victim"})).await.unwrap();
    let document = std::fs::read_to_string(path(&a))
        .unwrap()
        .replace(a["id"].as_str().unwrap(), victim["id"].as_str().unwrap());
    std::fs::write(path(&victim), document.replace("\"a\"", "\"victim\"")).unwrap();
    let other = std::fs::read_to_string(path(&b))
        .unwrap()
        .replace(a["id"].as_str().unwrap(), victim["id"].as_str().unwrap());
    std::fs::remove_file(path(&a)).unwrap();
    std::fs::write(path(&b), other).unwrap();
    let said = place.admin().await.told(&["import", "pals"]);
    assert!(
        said.contains("0 items created, 0 changed, 0 there already") && said.contains("2 parts here"),
        "{said}"
    );
    assert_eq!(client.get("pal", victim["id"].as_str().unwrap()).await.unwrap(), victim);
}

/// What would be refused is told before anything is written, all of it, by a dry run as well.
#[tokio::test(flavor = "multi_thread")]
async fn documents_are_checked_before_anything_is_made() {
    let (place, client) = place().await;
    let document = json!({"types": [{"name": "Gem", "base": "Item", "fields": [
        {"name": "cut", "type": "enum", "values": ["round", "oval"]},
        {"name": "carat", "type": "integer", "min": 1},
        {"name": "code", "type": "secret", "required": true}]}]});
    client.apply(&document, &[("source", "gems.json")]).await.unwrap();
    for name in ["a", "b", "c"] {
        client.create("gem", &json!({"name": name, "cut": "oval", "carat": 2, "code": "c"})).await.unwrap();
    }
    place.admin().await.told(&["export", "gems", "--type", "gem"]);
    let there = place.admin().await;
    assert!(there.told(&["import", "gems"]).contains("3 there already"), "what is there lacks nothing");
    let folder = place.folder.join("gems/items/Gem");
    let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let edit = |index: usize, from: &str, to: &str| {
        let text = std::fs::read_to_string(&paths[index]).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(&paths[index], text.replace(from, to)).unwrap();
    };
    edit(0, "\"oval\"", "\"square\"");
    edit(1, "\"carat\": 2", "\"carat\": 0");

    let to = Place::start();
    let there = User::admin(&to.server, &place.folder).await;
    let before = to.count().await;
    for arguments in [&["import", "gems", "--dry-run"][..], &["import", "gems"]] {
        let said = there.refused(arguments);
        assert!(said.contains("nothing was imported"), "{said}");
        assert!(said.contains("/attributes/cut") && said.contains("/attributes/carat"), "{said}");
        assert_eq!(
            said.matches("/attributes/code: is required, and secrets are in no export").count(),
            3,
            "{said}"
        );
    }
    assert_eq!(to.count().await, before);
    let types = to.server.admin().await.type_definition("Gem").await;
    assert_eq!(types.unwrap_err().status(), Some(404), "no type was declared");
    edit(0, "\"square\"", "\"oval\", \"code\": \"x\"");
    edit(1, "\"carat\": 0", "\"carat\": 1, \"code\": \"x\"");
    edit(2, "\"carat\": 2", "\"carat\": 2, \"code\": \"x\"");
    assert!(there.told(&["import", "gems", "--dry-run"]).contains("3 items would be created"));
    // Who declares no types is told so beforehand, too.
    let account = json!({"username": UMA.0, "password": UMA.1, "role": "user"});
    to.server.admin().await.create("accounts", &account).await.unwrap();
    let uma = User::of(&to.server, &place.folder, UMA).await;
    let said = uma.refused(&["import", "gems", "--dry-run"]);
    assert!(said.contains("has no types Gem, and only administrators declare some"), "{said}");
    let said = there.told(&["import", "gems"]);
    assert!(said.contains("3 items created") && said.contains("1 type created"), "{said}");
    let said = there.told(&["import", "gems"]);
    assert!(said.contains("3 there already") && !said.contains("another way"), "{said}");
    let said = uma.told(&["import", "gems", "--dry-run"]);
    assert!(
        said.contains("3 items would be created") && said.contains("only administrators keep them"),
        "{said}"
    );
}

/// Two exports of the same items are two imports: none is answered with what the other one has made.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_to_be_made_is_there() {
    let (place, client) = place().await;
    let tasks: Vec<Value> = (0..3).map(|index| json!({"name": format!("t{index}")})).collect();
    client.create("task", &json!(tasks)).await.unwrap();
    let admin = place.admin().await;
    admin.told(&["export", "one", "--type", "task"]);
    admin.told(&["export", "other", "--type", "task"]);
    let uma = User::of(&place.server, &place.folder, UMA).await;
    assert!(uma.told(&["import", "one"]).contains("3 items created"));
    let me =
        client.list("accounts", &ListQuery::default().with("username", "uma")).await.unwrap().items[0]["id"]
            .clone();
    for task in of(&client, "task", &me).await {
        client.delete("task", task["id"].as_str().unwrap()).await.unwrap();
    }
    assert!(uma.told(&["import", "other"]).contains("3 items created"));
    assert_eq!(of(&client, "task", &me).await.len(), 3);
    assert!(uma.told(&["import", "one"]).contains("3 items created"), "they have gone since");
    assert_eq!(of(&client, "task", &me).await.len(), 6);
    assert!(uma.told(&["import", "one"]).contains("0 items created, 0 changed, 3 there already"));
}

/// A document by hand says what is to be said: its path says the rest, and what the server adds stays.
#[tokio::test(flavor = "multi_thread")]
async fn documents_by_hand_need_say_little() {
    let (place, client) = place().await;
    let id = "0198a7c2-0000-7000-8000-00000000000b";
    let root = place.folder.join("hand");
    for (path, text) in [
        ("realnet-export.json".to_owned(), "{\"format\": 1}"),
        (format!("items/Document/{id}.json"), "{\"name\": \"a.txt\"}"),
        (format!("data/{id}"), "some words"),
    ] {
        std::fs::create_dir_all(root.join(&path).parent().unwrap()).unwrap();
        std::fs::write(root.join(&path), text).unwrap();
    }
    let admin = place.admin().await;
    let said = admin.told(&["import", "hand"]);
    assert!(said.contains("1 item created") && said.contains("1 content sent"), "{said}");
    let item = client.get("files", id).await.unwrap();
    assert!(item["attributes"]["content_type"].is_string(), "{item}");
    for arguments in [&["import", "hand"][..], &["import", "hand", "--overwrite"]] {
        let said = admin.told(arguments);
        assert!(
            said.contains("0 items created, 0 changed, 1 there already") && !said.contains("form"),
            "{said}"
        );
    }
    assert_eq!(client.get("files", id).await.unwrap(), item);
    // A content that somebody has taken away stays away, until it is to be as in the export.
    let gone = client.patch("files", id, &json!({"name": "b.txt"}), None).await.unwrap();
    crate::shop::take_content_away(&place.server, id).await;
    for arguments in [&["import", "hand", "--dry-run"][..], &["import", "hand"]] {
        let said = admin.told(arguments);
        assert!(said.contains("2 parts here in another form") && !said.contains("sent"), "{said}");
    }
    let said = admin.told(&["import", "hand", "--overwrite"]);
    assert!(said.contains("1 changed") && said.contains("1 content sent"), "{said}");
    assert_eq!(gone["name"], "b.txt");
}

/// Who sees all orgs imports into their own: what another one has under an id is no item of theirs.
#[tokio::test(flavor = "multi_thread")]
async fn items_of_other_orgs_are_others() {
    let (place, client) = place().await;
    let org = client.create("orgs", &json!({"name": "Bistro"})).await.unwrap();
    let chef =
        json!({"username": "chef", "password": "correct-horse-chef", "role": "admin", "org": org["id"]});
    client.create("accounts", &chef).await.unwrap();
    let from = Place::start();
    from.server.admin().await.create("task", &json!({"name": "mine"})).await.unwrap();
    let exporter = User::admin(&from.server, &place.folder).await;
    exporter.told(&["export", "tasks", "--type", "task"]);
    let chef =
        User::in_org(&place.server, &place.folder, ("chef", "correct-horse-chef"), Some("Bistro")).await;
    assert!(chef.told(&["import", "tasks"]).contains("1 item created"));
    let all = async || client.list("task", &ListQuery::default()).await.unwrap().items;
    let before = all().await;
    assert_eq!((before.len(), &before[0]["org"]), (1, &org["id"]));
    chef.told(&["update", "task", before[0]["id"].as_str().unwrap(), "--name", "theirs"]);
    let before = all().await;
    let admin = place.admin().await;
    for arguments in [&["import", "tasks"][..], &["import", "tasks", "--overwrite"]] {
        let said = admin.told(arguments);
        assert!(said.contains("0 items created, 0 changed, 0 there already"), "{said}");
        assert!(said.contains("1 id of another item here") && said.contains("(in the org "), "{said}");
    }
    assert_eq!(all().await, before);
    assert!(admin.told(&["import", "tasks", "--new-ids"]).contains("1 item created"));
    assert_eq!(all().await.len(), 2);
}

/// What refers to an id that another item has here is refused before anything is made, or leaves the reference out.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_put_below_what_somebody_has_here() {
    let (place, client) = place().await;
    let group = client.create("groups", &json!({"name": "Staff"})).await.unwrap();
    let (above, below) = (group["id"].as_str().unwrap(), "0198a7c2-0000-7000-8000-00000000000c");
    let root = place.folder.join("below");
    std::fs::create_dir_all(root.join("items/Task")).unwrap();
    std::fs::write(root.join("realnet-export.json"), "{\"format\": 1}").unwrap();
    for (id, document) in [(above, json!({"name": "t"})), (below, json!({"name": "u", "parent_id": above}))] {
        std::fs::write(root.join(format!("items/Task/{id}.json")), document.to_string()).unwrap();
    }
    let admin = place.admin().await;
    for arguments in [&["import", "below", "--dry-run"][..], &["import", "below"]] {
        let said = admin.refused(arguments);
        assert!(
            said.contains("nothing was imported") && said.contains("other items have here (1)"),
            "{said}"
        );
        assert!(
            said.contains(&format!("items/Task/{below}.json refers to items/Task/{above}.json")),
            "{said}"
        );
    }
    let said = admin.told(&["import", "below", "--drop-missing"]);
    assert!(said.contains("1 item created") && said.contains("1 id of another item here"), "{said}");
    assert!(client.get("task", below).await.unwrap()["parent_id"].is_null());
}
