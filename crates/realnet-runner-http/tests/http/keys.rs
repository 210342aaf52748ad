//! `/api/keys`, and what a key's scope leaves of every call.

use serde_json::{Value, json};

use crate::common::{Answer, TestServer};

const ALL: [&str; 7] = ["create", "read", "write", "delete", "execute", "message", "share"];

/// A key of the superuser for some resources.
fn key(server: &TestServer, scopes: &Value) -> String {
    let answer = server.admin("POST", "/api/keys", &json!({"name": "test", "scopes": scopes}));
    let made = answer.expect(201);
    let location = format!("/api/keys/{}", made["id"].as_str().unwrap());
    assert_eq!(answer.header("location"), Some(location.as_str()));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    made["key"].as_str().unwrap().to_owned()
}

#[track_caller]
fn outside(answer: &Answer) {
    let detail = answer.problem(403)["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("outside of the key's scope"), "{detail}");
}

#[test]
fn a_key_is_a_bearer_token_until_it_is_ended() {
    let server = TestServer::start();
    let key = key(&server, &json!([{"resource": "*", "permissions": ALL}]));
    let me = server.by(&key, "GET", "/api/auth", &Value::Null).expect(200);
    assert_eq!(me["account"]["username"], "admin");
    let id = me["key"].as_str().unwrap().to_owned();
    let customer = server.by(&key, "POST", "/api/customers", &json!({"name": "Acme"})).expect(201);
    let list = server.get("/api/keys").expect(200);
    assert_eq!((&list[0]["id"], list.as_array().unwrap().len()), (&json!(id), 1));
    let audit = server.get(&format!("/api/audit?item={}", customer["id"].as_str().unwrap())).expect(200);
    assert_eq!(audit["entries"][0]["origin"]["token"], json!(id), "{audit}");
    server.by(&key, "DELETE", "/api/auth", &Value::Null).problem(403);
    server.by(&key, "POST", "/api/keys", &json!({"name": "x", "scopes": []})).problem(403);
    server.by(&key, "GET", "/api/auth/sessions", &Value::Null).problem(403);
    server.by(&key, "GET", "/api/keys", &Value::Null).expect(200);
    server.by(&key, "GET", "/api/types", &Value::Null).expect(200);
    server.by(&key, "POST", "/api/types", &json!({"name": "Own"})).expect(201);
    server.admin("DELETE", &format!("/api/keys/{id}"), &Value::Null).expect(204);
    server.by(&key, "GET", "/api/customers", &Value::Null).problem(401);
    server.get(&format!("/api/keys/{id}")).problem(404);
    server.get_anonymous("/api/keys").problem(401);
    server.by("rnk_typo", "GET", "/api/customers", &Value::Null).problem(401);
    server.admin("POST", "/api/keys", &json!({"name": "x"})).problem(422);
    server.get("/api/keys?org=x").problem(400);
}

#[test]
fn the_scope_holds_in_every_call() {
    let server = TestServer::start();
    let customer = server.customer(&json!({"name": "Acme", "tier": "pro"}));
    let id = customer["id"].as_str().unwrap();
    let note = json!({"name": "note", "type": "Item", "linked_item_id": id});
    let note = server.admin("POST", "/api/items", &note).expect(201);
    let note = note["id"].as_str().unwrap();
    let items = key(&server, &json!([{"resource": "customers", "permissions": ["read", "write"]}]));
    let get = |target: &str| server.by(&items, "GET", target, &Value::Null);
    let send = |method: &str, target: &str, body: Value| server.by(&items, method, target, &body);
    // Lists and totals.
    let list = get("/api/items?count=exact");
    assert_eq!(list.expect(200).as_array().unwrap().len(), 1);
    assert_eq!(list.header("content-range"), Some("items 0-0/1"));
    assert_eq!(get("/api/customers?search=acme").expect(200).as_array().unwrap().len(), 1);
    assert_eq!(get("/api/items?search=note").expect(200), json!([]));
    outside(&get("/api/accounts"));
    outside(&get("/api/groups?search=x"));
    // One item, by whatever endpoint.
    get(&format!("/api/customers/{id}")).expect(200);
    get(&format!("/api/items/{note}")).problem(404);
    get(&format!("/api/items/{note}/history")).problem(404);
    get(&format!("/api/items/{note}/items")).problem(404);
    get(&format!("/api/customers/{id}/history")).expect(200);
    let changed = send("PATCH", &format!("/api/customers/{id}"), json!({"size": 3})).expect(200);
    // What it refers to, and what refers to it.
    let link = json!({"linked_item_id": note});
    send("PATCH", &format!("/api/customers/{id}"), link.clone()).problem(422);
    server.admin("PATCH", &format!("/api/customers/{id}"), &link).expect(200);
    let expanded = get("/api/customers?select=name,linked_item_id(name)").expect(200);
    assert!(!expanded.to_string().contains("note"), "{expanded}");
    assert_eq!(get("/api/customers?linked_item_id.name=eq.note").expect(200), json!([]));
    // Writes of many.
    assert_eq!(changed["attributes"]["size"], 3, "{changed}");
    outside(&send("POST", "/api/customers", json!({"name": "Other"})));
    outside(&send("POST", "/api/items", json!([{"name": "Other", "type": "Customer"}])));
    outside(&send("DELETE", &format!("/api/customers/{id}"), Value::Null));
    outside(&send("DELETE", "/api/customers?name=eq.Acme", Value::Null));
    outside(&send("PATCH", "/api/accounts?name=eq.admin", json!({"display_name": "x"})));
    send("PATCH", "/api/customers?name=eq.Acme", json!({"size": 4})).expect(200);
    outside(&send("PUT", &format!("/api/customers/{id}/acl"), json!([])));
    get(&format!("/api/customers/{id}/acl")).problem(403);
    let batch = |operation: Value| send("POST", "/api/batch", json!({"operations": [operation]}));
    outside(&batch(json!({"operation": "delete", "resource": "customers", "id": id})));
    outside(&batch(json!({"operation": "create", "resource": "accounts", "body": {"username": "eve"}})));
    batch(json!({"operation": "patch", "resource": "items", "id": note, "body": {"name": "x"}})).problem(404);
    batch(json!({"operation": "patch", "resource": "items", "id": id, "body": {"size": 5}})).expect(200);
    // What is about no items at all.
    for (method, target) in [
        ("GET", "/api/types"),
        ("GET", "/api/types/account"),
        ("GET", "/api/types/customer/acl"),
        ("DELETE", "/api/types/customer"),
        ("POST", "/api/types"),
        ("POST", "/api/plan"),
        ("POST", "/api/apply"),
        ("GET", "/api/drift"),
        ("GET", "/api/audit"),
        ("GET", "/api/keys"),
    ] {
        let body = if method == "POST" { json!({"name": "Own"}) } else { Value::Null };
        outside(&send(method, target, body));
    }
    get("/api/types/customer").expect(200);
    get(&format!("/api/explain?item={note}")).problem(404);
    let explained = get(&format!("/api/explain?item={id}")).expect(200);
    assert_eq!(explained["permissions"]["delete"]["reason"], "key_scope");
    assert_eq!(get("/api/info").expect(200)["items"], 1);
    let blind = key(&server, &json!([{"resource": "customers", "permissions": ["write"]}]));
    assert!(server.by(&blind, "GET", "/api/info", &Value::Null).expect(200).get("items").is_none());
}

#[test]
fn a_key_goes_on_with_no_upload_outside_of_its_scope() {
    let server = TestServer::start();
    let step = |key: &str, method: &str, path: &str, header: (&str, &str)| {
        let authorization = format!("Bearer {key}");
        let headers = [("Tus-Resumable", "1.0.0"), ("Authorization", &*authorization), header];
        server.send(method, path, &headers, b"")
    };
    let files = key(&server, &json!([{"resource": "files", "permissions": ["create"]}]));
    let customers = key(&server, &json!([{"resource": "customers", "permissions": ["read"]}]));
    let images = key(&server, &json!([{"resource": "images", "permissions": ["create"]}]));
    let length = ("Upload-Length", "3");
    outside(&step(&customers, "POST", "/api/uploads", length));
    let path = step(&files, "POST", "/api/uploads", length).header("location").unwrap().to_owned();
    let offset = ("Upload-Offset", "0");
    for method in ["GET", "DELETE"] {
        outside(&step(&customers, method, &path, offset));
    }
    assert_eq!(step(&images, "HEAD", &path, offset).status, 200, "images are files");
    assert_eq!(step(&files, "HEAD", &path, offset).status, 200);
    step(&files, "DELETE", &path, offset).expect(204);
}

#[test]
fn a_key_deletes_nothing_outside_of_its_scope_by_a_reference() {
    let server = TestServer::start();
    let clip = json!({"name": "Clip", "endpoint": "clips", "fields": [
        {"name": "of", "type": "reference", "reference": "Customer", "on_delete": "cascade"}]});
    server.admin("POST", "/api/types", &clip).expect(201);
    let customer = server.customer(&json!({"name": "Acme", "size": 1}));
    let path = format!("/api/customers/{}", customer["id"].as_str().unwrap());
    server.admin("POST", "/api/clips", &json!({"name": "c", "of": customer["id"]})).expect(201);
    let customers = json!({"resource": "customers", "permissions": ["read", "delete"]});
    let narrow = key(&server, &json!([customers]));
    outside(&server.by(&narrow, "DELETE", &path, &Value::Null));
    outside(&server.by(&narrow, "DELETE", "/api/customers?size=1", &Value::Null));
    assert_eq!(server.get("/api/clips").expect(200).as_array().map(Vec::len), Some(1));
    let both = key(&server, &json!([customers, {"resource": "clips", "permissions": ["delete"]}]));
    server.by(&both, "DELETE", &path, &Value::Null).expect(204);
    assert_eq!(server.get("/api/clips").expect(200), json!([]));
}

#[test]
fn the_description_tells_a_narrow_key_of_no_own_types() {
    let server = TestServer::start();
    let token = server.account("boss", "admin");
    server.by(&token, "POST", "/api/types", &json!({"name": "Salary"})).expect(201);
    let make = |scopes: Value| {
        let made = server.by(&token, "POST", "/api/keys", &json!({"name": "k", "scopes": scopes}));
        made.expect(201)["key"].as_str().unwrap().to_owned()
    };
    let narrow = make(json!([{"resource": "customers", "permissions": ["read"]}]));
    let wide = make(json!([{"resource": "*", "permissions": ["read"]}]));
    let tells = |key: &str| {
        server.by(key, "GET", "/api/openapi.json", &Value::Null).expect(200).to_string().contains("Salary")
    };
    assert!(!tells(&narrow) && tells(&wide) && tells(&token));
}

#[test]
fn a_client_gets_a_token_as_oauth_has_it() {
    use base64::Engine as _;
    let server = TestServer::start();
    let me = server.get("/api/auth").expect(200)["account"]["id"].clone();
    let client = json!({"name": "shop", "account": me, "scopes": ["customers:read"]});
    let id = server.admin("POST", "/api/clients", &client).expect(201)["id"].as_str().unwrap().to_owned();
    let secret_at = format!("/api/clients/{id}/secret");
    let made = server.admin("POST", &secret_at, &Value::Null).expect(200);
    let secret = made["client_secret"].as_str().unwrap();
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
    let basic = format!("Basic {basic}");
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let ask = |headers: &[(&str, &str)], body: &str| {
        server.send("POST", "/api/auth/token", headers, body.as_bytes())
    };
    let by_header = ask(&[form, ("Authorization", &basic)], "grant_type=client_credentials");
    let given = by_header.expect(200);
    assert_eq!(by_header.header("cache-control"), Some("no-store"));
    assert_eq!((&given["token_type"], &given["scope"]), (&json!("Bearer"), &json!("customers:read")));
    let token = given["access_token"].as_str().unwrap();
    server.by(token, "GET", "/api/customers", &Value::Null).expect(200);
    outside(&server.by(token, "GET", "/api/accounts", &Value::Null));
    assert_eq!(server.by(token, "GET", "/api/auth", &Value::Null).expect(200)["key"], json!(id));
    let by_form =
        format!("grant_type=client_credentials&client_id={id}&client_secret={secret}&scope=customers:read");
    ask(&[form], &by_form).expect(200);
    let refused = |headers: &[(&str, &str)], body: &str, status: u16, error: &str| {
        let answer = ask(headers, body);
        assert_eq!(answer.expect(status)["error"], error, "{body}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("www-authenticate").is_some(), status == 401);
    };
    refused(&[form], &format!("{by_form}x"), 400, "invalid_scope");
    refused(&[form], &by_form.replace("rns_", "rns_x"), 401, "invalid_client");
    refused(&[form], "grant_type=client_credentials", 401, "invalid_client");
    refused(&[form], "grant_type=password&username=admin&password=x", 400, "unsupported_grant_type");
    refused(&[form], "", 400, "invalid_request");
    refused(&[("Content-Type", "application/json")], "{}", 400, "invalid_request");
    refused(&[form, ("Authorization", &basic)], &by_form, 400, "invalid_request");
    server.admin("DELETE", &secret_at, &Value::Null).expect(204);
    server.by(token, "GET", "/api/customers", &Value::Null).problem(401);
    refused(&[form, ("Authorization", &basic)], "grant_type=client_credentials", 401, "invalid_client");
    server.send("POST", &secret_at, &[], b"").problem(401);
    server.admin("POST", &secret_at, &json!({"secret": "mine"})).problem(400);
}

#[test]
fn a_key_shares_nothing_outside_of_its_scope_along_with_a_folder() {
    let server = TestServer::start();
    let derived = json!({"name": "Ring", "base": "Binder", "endpoint": "rings"});
    server.admin("POST", "/api/types", &derived).expect(201);
    let ring = server.admin("POST", "/api/rings", &json!({"name": "R"})).expect(201);
    let below = json!({"name": "B", "parent_id": ring["id"]});
    server.admin("POST", "/api/binders", &below).expect(201);
    let acl = format!("/api/rings/{}/acl", ring["id"].as_str().unwrap());
    let public = json!([{"subject": {"type": "public"}, "permissions": ["read"]}]);
    let scope = |resource: &str| json!([{"resource": resource, "permissions": ["read", "share"]}]);
    let (rings, binders) = (key(&server, &scope("rings")), key(&server, &scope("binders")));
    outside(&server.by(&rings, "PUT", &acl, &public));
    server.by(&binders, "PUT", &acl, &public).expect(200);
    // It may take away, whatever that is taken from.
    server.by(&rings, "PUT", &acl, &json!([])).expect(200);
}
