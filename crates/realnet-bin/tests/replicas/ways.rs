//! The ways in that are taken away: by what somebody is let in, on which path, and what ends it.

use serde_json::{Value, json};

use crate::Place;

const PASSWORD: &str = "some long password";

/// A way in, and the request of an administrator that closes it.
pub struct Way {
    pub name: &'static str,
    /// By what one comes in.
    pub token: String,
    /// What one sees then.
    pub path: String,
    end: (&'static str, String, Value),
    /// By what it is ended; the administrator's when empty.
    by: String,
}

impl Way {
    pub async fn take_away(&self, place: &Place) {
        let (method, path, body) = &self.end;
        if self.by.is_empty() {
            place.must(method, path, body.clone()).await;
        } else {
            place.must_as(&self.by, method, path, body.clone()).await;
        }
    }
}

/// Who is there to lose something.
struct Person {
    id: String,
    token: String,
}

async fn person(place: &Place, name: &str) -> Person {
    let account = json!({"username": name, "password": PASSWORD, "role": "admin"});
    let id = id(&place.must("POST", "/api/accounts", account).await);
    Person { id, token: place.sign_in(name, PASSWORD).await }
}

fn id(made: &Value) -> String {
    made["id"].as_str().unwrap_or_else(|| panic!("no id: {made}")).to_owned()
}

fn way(name: &'static str, token: &str, path: &str, end: (&'static str, String, Value)) -> Way {
    Way { name, token: token.to_owned(), path: path.to_owned(), end, by: String::new() }
}

/// All of them, each of somebody else.
pub async fn all(place: &Place) -> Vec<Way> {
    let mut ways = of_accounts(place).await;
    ways.extend(of_sessions(place).await);
    ways.extend(of_programs(place).await);
    ways.extend(of_shares(place).await);
    ways
}

/// What ends all that an account is.
async fn of_accounts(place: &Place) -> Vec<Way> {
    const ME: &str = "/api/auth";
    let changes = [
        ("a password is changed", json!({"password": "another long password"})),
        ("a role is changed", json!({"role": "user"})),
        ("an account is disabled", json!({"disabled": true})),
        ("an account is deleted", Value::Null),
    ];
    let mut ways = Vec::new();
    for (index, (name, change)) in changes.into_iter().enumerate() {
        let Person { id, token } = person(place, &format!("account{index}")).await;
        let method = if change.is_null() { "DELETE" } else { "PATCH" };
        ways.push(way(name, &token, ME, (method, format!("/api/accounts/{id}"), change)));
    }
    ways
}

async fn of_sessions(place: &Place) -> Vec<Way> {
    const ME: &str = "/api/auth";
    let one = person(place, "session1").await;
    let sessions = place.must_as(&one.token, "GET", "/api/auth/sessions", Value::Null).await;
    let one_session = format!("/api/auth/sessions/{}", id(&sessions[0]));
    let two = person(place, "session2").await;
    let all = format!("/api/auth/sessions?account={}", two.id);
    let three = person(place, "session3").await;
    let mut out = way("somebody signs out", &three.token, ME, ("DELETE", ME.to_owned(), Value::Null));
    out.by.clone_from(&three.token);
    vec![
        way("a session is ended", &one.token, ME, ("DELETE", one_session, Value::Null)),
        way("all sessions are ended", &two.token, ME, ("DELETE", all, Value::Null)),
        out,
    ]
}

/// Keys, and clients with their tokens.
async fn of_programs(place: &Place) -> Vec<Way> {
    let (papers, path) = (json!([{"resource": "folder", "permissions": ["read"]}]), "/api/folder");
    let mut ways = Vec::new();
    for (name, ends_account) in [("a key is ended", false), ("the account of a key is disabled", true)] {
        let person = person(place, if ends_account { "key1" } else { "key2" }).await;
        let body = json!({"name": "program", "account": person.id, "scopes": papers});
        let made = place.must("POST", "/api/keys", body).await;
        let end = if ends_account {
            ("PATCH", format!("/api/accounts/{}", person.id), json!({"disabled": true}))
        } else {
            ("DELETE", format!("/api/keys/{}", id(&made)), Value::Null)
        };
        ways.push(way(name, made["key"].as_str().unwrap(), path, end));
    }
    for (index, name) in [
        "the secret of a client is taken away",
        "the secret of a client is replaced",
        "a client is disabled",
        "a client loses its scopes",
        "a client is deleted",
        "the account of a client is disabled",
    ]
    .into_iter()
    .enumerate()
    {
        let person = person(place, &format!("client{index}")).await;
        let (client, token) = client(place, &person).await;
        let (item, secret) = (format!("/api/clients/{client}"), format!("/api/clients/{client}/secret"));
        let end = match index {
            0 => ("DELETE", secret, Value::Null),
            1 => ("POST", secret, Value::Null),
            2 => ("PATCH", item, json!({"enabled": false})),
            3 => ("PATCH", item, json!({"scopes": ["link:read"]})),
            4 => ("DELETE", item, Value::Null),
            _ => ("PATCH", format!("/api/accounts/{}", person.id), json!({"disabled": true})),
        };
        ways.push(way(name, &token, path, end));
    }
    ways
}

/// A client of an account, with a token for its secret.
async fn client(place: &Place, person: &Person) -> (String, String) {
    let body = json!({"name": "program", "account": person.id, "scopes": ["folder:read"]});
    let client = id(&place.must("POST", "/api/clients", body).await);
    let secret = place.must("POST", &format!("/api/clients/{client}/secret"), Value::Null).await;
    let secret = secret["client_secret"].as_str().unwrap();
    let form = format!("grant_type=client_credentials&client_id={client}&client_secret={secret}");
    let request = place.http.post(format!("{}/api/auth/token", place.first.address));
    let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(form);
    let given: Value = request.send().await.unwrap().json().await.unwrap();
    (client, given["access_token"].as_str().unwrap_or_else(|| panic!("{given}")).to_owned())
}

/// What others have let somebody see.
async fn of_shares(place: &Place) -> Vec<Way> {
    let user = |name: &'static str| async move {
        let account = json!({"username": name, "password": PASSWORD, "role": "user"});
        let id = id(&place.must("POST", "/api/accounts", account).await);
        Person { id, token: place.sign_in(name, PASSWORD).await }
    };
    let folder = |name: &'static str| async move {
        id(&place.must("POST", "/api/folder", json!({"name": name, "visibility": "restricted"})).await)
    };
    let mut ways = Vec::new();

    let (ann, item) = (user("ann").await, folder("shared").await);
    let (path, acl) = (format!("/api/folder/{item}"), format!("/api/folder/{item}/acl"));
    let grant =
        |kind: &str, id: &str| json!([{"subject": {"type": kind, "id": id}, "permissions": ["read"]}]);
    place.must("PUT", &acl, grant("account", &ann.id)).await;
    ways.push(way("a grant on an item is taken back", &ann.token, &path, ("PUT", acl, json!([]))));

    for (name, links, kind, key) in [
        ("somebody leaves a group", "/api/accountgroup", "groups", "group"),
        ("somebody loses a role", "/api/accountrole", "roles", "role"),
    ] {
        let (person, item) = (user(key).await, folder(key).await);
        let principal = id(&place.must("POST", &format!("/api/{kind}"), json!({"name": kind})).await);
        let mut link = json!({"account": person.id});
        link[key] = json!(principal);
        let link = id(&place.must("POST", links, link).await);
        place.must("PUT", &format!("/api/folder/{item}/acl"), grant(key, &principal)).await;
        let end = ("DELETE", format!("{links}/{link}"), Value::Null);
        ways.push(way(name, &person.token, &format!("/api/folder/{item}"), end));
    }

    let fay = user("fay").await;
    let kind = json!({"name": "Sheet", "endpoint": "sheets"});
    place.must("POST", "/api/types", kind).await;
    let sheet = id(&place.must("POST", "/api/sheets", json!({"name": "sheet"})).await);
    let acl = "/api/types/Sheet/acl".to_owned();
    place.must("PUT", &acl, grant("role", "user")).await;
    ways.push(way(
        "a grant on a type is taken back",
        &fay.token,
        &format!("/api/sheets/{sheet}"),
        ("PUT", acl, json!([])),
    ));
    ways
}
