//! `/api/{resource}/{id}`.

use serde_json::{Value, json};

use crate::common::TestServer;

const MERGE: (&str, &str) = ("Content-Type", "application/merge-patch+json");
const JSON: (&str, &str) = ("Content-Type", "application/json");

#[test]
fn a_created_item_is_where_location_says() {
    let server = TestServer::start();
    let answer = server.admin("POST", "/api/customers", &json!({"name": "Acme", "size": 7}));
    let item = answer.expect(201);
    let location = answer.header("location").unwrap();
    assert_eq!(location, format!("/api/customers/{}", item["id"].as_str().unwrap()));
    let read = server.get(location);
    assert_eq!(read.expect(200), item);
    assert_eq!(read.header("etag"), answer.header("etag"));
    assert_eq!(read.header("content-type"), Some("application/json"));
    assert_eq!(item["attributes"]["tier"], "free");
    // By type name and by the base's endpoint it is the same item.
    let id = item["id"].as_str().unwrap();
    assert_eq!(server.get(&format!("/api/Customer/{id}")).expect(200), item);
    assert_eq!(server.get(&format!("/api/items/{id}")).expect(200), item);
    server.get(&format!("/api/strict/{id}")).problem(404);
}

#[test]
fn if_none_match_spares_the_body() {
    let server = TestServer::start();
    let item = server.customer(&json!({"name": "Acme"}));
    let path = format!("/api/customers/{}", item["id"].as_str().unwrap());
    let etag = server.get(&path).header("etag").unwrap().to_owned();
    for fresh in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".to_owned()] {
        let answer = server.admin_with("GET", &path, &[("If-None-Match", &fresh)], b"");
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{fresh}");
        assert_eq!(answer.header("etag"), Some(etag.as_str()));
        assert_eq!(answer.header("vary"), Some("Authorization, Cookie, Accept-Encoding"));
        assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    }
    server.admin("PATCH", &path, &json!({"size": 1})).expect(200);
    server.admin_with("GET", &path, &[("If-None-Match", &etag)], b"").expect(200);
    for bad in ["", "\"open", "3"] {
        server.admin_with("GET", &path, &[("If-None-Match", bad)], b"").problem(400);
    }
}

#[test]
fn a_stale_version_is_not_overwritten() {
    let server = TestServer::start();
    let item = server.customer(&json!({"name": "Acme", "size": 1}));
    let path = format!("/api/customers/{}", item["id"].as_str().unwrap());
    let old = server.get(&path).header("etag").unwrap().to_owned();
    let patch = |tag: &str, size: i64| {
        server.admin_with(
            "PATCH",
            &path,
            &[MERGE, ("If-Match", tag)],
            json!({"size": size}).to_string().as_bytes(),
        )
    };
    patch(&old, 2).expect(200);
    let stale = format!("{old}, \"7-x\"");
    for tag in [old.as_str(), stale.as_str(), "\"of-another-server\"", "W/\"1-x\""] {
        patch(tag, 3).problem(412);
        server.admin_with("DELETE", &path, &[("If-Match", tag)], b"").problem(412);
        server.admin_with("PUT", &path, &[JSON, ("If-Match", tag)], b"{\"name\":\"x\"}").problem(412);
    }
    assert_eq!(server.get(&path).expect(200)["attributes"]["size"], 2);
    patch("\"1-x\", W/\"2-y\"", 4).expect(200);
    patch("*", 5).expect(200);
    for bad in ["", "\"open", "3", "\"1-x\",", "*, \"1-x\"", "W/1"] {
        patch(bad, 6).problem(400);
        server.admin_with("DELETE", &path, &[("If-Match", bad)], b"").problem(400);
        server.admin_with("PUT", &path, &[JSON, ("If-Match", bad)], b"{\"name\":\"x\"}").problem(400);
    }
    let now = server.get(&path).header("etag").unwrap().to_owned();
    server.admin_with("DELETE", &path, &[("If-Match", &now)], b"").expect(204);
    server.admin_with("DELETE", &path, &[("If-Match", "*")], b"").problem(404);
}

#[test]
fn a_tag_of_an_item_does_not_lead_to_the_next_one_of_its_id() {
    let server = TestServer::start();
    let body = json!({"id": "018f0000-0000-7000-8000-00000000abcd", "name": "Acme", "size": 1});
    let path = "/api/customers/018f0000-0000-7000-8000-00000000abcd";
    let made = || server.admin("POST", "/api/customers", &body);
    let first = made().header("etag").unwrap().to_owned();
    server.admin_with("DELETE", path, &[], b"").expect(204);
    let second = made().header("etag").unwrap().to_owned();
    assert!(first.starts_with("\"1-") && second.starts_with("\"1-"), "{first} {second}");
    let patch =
        |name: &str, tag: &str| server.admin_with("PATCH", path, &[MERGE, (name, tag)], b"{\"size\":2}");
    let in_batch = |tag: &Value| {
        let operations =
            json!([{"operation": "delete", "resource": "customers", "id": body["id"], "if_match": tag}]);
        server.admin("POST", "/api/batch", &json!({"operations": operations}))
    };
    for tag in [first.clone(), format!("{first}, \"7-x\""), format!("W/{first}")] {
        patch("If-Match", &tag).problem(412);
        server.admin_with("DELETE", path, &[("If-Match", &tag)], b"").problem(412);
    }
    in_batch(&json!(first)).problem(412);
    assert_eq!(server.get(path).expect(200)["version"], 1, "nothing has changed");
    // What was seen of it, and the number alone, lead to it; what must not be there is the one that was seen.
    patch("If-None-Match", &second).problem(412);
    patch("If-None-Match", &first).expect(200);
    // The patch says what is so already, and makes no version.
    patch("If-Match", "\"2\"").expect(200);
    in_batch(&json!(2)).expect(200);
}

#[test]
fn who_wants_an_item_not_to_be_there_overwrites_none() {
    let server = TestServer::start();
    let item = server.customer(&json!({"name": "Acme", "size": 1}));
    let path = format!("/api/customers/{}", item["id"].as_str().unwrap());
    let tag = server.get(&path).header("etag").unwrap().to_owned();
    let put =
        |tag: &str| server.admin_with("PUT", &path, &[JSON, ("If-None-Match", tag)], b"{\"name\":\"x\"}");
    put("*").problem(412);
    put(&tag).problem(412);
    put("").problem(400);
    server.admin_with("PATCH", &path, &[MERGE, ("If-None-Match", "*")], b"{\"size\":2}").problem(412);
    server.admin_with("DELETE", &path, &[("If-None-Match", "*")], b"").problem(412);
    assert_eq!(server.get(&path).expect(200), item);
    put("\"7-x\"").expect(200);
    let absent = "/api/customers/018f0000-0000-7000-8000-000000000001";
    server.admin_with("PUT", absent, &[JSON, ("If-None-Match", "*")], b"{\"name\":\"x\"}").problem(404);
}

#[test]
fn conditions_that_can_be_about_nothing_are_refused() {
    let server = TestServer::start();
    let made = server.customer(&json!({"name": "Acme", "size": 1}));
    let path = format!("/api/customers/{}", made["id"].as_str().unwrap());
    let below = |name: &str| format!("{path}/{name}");
    for (name, value) in [("If-Match", "\"1-0\""), ("If-None-Match", "*")] {
        let condition = (name, value);
        for (method, target, body) in [
            ("GET", "/api/customers", ""),
            ("GET", &below("items"), ""),
            ("GET", &below("history"), ""),
            ("GET", &below("acl"), ""),
            ("GET", "/api/types", ""),
            ("GET", "/api/types/Customer/acl", ""),
            ("POST", "/api/customers", "{\"name\":\"x\"}"),
            ("PATCH", "/api/customers?size=1", "{\"size\":2}"),
            ("DELETE", "/api/customers?size=1", ""),
            ("POST", "/api/batch", "{\"operations\":[]}"),
            ("POST", "/api/types", "{\"name\":\"Tea\"}"),
            ("PUT", "/api/types/Customer/acl", "[]"),
            ("POST", "/api/apply", "{}"),
        ] {
            let problem = server.admin_with(method, target, &[JSON, condition], body.as_bytes()).problem(400);
            assert!(
                problem["detail"].as_str().unwrap().contains("condition"),
                "{method} {target}: {problem}"
            );
        }
    }
    for target in [path.as_str(), "/api/types/Customer"] {
        server.admin_with("GET", target, &[("If-Match", "\"1-0\"")], b"").problem(400);
        server.admin_with("GET", target, &[("If-None-Match", "*")], b"").expect(304);
    }
    assert_eq!(server.get("/api/customers?size=1").expect(200).as_array().map(Vec::len), Some(1));
}

#[test]
fn a_condition_on_times_is_refused() {
    let server = TestServer::start();
    let made = server.customer(&json!({"name": "Acme", "size": 1}));
    let path = format!("/api/customers/{}", made["id"].as_str().unwrap());
    let long_ago = ("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:01 GMT");
    for (method, target, kind) in [
        ("PATCH", path.as_str(), MERGE),
        ("DELETE", &path, JSON),
        ("GET", &path, JSON),
        ("POST", "/api/batch", JSON),
    ] {
        let problem = server.admin_with(method, target, &[kind, long_ago], b"{\"size\":2}").problem(400);
        assert_eq!(problem["errors"][0]["pointer"], "If-Unmodified-Since", "{method} {target}");
    }
    assert_eq!(server.get(&path).expect(200)["version"], 1);
}

#[test]
fn put_replaces_and_patch_merges() {
    let server = TestServer::start();
    let item = server.customer(&json!({"name": "Acme", "size": 1, "note": {"a": 1, "b": 2}}));
    let path = format!("/api/customers/{}", item["id"].as_str().unwrap());
    let merged = server.admin_with("PATCH", &path, &[MERGE], br#"{"note":{"a":null},"size":2}"#).expect(200);
    assert_eq!(merged["attributes"]["note"], json!({"b": 2}));
    let body = br#"[{"op":"replace","path":"/attributes/size","value":3}]"#;
    let patched = server
        .admin_with("PATCH", &path, &[("Content-Type", "application/json-patch+json")], body)
        .expect(200);
    assert_eq!(patched["attributes"]["size"], 3);
    let replaced =
        server.admin("PUT", &path, &json!({"name": "New", "attributes": {"tier": "pro"}})).expect(200);
    assert_eq!(replaced["name"], "New");
    assert_eq!(replaced["attributes"]["note"], Value::Null);
    assert_eq!(replaced["version"], 4);
}

#[test]
fn a_client_may_do_without_the_item() {
    let server = TestServer::start();
    let minimal = ("Prefer", "return=minimal");
    let answer = server.admin_with("POST", "/api/customers", &[JSON, minimal], b"{\"name\":\"x\"}");
    assert_eq!((answer.status, answer.body.len()), (201, 0));
    assert_eq!(answer.header("preference-applied"), Some("return=minimal"));
    let location = answer.header("location").unwrap();
    let answer = server.admin_with("PATCH", location, &[MERGE, minimal], b"{\"size\":2}");
    assert_eq!(answer.status, 204);
    assert!(answer.header("etag").is_some_and(|tag| tag.starts_with("\"2-")));
}

#[test]
fn head_is_get_without_a_body() {
    let server = TestServer::start();
    let item = server.customer(&json!({"name": "Acme"}));
    let path = format!("/api/customers/{}", item["id"].as_str().unwrap());
    let get = server.get(&path);
    let head = server.admin_with("HEAD", &path, &[], b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
    for name in ["etag", "content-type", "content-length"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
}

#[test]
fn invalid_values_are_pointed_at() {
    let server = TestServer::start();
    let body = json!({"name": "x", "tier": "gold", "size": -1, "email": "nobody"});
    let problem = server.admin("POST", "/api/customers", &body).problem(422);
    let mut pointers: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().filter_map(|one| one["pointer"].as_str()).collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/attributes/email", "/attributes/size", "/attributes/tier"]);
    server.admin("POST", "/api/strict", &json!({"name": "x", "code": "a", "extra": 1})).problem(422);
    server
        .admin("POST", "/api/customers", &json!({"name": "x", "size": 1, "attributes": {"size": 1}}))
        .problem(400);
    assert!(problem.get("operation").is_none(), "{problem}");
    let several = json!([{"name": "fine"}, {"name": "x", "size": -1}]);
    let problem = server.admin("POST", "/api/customers", &several).problem(422);
    assert!(
        problem["operation"] == 1 || problem["errors"][0]["pointer"].as_str().unwrap().starts_with("/1"),
        "{problem}"
    );
    server.customer(&json!({"name": "x", "email": "a@b.example"}));
    let taken = json!({"name": "y", "email": "a@b.example"});
    let problem = server.admin("POST", "/api/customers", &taken).problem(409);
    assert_eq!(problem["errors"][0]["pointer"], "/attributes/email", "{problem}");
}

#[test]
fn what_one_may_not_read_is_not_there() {
    let server = TestServer::start();
    let item = server.customer(&json!({"name": "Acme"}));
    let path = format!("/api/customers/{}", item["id"].as_str().unwrap());
    let user = server.account("user", "user");
    server.get_anonymous(&path).problem(404);
    server.by(&user, "GET", &path, &Value::Null).problem(404);
    server.by(&user, "DELETE", &path, &Value::Null).problem(404);
    server.admin("PATCH", &path, &json!({"public": true})).expect(200);
    server.get_anonymous(&path).expect(200);
    server.by(&user, "PATCH", &path, &json!({"size": 1})).problem(403);
    server.send("POST", "/api/customers", &[JSON], b"{\"name\":\"x\"}").problem(401);
}

#[test]
fn nobody_raises_their_own_role() {
    let server = TestServer::start();
    let user = server.account("user", "user");
    let me = server.by(&user, "GET", "/api/auth", &Value::Null).expect(200);
    let id = me["account"]["id"].as_str().unwrap().to_owned();
    for endpoint in ["accounts", "items", "Account"] {
        let answer =
            server.by(&user, "PATCH", &format!("/api/{endpoint}/{id}"), &json!({"role": "superuser"}));
        assert!([403, 404].contains(&answer.status), "{endpoint}: {}", answer.status);
    }
    let body = json!({"name": "evil", "type": "Account", "username": "evil", "role": "superuser", "password": "correct-horse-2"});
    assert!(server.by(&user, "POST", "/api/items", &body).status >= 400);
    let operations = json!({"operations": [{"operation": "create", "resource": "items", "body": body}]});
    assert!(server.by(&user, "POST", "/api/batch", &operations).status >= 400);
    let me = server.by(&user, "GET", "/api/auth", &Value::Null).expect(200);
    assert_eq!(me["account"]["role"], "user");
}

#[test]
fn grants_that_were_read_can_be_sent_back() {
    let server = TestServer::start();
    let binder = |body: &Value| {
        let made = server.admin("POST", "/api/binders", body).expect(201);
        made["id"].as_str().unwrap().to_owned()
    };
    let top = binder(&json!({"name": "top"}));
    let inner = binder(&json!({"name": "inner", "parent_id": top}));
    let grants = json!([{"subject": {"type": "public"}, "permissions": ["read"]}]);
    server.admin("PUT", &format!("/api/binders/{top}/acl"), &grants).expect(200);
    let path = format!("/api/binders/{inner}/acl");
    let shown = server.get(&path).expect(200);
    assert_eq!((&shown[0]["inherited"], &shown[0]["from"]), (&json!(true), &json!(top)));
    assert_eq!(server.admin("PUT", &path, &shown).expect(200), shown);
    server.get_anonymous(path.trim_end_matches("/acl")).expect(200);
    server.admin("PUT", &format!("/api/binders/{top}/acl"), &json!([])).expect(200);
    assert_eq!(server.get(&path).expect(200), json!([]), "nothing of it has become the item's own");
    server.get_anonymous(path.trim_end_matches("/acl")).problem(404);
    let shown = server.get("/api/types/Binder").expect(200);
    assert_eq!(shown["effective"]["inherits_access"], true);
    let wrong = json!({"name": "Wrong", "inherits_access": "perhaps"});
    server.admin("POST", "/api/types", &wrong).problem(422);
}

#[test]
fn grants_are_read_and_replaced() {
    let server = TestServer::start();
    let item = server.customer(&json!({"name": "Acme"}));
    let path = format!("/api/customers/{}/acl", item["id"].as_str().unwrap());
    assert_eq!(server.get(&path).expect(200), json!([]));
    let grants = json!([{"subject": {"type": "public"}, "permissions": ["read"]}]);
    assert_eq!(server.admin("PUT", &path, &grants).expect(200), grants);
    server.get_anonymous(path.trim_end_matches("/acl")).expect(200);
    server
        .admin("PUT", &path, &json!([{"subject": {"type": "public"}, "permissions": ["fly"]}]))
        .problem(400);
    server.send("PUT", &path, &[JSON], b"[]").problem(401);
    server.admin("PUT", &path, &json!({})).problem(400);
}
