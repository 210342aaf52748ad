//! `/api/{resource}/aggregate`.

use serde_json::{Value, json};

use crate::common::TestServer;

fn customers(server: &TestServer) {
    for (name, size, tier) in [
        ("a", json!(1), "free"),
        ("b", json!(20), "pro"),
        ("c", json!(300), "pro"),
        ("d", Value::Null, "pro"),
    ] {
        server.customer(&json!({"name": name, "size": size, "tier": tier, "note": name}));
    }
}

#[test]
fn figures_come_by_group() {
    let server = TestServer::start();
    customers(&server);
    let answer = server.get("/api/customers/aggregate?select=count(),count(size),sum(size),avg(size),min(size),max(size)&group=tier");
    assert_eq!(
        answer.expect(200),
        json!([
            {"tier": "free", "count()": 1, "count(size)": 1, "sum(size)": 1, "avg(size)": 1, "min(size)": 1, "max(size)": 1},
            {"tier": "pro", "count()": 3, "count(size)": 2, "sum(size)": 320, "avg(size)": 160, "min(size)": 20, "max(size)": 300},
        ])
    );
    assert_eq!(server.get("/api/customer/aggregate").expect(200), json!([{"count()": 4}]));
    let filtered = server.get("/api/customers/aggregate?select=max(note)&size=is.null&group=tier,size");
    assert_eq!(filtered.expect(200), json!([{"tier": "pro", "size": null, "max(note)": "d"}]));
    let items = server.get("/api/items/aggregate?types=Customer&group=type").expect(200);
    assert_eq!(items, json!([{"type": "Customer", "count()": 4}]));
    let none = server.get("/api/customers/aggregate?name=nobody&group=tier").expect(200);
    assert_eq!(none, json!([]));
}

#[test]
fn only_what_may_be_read_counts() {
    let server = TestServer::start();
    customers(&server);
    let user = server.account("uma", "user");
    server.by(&user, "POST", "/api/customers", &json!({"name": "own", "size": 7})).expect(201);
    let sum = |token: &str| {
        server.by(token, "GET", "/api/customers/aggregate?select=sum(size)", &Value::Null).expect(200)
    };
    assert_eq!(sum(&user), json!([{"sum(size)": 7}]));
    assert_eq!(sum(&server.admin), json!([{"sum(size)": 328}]));
}

#[test]
fn what_is_malformed_is_pointed_at() {
    let server = TestServer::start();
    for (query, pointer) in [
        ("select=size", "select"),
        ("select=sum()", "select"),
        ("select=sum(size", "select"),
        ("select=count(),count()", "select"),
        ("select=median(size)", "select"),
        ("select=sum(tier)", "select"),
        ("select=sum(name)", "select"),
        ("group=tags", "group"),
        ("group=tier,tier", "group"),
        ("group=", "group"),
        ("group=tier&group=size", "group"),
        ("limit=5", "limit"),
        ("order=tier", "order"),
        ("size=gt.x", "size"),
    ] {
        let problem = server.get(&format!("/api/customers/aggregate?{query}")).problem(400);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{query}: {problem}");
    }
    server.get("/api/nothing/aggregate").problem(404);
    server.admin("POST", "/api/customers/aggregate", &json!({})).problem(405);
    let odd = server.get("/api/customers/aggregate?group=teir");
    assert_eq!(odd.expect(200), json!([]));
    assert!(odd.header("realnet-notice").is_some_and(|notice| notice.contains("tier")));
}
