//! `/` and `/docs`.

use crate::common::TestServer;

#[test]
fn the_reader_loads_nothing_from_elsewhere() {
    let server = TestServer::start();
    let page = server.get_anonymous("/docs");
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let text = String::from_utf8(page.body).unwrap();
    assert!(!text.contains("http://") && !text.contains("https://") && !text.contains("<style"), "{text}");
    for asset in text.split('"').filter(|part| part.starts_with("/docs/")) {
        let answer = server.get_anonymous(asset);
        assert_eq!(answer.status, 200, "{asset}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    server.get_anonymous("/docs/secret.txt").problem(404);
}

#[test]
fn the_root_greets_people_and_programs() {
    let server = TestServer::start();
    assert_eq!(server.get_anonymous("/").expect(200)["docs"], "/docs");
    let page = server.send("GET", "/", &[("Accept", "text/html,*/*;q=0.8")], b"");
    assert!(String::from_utf8(page.body).unwrap().contains("href=\"/docs\""));
}
