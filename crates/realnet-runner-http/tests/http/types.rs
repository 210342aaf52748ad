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
    server.send("PATCH", "/api/types/Customer", &[json], b"{}").problem(401);
    server.admin("POST", "/api/types/Customer", &Value::Null).problem(405);
    server.get("/api/types?x=1").problem(400);
}

#[test]
fn parts_of_a_type_are_changed() {
    let server = TestServer::start();
    let fields = json!([{"name": "minutes", "type": "integer", "min": 1}]);
    let body = json!({"name": "Recipe", "icon": "soup", "strict": true, "fields": fields});
    let created = server.admin("POST", "/api/types", &body).expect(201);
    let path = "/api/types/Recipe";
    let merged =
        server.admin("PATCH", path, &json!({"strict": false, "attributes": {"icon": null}})).expect(200);
    assert_eq!(merged["attributes"], json!({"strict": false}));
    assert_eq!(
        (&merged["fields"], &merged["base"], &merged["id"]),
        (&fields, &json!("Item"), &created["id"])
    );
    assert_eq!(merged["version"], 2);
    let patch = |body: Value, tag: &str| {
        let headers = [("Content-Type", "application/json-patch+json"), ("If-Match", tag)];
        server.admin_with("PATCH", path, &headers, body.to_string().as_bytes())
    };
    let add = json!([
        {"op": "test", "path": "/fields/0/name", "value": "minutes"},
        {"op": "add", "path": "/fields/-", "value": {"name": "course", "type": "string"}},
    ]);
    patch(add.clone(), "\"1-0\"").problem(412);
    let answer = patch(add, "\"2-0\"");
    assert_eq!(answer.expect(200)["fields"].as_array().map(Vec::len), Some(2));
    assert!(answer.header("etag").is_some_and(|tag| tag.starts_with("\"3-")));
    server.admin("POST", "/api/recipe", &json!({"name": "Soup", "minutes": 3, "course": "main"})).expect(201);
    patch(json!([{"op": "test", "path": "/name", "value": "Soup"}]), "*").problem(409);
    patch(json!([{"op": "remove", "path": "/nothing"}]), "*").problem(422);
    patch(json!([{"op": "remove", "path": "/base"}]), "*").problem(422);
    patch(json!([{"op": "replace", "path": "", "value": 7}]), "*").problem(422);
    for (bad, status) in [
        (json!([]), 400),
        (json!({"icon": "x", "attributes": {"icon": "y"}}), 400),
        (json!({"attributes": 7}), 422),
        (json!({"version": 9}), 422),
        (json!({"id": null}), 422),
        (json!({"base": null}), 422),
        (json!({"name": "Meal"}), 422),
        (json!({"fields": [{"name": "minutes", "type": "integer", "min": 5}]}), 422),
        (json!({"fields": null, "strict": true}), 422),
    ] {
        server.admin("PATCH", path, &bad).problem(status);
    }
    assert_eq!(server.get(path).expect(200)["version"], 3);
    let user = server.account("user", "user");
    server.by(&user, "PATCH", path, &json!({"icon": "x"})).problem(403);
}

#[test]
fn several_types_are_created_together_or_not_at_all() {
    let server = TestServer::start();
    let fields = json!([{"name": "meal", "type": "reference", "reference": "Meal"}]);
    let bad = json!([{"name": "Meal"}, {"name": "Course", "base": "Nowhere"}]);
    let problem = server.admin("POST", "/api/types", &bad).problem(422);
    assert!(problem.to_string().contains("Nowhere"), "{problem}");
    let problem = server.admin("POST", "/api/types", &json!([{"name": "Meal"}, {"name": 7}])).problem(422);
    assert!(problem["errors"][0]["pointer"].as_str().unwrap().starts_with("/1"), "{problem}");
    server.get("/api/types/Meal").problem(404);
    // They may refer to each other, in any order.
    let both = json!([{"name": "Course", "base": "Meal", "fields": fields}, {"name": "Meal"}]);
    let created = server.admin("POST", "/api/types", &both).expect(201);
    assert_eq!((&created[0]["name"], &created[1]["name"]), (&json!("Course"), &json!("Meal")));
    server.admin("POST", "/api/types", &both).problem(409);
    server.admin("POST", "/api/types", &json!([])).problem(400);
    server.admin("POST", "/api/types", &json!([{"name": "A"}, {"name": "a"}])).problem(422);
}

#[test]
fn a_type_is_no_item() {
    let server = TestServer::start();
    let body = json!({"name": "Tea", "type": "Type"});
    server.admin("POST", "/api/items", &body).problem(422);
    server.admin("POST", "/api/type", &json!({"name": "Tea"})).problem(422);
    let operations =
        json!({"operations": [{"operation": "create", "resource": "types", "body": {"name": "Tea"}}]});
    let problem = server.admin("POST", "/api/batch", &operations).problem(422);
    assert!(problem.to_string().contains("/api/types"), "{problem}");
    assert!(problem.to_string().contains("/api/apply"), "{problem}");
    assert_eq!(server.get("/api/type").expect(200), json!([]));
}

#[test]
fn types_are_listed_in_pages_and_by_the_beginning_of_their_names() {
    let server = TestServer::start();
    let names = |answer: &crate::common::Answer| -> Vec<String> {
        let types = answer.expect(200);
        types.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_lowercase()).collect()
    };
    let all = names(&server.get("/api/types"));
    assert!(all.is_sorted() && all.len() > 5, "{all:?}");
    let (mut paged, mut path) = (Vec::new(), "/api/types?limit=2".to_owned());
    loop {
        let answer = server.get(&path);
        let page = names(&answer);
        assert!((1..=2).contains(&page.len()));
        paged.extend(page);
        let Some(link) = answer.header("link") else { break };
        path = link.trim_start_matches('<').split_once('>').unwrap().0.to_owned();
    }
    assert_eq!(paged, all);
    let some = names(&server.get("/api/types?name=CU&limit=1000"));
    let expected: Vec<String> = all.into_iter().filter(|name| name.starts_with("cu")).collect();
    assert!(!expected.is_empty());
    assert_eq!(some, expected);
    for bad in ["limit=0", "limit=1001", "limit=x", "cursor=x", "cursor=a.b", "name=a&name=b", "order=name"] {
        server.get(&format!("/api/types?{bad}")).problem(400);
    }
}

#[test]
fn a_key_that_is_not_kept_is_refused() {
    let server = TestServer::start();
    let headers = [("Content-Type", "application/json"), ("Idempotency-Key", "k")];
    let body = json!({"name": "Tea", "base": "Item"}).to_string();
    let problem = server.admin_with("POST", "/api/types", &headers, body.as_bytes()).problem(400);
    assert_eq!(problem["errors"][0]["pointer"], "Idempotency-Key");
    server.get("/api/types/tea").problem(404);
}

#[test]
fn no_type_takes_a_name_that_the_api_or_the_system_has() {
    let server = TestServer::start();
    let admin = server.account("orla", "admin");
    let made = |token: &str, body: Value| server.by(token, "POST", "/api/types", &body);
    let text = made(&admin, json!({"name": "Zacc", "endpoint": "accounts"})).problem(422).to_string();
    assert!(text.contains("the endpoint accounts"), "{text}");
    made(&admin, json!({"name": "Zacc", "endpoint": "Account"})).problem(422);
    for token in [&admin, &server.admin] {
        for name in ["batch", "types", "auth", "Audit"] {
            let text = made(token, json!({"name": "Zacc", "endpoint": name})).problem(422).to_string();
            assert!(text.contains("a call of the API"), "{text}");
        }
        made(token, json!({"name": "Batch"})).problem(422);
    }
    made(&admin, json!({"name": "Batch", "endpoint": "batches"})).expect(201);
    server.by(&admin, "POST", "/api/batches", &json!({"name": "b"})).expect(201);
    server.by(&admin, "PATCH", "/api/types/Batch", &json!({"endpoint": "plan"})).problem(422);
    let document = json!({"types": [{"name": "Zacc", "endpoint": "drift"}]});
    server.by(&admin, "POST", "/api/apply", &document).problem(422);
}

#[test]
fn slips_in_types_are_told() {
    let server = TestServer::start();
    let recipe = json!({"name": "Recipe", "fields": [{"name": "minutes", "type": "integer"}]});
    server.admin("POST", "/api/types", &recipe).expect(201);
    for (method, path, body, place) in [
        ("POST", "/api/types", json!({"name": "Sub", "bse": "Recipe"}), "/bse"),
        ("POST", "/api/types", json!([{"name": "Sub", "base": "Recipe", "minuts": 4}]), "/0/minuts"),
        ("PUT", "/api/types/Recipe", json!({"fieldss": []}), "/fieldss"),
        ("PATCH", "/api/types/Recipe", json!({"fieldss": []}), "/fieldss"),
        ("PATCH", "/api/types/Recipe", json!([{"op": "add", "path": "/minuets", "value": 4}]), "/minuets"),
    ] {
        let refused = if body.as_array().is_some_and(|list| list[0].get("op").is_some()) {
            let headers = [("Content-Type", "application/json-patch+json")];
            server.admin_with(method, path, &headers, body.to_string().as_bytes())
        } else {
            server.admin(method, path, &body)
        };
        let problem = refused.problem(422);
        assert_eq!(problem["errors"][0]["pointer"], place, "{problem}");
    }
    server.admin("PATCH", "/api/types/Recipe", &json!({"attributes": {"minuts": 4}})).expect(200);
    server
        .admin("PATCH", "/api/types/Recipe", &json!({"minuts": 5, "minutes": 6, "color": "red"}))
        .expect(200);
    server.admin("PATCH", "/api/types/Recipe", &json!({"minuts": null})).expect(200);
    let document = json!({"types": [{"name": "Cake", "base": "Recipe", "feilds": [], "instances": [{"name": "I", "minuets": 3}]}]});
    for path in ["/api/plan", "/api/apply"] {
        let plan = server.admin("POST", path, &document).expect(200);
        let warnings = plan["warnings"].to_string();
        assert!(warnings.contains("'fields' meant?") && warnings.contains("'minutes' meant?"), "{plan}");
    }
}

#[test]
fn grants_on_types_name_who_is_there() {
    let server = TestServer::start();
    let grants =
        |kind: &str, name: &str| json!([{"subject": {"type": kind, "id": name}, "permissions": ["read"]}]);
    let acl = "/api/types/Customer/acl";
    let text = server.admin("PUT", acl, &grants("role", "usr")).problem(422).to_string();
    assert!(text.contains("there is no role 'usr'"), "{text}");
    server.admin("PUT", acl, &grants("group", "cooks")).problem(422);
    for role in ["user", "Visitor", "admin", "superuser"] {
        server.admin("PUT", acl, &grants("role", role)).expect(200);
    }
    let typed = |name: &str| json!({"name": "Cake", "access": grants("role", name)});
    server.admin("POST", "/api/types", &typed("usr")).problem(422);
    let with_role = json!({"types": [typed("Bakers")], "items": [{"name": "bakers", "type": "Role"}]});
    server.admin("POST", "/api/plan", &json!({"types": [typed("Bakers")]})).problem(422);
    server.admin("POST", "/api/apply", &with_role).expect(200);
    server.admin("PUT", acl, &grants("role", "BAKERS")).expect(200);
    server.admin("PATCH", "/api/types/Cake", &json!({"access": grants("role", "bkers")})).problem(422);
}
