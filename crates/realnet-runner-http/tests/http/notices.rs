//! The header `RealNet-Notice` of lists: names that look mistyped.

use serde_json::json;

use crate::common::TestServer;

fn notice(server: &TestServer, target: &str) -> Option<String> {
    let answer = server.get(target);
    answer.expect(200);
    answer.header("realnet-notice").map(str::to_owned)
}

#[test]
fn names_that_look_mistyped_are_told() {
    let server = TestServer::start();
    for (query, mistyped, meant) in [
        ("customers?limt=3", "limt", "limit"),
        ("customers?serach=x", "serach", "search"),
        ("customers?siez=gt.5", "siez", "size"),
        ("customers?sort=size", "sort", "order"),
        ("customers?order=teir.desc", "teir", "tier"),
        ("customers?order=size,nmae", "nmae", "name"),
        ("customers?select=name,emial", "emial", "email"),
        ("customers?select=owner(nme),nme", "nme", "name"),
        ("items?limt=3", "limt", "limit"),
        ("items?select=nme", "nme", "name"),
    ] {
        let expected = format!(
            "\"{mistyped} is no declared field: is {meant} meant? attributes.{mistyped} means an undeclared attribute\""
        );
        assert_eq!(notice(&server, &format!("/api/{query}")), Some(expected), "{query}");
    }
    let several = notice(&server, "/api/customers?limt=3&order=whatever").unwrap();
    assert!(
        several.contains("\", \"") && several.contains("\"whatever is no declared field: attributes."),
        "{several}"
    );
    let many = "/api/customers?order=a1,a2,a3,a4,a5,a6,a7";
    assert_eq!(notice(&server, many).unwrap().matches("no declared field").count(), 5, "a bounded header");
}

#[test]
fn what_is_known_or_may_well_be_meant_is_not() {
    let server = TestServer::start();
    for query in [
        "customers",
        "customers?limit=3&order=size.desc,name&select=name,size,tier&search=x&count=exact",
        "customers?colour=red&or=(colour.eq.red,size.gt.2)&tags=x&created_at=gt.2026-01-01",
        "customers?attributes.limt=3&order=attributes.zzz&select=attributes.nme",
        "customers?parent_id=is.null&owner.name=x&select=owner(name)",
        "items?colour=red&order=zzz&select=zzz&siez=3",
    ] {
        assert_eq!(notice(&server, &format!("/api/{query}")), None, "{query}");
    }
    // A strict type refuses; names that no header could carry are passed over.
    server.get("/api/strict?limt=3").expect(400);
    assert_eq!(notice(&server, "/api/customers?order=n%22am%0D%0Ae"), None);
}

#[test]
fn no_notice_tells_of_a_field_that_is_for_others() {
    let server = TestServer::start();
    let wage = json!({"name": "Worker", "base": "Item", "fields": [
        {"name": "salary", "type": "number", "read": ["admin", "superuser"]}, {"name": "city", "type": "string"}]});
    server.admin("POST", "/api/types", &wage).expect(201);
    let target = "/api/worker?salray=gt.1";
    assert!(notice(&server, target).unwrap().contains("is salary meant?"), "administrators see it");
    let user = server.account("ann", "user");
    let answer = server.by(&user, "GET", target, &serde_json::Value::Null);
    answer.expect(200);
    assert_eq!(answer.header("realnet-notice"), None);
}

#[test]
fn strangers_are_told_nothing_of_types_that_they_can_not_know() {
    let server = TestServer::start();
    let boss = server.account("boss", "admin");
    let own = json!({"name": "Patron", "base": "Customer", "fields": [{"name": "colour", "type": "string"}]});
    server.by(&boss, "POST", "/api/types", &own).expect(201);
    let of_org = server.by(&boss, "GET", "/api/customers?colur=red", &serde_json::Value::Null);
    assert!(of_org.header("realnet-notice").unwrap().contains("is colour meant?"));
    for (target, meant) in [("/api/customers?colur=red", None), ("/api/customers?siez=gt.5", Some("size"))] {
        let answer = server.get_anonymous(target);
        answer.expect(200);
        let told = answer.header("realnet-notice");
        assert_eq!(told.is_some(), meant.is_some(), "{told:?}");
        assert!(
            meant.is_none_or(|meant| told.unwrap().contains(&format!("is {meant} meant?"))),
            "what is built in"
        );
    }
}

#[test]
fn only_so_many_names_are_looked_into() {
    let server = TestServer::start();
    for (others, is_told) in [(19, true), (20, false)] {
        let others: Vec<String> = (0..others).map(|n| format!("unlike{n}=x&")).collect();
        let target = format!("/api/customers?{}limt=3", others.concat());
        assert_eq!(notice(&server, &target).is_some(), is_told, "{target}");
    }
}

#[test]
fn keys_that_look_mistyped_are_told_when_they_are_written() {
    let server = TestServer::start();
    let told = |method: &str, target: &str, body: &serde_json::Value| {
        let answer = server.admin(method, target, body);
        assert!(answer.status < 300, "{answer:?}");
        answer.header("realnet-notice").map(str::to_owned)
    };
    let sentence = |name: &str, meant: &str| {
        Some(format!(
            "\"{name} is no declared field: is {meant} meant? It is kept as an undeclared attribute\""
        ))
    };
    let customer = server.customer(&json!({"name": "c"}));
    let (one, as_item) = (
        format!("/api/customers/{}", customer["id"].as_str().unwrap()),
        format!("/api/items/{}", customer["id"].as_str().unwrap()),
    );
    for (method, target, body, name, meant) in [
        ("POST", "/api/customers", json!({"name": "x", "siez": 3}), "siez", "size"),
        ("POST", "/api/customers", json!({"nme": "x"}), "nme", "name"),
        ("POST", "/api/customers", json!({"attributes": {"teir": "pro"}}), "teir", "tier"),
        ("POST", "/api/customers", json!([{"size": 1}, {"emial": "x"}]), "emial", "email"),
        ("POST", "/api/items", json!({"type": "customer", "siez": 3}), "siez", "size"),
        ("PUT", &one, json!({"name": "c", "siez": 3}), "siez", "size"),
        ("PATCH", &one, json!({"siez": 3}), "siez", "size"),
        ("PATCH", &as_item, json!({"siez": 3}), "siez", "size"),
        ("PATCH", "/api/customers?name=c", json!({"siez": 4}), "siez", "size"),
    ] {
        assert_eq!(told(method, target, &body), sentence(name, meant), "{method} {target} {body}");
    }
    let headers = [("Content-Type", "application/json-patch+json")];
    for path in ["/siez", "/attributes/siez"] {
        let customer = server.customer(&json!({"name": "p"}));
        let one = format!("/api/customers/{}", customer["id"].as_str().unwrap());
        let patch = json!([{"op": "add", "path": path, "value": 7}]).to_string();
        let answer = server.admin_with("PATCH", &one, &headers, patch.as_bytes());
        answer.expect(200);
        assert_eq!(answer.header("realnet-notice"), sentence("siez", "size").as_deref());
    }
    let operations = json!({"operations": [
        {"operation": "create", "resource": "customers", "body": {"size": 1, "colour": "red"}},
        {"operation": "patch", "resource": "items", "id": customer["id"], "body": {"emial": "x"}},
        {"operation": "patch", "resource": "customers", "id": customer["id"], "body": [{"op": "add", "path": "/teir", "value": 1}]},
    ]});
    let several = told("POST", "/api/batch", &operations).unwrap();
    assert!(several.contains("is email meant?") && several.contains("is tier meant?"), "{several}");
}

#[test]
fn keys_that_are_said_of_files_are_looked_at_as_well() {
    let server = TestServer::start();
    let told = |path: &str, headers: &[(&str, &str)], body: &[u8]| {
        let answer = server.admin_with("POST", path, headers, body);
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.header("realnet-notice").map(str::to_owned)
    };
    let meant = |name: &str| {
        Some(format!("\"nam is no declared field: is {name} meant? It is kept as an undeclared attribute\""))
    };
    let plain = [("Content-Type", "text/plain")];
    assert_eq!(told("/api/files?nam=y.json", &plain, b"x"), meant("name"));
    assert_eq!(told("/api/files?name=y&colour=z&width=3", &plain[..0], b"x"), None);
    let form = |said: &str, value: &str| {
        format!(
            "--xyz\r\nContent-Disposition: form-data; name={said}\r\n\r\n{value}\r\n--xyz\r\n\
             Content-Disposition: form-data; name=f; filename=a\r\n\r\nx\r\n--xyz--\r\n"
        )
    };
    let headers = [("Content-Type", "multipart/form-data; boundary=xyz")];
    assert_eq!(told("/api/files", &headers, form("nam", "3").as_bytes()), meant("name"));
    assert_eq!(told("/api/files", &headers, form("attributes", r#"{"nam": 3}"#).as_bytes()), meant("name"));
    assert_eq!(told("/api/files", &headers, form("colour", "3").as_bytes()), None);
    // `filename` says what the file is called, and is no slip.
    for (metadata, expected) in
        [("filename YQ==,nam Yg==", meant("name")), ("filename YQ==,colour Yg==", None)]
    {
        let headers = [("Tus-Resumable", "1.0.0"), ("Upload-Length", "5"), ("Upload-Metadata", metadata)];
        assert_eq!(told("/api/uploads", &headers, b""), expected, "{metadata}");
    }
    let headers =
        [("Tus-Resumable", "1.0.0"), ("Upload-Length", "5"), ("Upload-Metadata", "note dHVzAG51bA==")];
    server.admin_with("POST", "/api/uploads", &headers, b"").problem(400);
}

#[test]
fn what_may_well_be_meant_is_written_without_a_word() {
    let server = TestServer::start();
    let customer = server.customer(&json!({"name": "c"}));
    let one = format!("/api/customers/{}", customer["id"].as_str().unwrap());
    for (method, target, body) in [
        (
            "POST",
            "/api/customers",
            json!({"name": "x", "size": 3, "tier": "pro", "colour": "red", "public": true}),
        ),
        ("POST", "/api/items", json!({"name": "x", "siez": 3})),
        ("POST", "/api/customers", json!({"s\u{ef}ze": 3})),
        ("PATCH", &one, json!({"siez": null, "attributes": null})),
        ("PATCH", &one, json!([])),
    ] {
        let answer = match body.as_array() {
            Some(_) => {
                let headers = [("Content-Type", "application/json-patch+json")];
                server.admin_with(
                    method,
                    target,
                    &headers,
                    b"[{\"op\": \"test\", \"path\": \"/name\", \"value\": \"c\"}]",
                )
            }
            None => server.admin(method, target, &body),
        };
        assert!(answer.status < 300, "{answer:?}");
        assert_eq!(answer.header("realnet-notice"), None, "{method} {target} {body}");
    }
    server.admin("POST", "/api/strict", &json!({"code": "a", "cod": "b"})).problem(422);
    // Who may not know a field is not asked whether it is meant.
    let wage = json!({"name": "Worker", "base": "Item", "fields": [
        {"name": "salary", "type": "number", "read": ["superuser"]}, {"name": "city", "type": "string"}]});
    server.admin("POST", "/api/types", &wage).expect(201);
    let user = server.account("ann", "user");
    let answer = server.by(&user, "POST", "/api/worker", &json!({"salray": 3, "ctiy": "x"}));
    answer.expect(201);
    let told = answer.header("realnet-notice").unwrap();
    assert!(told.contains("is city meant?") && !told.contains("salary"), "{told}");
}

#[test]
fn constants_of_instances_are_declared() {
    let server = TestServer::start();
    let plant = json!({"name": "Plant", "base": "Item", "fields": [{"name": "height", "type": "number"}],
        "instances": [{"name": "Rose", "type": "Plant", "attributes": {"days": 3}}]});
    server.admin("POST", "/api/types", &plant).expect(201);
    assert_eq!(notice(&server, "/api/plant?select=name,days&order=days"), None);
    assert!(notice(&server, "/api/plant?select=dys,hieght").unwrap().contains("is height meant?"));
}
