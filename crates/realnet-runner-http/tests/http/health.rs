//! `/healthz`, `/readyz`, `/metrics`, `/api/info`.

use crate::common::TestServer;

#[test]
fn readiness_follows_the_store_and_life_does_not() {
    let server = TestServer::start();
    server.get_anonymous("/healthz").expect(200);
    server.get_anonymous("/readyz").expect(200);
    server.take_store_away(true);
    server.get_anonymous("/healthz").expect(200);
    let answer = server.get_anonymous("/readyz");
    let problem = answer.problem(503);
    assert!(answer.header("retry-after").is_some());
    assert!(!problem.to_string().contains("hunter2"), "{problem}");
    server.take_store_away(false);
    server.get_anonymous("/readyz").expect(200);
}

#[test]
fn metrics_count_by_route() {
    let server = TestServer::start();
    server.get("/api/customers").expect(200);
    server.get("/api/strict").expect(200);
    server.get("/nothing").problem(404);
    let answer = server.get_anonymous("/metrics");
    let text = String::from_utf8(answer.body).unwrap();
    assert!(answer.headers.iter().any(|(_, value)| value.starts_with("text/plain; version=0.0.4")));
    for line in [
        r#"realnet_http_requests_total{method="GET",route="/api/{resource}",status="200"} 2"#,
        r#"realnet_http_requests_total{method="",route="unknown",status="404"} 1"#,
        "realnet_http_requests_in_flight 1",
        "realnet_build_info{version=",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    assert!(!text.contains("customers"), "only patterns are labels");
}

#[test]
fn info_tells_members_more_than_strangers() {
    let server = TestServer::start();
    let info = server.get("/api/info").expect(200);
    assert_eq!(info["name"], "realnet");
    assert_eq!(info["store"], "memory");
    assert_eq!(info["health"], "ok");
    assert!(info["items"].as_u64().is_some_and(|count| count >= 2), "{info}");
    assert!(server.get_anonymous("/api/info").expect(200).get("items").is_none());
    server.take_store_away(true);
    let answer = server.get_anonymous("/api/info");
    assert!(answer.status == 200 || answer.status == 503, "{}", answer.status);
}
