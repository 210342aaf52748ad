//! A running server against somebody who means harm: an administrator of an org who wants to be more, a type that would
//! make everybody wait, what is sent in place of a value.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::time::{Duration, Instant};

use common::{ADMIN, Server};
use reqwest::Method;
use serde_json::{Value, json};

const PASSWORD: &str = "some long password";

struct Attack {
    _folder: tempfile::TempDir,
    server: Server,
    http: reqwest::Client,
}

impl Attack {
    fn start() -> Self {
        let (guard, folder) = common::folder();
        let server = Server::start(&folder);
        // The client chooses how this process encrypts, which the builder below asks for.
        realnet_client::Client::new(&server.address).unwrap();
        // An answer that takes longer has been delayed by the attack.
        let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
        Self { _folder: guard, server, http }
    }

    async fn send(&self, token: &str, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let request = self.http.request(method, format!("{}{path}", self.server.address));
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        let request = if body.is_null() { request } else { request.json(body) };
        let answer = request.send().await.unwrap_or_else(|error| panic!("{path}: {error}"));
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
    }

    async fn post(&self, token: &str, path: &str, body: &Value) -> (u16, Value) {
        self.send(token, Method::POST, path, body).await
    }

    async fn get(&self, token: &str, path: &str) -> (u16, Value) {
        self.send(token, Method::GET, path, &Value::Null).await
    }

    async fn token(&self, username: &str, password: &str) -> String {
        let login = json!({"username": username, "password": password});
        let (_, answer) = self.post("", "/api/auth", &login).await;
        answer["token"].as_str().unwrap_or_else(|| panic!("{username}: {answer}")).to_owned()
    }

    /// An administrator of the org, made by the superuser.
    async fn administrator(&self) -> String {
        let root = self.token(ADMIN.0, ADMIN.1).await;
        let account = json!({"username": "mallory", "password": PASSWORD, "role": "admin"});
        assert_eq!(self.post(&root, "/api/accounts", &account).await.0, 201);
        self.token("mallory", PASSWORD).await
    }
}

#[tokio::test]
async fn an_administrator_makes_no_superuser_by_declaring_types() {
    let attack = Attack::start();
    let mallory = attack.administrator().await;
    let module = json!({"name": "Shed", "base": "Account", "attributes": {"module": "items"}});
    assert_eq!(attack.post(&mallory, "/api/types", &module).await.0, 422);
    let document = json!({"types": [module], "items": [
        {"name": "x", "type": "Shed", "attributes": {"username": "x", "role": "superuser"}}]});
    assert_eq!(attack.post(&mallory, "/api/apply", &document).await.0, 422);

    assert_eq!(
        attack.post(&mallory, "/api/types", &json!({"name": "Minion", "base": "Account"})).await.0,
        201
    );
    let minion = json!({"username": "minion", "password": PASSWORD, "role": "user"});
    let (status, minion) = attack.post(&mallory, "/api/minion", &minion).await;
    assert_eq!(status, 201, "{minion}");
    let id = minion["id"].as_str().unwrap();
    for definition in [
        json!({"base": "Item"}),
        json!({"base": "Group"}),
        json!({"base": "Account", "attributes": {"module": "items"}}),
    ] {
        let (status, answer) = attack.send(&mallory, Method::PUT, "/api/types/Minion", &definition).await;
        assert!([409, 422].contains(&status), "{definition}: {answer}");
    }
    for path in [format!("/api/minion/{id}"), format!("/api/items/{id}")] {
        let raise = json!({"role": "superuser"});
        assert_eq!(attack.send(&mallory, Method::PATCH, &path, &raise).await.0, 403, "{path}");
    }
    let token = attack.token("minion", PASSWORD).await;
    assert_eq!(attack.get(&token, "/api/auth").await.1["account"]["role"], "user");
    // A default that heals what lacks a value is no way round either.
    let constant = json!({"base": "Account", "attributes": {"role": "visitor"}});
    assert_eq!(attack.send(&mallory, Method::PUT, "/api/types/Minion", &constant).await.0, 200);
    let path = format!("/api/minion/{id}");
    let (status, answer) = attack.send(&mallory, Method::PATCH, &path, &json!({"role": null})).await;
    assert_eq!(status, 200, "{answer}");
    let roles = json!(["superuser", "admin", "user", "visitor"]);
    let role = json!({"name": "role", "type": "enum", "values": roles, "default": "superuser"});
    let healing = json!({"base": "Account", "fields": [role]});
    let (status, answer) = attack.send(&mallory, Method::PUT, "/api/types/Minion", &healing).await;
    assert_eq!(status, 403, "{answer}");
    let (_, account) = attack.get(&mallory, &format!("{path}?attributes=own")).await;
    assert!(account["attributes"].get("role").is_none(), "{account}");
}

#[tokio::test]
async fn no_declaration_makes_others_wait() {
    let attack = Attack::start();
    let mallory = attack.administrator().await;
    let next = |index: usize| json!({"allOf": vec![json!({"$ref": format!("#/$defs/d{}", index + 1)}); 2]});
    let mut definitions: serde_json::Map<String, Value> =
        (0..30).map(|index| (format!("d{index}"), next(index))).collect();
    definitions.insert("d30".to_owned(), json!({"type": "object"}));
    let doubling = json!({"$ref": "#/$defs/d0", "$defs": definitions});
    let values: Vec<String> = (0..100_000).map(|index| index.to_string()).collect();
    for (name, field) in [
        ("Doubling", json!({"name": "v", "type": "json", "schema": doubling})),
        ("Remote", json!({"name": "v", "type": "json", "schema": {"$ref": "http://127.0.0.1:9/x"}})),
        ("Values", json!({"name": "v", "type": "enum", "values": values})),
        ("Huge", json!({"name": "v", "type": "string", "pattern": "((a{100}){100}){100}"})),
        ("LookAround", json!({"name": "v", "type": "string", "pattern": "(?=a)b"})),
    ] {
        let declared = json!({"name": name, "base": "Item", "fields": [field]});
        assert_eq!(attack.post(&mallory, "/api/types", &declared).await.0, 422, "{name}");
    }
    let pattern = json!({"name": "v", "type": "string", "pattern": "^(a+)+$"});
    let inside = json!({"name": "w", "type": "json", "schema": {"items": {"pattern": "^(a|aa)*$"}}});
    let declared = json!({"name": "Slow", "base": "Item", "fields": [pattern, inside]});
    assert_eq!(attack.post(&mallory, "/api/types", &declared).await.0, 201);
    let started = Instant::now();
    let text = "a".repeat(20_000) + "!";
    assert_eq!(attack.post(&mallory, "/api/slow", &json!({"v": text, "w": [text]})).await.0, 422);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test]
async fn whatever_stands_in_place_of_a_value_is_answered() {
    let attack = Attack::start();
    let root = attack.token(ADMIN.0, ADMIN.1).await;
    for index in 0..5 {
        let note = json!({"name": format!("n{index}"), "body": "words", "tags": ["a"]});
        assert_eq!(attack.post(&root, "/api/note", &note).await.0, 201);
    }
    let names = [
        "id",
        "name",
        "body",
        "parent_id",
        "created_at",
        "tags",
        "search",
        "order",
        "select",
        "limit",
        "offset",
        "cursor",
        "near",
        "within",
        "parent",
        "types",
        "valid_at",
        "or",
        "and",
        "parent_id.name",
        "a.b",
        "a'b",
        "count",
    ];
    let values = [
        "'",
        "\"",
        "';DROP TABLE items;--",
        "' OR '1'='1",
        "%",
        "\\",
        "in.(",
        "in.()",
        "not.",
        "is.",
        "cs.{",
        "like.*",
        "like.\\",
        "(",
        "((((",
        ",",
        "null",
        "NaN",
        "1e999",
        "9223372036854775808",
        "$1",
        "?1",
        "😀",
        "\u{202e}",
    ];
    for name in names {
        for value in values {
            let query = form(&[(name, value), ("order", "name")]);
            let (status, answer) = attack.get(&root, &format!("/api/note?{query}")).await;
            assert!(status < 500, "{name}={value}: {status} {answer}");
        }
    }
    let (_, list) = attack.get(&root, "/api/note?order=name").await;
    assert_eq!(list.as_array().map(Vec::len), Some(5), "nothing was lost: {list}");
}

/// A query string.
fn form(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

#[tokio::test]
async fn edited_cursors_are_refused_and_show_nothing() {
    let attack = Attack::start();
    let root = attack.token(ADMIN.0, ADMIN.1).await;
    for name in ["a", "b", "c"] {
        attack.post(&root, "/api/note", &json!({"name": name})).await;
    }
    let mallory = attack.administrator().await;
    let list = format!("{}/api/note?order=name&limit=1", attack.server.address);
    let first = attack.http.get(&list).bearer_auth(&mallory).send().await.unwrap();
    let link = first.headers()["link"].to_str().unwrap().to_owned();
    let cursor = link.split("cursor=").nth(1).unwrap().split('>').next().unwrap().to_owned();
    let follow = |cursor: String| format!("/api/note?order=name&limit=1&cursor={cursor}");
    assert_eq!(attack.get(&mallory, &follow(cursor.clone())).await.0, 200);
    assert_eq!(attack.get(&mallory, &format!("/api/note?order=name.desc&cursor={cursor}")).await.0, 400);
    for place in 0..cursor.len() {
        let mut edited = cursor.clone().into_bytes();
        edited[place] = if edited[place] == b'A' { b'B' } else { b'A' };
        let edited = String::from_utf8(edited).unwrap();
        let (status, answer) = attack.get("", &follow(edited.clone())).await;
        assert!(status == 400 || answer == json!([]), "{edited}: {status} {answer}");
        assert!(attack.get(&mallory, &follow(edited)).await.0 < 500);
    }
}
