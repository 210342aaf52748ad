//! `/api/{resource}/{id}/history`.

use serde_json::{Value, json};

use crate::common::TestServer;

#[test]
fn changes_are_shown_newest_first_in_pages() {
    let server = TestServer::start();
    let item = server.customer(&json!({"name": "Acme", "size": 1}));
    let path = format!("/api/customers/{}", item["id"].as_str().unwrap());
    for size in 2..5 {
        server.admin("PATCH", &path, &json!({"size": size})).expect(200);
    }
    let answer = server.get(&format!("{path}/history?limit=3"));
    let changes = answer.expect(200);
    let versions: Vec<i64> =
        changes.as_array().unwrap().iter().map(|change| change["version"].as_i64().unwrap()).collect();
    assert_eq!(versions, [4, 3, 2]);
    assert_eq!(answer.header("link").unwrap(), format!("<{path}/history?limit=3&before=2>; rel=\"next\""));
    let answer = server.get(&format!("{path}/history?limit=3&before=2"));
    assert_eq!(answer.expect(200).as_array().map(Vec::len), Some(1));
    assert_eq!(answer.header("link"), None);
    server.get(&format!("{path}/history?limit=none")).problem(400);
    server.get_anonymous(&format!("{path}/history")).problem(404);
}

#[test]
fn what_a_folder_passes_down_is_shown_with_its_states() {
    let server = TestServer::start();
    let reader = server.account("reader", "user");
    let folder = server.admin("POST", "/api/binders", &json!({"name": "shared"})).expect(201);
    let folder = folder["id"].as_str().unwrap();
    let file = json!({"name": "first", "parent_id": folder});
    let file = server.admin("POST", "/api/binders", &file).expect(201);
    let path = format!("/api/binders/{}", file["id"].as_str().unwrap());
    let account = |name: &str| {
        let found = server.get(&format!("/api/accounts?username={name}")).expect(200);
        found[0]["id"].as_str().unwrap().to_owned()
    };
    server.account("other", "user");
    let (other, own) = (account("other"), account("reader"));
    let share = |subjects: &[&str]| {
        let grant = |id: &&str| json!({"subject": {"type": "account", "id": id}, "permissions": ["read"]});
        let grants: Vec<Value> = subjects.iter().map(grant).collect();
        server.admin("PUT", &format!("/api/binders/{folder}/acl"), &json!(grants)).expect(200);
    };
    share(&[&other]);
    server.admin("PATCH", &path, &json!({"name": "second"})).expect(200);
    share(&[&other, &own]);
    share(&[&own]);
    let history = server.get(&format!("{path}/history")).expect(200);
    let shown = |history: &Value| -> Vec<(i64, String, Value, Value)> {
        let state = |state: &Value| json!([state["version"], state["name"]]);
        let row = |change: &Value| {
            let kind = change["kind"].as_str().unwrap().to_owned();
            (change["version"].as_i64().unwrap(), kind, state(&change["before"]), state(&change["after"]))
        };
        history.as_array().unwrap().iter().map(row).collect()
    };
    let grant = |version: i64, name: &str| {
        (version, "grant".to_owned(), json!([version - 1, name]), json!([version, name]))
    };
    let update = (3, "update".to_owned(), json!([2, "first"]), json!([3, "second"]));
    let expected = [grant(5, "second"), grant(4, "second"), update, grant(2, "first")];
    assert_eq!(shown(&history)[..4], expected, "{history}");
    // The same one by one: what a page does not have is looked for behind it.
    for (index, expected) in expected.into_iter().enumerate() {
        let page = server.get(&format!("{path}/history?limit=1&before={}", 6 - index)).expect(200);
        assert_eq!(shown(&page), [expected]);
    }
    // Each state is for those who could read it.
    let history = server.by(&reader, "GET", &format!("{path}/history"), &Value::Null).expect(200);
    let seen: Vec<[bool; 2]> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|change| [change["before"].is_object(), change["after"].is_object()])
        .collect();
    assert_eq!(seen, [[true, true], [false, true], [false, false], [false, false], [false, false]]);
    let audit = server.get(&format!("/api/audit?item={}", file["id"].as_str().unwrap())).expect(200);
    let entry = &audit["entries"][0];
    let told = [&entry["kind"], &entry["name"], &entry["type"], &entry["version"], &entry["fields"]];
    assert_eq!(json!(told), json!(["grant", "second", "Binder", 5, ["access"]]), "{audit}");
}
