//! `/api/{resource}/{id}/items`.

use serde_json::json;

use crate::common::TestServer;

#[test]
fn children_are_listed_like_any_list() {
    let server = TestServer::start();
    let parent = server.customer(&json!({"name": "parent"}));
    let id = parent["id"].as_str().unwrap();
    let child = server.customer(&json!({"name": "child", "parent_id": id}));
    server.customer(&json!({"name": "grandchild", "parent_id": child["id"]}));
    let list = server.get(&format!("/api/customers/{id}/items?select=name")).expect(200);
    assert_eq!(list, json!([{"name": "child"}]));
    let all = server.get(&format!("/api/customers/{id}/items?any_level=true&select=name&count=exact"));
    assert_eq!(all.expect(200), json!([{"name": "child"}, {"name": "grandchild"}]));
    assert_eq!(all.header("content-range"), Some("items 0-1/2"));
    server.get("/api/customers/018f0000-0000-7000-8000-000000000001/items").problem(404);
}
