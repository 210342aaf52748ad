//! Sessions of web pages: cookies that no script reads, and writes that prove where they come from.

use realnet_runner_http::HttpConfig;
use serde_json::{Value, json};

use crate::common::TestServer;
use crate::common::client::{Answer, Connection};
use crate::common::server::PASSWORD;

/// What a browser has after signing in.
struct Browser<'a> {
    server: &'a TestServer,
    cookies: Vec<(String, String)>,
    csrf: String,
}

impl Browser<'_> {
    fn cookie(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn send(&self, method: &str, path: &str, csrf: Option<&str>, body: &Value) -> Answer {
        let cookie = self.cookie();
        let mut headers = vec![("Cookie", cookie.as_str())];
        headers.extend(csrf.map(|token| ("X-CSRF-Token", token)));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        if !body.is_empty() {
            headers.push(("Content-Type", "application/json"));
        }
        send(self.server, method, path, &headers, &body)
    }

    fn take(&mut self, answer: &Answer) {
        for (name, value) in cookies_of(answer) {
            self.cookies.retain(|(known, _)| *known != name);
            if !value.is_empty() {
                self.cookies.push((name, value));
            }
        }
    }
}

/// As a browser on this machine asks.
fn send(server: &TestServer, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: localhost:{}\r\n", server.address.port());
    for (name, value) in headers {
        text.extend([name, ": ", value, "\r\n"]);
    }
    if !body.is_empty() {
        text.extend(["Content-Length: ", &body.len().to_string(), "\r\n"]);
    }
    text.extend(["\r\n", body]);
    let mut connection = Connection::open(server.address);
    connection.send(text.as_bytes());
    connection.read(true).expect("an answer")
}

fn set_cookies(answer: &Answer) -> Vec<&str> {
    let lines = answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    lines.map(|(_, value)| value.as_str()).collect()
}

fn cookies_of(answer: &Answer) -> Vec<(String, String)> {
    let pair =
        |line: &str| line.split(';').next().unwrap().split_once('=').map(|(a, b)| (a.into(), b.into()));
    set_cookies(answer).into_iter().filter_map(pair).collect()
}

fn credentials() -> Value {
    json!({"username": "admin", "password": PASSWORD, "cookie": true})
}

fn sign_in<'a>(server: &'a TestServer, earlier: &[(&str, &str)]) -> Browser<'a> {
    let mut headers = vec![("Content-Type", "application/json")];
    headers.extend_from_slice(earlier);
    let answer = send(server, "POST", "/api/auth", &headers, &credentials().to_string());
    let document = answer.expect(200);
    let mut browser =
        Browser { server, cookies: Vec::new(), csrf: document["csrf_token"].as_str().unwrap().to_owned() };
    browser.take(&answer);
    browser
}

#[test]
fn tokens_are_in_cookies_only_and_no_script_reads_them() {
    let server = TestServer::start();
    let headers = [("Content-Type", "application/json")];
    let answer = send(&server, "POST", "/api/auth", &headers, &credentials().to_string());
    let document = answer.expect(200);
    assert_eq!((document.get("token"), document.get("refresh_token")), (None, None), "{document}");
    assert_eq!(document["account"]["username"], "admin");
    let lines = set_cookies(&answer);
    assert_eq!(lines.len(), 3);
    for line in &lines {
        assert!(line.contains("; SameSite=Strict") && line.contains("; Path=/;"), "{line}");
        assert_eq!(line.contains("; HttpOnly"), !line.starts_with("realnet-csrf="), "{line}");
    }

    let browser = sign_in(&server, &[]);
    let me = browser.send("GET", "/api/auth", None, &Value::Null).expect(200);
    assert_eq!((&me["account"]["username"], &me["csrf_token"]), (&json!("admin"), &json!(browser.csrf)));
}

#[test]
fn writes_by_cookie_show_the_token_of_their_session() {
    let server = TestServer::start();
    let browser = sign_in(&server, &[]);
    let other = sign_in(&server, &[]);
    let body = json!({"name": "x"});
    let post = |csrf: Option<&str>| browser.send("POST", "/api/customers", csrf, &body);
    post(None).problem(403);
    let (cut, upper) = (&browser.csrf[..63], browser.csrf.to_uppercase() + "0");
    for wrong in ["", "x", cut, &upper, &other.csrf, &"0".repeat(64)] {
        post(Some(wrong)).problem(403);
    }
    let created = post(Some(&browser.csrf)).expect(201);
    let path = format!("/api/customers/{}", created["id"].as_str().unwrap());
    browser.send("GET", &path, None, &Value::Null).expect(200);
    for method in ["PUT", "PATCH", "DELETE"] {
        browser.send(method, &path, None, &body).problem(403);
    }
    for path in ["/api/batch", "/api/apply", "/api/plan", "/api/types", "/api/auth/verify-email"] {
        browser.send("POST", path, None, &json!({})).problem(403);
    }
    browser.send("DELETE", "/api/auth/sessions", None, &Value::Null).problem(403);
    browser.send("DELETE", "/api/auth", None, &Value::Null).problem(403);
    browser.send("DELETE", &path, Some(&browser.csrf), &Value::Null).expect(204);
    // Who sends the token itself is no page of somebody else.
    let authorization = format!("Bearer {}", server.admin);
    let cookie = browser.cookie();
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Cookie", &cookie),
        ("Content-Type", "application/json"),
    ];
    send(&server, "POST", "/api/customers", &headers, &body.to_string()).expect(201);
}

#[test]
fn signing_out_ends_the_session_and_takes_the_cookies_back() {
    let server = TestServer::start();
    let mut browser = sign_in(&server, &[]);
    let kept = browser.cookie();
    let answer = browser.send("DELETE", "/api/auth", Some(&browser.csrf), &Value::Null);
    answer.expect(204);
    assert!(set_cookies(&answer).iter().all(|line| line.contains("Max-Age=0")), "{answer:?}");
    browser.take(&answer);
    assert!(browser.cookies.is_empty());
    send(&server, "GET", "/api/auth", &[("Cookie", &kept)], "").problem(401);
    // A cookie that counts no more is never taken for nobody, and it is taken back: the next request comes without it.
    let refused = send(&server, "GET", "/api/customers", &[("Cookie", &kept)], "");
    refused.problem(401);
    let lines = set_cookies(&refused);
    assert!(matches!(lines[..], [line] if line.starts_with("realnet=; Path=/; Max-Age=0")), "{lines:?}");
    // So does who signs out once more, with whatever is left.
    for cookie in [kept.as_str(), "realnet=x", "realnet-csrf=x"] {
        let csrf = ("X-CSRF-Token", browser.csrf.as_str());
        let again = send(&server, "DELETE", "/api/auth", &[("Cookie", cookie), csrf], "");
        again.expect(204);
        assert_eq!(set_cookies(&again).len(), 3, "{cookie}");
    }
    send(&server, "DELETE", "/api/auth", &[], "").problem(401);
}

#[test]
fn signing_out_ends_the_session_after_the_token_has_expired() {
    let server = TestServer::start();
    let mut browser = sign_in(&server, &[]);
    let all = browser.cookie();
    browser.cookies.retain(|(name, _)| name != "realnet");
    // Without a proof, nothing ends.
    for wrong in [None, Some("x")] {
        let refused = browser.send("DELETE", "/api/auth", wrong, &Value::Null);
        refused.problem(403);
        assert!(set_cookies(&refused).is_empty());
    }
    let asks = || send(&server, "GET", "/api/auth", &[("Cookie", &all)], "");
    asks().expect(200);
    let answer = browser.send("DELETE", "/api/auth", Some(&browser.csrf), &Value::Null);
    answer.expect(204);
    assert_eq!(set_cookies(&answer).len(), 3);
    asks().problem(401);
    browser.send("POST", "/api/auth/refresh", Some(&browser.csrf), &Value::Null).problem(401);
}

#[test]
fn a_token_that_is_sent_itself_leaves_cookies_alone() {
    let server = TestServer::start();
    let browser = sign_in(&server, &[]);
    let (cookie, authorization) = (browser.cookie(), format!("Bearer {}", server.admin));
    let headers = [("Authorization", authorization.as_str()), ("Cookie", &cookie)];
    let me = send(&server, "GET", "/api/auth", &headers, "").expect(200);
    assert_eq!(me.get("csrf_token"), None, "{me}");
    let answer = send(&server, "DELETE", "/api/auth", &headers, "");
    answer.expect(204);
    assert!(set_cookies(&answer).is_empty());
    browser.send("GET", "/api/auth", None, &Value::Null).expect(200);
}

#[test]
fn a_session_that_was_planted_is_not_the_one_that_signs_in() {
    let server = TestServer::start();
    let planted = sign_in(&server, &[]);
    let cookie = planted.cookie();
    let victim = sign_in(&server, &[("Cookie", &cookie)]);
    assert_ne!(victim.csrf, planted.csrf);
    for (name, value) in &planted.cookies {
        let own = victim.cookies.iter().find(|(known, _)| known == name).unwrap();
        assert_ne!(&own.1, value, "{name}");
    }
    // The proof of the one serves for no write of the other.
    victim.send("POST", "/api/customers", Some(&planted.csrf), &json!({"name": "x"})).problem(403);
    // Of two cookies of one name, one was planted.
    let two = format!("{}; {}", victim.cookie(), planted.cookie());
    send(&server, "GET", "/api/auth", &[("Cookie", &two)], "").problem(400);
}

#[test]
fn a_page_refreshes_its_cookies() {
    let server = TestServer::start();
    let mut browser = sign_in(&server, &[]);
    let before = browser.cookie();
    browser.send("POST", "/api/auth/refresh", None, &Value::Null).problem(403);
    browser.send("POST", "/api/auth/refresh", Some("x"), &Value::Null).problem(403);
    let answer = browser.send("POST", "/api/auth/refresh", Some(&browser.csrf), &Value::Null);
    let document = answer.expect(200);
    assert_eq!((document.get("token"), &document["csrf_token"]), (None, &json!(browser.csrf)));
    browser.take(&answer);
    assert_ne!(browser.cookie(), before);
    browser.send("POST", "/api/customers", Some(&browser.csrf), &json!({"name": "x"})).expect(201);
    // Another tab has asked with the same cookie at the same time: the cookies of the first answer go on.
    let headers = [("Cookie", before.as_str()), ("X-CSRF-Token", browser.csrf.as_str())];
    let late = send(&server, "POST", "/api/auth/refresh", &headers, "");
    late.problem(409);
    assert!(set_cookies(&late).is_empty());
    browser.send("GET", "/api/auth", None, &Value::Null).expect(200);
    browser.send("POST", "/api/auth/refresh", Some(&browser.csrf), &Value::Null).expect(200);
    send(&server, "POST", "/api/auth/refresh", &[], "").problem(400);
}

#[test]
fn cookies_are_given_where_nobody_reads_along() {
    let body = credentials().to_string();
    let json_type = ("Content-Type", "application/json");
    // By name from elsewhere, without HTTPS.
    let server = TestServer::start();
    server.send("POST", "/api/auth", &[json_type], body.as_bytes()).problem(400);
    // By a proxy on this machine that was forgotten.
    for line in [("Origin", "https://app.example.org"), ("X-Real-IP", "198.51.100.7"), ("Via", "1.1 proxy")] {
        let refused = send(&server, "POST", "/api/auth", &[json_type, line], &body);
        refused.problem(400);
        assert!(set_cookies(&refused).is_empty(), "{line:?}");
    }
    let page = ("Origin", "http://localhost:5173");
    send(&server, "POST", "/api/auth", &[json_type, page], &body).expect(200);
    // A proxy says that it is HTTPS.
    let trusted = "127.0.0.1".parse().unwrap();
    let server = TestServer::with(HttpConfig { trusted_proxies: trusted, ..HttpConfig::default() });
    let headers = [json_type, ("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "198.51.100.7")];
    let answer = server.send("POST", "/api/auth", &headers, body.as_bytes());
    answer.expect(200);
    let lines = set_cookies(&answer);
    for name in ["__Host-realnet=", "__Host-realnet-refresh=", "__Host-realnet-csrf="] {
        let line = lines.iter().find(|line| line.starts_with(name)).unwrap();
        assert!(line.contains("; Secure") && line.contains("; Path=/;"), "{line}");
        assert!(!line.to_lowercase().contains("domain="), "{line}");
    }
    // Under HTTPS, cookies of other names, which other servers could plant, do not count.
    let cookie = lines[0].split(';').next().unwrap();
    let weak = cookie.replace("__Host-", "");
    let get = |cookie: &str| {
        server.send("GET", "/api/auth", &[("X-Forwarded-Proto", "https"), ("Cookie", cookie)], b"").status
    };
    assert_eq!((get(cookie), get(&weak)), (200, 401));
    let odd = json!({"username": "admin", "password": PASSWORD, "cookie": "yes"}).to_string();
    server.send("POST", "/api/auth", &headers, odd.as_bytes()).problem(422);
}

#[test]
fn cookies_count_where_they_are_given_and_nowhere_else() {
    let trusted = "127.0.0.1".parse().unwrap();
    let server = TestServer::with(HttpConfig { trusted_proxies: trusted, ..HttpConfig::default() });
    let browser = sign_in(&server, &[]);
    let cookie = browser.cookie();
    let ask = |method: &str, path: &str, lines: &[(&str, &str)]| {
        let mut headers = vec![("Cookie", cookie.as_str()), ("X-CSRF-Token", &browser.csrf)];
        headers.extend_from_slice(lines);
        send(&server, method, path, &headers, "")
    };
    ask("GET", "/api/auth", &[]).expect(200);
    // By a proxy that says nothing of HTTPS a sibling of its host may have planted them.
    for lines in [
        &[("X-Forwarded-Proto", "http")][..],
        &[("X-Forwarded-For", "127.0.0.1")],
        &[("Via", "1.1 proxy")],
        &[("Origin", "http://app.example.org")],
    ] {
        ask("GET", "/api/auth", lines).problem(401);
        ask("POST", "/api/auth/refresh", lines).problem(400);
        ask("DELETE", "/api/auth", lines).problem(401);
        let seen = ask("GET", "/api/customers", lines);
        assert_eq!((seen.status, set_cookies(&seen).len()), (200, 0), "as anybody: {lines:?}");
    }
    // By the name of another host, as `send` of the server asks.
    let by_name = [("Cookie", cookie.as_str())];
    server.send("GET", "/api/auth", &by_name, b"").problem(401);
    ask("GET", "/api/auth", &[]).expect(200);
}

#[test]
fn a_key_in_a_cookie_is_none() {
    let server = TestServer::start();
    let scopes = json!([{"resource": "*", "permissions": ["read"]}]);
    let made = server.admin("POST", "/api/keys", &json!({"name": "k", "scopes": scopes})).expect(201);
    let key = made["key"].as_str().unwrap();
    server.by(key, "GET", "/api/customers", &Value::Null).expect(200);
    let cookie = format!("realnet={key}");
    let refused = send(&server, "GET", "/api/customers", &[("Cookie", &cookie)], "");
    refused.problem(401);
    assert!(set_cookies(&refused).iter().any(|line| line.starts_with("realnet=; ")), "{refused:?}");
}

#[test]
fn a_form_of_another_page_signs_nobody_in() {
    let server = TestServer::start();
    // What a form can send without asking first: no JSON.
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let answer =
            send(&server, "POST", "/api/auth", &[("Content-Type", kind)], &credentials().to_string());
        answer.problem(415);
        assert!(set_cookies(&answer).is_empty());
    }
}

#[test]
fn a_second_factor_comes_before_the_cookies() {
    let server = TestServer::start();
    let (_, codes) = crate::factor::enroll(&server);
    let post = |path: &str, body: &Value| {
        send(&server, "POST", path, &[("Content-Type", "application/json")], &body.to_string())
    };
    let asked = post("/api/auth", &json!({"username": "admin", "password": PASSWORD, "cookie": true}));
    assert!(set_cookies(&asked).is_empty());
    let challenge = asked.problem(401)["challenge"].clone();
    let answer = post("/api/auth/factor", &json!({"challenge": challenge, "code": codes[0], "cookie": true}));
    let document = answer.expect(200);
    assert!(document["csrf_token"].is_string() && document.get("token").is_none(), "{document}");
    assert_eq!(set_cookies(&answer).len(), 3);
}
