//! The command line against a real server, as a person types it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::shell::Shell;
use common::{ADMIN, Server, realnet, run, text};
use realnet_core::clock::{Clock as _, System};
use serde_json::{Value, json};

#[test]
fn the_guides_commands_work() {
    let shell = Shell::signed_in();
    let info = shell.json(&["info"]);
    assert_eq!(info["version"], env!("CARGO_PKG_VERSION"));
    let created = shell.json(&["create", "item", "--name", "Resource Name", "--attribute", "value"]);
    assert_eq!(created["name"], "Resource Name");
    assert_eq!(created["attributes"]["attribute"], "value");
    let id = created["id"].as_str().unwrap();
    assert_eq!(shell.json(&["get", "item", id])["id"], created["id"]);
    let list = shell.json(&["get", "item", "name=Resource Name"]);
    assert_eq!(list.as_array().unwrap().len(), 1);
}

#[test]
fn items_are_changed_and_deleted() {
    let shell = Shell::signed_in();
    let created = shell.json(&["create", "item", "--name", "a", "--size", "3", "--done", "--tags", "x,y"]);
    assert_eq!(created["attributes"], serde_json::json!({"done": true, "size": 3}));
    let id = created["id"].as_str().unwrap();
    let updated = shell.json(&["update", "item", id, "--size", "4", "-o", "json"]);
    assert_eq!((&updated["attributes"]["size"], &updated["version"]), (&Value::from(4), &Value::from(2)));
    let removed = shell.json(&["update", "item", id, "--data", r#"{"size": null}"#]);
    assert_eq!(removed["attributes"], serde_json::json!({"done": true}));
    assert!(shell.run(&["delete", "item", id]).status.success());
    let (code, words) = shell.failure(&["get", "item", id]);
    assert!(code == 1 && words.contains("not found"), "{words}");
}

#[test]
fn lists_come_as_asked() {
    let shell = Shell::signed_in();
    for name in ["b", "a", "c"] {
        shell.json(&["create", "item", "--name", name, "--kind", "letter"]);
    }
    let csv = shell.run(&["get", "item", "kind=letter", "order=name", "select=name", "-o", "csv"]);
    assert_eq!(String::from_utf8(csv.stdout).unwrap(), "name\na\nb\nc\n");
    let table = shell.run(&["get", "-o", "table", "item", "kind=letter", "--order", "name"]);
    assert!(String::from_utf8(table.stdout).unwrap().contains("kind=letter"));
    let first = shell.run(&["get", "item", "kind=letter", "limit=2"]);
    assert!(String::from_utf8_lossy(&first.stderr).contains("there are more"));
    let all = shell.json(&["get", "item", "kind=letter", "limit=2", "--all"]);
    assert_eq!(all.as_array().unwrap().len(), 3);
}

#[test]
fn documents_are_planned_applied_and_compared() {
    let shell = Shell::signed_in();
    shell.write(
        "shop.json",
        r#"{"types": [{"name": "Product", "fields": [{"name": "price", "type": "number", "required": true}]}],
            "items": [{"name": "Tea", "type": "Product", "attributes": {"price": 3}}]}"#,
    );
    let plan = shell.json(&["plan", "shop.json"]);
    assert_eq!(plan["entries"].as_array().unwrap().len(), 2, "{plan}");
    assert!(!shell.run(&["get", "product"]).status.success(), "a plan changes nothing");
    shell.json(&["apply", "shop.json"]);
    assert_eq!(shell.json(&["get", "product"])[0]["name"], "Tea");
    let again = shell.json(&["plan", "shop.json"]);
    assert_eq!(again["entries"].as_array().unwrap().len(), 0, "{again}");
    let id = shell.json(&["get", "product"])[0]["id"].as_str().unwrap().to_owned();
    shell.json(&["update", "product", &id, "--price", "4"]);
    let drift = shell.json(&["drift"]);
    assert!(drift.to_string().contains("Tea"), "{drift}");
    let drift = shell.run(&["drift", "-o", "table"]);
    assert!(text(&drift).contains("attributes/price: 3 → 4"), "{}", text(&drift));
    let types = shell.run(&["get", "types", "Product", "-o", "table"]);
    assert!(text(&types).contains("number required"), "{}", text(&types));
    // A value that looks like a number follows the field.
    let created = shell.json(&["create", "product", "--name", "Cup", "--price", "7"]);
    assert_eq!(created["attributes"]["price"], 7);
    shell.write("broken.json", "{\"types\": [{\"name\": \"X\", \"base\": \"Nowhere\"}]}");
    let (code, words) = shell.failure(&["apply", "broken.json"]);
    assert!(code == 1 && words.contains("Nowhere"), "{words}");
    assert_eq!(words.matches("broken.json").count(), 1, "{words}");
}

#[test]
fn conflicts_are_listed_with_a_way_out_and_a_code_of_their_own() {
    let shell = Shell::signed_in();
    let document = |price: u8| {
        format!(
            r#"{{"types": [{{"name": "Product", "fields": [{{"name": "price", "type": "number"}}]}}],
                "items": [{{"name": "Tea", "type": "Product", "attributes": {{"price": {price}}}}},
                          {{"name": "Cup", "type": "Product", "attributes": {{"price": {price}}}}}]}}"#
        )
    };
    shell.write("shop.json", &document(3));
    shell.json(&["apply", "shop.json"]);
    let id = shell.json(&["get", "product", "name=Tea"])[0]["id"].as_str().unwrap().to_owned();
    shell.json(&["update", "product", &id, "--price", "4"]);
    shell.write("shop.json", &document(5));
    let output = shell.run(&["apply", "shop.json"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("1 conflict,") && words.contains("Tea") && words.contains("--force"), "{words}");
    assert!(!words.contains("Cup") && !words.contains("--adopt"), "{words}");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&answer["summary"]["conflict"], &answer["summary"]["change"]), (&1.into(), &1.into()));
    assert_eq!(
        shell.json(&["get", "product", "name=Cup"])[0]["attributes"]["price"],
        5,
        "the rest is applied"
    );
    assert_eq!(shell.json(&["get", "product", "name=Tea"])[0]["attributes"]["price"], 4);
    assert!(shell.run(&["plan", "shop.json"]).status.success(), "a plan only shows conflicts");
    assert!(shell.run(&["apply", "--force", "shop.json"]).status.success());
    assert_eq!(shell.json(&["get", "product", "name=Tea"])[0]["attributes"]["price"], 5);
    shell.write("other.json", &document(5));
    let output = shell.run(&["apply", "other.json"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(text(&output).contains("shop.json") && text(&output).contains("--adopt"), "{}", text(&output));
    assert!(text(&shell.run(&["apply", "--help"])).contains("EXIT CODES"));
}

#[test]
fn options_may_stand_before_the_command() {
    let shell = Shell::new();
    let run = |arguments: &[&str]| run(realnet(&shell.folder).args(arguments));
    let address = shell.server.address.as_str();
    let info = run(&["--server", address, "-o", "csv", "info"]);
    assert!(info.status.success() && text(&info).contains("sqlite"), "{}", text(&info));
    assert!(!text(&info).contains('{'), "{}", text(&info));
    let equals = format!("--server={address}");
    let login = run(&[&equals, "login", "--username", ADMIN.0, "--password", ADMIN.1]);
    assert!(login.status.success(), "{}", text(&login));
    let created = run(&["--server", address, "create", "item", "--name", "x"]);
    assert!(created.status.success(), "{}", text(&created));
    let list = run(&["-o", "json", "--server", address, "get", "item", "name=x"]);
    assert!(list.status.success() && text(&list).contains(r#""name": "x""#), "{}", text(&list));
    let help = run(&["--server", address]);
    assert!(text(&help).contains("SUBCOMMANDS"), "{}", text(&help));
}

#[test]
fn logins_are_kept_and_ended() {
    let shell = Shell::new();
    let (code, words) = shell.failure(&["login", "--username", ADMIN.0, "--password", "wrong-password"]);
    assert!(code == 1 && !words.contains("wrong-password"), "{words}");
    assert!(!words.contains("realnet login"), "no advice to do what was just tried: {words}");
    let (_, words) = shell.failure(&["create", "item", "--name", "x"]);
    assert!(words.contains("realnet login"), "{words}");
    assert!(shell.run(&["login", "--username", ADMIN.0, "--password", ADMIN.1]).status.success());
    let file = shell.folder.join("config/realnet/login.json");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600, "only the owner may read a login");
    let token = serde_json::from_slice::<Value>(&std::fs::read(&file).unwrap()).unwrap();
    let token = token[&shell.server.address]["token"].as_str().unwrap().to_owned();
    shell.json(&["create", "item", "--name", "x"]);
    assert!(shell.run(&["logout"]).status.success());
    assert!(!shell.run(&["create", "item", "--name", "y"]).status.success());
    let list = shell.run(&["get", "item", "-o", "table"]);
    assert!(list.status.success() && text(&list).contains("not signed in"), "{}", text(&list));
    let (code, words) = shell.failure(&["get", "item", "018f0000-0000-7000-8000-000000000001"]);
    assert!(code == 1 && words.contains("not signed in"), "{words}");
    let mut command = realnet(&shell.folder);
    command.args(["create", "item", "--name", "z", "--server", &shell.server.address]);
    let output = run(command.env("REALNET_TOKEN", token));
    assert!(!output.status.success(), "the session was revoked: {}", text(&output));
    assert!(text(&output).contains("REALNET_TOKEN"), "says which login was used: {}", text(&output));
}

/// What takes longer than a token goes on with the next one.
#[test]
fn a_token_that_ends_within_a_command_is_renewed() {
    let shell = Shell::new();
    assert!(shell.run(&["login", "--username", ADMIN.0, "--password", ADMIN.1]).status.success());
    let file = shell.folder.join("config/realnet/login.json");
    let change = |key: &str, value: &str| {
        let mut kept = serde_json::from_slice::<Value>(&std::fs::read(&file).unwrap()).unwrap();
        kept[&shell.server.address][key] = json!(value);
        std::fs::write(&file, kept.to_string()).unwrap();
    };
    // By the clock it lasts, and the server takes it no more.
    change("token", "ended");
    shell.json(&["create", "item", "--name", "x"]);
    assert!(!std::fs::read_to_string(&file).unwrap().contains("ended"), "the next one is kept");
    // Several commands at once renew it once.
    change("expires", "2020-01-01T00:00:00Z");
    let create = ["create", "item", "--name", "y", "--server", &shell.server.address];
    let at_once: Vec<_> = (0..6).map(|_| realnet(&shell.folder).args(create).spawn().unwrap()).collect();
    for mut command in at_once {
        assert!(command.wait().unwrap().success());
    }
    // Where nothing renews it, the server's words say what helps.
    change("token", "ended");
    change("refresh_token", "ended");
    let (code, words) = shell.failure(&["create", "item", "--name", "z"]);
    assert!(code == 1 && words.contains("realnet login"), "{words}");
}

#[test]
fn the_audit_is_shown_and_exported() {
    let shell = Shell::signed_in();
    let made = shell.json(&["create", "item", "--name", "traced"]);
    let entries = shell.json(&["audit", "--limit", "2"]);
    let entry = &entries[0];
    assert_eq!(
        (&entry["kind"], &entry["item"], &entry["name"]),
        (&json!("create"), &made["id"], &json!("traced"))
    );
    assert_eq!((&entry["username"], &entry["address"]), (&json!(ADMIN.0), &json!("127.0.0.1")));
    assert!(entry["token"].is_string() && entry["agent"].is_string() && entry["via"] == "http", "{entry}");
    let table = shell.run(&["audit", "-o", "table"]);
    assert!(text(&table).contains("traced") && text(&table).contains("127.0.0.1"), "{}", text(&table));
    let signed_in = shell.json(&["audit", "--kind", "sign_in"]);
    assert_eq!(signed_in.as_array().unwrap().len(), 1, "{signed_in}");
    let csv = shell.run(&["audit", "--all", "-o", "csv"]);
    let lines = text(&csv);
    assert!(csv.status.success() && lines.lines().count() > 2 && lines.contains("traced"), "{lines}");
    assert_eq!(shell.json(&["audit", "--kind", "audit_exported"]).as_array().unwrap().len(), 1);
    let (code, words) = shell.failure(&["audit", "--since", "yesterday"]);
    assert!(code == 1 && words.contains("since"), "{words}");
}

#[test]
fn access_is_explained() {
    let shell = Shell::signed_in();
    let made = shell.json(&["create", "item", "--name", "judged"]);
    let id = made["id"].as_str().unwrap();
    let own = shell.json(&["explain", id]);
    assert_eq!(own["permissions"]["read"]["reason"], "superuser");
    let table = shell.run(&["explain", id, "-o", "table"]);
    assert!(table.status.success() && text(&table).contains("superuser"), "{}", text(&table));
    let who = shell.json(&["explain", id, "--who", "write"]);
    assert_eq!(who[0]["username"], ADMIN.0);
    assert_eq!(shell.failure(&["explain", "judged"]).0, 2);
    assert_eq!(shell.failure(&["explain", id, "--who", "eat"]).0, 1);
}

#[test]
fn a_key_is_made_used_listed_and_ended() {
    let shell = Shell::signed_in();
    shell.json(&["create", "item", "--name", "kept"]);
    let made = shell.run(&["keys", "create", "nightly", "--scope", "items:read", "--days", "7"]);
    let key = String::from_utf8_lossy(&made.stdout).trim().to_owned();
    assert!(made.status.success() && key.starts_with("rnk_") && key.lines().count() == 1, "{key}");
    let words = String::from_utf8_lossy(&made.stderr).into_owned();
    assert!(words.contains("not shown again") && !words.contains(&key), "{words}");
    let list = shell.json(&["keys", "list"]);
    assert_eq!((&list[0]["name"], list[0].get("key")), (&json!("nightly"), None));
    let table = shell.run(&["keys", "list", "-o", "table"]);
    assert!(text(&table).contains("Item:read"), "{}", text(&table));
    let by_key = |arguments: &[&str]| {
        let mut command = realnet(&shell.folder);
        let command = command.args(arguments).env("REALNET_SERVER_URL", &shell.server.address);
        run(command.env("REALNET_TOKEN", &key))
    };
    let found = by_key(&["get", "item", "name=kept", "-o", "csv"]);
    assert!(found.status.success() && text(&found).contains("kept"), "{}", text(&found));
    let refused = by_key(&["create", "item", "--name", "more"]);
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && words.contains("outside of the key's scope"), "{words}");
    shell.run(&["keys", "delete", list[0]["id"].as_str().unwrap()]);
    assert_eq!(shell.json(&["keys", "list"]), json!([]));
    assert!(!by_key(&["get", "item"]).status.success());
    for wrong in [
        &["keys", "create", "x"][..],
        &["keys", "create", "x", "--scope", "items:fly"],
        &["keys", "create", "x", "--scope", "items", "--expires", "soon"],
        &["keys", "delete", "x"],
        &["keys"],
    ] {
        assert_eq!(shell.failure(wrong).0, 2, "{wrong:?}");
    }
}

#[test]
fn wrong_usage_says_what_is_right() {
    let shell = Shell::new();
    assert_eq!(shell.failure(&["fly"]).0, 2);
    assert_eq!(shell.failure(&["create", "item", "name"]).0, 2);
    assert_eq!(shell.failure(&["get", "item", "-o", "xml"]).0, 2);
    for command in
        [&["get", "item", "Tea"][..], &["update", "item", "Tea", "--x", "1"], &["delete", "item", "Tea"]]
    {
        let (code, words) = shell.failure(command);
        assert!(code == 2 && words.contains("name=Tea"), "{words}");
    }
    let (code, words) = shell.failure(&["get", "teas"]);
    assert!(code == 1 && words.contains("`realnet get types`"), "{words}");
    let (code, words) = shell.failure(&["server", "--port", "99999"]);
    assert!(code == 2 && words.contains("from 0 to 65535"), "{words}");
    let (code, words) = shell.failure(&["create", "item", "--data", "[1]"]);
    assert!(code == 1 && words.contains("expected a JSON object"), "{words}");
    let (code, words) = shell.failure(&["info", "--server", "localhost"]);
    assert!(code == 1 && words.contains("http://localhost:8080"), "{words}");
    let (code, words) = shell.failure(&["info", "--server", "http://127.0.0.1:1"]);
    assert!(code == 1 && words.contains("can not be reached"), "{words}");
    for command in [
        "server",
        "login",
        "create",
        "get",
        "update",
        "delete",
        "plan",
        "apply",
        "drift",
        "info",
        "logout",
        "keys",
        "history",
        "acl",
        "batch",
        "audit",
        "explain",
        "aggregate",
    ] {
        let help = shell.run(&[command, "--help"]);
        assert!(help.status.success() && help.stdout.len() > 100, "{command} --help");
    }
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_can_be_dropped_by_the_operator() {
    let shell = Shell::new();
    let admin = shell.server.admin().await;
    let begun = admin.begin_factor(None).await.unwrap();
    let phone = realnet_testkit::authenticator::Authenticator::new(begun["secret"].as_str().unwrap());
    let code = phone.code(System.now().as_micros() / 1_000_000);
    let codes = admin.confirm_factor(&code).await.unwrap();
    let login = ["login", "--username", ADMIN.0, "--password", ADMIN.1];
    let (status, words) = shell.failure(&login);
    assert!(status == 1 && words.contains("--code"), "{words}");
    let (_, words) = shell.failure(&[&login[..], &["--code", "no such code"]].concat());
    assert!(words.contains("the code is not right"), "{words}");
    let recovery = codes["recovery_codes"][0].as_str().unwrap();
    let output = shell.run(&[&login[..], &["--code", recovery]].concat());
    assert!(output.status.success(), "{}", text(&output));
    let Shell { folder, server, .. } = shell;
    assert!(server.stop());
    let lost = ["server", "password", "--username", ADMIN.0, "--password", "a-new-long-one", "--drop-factor"];
    let output = run(realnet(&folder).args(lost));
    assert!(output.status.success(), "{}", text(&output));
    let server = Server::start(&folder);
    let login = ["login", "--username", ADMIN.0, "--password", "a-new-long-one"];
    let output = run(realnet(&folder).args(login).env("REALNET_SERVER_URL", &server.address));
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn the_second_factor_is_turned_on_required_and_turned_off() {
    let shell = Shell::signed_in();
    let me = shell.json(&["get", "orgs", "-o", "json"]);
    let org = me[0]["id"].as_str().unwrap().to_owned();
    let require = ["update", "orgs", &org, "--require_factor", "true"];
    let (code, words) = shell.failure(&require);
    assert!(code == 1 && words.contains("realnet factor on"), "{words}");
    let (uri, words) = shell.both(&["factor", "on"]);
    let secret = uri.split("secret=").nth(1).and_then(|rest| rest.split('&').next()).unwrap();
    assert!(uri.starts_with("otpauth://") && words.contains(secret) && words.contains("--code"), "{words}");
    let phone = realnet_testkit::authenticator::Authenticator::new(secret);
    let now = || System.now().as_micros() / 1_000_000;
    let (codes, words) = shell.both(&["factor", "on", "--code", &phone.code(now())]);
    assert!(codes.lines().count() == 10 && words.contains("realnet login"), "{codes}{words}");
    assert_eq!(shell.json(&["factor", "status", "-o", "json"])["recovery_codes"], 10);
    let login = ["login", "--username", ADMIN.0, "--password", ADMIN.1];
    let with = |number: usize| [&login[..], &["--code", codes.lines().nth(number).unwrap()]].concat();
    assert!(shell.run(&with(0)).status.success());
    shell.both(&require);
    let bob = ["create", "account", "--username", "bob", "--password", "bob-long-password"];
    shell.both(&bob);
    let token = |output: std::process::Output| text(&output);
    let bobs = shell.run(&["login", "--username", "bob", "--password", "bob-long-password"]);
    let words = token(bobs);
    assert!(words.contains("requires a second factor") && words.contains("realnet factor on"), "{words}");
    assert!(shell.run(&with(1)).status.success());
    let off = |number: usize| {
        let code = codes.lines().nth(number).unwrap().to_owned();
        let mut command = realnet(&shell.folder);
        command.args(["factor", "off", "--code", &code]).env("REALNET_SERVER_URL", &shell.server.address);
        run(command.env("REALNET_PASSWORD", ADMIN.1))
    };
    let output = off(2);
    assert!(output.status.success(), "{}", text(&output));
    let output = off(3);
    assert!(!output.status.success() && text(&output).contains("no second factor"), "{}", text(&output));
}

#[test]
fn login_says_that_a_token_goes_first() {
    let shell = Shell::new();
    let mut command = realnet(&shell.folder);
    command.args(["login", "--username", ADMIN.0, "--password", ADMIN.1]).env("REALNET_TOKEN", "stale.t0ken");
    let output = run(command.env("REALNET_SERVER_URL", &shell.server.address));
    let words = text(&output);
    assert!(
        output.status.success() && words.contains("REALNET_TOKEN") && !words.contains("t0ken"),
        "{words}"
    );
}
