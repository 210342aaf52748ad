//! What an export does not hold, or holds of several orgs, and what an import misses: it is said where it can still be mended.

use serde_json::{Value, json};

use crate::common::{run, text};
use crate::shop::content;
use crate::travellers::{Place, User, fill};

/// Contents that were not asked for, and those that got lost on the way.
#[tokio::test(flavor = "multi_thread")]
async fn contents_that_stay_behind_are_told() {
    let from = Place::start();
    let ids = fill(&from.server).await;
    let user = from.admin().await;
    for arguments in [&["export", "plain", "--dry-run"][..], &["export", "plain"]] {
        let said = user.told(arguments);
        assert!(said.contains("7 items, 3 types, 0 contents"), "{said}");
        assert!(
            said.contains("left behind: 1 content of files, which --with-data would take along"),
            "{said}"
        );
    }
    let said = user.told(&["export", "whole", "--with-data"]);
    assert!(said.contains("1 content") && !said.contains("left behind"), "{said}");

    let to = Place::start();
    let there = User::admin(&to.server, &from.folder).await;
    let data = format!("data/{}", ids["file"]);
    let is_missed =
        |said: &str| said.contains("1 content of files not in the export") && said.contains(&data);
    assert!(is_missed(&there.told(&["import", "plain", "--dry-run"])));
    assert!(is_missed(&there.told(&["import", "plain"])));
    let said = there.told(&["import", "plain"]);
    assert!(is_missed(&said) && said.contains("7 there already"), "{said}");
    // An item without a content may have been left without, and has been made by another import.
    for more in [&["--dry-run"][..], &[]] {
        let said = there.told(&[&["import", "whole"][..], more].concat());
        assert!(said.contains("1 part here in another form") && said.contains(&data), "{said}");
    }
    let said = there.told(&["import", "whole", "--overwrite", "--dry-run"]);
    assert!(said.contains("1 content would be sent"), "{said}");
    let said = there.told(&["import", "whole", "--overwrite"]);
    assert!(said.contains("1 content sent") && !is_missed(&said), "{said}");
    assert_eq!(content(&to.server, &ids["file"]).await.len(), 300_008);
    let said = there.told(&["import", "plain"]);
    assert!(!is_missed(&said), "it is here: {said}");

    std::fs::remove_file(from.folder.join("whole").join(&data)).unwrap();
    let other = Place::start();
    let there = User::admin(&other.server, &from.folder).await;
    let said = there.told(&["import", "whole"]);
    assert!(said.contains("7 items created") && is_missed(&said), "{said}");
}

/// A superuser sees all orgs, and takes one.
#[tokio::test(flavor = "multi_thread")]
async fn items_of_several_orgs_are_told_apart() {
    let from = Place::start();
    let root = from.server.admin().await;
    let org = root.create("orgs", &json!({"name": "Bistro"})).await.unwrap();
    let password = "correct-horse-other";
    let account = json!({"username": "boss", "password": password, "role": "admin", "org": org["id"]});
    root.create("accounts", &account).await.unwrap();
    let mut boss = realnet_client::Client::new(&from.server.address).unwrap();
    boss.authenticate("boss", password, Some("Bistro")).await.unwrap();
    boss.create("task", &json!([{"name": "one"}, {"name": "two"}])).await.unwrap();
    root.create("task", &json!({"name": "ours"})).await.unwrap();
    boss.apply(&json!({"types": [{"name": "Dish", "base": "Item"}]}), &[]).await.unwrap();
    boss.create("dish", &json!({"name": "soup"})).await.unwrap();

    let user = from.admin().await;
    for arguments in
        [&["export", "two", "--type", "task", "--dry-run"][..], &["export", "two", "--type", "task"]]
    {
        let said = user.told(arguments);
        assert!(said.contains("3 items") && said.contains("items of 2 orgs: Bistro 2, "), "{said}");
        assert!(said.contains("--org NAME takes one"), "{said}");
    }
    for (folder, name) in [("by-name", "bistro"), ("by-id", org["id"].as_str().unwrap())] {
        let said = user.told(&["export", folder, "--type", "task", "--org", name]);
        assert!(said.contains("exported 2 items") && !said.contains("orgs"), "{said}");
    }
    let said = user.refused(&["export", "none", "--org", "Nowhere"]);
    assert!(said.contains("there is no org Nowhere") && !from.folder.join("none").exists(), "{said}");
    let said = user.told(&["export", "all", "--org", "Bistro"]);
    assert!(said.contains("3 items") && said.contains("not read the declarations"), "{said}");
    assert!(said.contains("take their items: Dish"), "{said}");

    let to = Place::start();
    let there = User::admin(&to.server, &from.folder).await;
    for arguments in [&["import", "two", "--dry-run"][..], &["import", "two"]] {
        let said = there.told(arguments);
        assert!(said.contains("the export has items of 2 orgs: Bistro 2, "), "{said}");
    }
    let said = there.told(&["import", "by-name"]);
    assert!(said.contains("2 there already") && !said.contains("orgs"), "{said}");
}

/// A key for some resources reads the declarations of these, and says which others it would need.
#[tokio::test(flavor = "multi_thread")]
async fn declarations_that_a_key_can_not_read_are_told() {
    let place = Place::start();
    fill(&place.server).await;
    let user = place.admin().await;
    user.told(&["export", "all"]);
    let by_key = |scope: &str, arguments: &[&str]| {
        let made = run(&mut user.command(&["keys", "create", scope, "--scope", scope]));
        let key = String::from_utf8(made.stdout).unwrap();
        let done = run(user.command(arguments).env("REALNET_TOKEN", key.trim()));
        assert!(done.status.success(), "{scope}: {}", text(&done));
        text(&done)
    };
    let said = by_key("author:read", &["export", "authors", "--type", "author"]);
    assert!(said.contains("exported 2 items, 1 type") && !said.contains("declarations"), "{said}");
    let read = |folder: &str| -> Value {
        let path = place.folder.join(folder).join("types/Author.json");
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    };
    assert_eq!(read("authors")["fields"], read("all")["fields"]);
    let said = by_key("novel:read", &["export", "novels", "--type", "novel"]);
    assert!(said.contains("exported 1 item, 2 types"), "{said}");
    assert!(said.contains("you can not read the declarations of these types"), "{said}");
    assert!(said.contains("take their items: Author"), "{said}");
}

/// Other kinds of archives are not meant by a folder of such a name.
#[tokio::test(flavor = "multi_thread")]
async fn other_archives_are_refused() {
    let place = Place::start();
    let user = place.admin().await;
    for name in ["shop.zip", "shop.tar"] {
        for arguments in [&["export", name][..], &["export", name, "--dry-run"]] {
            let said = user.refused(arguments);
            assert!(said.contains("archives are .tar.gz or .tar.zst"), "{said}");
        }
        assert!(!place.folder.join(name).exists());
    }
    user.told(&["export", "shop.tgz"]);
    assert!(place.folder.join("shop.tgz").is_file());
}
