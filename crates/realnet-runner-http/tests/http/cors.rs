//! Pages of other origins, and the headers that protect browsers.

use realnet_runner_http::HttpConfig;
use serde_json::json;

use crate::common::TestServer;
use crate::common::client::Answer;

const APP: &str = "https://app.example.org";

fn open_to(origins: &str) -> TestServer {
    TestServer::with(HttpConfig { cors: origins.parse().unwrap(), ..HttpConfig::default() })
}

fn preflight(server: &TestServer, origin: &str) -> Answer {
    let headers = [
        ("Origin", origin),
        ("Access-Control-Request-Method", "PATCH"),
        ("Access-Control-Request-Headers", "authorization,content-type"),
    ];
    server.send("OPTIONS", "/api/customers", &headers, b"")
}

fn allowed(answer: &Answer) -> Option<&str> {
    answer.header("access-control-allow-origin")
}

#[test]
fn pages_of_other_origins_are_kept_out_unless_named() {
    let closed = TestServer::start();
    let answer = preflight(&closed, APP);
    assert_eq!((answer.status, allowed(&answer)), (204, None));
    assert_eq!(allowed(&closed.send("GET", "/api/info", &[("Origin", APP)], b"")), None);

    let open = open_to(APP);
    for other in ["https://evil.test", "null", "https://app.example.org.evil.test", "http://app.example.org"]
    {
        let answer = preflight(&open, other);
        assert_eq!(
            (allowed(&answer), answer.header("access-control-allow-methods")),
            (None, None),
            "{other}"
        );
        assert_eq!(allowed(&open.send("GET", "/api/info", &[("Origin", other)], b"")), None, "{other}");
    }
}

#[test]
fn pages_of_named_origins_may_write_and_read() {
    let server = open_to("http://localhost:5173, https://app.example.org");
    let answer = preflight(&server, APP);
    assert_eq!((answer.status, allowed(&answer)), (204, Some(APP)));
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    assert!(answer.header("access-control-allow-methods").unwrap().contains("PATCH"));
    let headers = answer.header("access-control-allow-headers").unwrap().to_lowercase();
    assert!(
        ["authorization", "content-type", "if-match", "x-csrf-token"]
            .iter()
            .all(|name| headers.contains(name))
    );
    assert!(answer.header("vary").unwrap().contains("Origin"));

    let authorization = format!("Bearer {}", server.admin);
    let headers = [("Origin", APP), ("Authorization", &authorization), ("Content-Type", "application/json")];
    let answer = server.send("POST", "/api/customers", &headers, json!({"name": "x"}).to_string().as_bytes());
    answer.expect(201);
    assert_eq!(allowed(&answer), Some(APP));
    assert!(answer.header("access-control-expose-headers").unwrap().contains("ETag"));
    // Failures are read as well.
    let answer = server.send("GET", "/nothing", &[("Origin", APP)], b"");
    assert_eq!((answer.status, allowed(&answer)), (404, Some(APP)));
    // A cache may not give the answer for one origin to another.
    let answer = server.get("/api/info");
    let varies: Vec<_> =
        answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("vary")).collect();
    assert!(varies.iter().any(|(_, value)| value.contains("Origin")), "{varies:?}");
}

#[test]
fn all_origins_have_no_cookies() {
    let server = open_to("*");
    let answer = preflight(&server, APP);
    assert_eq!((allowed(&answer), answer.header("access-control-allow-credentials")), (Some("*"), None));
}

#[test]
fn answers_load_nothing_and_stand_in_no_frame() {
    let server = TestServer::start();
    for path in ["/", "/docs", "/docs/reader.js", "/api/info", "/api/nothing", "/healthz"] {
        let answer = server.send("GET", path, &[("Accept", "text/html")], b"");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}");
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(answer.header("strict-transport-security"), None, "{path}");
        if answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
            assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        }
    }
}

#[test]
fn who_comes_by_https_is_to_stay_there() {
    let trusted = "127.0.0.1".parse().unwrap();
    let server = TestServer::with(HttpConfig { trusted_proxies: trusted, ..HttpConfig::default() });
    let ask = |scheme: &str| server.send("GET", "/healthz", &[("X-Forwarded-Proto", scheme)], b"");
    assert!(ask("https").header("strict-transport-security").unwrap().starts_with("max-age="));
    assert_eq!(ask("http").header("strict-transport-security"), None);
    let distrusting = TestServer::start();
    let answer = distrusting.send("GET", "/healthz", &[("X-Forwarded-Proto", "https")], b"");
    assert_eq!(answer.header("strict-transport-security"), None);
}

#[test]
fn browsers_are_sent_away_from_http_only_where_that_is_meant() {
    let trusted: realnet_runner_http::TrustedProxies = "127.0.0.1".parse().unwrap();
    let config = |hsts| HttpConfig { trusted_proxies: trusted.clone(), hsts, ..HttpConfig::default() };
    let hsts = |server: &TestServer, host: &str| {
        let text = format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Proto: https\r\n\r\n");
        let mut connection = crate::common::client::Connection::open(server.address);
        connection.send(text.as_bytes());
        let answer = connection.read(true).unwrap();
        answer.header("strict-transport-security").is_some()
    };
    let server = TestServer::with(config(true));
    assert!(hsts(&server, "app.test") && hsts(&server, "app.test:8443"));
    for host in ["localhost", "localhost:8443", "127.0.0.1:8443", "[::1]"] {
        assert!(!hsts(&server, host), "{host}: other ports of this machine would be out of reach");
    }
    assert!(!hsts(&TestServer::with(config(false)), "app.test"), "it is switched off");
}
