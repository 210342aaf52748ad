//! `/api/{resource}/{id}/history`.

use serde_json::json;

use crate::common::TestServer;

#[test]
fn changes_are_shown_newest_first_in_pages() {
    let server = TestServer::start();
    let item = server.customer(&json!({"name": "Acme", "size": 1}));
    let path = format!("/api/customers/{}", item["id"].as_str().unwrap());
    for size in 2..5 {
        server.admin("PATCH", &path, &json!({"size": size})).expect(200);
    }
    let answer = server.get(&format!("{path}/history?limit=3"));
    let changes = answer.expect(200);
    let versions: Vec<i64> =
        changes.as_array().unwrap().iter().map(|change| change["version"].as_i64().unwrap()).collect();
    assert_eq!(versions, [4, 3, 2]);
    assert_eq!(answer.header("link").unwrap(), format!("<{path}/history?limit=3&before=2>; rel=\"next\""));
    let answer = server.get(&format!("{path}/history?limit=3&before=2"));
    assert_eq!(answer.expect(200).as_array().map(Vec::len), Some(1));
    assert_eq!(answer.header("link"), None);
    server.get(&format!("{path}/history?limit=none")).problem(400);
    server.get_anonymous(&format!("{path}/history")).problem(404);
}
