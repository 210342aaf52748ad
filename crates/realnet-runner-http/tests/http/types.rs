//! `/api/types`.

use serde_json::{Value, json};

use crate::common::TestServer;

#[test]
fn a_type_lives_from_creation_to_deletion() {
    let server = TestServer::start();
    let body = json!({"name": "Recipe", "base": "Item", "fields": [{"name": "minutes", "type": "integer", "min": 1}]});
    let answer = server.admin("POST", "/api/types", &body);
    assert_eq!(answer.expect(201)["name"], "Recipe");
    assert_eq!(answer.header("location"), Some("/api/types/Recipe"));
    server.admin("POST", "/api/types", &body).problem(409);
    server.admin("POST", "/api/recipe", &json!({"name": "Soup", "minutes": 0})).problem(422);
    let soup = server.admin("POST", "/api/recipe", &json!({"name": "Soup", "minutes": 3})).expect(201);

    let read = server.get("/api/types/recipe");
    assert_eq!(read.expect(200)["schema"]["properties"]["minutes"]["minimum"], 1);
    let etag = read.header("etag").unwrap().to_owned();
    assert_eq!(server.admin_with("GET", "/api/types/recipe", &[("If-None-Match", &etag)], b"").status, 304);
    let json = ("Content-Type", "application/json");
    let wider = json!({"name": "Recipe", "base": "Item", "fields": [{"name": "minutes", "type": "integer", "min": 0}]});
    let put = |tag: &str| {
        server.admin_with(
            "PUT",
            "/api/types/Recipe",
            &[json, ("If-Match", tag)],
            wider.to_string().as_bytes(),
        )
    };
    put("\"99-0\"").problem(412);
    put(&etag).expect(200);
    put(&etag).problem(412);
    server.admin("POST", "/api/recipe", &json!({"name": "Water", "minutes": 0})).expect(201);
    assert!(server.get("/api/types").expect(200).to_string().contains("\"Recipe\""));

    server.admin("DELETE", "/api/types/Recipe", &Value::Null).problem(409);
    assert_eq!(server.get(&format!("/api/recipe/{}", soup["id"].as_str().unwrap())).expect(200), soup);
    server.admin("DELETE", "/api/recipe?name=is.not.null", &Value::Null).problem(400);
    server.admin("DELETE", "/api/recipe?minutes=gte.0", &Value::Null).expect(200);
    server.admin("DELETE", "/api/types/Recipe", &Value::Null).expect(204);
    server.get("/api/recipe").problem(404);
}

#[test]
fn grants_on_a_type_hold_until_they_are_reset() {
    let server = TestServer::start();
    let path = "/api/types/Customer/acl";
    let item = server.customer(&json!({"name": "Acme"}));
    let address = format!("/api/customers/{}", item["id"].as_str().unwrap());
    let declared = server.get(path).expect(200);
    let grants = json!([{"subject": {"type": "public"}, "permissions": ["read"]}]);
    server.get_anonymous(&address).problem(404);
    assert_eq!(server.admin("PUT", path, &grants).expect(200), grants);
    server.get_anonymous(&address).expect(200);
    assert_eq!(server.admin("DELETE", path, &Value::Null).expect(200), declared);
    server.get_anonymous(&address).problem(404);
    server.get("/api/types/Customer/acl?instance=VIP").expect(200);
    server.get("/api/types/Customer/acl?instance=Nobody").problem(404);
    server.get("/api/types/Nothing").problem(404);
}

#[test]
fn changes_of_types_need_an_account() {
    let server = TestServer::start();
    let json = ("Content-Type", "application/json");
    server.send("POST", "/api/types", &[json], b"{\"name\":\"X\"}").problem(401);
    server.send("PUT", "/api/types/Customer", &[json], b"{}").problem(401);
    server.send("DELETE", "/api/types/Customer", &[], b"").problem(401);
    server.send("PUT", "/api/types/Customer/acl", &[json], b"[]").problem(401);
    server.admin("PUT", "/api/types/Customer/acl", &json!([{"subject": {"type": "x"}}])).problem(400);
    server.admin("PATCH", "/api/types/Customer", &Value::Null).problem(405);
    server.get("/api/types?x=1").problem(400);
}
