//! Commands for what REST has besides items one by one: histories, grants, batches, all that match, types.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::shell::Shell;
use common::{ADMIN, realnet, run, text};
use serde_json::{Value, json};

/// A server with a type of its own and three items of it.
fn shop() -> Shell {
    let shell = Shell::signed_in();
    shell.write(
        "shop.json",
        r#"{"types": [{"name": "Product", "fields": [{"name": "price", "type": "number"}, {"name": "kind", "type": "string"}]}]}"#,
    );
    shell.json(&["apply", "shop.json"]);
    for (name, price) in [("Tea", "3"), ("Cup", "7"), ("Pot", "20")] {
        shell.json(&["create", "product", "--name", name, "--price", price]);
    }
    shell
}

fn id_of(shell: &Shell, name: &str) -> String {
    shell.json(&["get", "product", &format!("name={name}")])[0]["id"].as_str().unwrap().to_owned()
}

fn names(shell: &Shell) -> Vec<String> {
    let items = shell.json(&["get", "product", "order=name"]);
    items.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_history_shows_what_has_changed() {
    let shell = shop();
    let id = id_of(&shell, "Tea");
    for price in ["4", "5"] {
        shell.json(&["update", "product", &id, "--price", price]);
    }
    let (table, _) = shell.both(&["history", "product", &id, "-o", "table"]);
    assert!(table.contains("price: 3 → 4") && table.contains("price: 4 → 5"), "{table}");
    let (csv, more) = shell.both(&["history", "product", &id, "-o", "csv", "--limit", "1"]);
    assert!(csv.starts_with("version,at,kind,actor,changed\n3,") && csv.lines().count() == 2, "{csv}");
    assert!(more.contains("--all"), "{more}");
    let all = shell.json(&["history", "product", &id, "--all"]);
    assert_eq!((all.as_array().unwrap().len(), &all[2]["kind"]), (3, &json!("create")));
    assert_eq!(all[0]["before"]["attributes"]["price"], 4);
    assert_eq!(shell.failure(&["history", "product", "Tea"]).0, 2);
}

#[test]
fn figures_are_shown_in_the_order_asked_for() {
    let shell = shop();
    for (name, kind) in [("Tea", "food"), ("Cup", "ware"), ("Pot", "ware")] {
        shell.json(&["update", "product", &id_of(&shell, name), "--kind", kind]);
    }
    let asked = ["aggregate", "product", "--select", "sum(price),count(),avg(price)", "--group", "kind"];
    assert_eq!(
        shell.json(&asked)[1],
        json!({"kind": "ware", "sum(price)": 27, "count()": 2, "avg(price)": 13.5})
    );
    let (csv, _) = shell.both(&[&asked[..], &["price=gt.5", "-o", "csv"]].concat());
    assert_eq!(csv, "kind,sum(price),count(),avg(price)\nware,27,2,13.5\n");
    let (table, _) = shell.both(&["aggregate", "product", "-o", "table"]);
    assert!(table.contains("count()") && table.contains('3'), "{table}");
    let (code, words) = shell.failure(&["aggregate", "product", "--select", "sum(kind)"]);
    assert!(code == 1 && words.contains("takes numbers"), "{words}");
    assert_eq!(shell.failure(&["aggregate", "product", "word"]).0, 2);
}

#[test]
fn grants_are_shown_shared_and_taken_away_by_name() {
    let shell = shop();
    shell.json(&["create", "account", "--username", "bob", "--password", "bob-long-password"]);
    shell.json(&["create", "group", "--name", "Cooks"]);
    let id = id_of(&shell, "Tea");
    let bobs = |arguments: &[&str]| {
        let mut command = realnet(&shell.folder);
        command
            .env("XDG_CONFIG_HOME", shell.folder.join("bob"))
            .env("REALNET_SERVER_URL", &shell.server.address);
        run(command.args(arguments))
    };
    assert!(bobs(&["login", "--username", "bob", "--password", "bob-long-password"]).status.success());
    assert!(!bobs(&["get", "product", &id]).status.success());
    // An item: by names that are looked up.
    let grants = shell.json(&[
        "acl",
        "product",
        &id,
        "--share",
        "account:bob=read",
        "--share",
        "group:Cooks=read,write",
    ]);
    assert_eq!(grants.as_array().unwrap().len(), 2, "{grants}");
    assert!(bobs(&["get", "product", &id]).status.success());
    let grants =
        shell.json(&["acl", "product", &id, "--revoke", "account:bob", "--share", "group:Cooks=delete"]);
    assert_eq!(grants[0]["permissions"], json!(["read", "write", "delete"]), "{grants}");
    assert!(!bobs(&["get", "product", &id]).status.success());
    let (_, words) = shell.both(&["acl", "product", &id, "--revoke", "account:bob"]);
    assert!(words.contains("nothing is granted to account:bob"), "{words}");
    // A type: what was inherited stays.
    let before = shell.json(&["acl", "product"]);
    let after = shell.json(&["acl", "product", "--share", "role:user=read"]);
    let of_user = after.as_array().unwrap().iter().find(|grant| grant["subject"]["id"] == "user").unwrap();
    assert_eq!(of_user["permissions"], json!(["create", "read"]), "{before} {after}");
    assert!(bobs(&["get", "product", &id]).status.success());
    let (table, _) = shell.both(&["acl", "product", "-o", "table"]);
    assert!(table.contains("create, read"), "{table}");
    assert_eq!(shell.json(&["acl", "product", "--reset"]), before);
    shell.write("grants.json", r#"[{"subject": {"type": "public"}, "permissions": ["read"]}]"#);
    shell.json(&["acl", "product", "--set", "grants.json"]);
    assert!(
        run(realnet(&shell.folder)
            .args(["get", "product", &id, "--server", &shell.server.address])
            .env("XDG_CONFIG_HOME", shell.folder.join("nobody")))
        .status
        .success()
    );
    for (wrong, expected) in [
        (&["acl", "product", "--share", "bob=read"][..], "account:NAME"),
        (&["acl", "product", "--share", "role:user"], "WHO=PERMISSION"),
        (&["acl", "product", &id, "--reset"], "for types"),
        (&["acl", "product", "--reset", "--set", "grants.json"], "exclude"),
    ] {
        let (code, words) = shell.failure(wrong);
        assert!(code == 2 && words.contains(expected), "{wrong:?}: {words}");
    }
    let (code, words) = shell.failure(&["acl", "product", &id, "--share", "account:eve=read"]);
    assert!(code == 1 && words.contains("no account eve"), "{words}");
}

#[test]
fn a_batch_is_all_or_nothing() {
    let shell = shop();
    let id = id_of(&shell, "Tea");
    let operations = |price: &str| {
        format!(
            r#"[{{"operation": "create", "resource": "product", "body": {{"name": "Jar", "price": 2}}}},
                {{"operation": "patch", "resource": "product", "id": "{id}", "body": {{"price": {price}}}}},
                {{"operation": "delete", "resource": "product", "id": "{}"}}]"#,
            id_of(&shell, "Cup")
        )
    };
    shell.write("batch.json", &operations("\"dear\""));
    let (code, words) = shell.failure(&["batch", "batch.json"]);
    assert!(
        code == 1 && words.contains("operation 2 of 3 (patch product)") && words.contains("none"),
        "{words}"
    );
    assert_eq!(names(&shell), ["Cup", "Pot", "Tea"]);
    shell.write("batch.json", &format!("{{\"operations\": {}}}", operations("4")));
    let (csv, _) = shell.both(&["batch", "batch.json", "-o", "csv"]);
    assert!(csv.contains("create,") && csv.contains("delete,"), "{csv}");
    assert_eq!(names(&shell), ["Jar", "Pot", "Tea"]);
    shell.write("batch.json", "{\"name\": \"x\"}");
    assert!(shell.failure(&["batch", "batch.json"]).1.contains("a list of operations"));
}

#[test]
fn what_matches_is_shown_and_asked_about_before_it_changes() {
    let shell = shop();
    let (found, words) = shell.both(&["delete", "product", "price=gt.5", "--dry-run", "-o", "csv"]);
    assert!(found.contains("Cup") && found.contains("Pot") && !found.contains("Tea"), "{found}");
    assert!(words.contains("would delete 2 items of product"), "{words}");
    let (code, words) = shell.failure(&["delete", "product", "price=gt.5"]);
    assert!(
        code == 2 && words.contains("2 items") && words.contains("--yes") && words.contains("--dry-run"),
        "{words}"
    );
    assert_eq!(names(&shell).len(), 3, "nobody was there to ask");
    let (_, words) =
        shell.both(&["update", "product", "price=gt.5", "--kind", "dear", "--price", "30", "--dry-run"]);
    assert!(words.contains("would change 2 items"), "{words}");
    // What would be refused is refused in the same words, and nothing changes either way.
    let wrong = ["update", "product", "price=gt.5", "--data", r#"{"price": "cheap"}"#];
    let dry = shell.failure(&[&wrong[..], &["--dry-run"]].concat());
    let real = shell.failure(&[&wrong[..], &["--yes"]].concat());
    assert!(dry.0 == 1 && dry.1.contains("price"), "{}", dry.1);
    assert_eq!(dry, real);
    assert_eq!(shell.json(&["get", "product", "price=gt.5"]).as_array().unwrap().len(), 2);
    let (_, words) =
        shell.both(&["update", "product", "price=gt.5", "name=like.P*", "--kind", "dear", "--yes"]);
    assert!(words.contains("changed 1"), "{words}");
    assert_eq!(shell.json(&["get", "product", "kind=dear"]).as_array().unwrap().len(), 1);
    let (_, words) = shell.both(&["delete", "product", "price=gt.5", "--yes"]);
    assert!(words.contains("deleted 2"), "{words}");
    assert_eq!(names(&shell), ["Tea"]);
    let (_, words) = shell.both(&["delete", "product", "price=gt.5", "--yes"]);
    assert!(words.contains("nothing matches"), "{words}");
    // A mistyped name with neq matches everything: it is refused.
    let (code, words) = shell.failure(&["delete", "product", "prise=neq.5", "--yes"]);
    assert!(code == 1 && words.contains("prise"), "{words}");
    assert_eq!(names(&shell), ["Tea"]);
    let (code, words) = shell.failure(&["delete", "product", &id_of(&shell, "Tea"), "--dry-run"]);
    assert!(code == 2 && words.contains("filters"), "{words}");
    let (_, words) = shell.both(&["delete", "product", &id_of(&shell, "Tea"), "--yes"]);
    assert_eq!(
        words, "deleted 1\n",
        "nothing is asked about one, so nothing is in the way of who says yes by habit"
    );
    let (code, words) = shell.failure(&["update", "product", "--price", "2"]);
    assert!(code == 2 && words.contains("--price comes too early"), "{words}");
}

#[test]
fn types_are_changed_and_deleted_by_name() {
    let shell = shop();
    let own = shell.json(&["get", "types", "--own"]);
    let own: Vec<&str> = own.as_array().unwrap().iter().map(|info| info["name"].as_str().unwrap()).collect();
    assert_eq!(own, ["Product"]);
    let begins = shell.json(&["get", "types", "name=prod"]);
    assert_eq!(begins.as_array().unwrap().len(), 1, "{begins}");
    assert_eq!(shell.failure(&["get", "product", "--own"]).0, 2);
    shell.json(&["update", "types", "Product", "--data", r#"{"icon": "sell"}"#]);
    assert_eq!(shell.json(&["get", "types", "Product"])["attributes"]["icon"], "sell");
    shell.json(&["create", "types", "--name", "Sort", "--base", "Item"]);
    assert!(shell.run(&["delete", "types", "Sort"]).status.success());
    let (code, words) = shell.failure(&["delete", "types", "Product", "--yes"]);
    assert!(code == 1 && words.contains("Product") && !words.contains("is no id"), "{words}");
    let (code, words) = shell.failure(&["delete", "types", "name=Product", "--yes"]);
    assert!(code == 2 && words.contains("by name"), "{words}");
}

#[test]
fn what_looks_mistyped_is_told() {
    let shell = shop();
    for (arguments, meant) in [
        (&["get", "product", "limt=3"][..], "is limit meant?"),
        (&["get", "product", "--limti", "5"], "is limit meant?"),
        (&["get", "product", "order=prise"], "is price meant?"),
        (&["get", "product", "select=nme"], "is name meant?"),
        (&["get", "product", "prce=gt.5"], "is price meant?"),
    ] {
        let (_, words) = shell.both(arguments);
        assert!(words.contains("notice: ") && words.contains(meant), "{arguments:?}: {words}");
    }
    let (code, words) = shell.failure(&["delete", "product", "attributes.x=1", "order=prise", "--dry-run"]);
    assert!(code == 1 && words.contains("is price meant?") && words.contains("no meaning"), "{words}");
    let (_, words) = shell.both(&["get", "product", "price=gt.5", "colour=red"]);
    assert!(!words.contains("notice"), "{words}");
    let id = id_of(&shell, "Tea");
    shell.write(
        "slip.json",
        r#"[{"operation": "create", "resource": "product", "body": {"name": "x", "prise": 3}}]"#,
    );
    for (arguments, meant) in [
        (&["create", "product", "--name", "x", "--prise", "3"][..], "is price meant?"),
        (&["create", "product", "--nme", "x"], "is name meant?"),
        (&["update", "product", &id, "--prce", "3"], "is price meant?"),
        (&["update", "product", "name=Cup", "--knd", "ware", "--yes"], "is kind meant?"),
        (&["batch", "slip.json"], "is price meant?"),
    ] {
        let (_, words) = shell.both(arguments);
        assert!(words.contains("notice: ") && words.contains(meant), "{arguments:?}: {words}");
        assert_eq!(words.matches("notice").count(), 1, "{words}");
    }
    let (_, words) = shell.both(&["create", "product", "--name", "x", "--price", "3", "--colour", "red"]);
    assert!(!words.contains("notice"), "{words}");
    let (code, words) = shell.failure(&["get", "product", "price>=5"]);
    assert!(code == 2 && words.contains("price=gte.5"), "{words}");
    let (_, words) = shell.failure(&["get", "product", "price=gtt.5"]);
    assert!(words.contains("'gtt' is no operator") && words.contains("lte"), "{words}");
    let (code, words) = shell.failure(&["gte", "product"]);
    assert!(code == 2 && words.contains("is 'get' meant?"), "{words}");
}

#[test]
fn an_empty_csv_has_its_header() {
    let shell = shop();
    let (csv, _) = shell.both(&["get", "product", "name=None", "select=name,price", "-o", "csv"]);
    assert_eq!(csv, "name,attributes.price\n");
    let (csv, _) = shell.both(&["get", "product", "name=None", "-o", "csv"]);
    assert!(csv.starts_with("id,type,instance,name,"), "{csv}");
    let filled = shell.both(&["get", "product", "name=Tea", "select=name,price", "-o", "csv"]).0;
    assert_eq!(filled, "name,attributes.price\nTea,3\n");
}

#[test]
fn commands_read_the_env_file_below_the_environment() {
    let shell = shop();
    let address = &shell.server.address;
    let realnet = || {
        let mut command = realnet(&shell.folder);
        command.env("XDG_CONFIG_HOME", shell.folder.join("other"));
        command
    };
    let file = |more: &str| {
        shell.write(
            ".env",
            &format!(
                "REALNET_SERVER_URL={address}\nREALNET_USERNAME={}\nREALNET_PASSWORD={}\n{more}",
                ADMIN.0, ADMIN.1
            ),
        );
    };
    file("");
    let signed_in = run(realnet().arg("login"));
    assert!(
        signed_in.status.success() && text(&signed_in).contains(address.as_str()),
        "{}",
        text(&signed_in)
    );
    assert!(run(realnet().arg("info")).status.success());
    let elsewhere = run(realnet().arg("info").env("REALNET_SERVER_URL", "http://127.0.0.1:1"));
    assert!(text(&elsewhere).contains("127.0.0.1:1"), "the environment wins: {}", text(&elsewhere));
    let flagged =
        run(realnet().args(["info", "--server", address]).env("REALNET_SERVER_URL", "http://127.0.0.1:1"));
    assert!(flagged.status.success(), "a flag wins: {}", text(&flagged));
    file("REALNET_TOKEN=stale.s3cret.token\n");
    let stale = run(realnet().args(["get", "product"]));
    assert!(!stale.status.success() && text(&stale).contains("REALNET_TOKEN"), "{}", text(&stale));
    assert!(!text(&stale).contains("s3cret"));
    file("REALNET_SREVER_URL=http://hidden-value\nREALNET_COLOUR=red\n");
    let warned = run(realnet().arg("info"));
    let words = String::from_utf8(warned.stderr).unwrap();
    assert!(warned.status.success() && words.contains("is REALNET_SERVER_URL meant?"), "{words}");
    assert!(!words.contains("hidden-value") && !words.contains("COLOUR"), "{words}");
    // Whoever has put the file there is sent no secret of the environment.
    file("");
    for secret in ["REALNET_TOKEN", "REALNET_PASSWORD"] {
        let command = if secret == "REALNET_TOKEN" { "info" } else { "login" };
        let sent = run(realnet().arg(command).env(secret, "s3cret"));
        let words = text(&sent);
        assert!(!sent.status.success() && words.contains(secret) && words.contains("--server"), "{words}");
        assert!(!words.contains("s3cret"), "{words}");
        let meant = run(realnet().args([command, "--server", address]).env(secret, "s3cret"));
        assert!(text(&meant).contains("not"), "it came there, and was refused: {}", text(&meant));
        let named = run(realnet().arg(command).env(secret, "s3cret").env("REALNET_SERVER_URL", address));
        assert!(!text(&named).contains("--server"), "{}", text(&named));
    }
    shell.write(".env", "# x\nREALNET_TOKEN s3cret\n");
    let broken = run(realnet().arg("info"));
    assert!(text(&broken).contains("line 2") && !text(&broken).contains("s3cret"), "{}", text(&broken));
}

#[test]
fn documents_that_are_refused_are_named_once_and_well() {
    let shell = shop();
    shell.write("shop.yaml", "types:\n  - name: X\n");
    let (code, words) = shell.failure(&["plan", "shop.yaml"]);
    assert!(code == 1 && words.contains("shop.yaml: is not read, because only JSON is"), "{words}");
    shell.write("kinds.json", r#"{"types": [{"name": "X", "fields": [{"name": "a", "type": "int"}]}]}"#);
    let (_, words) = shell.failure(&["apply", "kinds.json"]);
    assert!(words.contains("there is no field type `int`") && words.contains("`integer`"), "{words}");
    shell.write(
        "two.json",
        r#"{"items": [{"name": "A", "type": "Nowhere"}, {"name": "B", "type": "Nowhere"}]}"#,
    );
    let (_, words) = shell.failure(&["apply", "two.json"]);
    assert!(words.contains("/items/1") && !words.contains("/items/1: two.json/items/1"), "{words}");
    let (help, _) = shell.both(&["plan", "--help"]);
    assert!(help.contains("EXIT CODES"), "{help}");
}

#[test]
fn the_audit_takes_words_too() {
    let shell = shop();
    let entries = shell.json(&["audit", "kind=create", "limit=2"]);
    assert!(entries.as_array().unwrap().iter().all(|entry| entry["kind"] == "create"), "{entries}");
    assert_eq!(entries.as_array().unwrap().len(), 2);
    let (code, words) = shell.failure(&["audit", "knd=create"]);
    assert!(code == 2 && words.contains("kind"), "{words}");
    assert_eq!(shell.failure(&["audit", "kind"]).0, 2);
}

#[test]
fn who_has_to_wait_is_told_for_how_long() {
    let settings = vec![("REALNET_SIGN_IN_ATTEMPTS".to_owned(), "2".to_owned())];
    let shell = Shell::with(&settings);
    let sign_in = || shell.failure(&["login", "--username", ADMIN.0, "--password", "wrong-password"]).1;
    (0..3).for_each(|_| drop(sign_in()));
    let words = sign_in();
    assert!(words.contains("try again later (in ") && words.contains("second"), "{words}");
}

/// A value in a list, whatever it is.
#[test]
fn results_of_batches_are_shown_whole_as_json() {
    let shell = shop();
    shell.write(
        "batch.json",
        r#"[{"operation": "create", "resource": "product", "body": {"name": "Jar", "price": 2}}]"#,
    );
    let answer = shell.json(&["batch", "batch.json"]);
    assert_eq!(answer["results"][0]["item"]["attributes"]["price"], Value::from(2));
}

#[test]
fn inherited_grants_are_shown_and_left_where_they_are() {
    let shell = Shell::signed_in();
    shell.json(&["create", "group", "--name", "Cooks"]);
    let made = |endpoint: &str, document: Value| {
        let made = shell.json(&["create", endpoint, "--data", &document.to_string()]);
        made["id"].as_str().unwrap().to_owned()
    };
    let folder = made("folder", json!({"name": "Menus"}));
    let menu = made("document", json!({"name": "Lunch", "parent_id": folder}));
    shell.json(&["acl", "folder", &folder, "--share", "group:Cooks=read"]);
    let (csv, _) = shell.both(&["acl", "document", &menu, "-o", "csv"]);
    assert!(csv.starts_with("who,id,permissions,inherited_from\ngroup,") && csv.contains(&folder), "{csv}");
    // What is added is the item's own, and does not take the inherited ones over.
    let grants = shell.json(&["acl", "document", &menu, "--share", "group:Cooks=write"]);
    assert_eq!(grants[0]["permissions"], json!(["write"]), "{grants}");
    assert_eq!((&grants[1]["inherited"], &grants[1]["from"]), (&json!(true), &json!(folder)));
    shell.json(&["acl", "document", &menu, "--revoke", "group:Cooks"]);
    let (_, words) = shell.both(&["acl", "document", &menu, "--revoke", "group:Cooks"]);
    assert!(words.contains("nothing is granted to group:Cooks"), "{words}");
    shell.json(&["acl", "folder", &folder, "--revoke", "group:Cooks"]);
    assert_eq!(shell.json(&["acl", "document", &menu]), json!([]));
    let all = shell.json(&["history", "document", &menu, "--all"]);
    assert_eq!((all.as_array().unwrap().len(), &all[0]["kind"]), (5, &json!("grant")));
}

#[test]
fn types_that_documents_brought_are_asked_about_before_they_go() {
    let shell = Shell::signed_in();
    let (code, words) = shell.failure(&["delete", "types", "RoleApp"]);
    assert!(code == 2 && words.contains("--yes") && words.contains("--force"), "{words}");
    assert!(shell.run(&["get", "types", "RoleApp"]).status.success());
    shell.write("own.json", r#"{"types": [{"name": "Cake", "base": "Item"}]}"#);
    shell.both(&["apply", "own.json"]);
    let (_, words) = shell.failure(&["delete", "types", "Cake"]);
    assert!(words.contains("own.json") && words.contains("--yes"), "{words}");
    let (_, words) = shell.both(&["delete", "types", "Cake", "--yes"]);
    assert!(words.contains("realnet apply"), "{words}");
    let planned = shell.run(&["plan", "own.json"]);
    assert!(text(&planned).contains("was deleted by hand (force brings it back)"), "{}", text(&planned));
    shell.both(&["apply", "own.json", "--force"]);
    shell.both(&["delete", "types", "Cake", "--yes"]);
    shell.both(&["create", "types", "--data", r#"{"name": "Tart", "base": "Item"}"#]);
    let (_, words) = shell.both(&["delete", "types", "Tart"]);
    assert!(!words.contains("apply"), "{words}");
}

#[test]
fn accounts_go_by_their_names_and_groups_in_any_case() {
    let shell = shop();
    shell.json(&["create", "account", "--username", "bob", "--password", "bob-long-password"]);
    shell.json(&["create", "group", "--name", "Growers"]);
    let id = id_of(&shell, "Tea");
    let (table, _) = shell.both(&["explain", &id, "--account", "bob", "-o", "csv"]);
    assert!(table.contains("read,false"), "{table}");
    let (csv, _) = shell.both(&["acl", "product", &id, "--share", "group:growers=read", "-o", "csv"]);
    assert!(csv.contains("group,"), "{csv}");
    shell.both(&["keys", "create", "nightly", "--scope", "product:read", "--account", "bob"]);
    assert_eq!(shell.json(&["keys", "list", "--account", "bob"])[0]["name"], "nightly");
    let (code, words) = shell.failure(&["explain", &id, "--account", "nobody"]);
    assert!(code == 1 && words.contains("no account nobody"), "{words}");
    let (code, words) = shell.failure(&["keys", "delete", "nightly"]);
    assert!(code == 2 && words.contains("`realnet keys list`"), "{words}");
}

#[test]
fn who_can_not_sign_in_is_told_what_may_be_missing() {
    let shell = Shell::new();
    let login = ["login", "--username", "somebody", "--password", "a long password"];
    let (code, words) = shell.failure(&login);
    assert!(code == 1 && words.contains("not right (people of another org: --org NAME)"), "{words}");
    let (_, words) = shell.failure(&[&login[..], &["--org", "Nowhere"]].concat());
    assert!(words.contains("not right") && !words.contains("--org"), "{words}");
    // No folder for the login.
    shell.write("taken", "a file");
    let mut command = realnet(&shell.folder);
    command
        .env("REALNET_SERVER_URL", &shell.server.address)
        .env("XDG_CONFIG_HOME", shell.folder.join("taken"));
    let words = text(&run(command.args(["login", "--username", ADMIN.0, "--password", ADMIN.1])));
    assert!(words.contains("taken/realnet/login.json") && words.contains("REALNET_TOKEN"), "{words}");
}

#[test]
fn a_server_that_can_not_be_reached_is_told_with_the_cause() {
    let plain = Shell::new();
    let (_guard, folder) = common::folder();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let setting = |name: &str, path: &std::path::Path| (name.to_owned(), path.display().to_string());
    let settings = vec![setting("REALNET_TLS_CERT", &cert), setting("REALNET_TLS_KEY", &key)];
    let server = common::Server::start_with(&folder, &settings);
    let port = |address: &str| address.rsplit(':').next().unwrap().trim_end_matches('/').to_owned();
    let (tls, http) = (port(&server.address), port(&plain.server.address));
    let ask = |address: &str, trusted: Option<&std::path::Path>| {
        let mut command = realnet(&folder);
        command.args(["info", "--server", address]);
        trusted.map(|file| command.env("SSL_CERT_FILE", file));
        run(&mut command)
    };
    assert!(ask(&format!("https://localhost:{tls}"), Some(&cert)).status.success());
    for (address, trusted, cause) in [
        (format!("https://localhost:{tls}"), None, "SSL_CERT_FILE"),
        (format!("https://127.0.0.1:{tls}"), Some(cert.as_path()), "the name that the certificate is for"),
        (format!("http://localhost:{tls}"), None, "is https:// meant?"),
        (format!("https://localhost:{http}"), None, "is http:// meant?"),
        ("http://127.0.0.1:1".to_owned(), None, "is it running?"),
        ("http://no-such-host.invalid".to_owned(), None, "no-such-host.invalid"),
    ] {
        let output = ask(&address, trusted);
        let words = text(&output);
        assert!(!output.status.success() && words.contains(cause), "{address}: {words}");
        assert!(words.contains("--server URL") && words.contains("can not be reached"), "{words}");
    }
}
