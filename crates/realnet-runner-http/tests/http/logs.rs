//! What the log gets to hear: faults of the server with their cause, and nothing that a stranger can cause at will.

use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::{Value, json};

use crate::common::TestServer;
use crate::common::client::Connection;

/// All that was logged in this process.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Workers run on threads of their own, so there is one log for all.
    fn of_process() -> &'static Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        LOG.get_or_init(|| {
            let log = Self::default();
            let writer = log.clone();
            tracing_subscriber::fmt()
                .json()
                .flatten_event(true)
                .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
                .with_writer(move || writer.clone())
                .init();
            log
        })
    }

    fn entries(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Level and entry of what was logged of a request above debug.
    fn of(&self, request: &str) -> Vec<(String, Value)> {
        let of_request = self.entries().into_iter().filter(|entry| entry["request"] == request);
        let loud = of_request.filter(|entry| entry["level"] != "DEBUG");
        loud.map(|entry| (entry["level"].as_str().unwrap().to_owned(), entry)).collect()
    }
}

#[test]
fn only_faults_of_ours_are_errors() {
    let log = Log::of_process();
    let server = TestServer::start();
    let send = |id: &str, target: &str| server.send("GET", target, &[("X-Request-Id", id)], b"").status;
    for (id, target, status) in [
        ("log-absent", "/nothing", 404),
        ("log-watch", "/api/customers?watch=true", 501),
        ("log-ghost", "/api/ghost", 501),
        ("log-bad", "/api/customers?limit=x", 400),
    ] {
        assert_eq!(send(id, target), status, "{target}");
        assert_eq!(log.of(id), [], "{target}");
        assert!(log.entries().iter().any(|entry| entry["request"] == id), "{target} is in the debug log");
    }
    assert_eq!(send("log-fail", "/api/trouble/fail"), 500);
    let entries = log.of("log-fail");
    assert!(
        matches!(entries.as_slice(), [(level, entry)] if level == "ERROR" && entry.to_string().contains("hunter2")),
        "{entries:?}"
    );
    server.take_store_away(true);
    assert_eq!(send("log-away", "/api/customers"), 503);
    let entries = log.of("log-away");
    assert!(matches!(entries.as_slice(), [(level, _)] if level == "WARN"), "{entries:?}");
}

#[test]
fn passwords_and_tokens_are_not_logged() {
    let log = Log::of_process();
    let server = TestServer::start();
    let json = ("Content-Type", "application/json");
    let body = json!({"username": "admin", "password": "wr0ng-passw0rd"}).to_string();
    server.send("POST", "/api/auth", &[json], body.as_bytes()).problem(401);
    server.send("GET", "/api/auth", &[("Authorization", "Bearer f0rged.t0ken")], b"").problem(401);
    let text = log.entries().iter().map(Value::to_string).collect::<String>();
    for secret in ["wr0ng-passw0rd", "f0rged", crate::common::server::PASSWORD, &server.admin] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[test]
fn refusals_are_in_the_debug_log_by_their_id() {
    let log = Log::of_process();
    let server = TestServer::start();
    let mut connection = Connection::open(server.address);
    connection.send(b"nonsense\r\n\r\n");
    let id = connection.read(true).expect("an answer").problem(400)["instance"].as_str().unwrap().to_owned();
    assert_eq!(log.of(&id), []);
    assert!(log.entries().iter().any(|entry| entry["request"] == id.as_str() && entry["status"] == 400));
    let metrics = String::from_utf8(server.get_anonymous("/metrics").body).unwrap();
    assert!(
        metrics.contains(r#"realnet_http_requests_total{method="",route="unknown",status="400"} 1"#),
        "{metrics}"
    );
}
