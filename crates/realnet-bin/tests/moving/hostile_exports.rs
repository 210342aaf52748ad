//! Exports that are not in order: what is wrong is said by name and place, and nothing of them is imported.

use std::path::Path;

use realnet_client::ListQuery;
use serde_json::{Value, json};

use crate::travellers::{Place, fill};

/// Copies a folder.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

/// What makes an export wrong.
type Spoil<'a> = Box<dyn Fn(&Path) + 'a>;

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::too_many_lines, reason = "one case after the other")]
async fn nothing_is_imported_of_what_is_not_in_order() {
    let from = Place::start();
    let ids = fill(&from.server).await;
    let user = from.admin().await;
    user.told(&["export", "good", "--with-data"]);
    user.told(&["export", "good.yaml", "--with-data", "--format", "yaml"]);
    user.told(&["export", "good.xml", "--with-data", "--format", "xml"]);
    let to = Place::start();
    let there = crate::travellers::User::admin(&to.server, &from.folder).await;
    let before = to.count().await;
    let author = format!("items/Author/{}.json", ids["anna"]);
    let other = "00000000-0000-4000-8000-000000000001";
    let write = |path: String, text: &'static str| -> Spoil<'_> {
        Box::new(move |root| {
            let path = root.join(&path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        })
    };
    let cases: Vec<(&str, Spoil<'_>, Vec<String>)> = vec![
        (
            "good",
            write(author.clone(), "{\n  \"id\": nope\n}"),
            vec![author.clone(), "line 2, column".to_owned()],
        ),
        (
            "good.yaml",
            write(author.replace("json", "yaml"), "id: [\ntype: Author"),
            vec![author.replace("json", "yaml"), "line ".to_owned()],
        ),
        (
            "good.xml",
            write(author.replace("json", "xml"), "<!DOCTYPE x [<!ENTITY e 'x'>]>\n<a>&e;</a>"),
            vec![author.replace("json", "xml"), "line 1".to_owned()],
        ),
        ("good", write(author.clone(), "[]"), vec!["expected an object".to_owned()]),
        (
            "good",
            write(format!("items/Author/{other}.json"), "{\"id\": \"{}\"}"),
            vec!["the id is not the name".to_owned()],
        ),
        ("good", write("notes.txt".to_owned(), "x"), vec!["notes.txt: does not belong there".to_owned()]),
        (
            "good",
            write("items/Author/x/y.json".to_owned(), "x"),
            vec!["items/Author/x: is a folder that".to_owned()],
        ),
        (
            "good",
            write(format!("data/{other}"), "x"),
            vec!["there is no item to have this content".to_owned()],
        ),
        (
            "good",
            write(format!("data/{}", ids["file"]), "something else"),
            vec![format!("data/{}: has 14 bytes, and its document says 300008", ids["file"])],
        ),
        (
            "good",
            write("types/Author.yaml".to_owned(), "name: Author"),
            vec!["the type is declared twice".to_owned()],
        ),
        (
            "good",
            write("types/Book.json".to_owned(), "{\"name\": \"Author\"}"),
            vec!["is not that of the file".to_owned()],
        ),
        ("good", write("realnet-export.json".to_owned(), "{\"format\": 7}"), vec!["newer form".to_owned()]),
        (
            "good",
            Box::new(|root| {
                let document = format!("{{\"id\": \"{}\", \"type\": \"Book\"}}", ids["anna"]);
                std::fs::create_dir_all(root.join("items/Book")).unwrap();
                std::fs::write(root.join(format!("items/Book/{}.json", ids["anna"])), document).unwrap();
            }),
            vec![format!("has the id of {author}")],
        ),
        (
            "good",
            Box::new(|root| {
                let document = format!("{{\"id\": \"{other}\", \"type\": \"Vanished\"}}");
                std::fs::create_dir_all(root.join("items/Vanished")).unwrap();
                std::fs::write(root.join(format!("items/Vanished/{other}.json")), document).unwrap();
            }),
            vec!["there is no type Vanished".to_owned()],
        ),
        (
            "good",
            Box::new(|root| {
                for (one, another) in [("anna", "bert"), ("bert", "anna")] {
                    let path = root.join(format!("items/Author/{}.json", ids[one]));
                    let mut document: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
                    document["parent_id"] = json!(ids[another]);
                    std::fs::write(path, document.to_string()).unwrap();
                }
            }),
            vec!["in a circle".to_owned(), author.clone()],
        ),
        #[cfg(unix)]
        (
            "good",
            Box::new(|root| {
                let path = root.join(&author);
                std::fs::rename(&path, root.join("../elsewhere")).unwrap();
                std::os::unix::fs::symlink("../../../elsewhere", path).unwrap();
            }),
            vec![format!("{author}: is no file")],
        ),
        (
            "good",
            Box::new(|root| std::fs::remove_file(root.join("realnet-export.json")).unwrap()),
            vec!["is no export".to_owned()],
        ),
    ];
    for (number, (base, spoil, words)) in cases.iter().enumerate() {
        let name = format!("bad{number}");
        let root = from.folder.join(&name);
        copy(&from.folder.join(base), &root);
        spoil(&root);
        for arguments in [&["import", &name][..], &["import", &name, "--dry-run"]] {
            let said = there.refused(arguments);
            for word in words {
                assert!(said.contains(word.as_str()), "case {number}, {word}: {said}");
            }
            assert!(said.contains(&name), "case {number} names no folder: {said}");
        }
        assert_eq!(to.count().await, before, "case {number}");
    }
    let types = to.server.admin().await.type_definition("Author").await;
    assert_eq!(types.unwrap_err().status(), Some(404), "no type was declared");

    // What is found on the way ends it where it stands: a content as long as its document says, and another one.
    copy(&from.folder.join("good"), &from.folder.join("other"));
    std::fs::write(from.folder.join(format!("other/data/{}", ids["file"])), vec![7; 300_008]).unwrap();
    let said = there.refused(&["import", "other"]);
    assert!(said.contains(&format!("data/{}: has other bytes", ids["file"])), "{said}");
    let said = there.told(&["import", "good"]);
    assert!(said.contains("7 there already") && said.contains("1 content sent"), "{said}");
    for (source, word) in
        [("nowhere", "No such file"), ("good/realnet-export.json", "is no export"), ("", "")]
    {
        let said = there.refused(&["import", source]);
        assert!(said.contains(word), "{source}: {said}");
    }
}

/// An item of another type that has the id of a document stays what it is, whatever is wanted.
#[tokio::test(flavor = "multi_thread")]
async fn other_items_are_not_overwritten() {
    let place = Place::start();
    let client = place.server.admin().await;
    let group = client.create("groups", &json!({"name": "Staff"})).await.unwrap();
    let id = group["id"].as_str().unwrap();
    let folder = place.folder.join("planted/items/Task");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(place.folder.join("planted/realnet-export.json"), "{\"format\": 1}").unwrap();
    let document = json!({"id": id, "type": "Task", "name": "mine", "public": true});
    std::fs::write(folder.join(format!("{id}.json")), document.to_string()).unwrap();
    let user = place.admin().await;
    for arguments in [&["import", "planted"][..], &["import", "planted", "--overwrite"]] {
        let said = user.told(arguments);
        assert!(
            said.contains("0 items created, 0 changed, 0 there")
                && said.contains("1 id of another item here")
                && said.contains("(of type Group)"),
            "{said}"
        );
    }
    assert_eq!(client.get("groups", id).await.unwrap(), group);
}

/// An id that somebody else's item has is refused in words that tell nothing of it; ids of new items are the administrators' to give, and
/// not those of accounts.
#[tokio::test(flavor = "multi_thread")]
async fn ids_are_given_by_administrators_only() {
    let place = Place::start();
    let root = place.server.admin().await;
    let org = root.create("orgs", &json!({"name": "Other"})).await.unwrap();
    let password = "correct-horse-other";
    let account = json!({"username": "boss", "password": password, "role": "admin", "org": org["id"]});
    root.create("accounts", &account).await.unwrap();
    root.create("accounts", &json!({"username": "uma", "password": "correct-horse-uma", "role": "user"}))
        .await
        .unwrap();
    let mut boss = realnet_client::Client::new(&place.server.address).unwrap();
    boss.authenticate("boss", password, Some("Other")).await.unwrap();
    let mut uma = realnet_client::Client::new(&place.server.address).unwrap();
    uma.authenticate("uma", "correct-horse-uma", None).await.unwrap();

    let id = "0198a7c2-0000-7000-8000-000000000001";
    let body = json!({"name": "mine", "id": id});
    let refused = uma.create("task", &body).await.unwrap_err();
    assert_eq!((refused.status(), refused.problem().unwrap().errors[0].pointer.as_str()), (Some(422), "/id"));
    assert_eq!(root.create("task", &body).await.unwrap()["id"], id);
    let mut words = Vec::new();
    for client in [&root, &boss] {
        let taken = client.create("task", &body).await.unwrap_err();
        assert_eq!(taken.status(), Some(409));
        words.push(taken.to_string());
    }
    assert_eq!(words[0], words[1], "whose it is makes no difference");
    for (body, pointer) in [
        (json!({"id": "nonsense"}), "/id"),
        (json!({"id": 7}), "/id"),
        (json!({"id": "00000000-0000-0000-0000-000000000000"}), "/id"),
        (json!({"id": "ffffffff-ffff-ffff-ffff-ffffffffffff"}), "/id"),
        (json!({"id": "0198a7c2-0000-7000-8000-000000000002", "version": 3}), "/version"),
    ] {
        let refused = root.create("task", &body).await.unwrap_err();
        assert_eq!(
            (refused.status(), refused.problem().unwrap().errors[0].pointer.as_str()),
            (Some(422), pointer),
            "{body}"
        );
    }
    for (resource, body) in [
        ("accounts", json!({"username": "new", "id": "0198a7c2-0000-7000-8000-000000000003"})),
        ("items", json!({"type": "Group", "name": "new", "id": "0198a7c2-0000-7000-8000-000000000003"})),
    ] {
        let refused = root.create(resource, &body).await.unwrap_err();
        assert_eq!(refused.status(), Some(422), "{resource}");
    }
    // It comes back after a deletion, as another item.
    let first = root.history("task", id, &realnet_client::ListQuery::default()).await.unwrap();
    root.delete("task", id).await.unwrap();
    let again = root.create("task", &json!({"name": "again", "id": id})).await.unwrap();
    assert_eq!((&again["version"], &again["name"]), (&json!(1), &json!("again")));
    let second = root.history("task", id, &realnet_client::ListQuery::default()).await.unwrap();
    assert_eq!((first.items.len(), second.items.len()), (1, 1), "its history is its own");
    assert_ne!(first.items[0], second.items[0]);
}

/// What says who may do what is imported by who names it only, whatever the export calls it, and is told then.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_let_in_by_an_export_unasked() {
    let place = Place::start();
    let client = place.server.admin().await;
    let bob = json!({"username": "bob", "password": "correct-horse-bob", "role": "user"});
    let bob = client.create("accounts", &bob).await.unwrap();
    let id = "0198a7c2-0000-7000-8000-00000000000a";
    let account = |id: &str, type_name: &str, attributes: Value| {
        json!({"id": id, "type": type_name, "name": "m", "attributes": attributes}).to_string()
    };
    let secret = "stranger-password-1";
    let mallory = json!({"username": "mallory", "role": "admin", "password": secret});
    let staff = r#"{"name": "Staff", "base": "Account"}"#;
    let write = |folder: &str, files: &[(String, String)]| {
        let root = place.folder.join(folder);
        let head = ("realnet-export.json".to_owned(), r#"{"format": 1}"#.to_owned());
        for (path, text) in files.iter().chain([&head]) {
            std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            std::fs::write(root.join(path), text).unwrap();
        }
    };
    let item = |type_name: &str, id: &str| format!("items/{type_name}/{id}.json");
    let of_bob = bob["id"].as_str().unwrap();
    write("new", &[(item("Account", id), account(id, "Account", mallory.clone()))]);
    write(
        "below",
        &[
            (item("Staff", id), account(id, "Staff", mallory)),
            ("types/Staff.json".to_owned(), staff.to_owned()),
        ],
    );
    write(
        "raised",
        &[(item("Account", of_bob), account(of_bob, "Account", json!({"username": "bob", "role": "admin"})))],
    );
    write(
        "door",
        &[(
            item("Auth", id),
            account(id, "Auth", json!({"issuer": "https://stranger.test", "create_accounts": true})),
        )],
    );
    let admin = place.admin().await;
    let accounts = async || {
        let query = ListQuery::default().with("order", "id");
        (
            client.list("accounts", &query).await.unwrap().items,
            client.list("auths", &query).await.unwrap().items,
        )
    };
    let before = accounts().await;
    for (folder, flag) in [
        ("new", "--with account"),
        ("below", "--with staff"),
        ("raised", "--with account"),
        ("door", "--with auth"),
    ] {
        for more in [&["--dry-run"][..], &["--new-ids"], &["--overwrite"], &["--with", "group"]] {
            let said = admin.refused(&[&["import", folder][..], more].concat());
            assert!(
                said.contains("who may do what here") && said.contains(flag),
                "{folder} {more:?}: {said}"
            );
        }
    }
    assert_eq!(accounts().await, before, "nothing has changed");
    assert!(client.type_definition("Staff").await.is_err(), "nor was a type declared");
    let said = admin.told(&["import", "new", "--new-ids", "--with", "Account"]);
    assert!(said.contains("1 item created") && said.contains("1 Account with the role admin"), "{said}");
    let said = admin.told(&["import", "raised", "--overwrite", "--with", "account", "--dry-run"]);
    assert!(said.contains("1 would be changed") && said.contains("1 Account with the role admin"), "{said}");
}
