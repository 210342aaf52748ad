//! What a caller may not read is not inferred: two servers that differ in hidden values alone answer everything alike.
//!
//! Each row of the table is asked of both, by a user, an administrator of the org (neither has the role that reads the fields) and a
//! stranger, and the answers are compared byte by byte, head included, apart from ids and times.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod content_rows;
mod contents;
mod rows;

use common::{ADMIN, Server, Settings};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use rows::{Row, reads, writes};
use serde_json::{Value, json};

const PASSWORD: &str = "some long password";

/// One of the two values of everything that is hidden.
#[derive(Clone, Copy)]
struct Hidden {
    salary: i64,
    pin: &'static str,
    note: &'static str,
    spot: f64,
}

const ONE: Hidden = Hidden { salary: 1111, pin: "4711", note: "zebra in the attic", spot: 8.5 };
const OTHER: Hidden = Hidden { salary: 9999, pin: "0815", note: "yak", spot: 60.0 };

/// A server with hidden values, and who asks it.
struct World {
    _folder: tempfile::TempDir,
    server: Server,
    http: reqwest::Client,
    root: String,
    callers: Vec<(&'static str, String)>,
    /// The item with the hidden values, two others of its type, and a link to it.
    items: Vec<String>,
}

impl World {
    async fn start(settings: &Settings, hidden: Hidden) -> Self {
        let (guard, folder) = common::folder();
        let server = Server::start_with(&folder, settings);
        // The client chooses how this process encrypts, which the builder below asks for.
        realnet_client::Client::new(&server.address).unwrap();
        let http = reqwest::Client::new();
        let mut world = Self {
            _folder: guard,
            server,
            http,
            root: String::new(),
            callers: Vec::new(),
            items: Vec::new(),
        };
        world.root = world.token(ADMIN.0, ADMIN.1).await;
        for (username, role) in [("uma", "user"), ("orla", "admin")] {
            let account = json!({"username": username, "password": PASSWORD, "role": role});
            world.must("POST", "/api/accounts", &account).await;
            let token = world.token(username, PASSWORD).await;
            world.callers.push((username, token));
        }
        world.callers.push(("a stranger", String::new()));
        world.fill(hidden).await;
        world
    }

    async fn fill(&mut self, hidden: Hidden) {
        let Hidden { salary, pin, note, spot } = hidden;
        self.must("POST", "/api/roles", &json!({"name": "hr"})).await;
        let fields = json!([
            {"name": "salary", "type": "integer", "read": ["hr"], "write": ["hr"], "index": true, "default": salary},
            {"name": "bonus", "type": "integer", "read": ["hr"]},
            {"name": "pin", "type": "secret"},
            {"name": "note", "type": "text", "read": ["hr"]},
            {"name": "facts", "type": "json", "read": ["hr"], "schema": {"maxProperties": 1}},
            {"name": "spot", "type": "geo", "read": ["hr"]},
            {"name": "boss", "type": "reference", "reference": "Staff", "read": ["hr"], "on_delete": "clear"},
            {"name": "mark", "type": "string", "read": ["hr"], "write": ["hr"], "unique": true},
            {"name": "old", "type": "string", "read": ["hr"]},
            {"name": "desk", "type": "string", "max_length": 9}]);
        let staff = json!({"name": "Staff", "endpoint": "staff", "fields": fields, "attributes": {"bonus": salary},
            "instances": [{"name": "Vip", "attributes": {"bonus": salary + 1}}]});
        self.must("POST", "/api/types", &staff).await;
        let all = json!([{"subject": {"type": "role", "id": "user"}, "permissions": ["create", "read", "write", "delete"]}]);
        self.must("PUT", "/api/types/Staff/acl", &all).await;
        for (name, salary) in [("two", 5000), ("three", 6000)] {
            let body = json!({"name": name, "salary": salary, "note": "plain", "desk": "a"});
            let made = self.must("POST", "/api/staff", &body).await;
            self.items.push(made["id"].as_str().unwrap().to_owned());
        }
        let boss = &self.items[usize::from(salary > 5000)];
        let body = json!({"name": "one", "salary": salary, "pin": pin, "note": note, "facts": {pin: salary}, "desk": "b", "public": true,
            "spot": {"type": "Point", "coordinates": [spot, 47.0]}, "boss": boss, "mark": note, "old": note});
        let made = self.must("POST", "/api/staff", &body).await;
        let id = made["id"].as_str().unwrap().to_owned();
        let link = json!({"name": "link", "linked_item_id": id, "parent_id": id, "public": true});
        let link = self.must("POST", "/api/link", &link).await["id"].as_str().unwrap().to_owned();
        // An earlier state, and a field that is gone.
        self.must("PATCH", &format!("/api/staff/{id}"), &json!({"note": format!("{note}!"), "desk": "c"}))
            .await;
        self.apply(hidden).await;
        let kept: Vec<Value> =
            fields.as_array().unwrap().iter().filter(|field| field["name"] != "old").cloned().collect();
        self.must("PATCH", "/api/types/Staff", &json!({"fields": kept})).await;
        self.items.insert(0, id);
        self.items.push(link);
    }

    /// What a superuser's document gives: left as it is, changed by hand in hidden fields alone, and deleted.
    async fn apply(&self, hidden: Hidden) {
        let Hidden { salary, pin, note, .. } = hidden;
        let item = |name: &str, note: &str| {
            json!({"name": name, "type": "Staff", "attributes": {
                "salary": salary + 7, "pin": pin, "note": note, "facts": {pin: salary}, "desk": "p"}})
        };
        let document =
            json!({"items": [item("planned", note), item("handled", ONE.note), item("gone", note)]});
        self.must("POST", "/api/apply?source=p.json", &document).await;
        let again = self.must("POST", "/api/plan?source=p.json", &document).await;
        assert_eq!(again["entries"], json!([]), "who gave a secret may repeat it");
        let by_hand = json!({"note": note, "pin": pin});
        self.must("PATCH", "/api/staff?name=handled", &by_hand).await;
        self.must("DELETE", "/api/staff?name=gone", &Value::Null).await;
    }

    async fn token(&self, username: &str, password: &str) -> String {
        let login = json!({"username": username, "password": password});
        let (_, _, body) = self.send("", "POST", "/api/auth", &login, &[]).await;
        let answer: Value = serde_json::from_str(&body).unwrap();
        answer["token"].as_str().unwrap_or_else(|| panic!("{username}: {answer}")).to_owned()
    }

    async fn must(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, _, text) = self.send(&self.root, method, path, body, &[]).await;
        assert!(status < 300, "{method} {path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    async fn send(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> (u16, Vec<String>, String) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, format!("{}{path}", self.server.address));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{path}: {error}"));
        let status = answer.status().as_u16();
        // The tag of an answer with items that it refers to is made from their ids, too.
        let head = head_of(answer.headers(), path.contains('('));
        (status, head, answer.text().await.unwrap())
    }

    /// The whole answer to a row, ids and times put away.
    async fn answer(&self, token: &str, row: &Row) -> String {
        let [id, two, three, link] = [0, 1, 2, 3].map(|index| self.items[index].as_str());
        let fill = |text: &str| {
            text.replace("{id}", id).replace("{two}", two).replace("{three}", three).replace("{link}", link)
        };
        let body: Value = serde_json::from_str(&fill(&row.body.to_string())).unwrap();
        let path = fill(row.path);
        let (status, head, text) = self.send(token, row.method, &path, &body, row.headers).await;
        plain(&format!("{status}\n{}\n\n{text}", head.join("\n")))
    }
}

/// The lines of a head that answers have in common when they tell the same, in order; on wish without the tag's value.
fn head_of(headers: &HeaderMap, without_tag: bool) -> Vec<String> {
    let told = |(name, value): (&HeaderName, &HeaderValue)| {
        let is_told =
            !name.as_str().starts_with("ratelimit") && !["date", "x-request-id"].contains(&name.as_str());
        let value = value.to_str().unwrap();
        // Behind version and hash a tag has a time.
        let value = match value.rsplit_once('-').filter(|(rest, _)| name == "etag" && rest.contains('-')) {
            Some((version_and_hash, _)) if !without_tag => version_and_hash,
            _ if name == "etag" && without_tag => "",
            _ => value,
        };
        is_told.then(|| format!("{name}: {value}"))
    };
    let mut head: Vec<String> = headers.iter().filter_map(told).collect();
    head.sort();
    head
}

/// Replaces what differs between any two servers: ids, by their order of appearance; times; and cursors (which hold both).
fn plain(text: &str) -> String {
    let mut known: Vec<&str> = Vec::new();
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(id) = rest.get(..36).filter(|id| is_id(id)) {
            let position = known.iter().position(|other| *other == id).unwrap_or_else(|| {
                known.push(id);
                known.len() - 1
            });
            out.push_str("id");
            out.push_str(&position.to_string());
            rest = &rest[id.len()..];
        } else if let Some(time) = rest.get(..20).filter(|time| is_time(time)) {
            out.push_str("time");
            rest = rest[time.len() - 1..].trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
        } else if let Some(behind) = rest.strip_prefix("cursor=").or(rest.strip_prefix("\"next\":\"")) {
            out.push_str("cursor");
            rest = behind.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "-_=%".contains(c));
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

fn is_id(text: &str) -> bool {
    text.bytes().enumerate().all(|(index, byte)| match index {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

fn is_time(text: &str) -> bool {
    text.bytes().enumerate().all(|(index, byte)| match index {
        4 | 7 => byte == b'-',
        10 => byte == b'T',
        13 | 16 => byte == b':',
        19 => byte == b'.' || byte == b'Z',
        _ => byte.is_ascii_digit(),
    })
}

impl World {
    /// What somebody is answered who has written hidden values, is not allowed to see them any more, and asks again.
    async fn replayed(&self, hidden: Hidden) -> String {
        let account = json!({"username": "hank", "password": PASSWORD});
        let account = self.must("POST", "/api/accounts", &account).await["id"].clone();
        let role = self.must("GET", "/api/roles?name=hr", &Value::Null).await[0]["id"].clone();
        let in_role = json!({"account": account, "role": role});
        let in_role = self.must("POST", "/api/accountrole", &in_role).await["id"].clone();
        let hank = self.token("hank", PASSWORD).await;
        let body = json!({"name": "hank's", "salary": hidden.salary, "note": hidden.note});
        let send =
            || async { self.send(&hank, "POST", "/api/staff", &body, &[("Idempotency-Key", "once")]).await };
        let (status, _, text) = send().await;
        assert!(status == 201 && text.contains(hidden.note), "who may read them is shown them: {text}");
        self.must("DELETE", &format!("/api/accountrole/{}", in_role.as_str().unwrap()), &Value::Null).await;
        let (status, head, text) = send().await;
        assert_eq!(status, 201, "{text}");
        plain(&format!("{}\n\n{text}", head.join("\n")))
    }
}

async fn compare(settings: &Settings) {
    let [one, other] = [World::start(settings, ONE).await, World::start(settings, OTHER).await];
    // Who may read a field is shown what a document would change of it.
    let guess = json!({"items": [{"name": "planned", "type": "Staff", "attributes": {"note": ONE.note, "desk": "p"}}]});
    let shown = |plan: Value| plan.to_string().contains("attributes/note");
    assert!(!shown(one.must("POST", "/api/plan?source=p.json", &guess).await), "it is the same");
    assert!(shown(other.must("POST", "/api/plan?source=p.json", &guess).await), "it is another");
    let mut told = Vec::new();
    for (caller, (name, token)) in one.callers.iter().enumerate() {
        for row in reads().iter().chain(&writes()) {
            // Who writes types reads them whole.
            if *name == "orla" && row.path.starts_with("/api/types") {
                continue;
            }
            let [left, right] =
                [one.answer(token, row).await, other.answer(&other.callers[caller].1, row).await];
            if left != right {
                told.push(format!(
                    "{name}: {} {} {}\n{left}\n--- but ---\n{right}",
                    row.method, row.path, row.body
                ));
            }
        }
    }
    assert!(told.is_empty(), "{} answers tell hidden values:\n\n{}", told.len(), told.join("\n\n"));
    // Who may read them is told them: the table asks for what is there.
    for path in ["/api/staff?salary=1111", "/api/staff?boss.name=two"] {
        let found = one.must("GET", path, &Value::Null).await;
        assert_eq!(found.as_array().map(Vec::len), Some(1), "{path}: {found}");
        assert_eq!(other.must("GET", path, &Value::Null).await, json!([]), "{path}");
    }
    let figures = "/api/staff/aggregate?select=sum(salary),max(note)&group=name&name=one";
    let [left, right] = [&one, &other].map(|world| world.must("GET", figures, &Value::Null));
    assert_ne!(left.await, right.await, "who may read them is told figures of them");
    // Last, since it makes an item that the lists above would find.
    assert_eq!(one.replayed(ONE).await, other.replayed(OTHER).await);
}

#[tokio::test]
async fn answers_of_a_store_in_memory_tell_nothing_hidden() {
    compare(&vec![("REALNET_DB_TYPE".to_owned(), "memory".to_owned())]).await;
}

#[tokio::test]
async fn answers_of_sqlite_tell_nothing_hidden() {
    compare(&Settings::new()).await;
}
