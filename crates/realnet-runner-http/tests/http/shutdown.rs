//! The end of a server: what is in flight is finished, nothing new is taken.

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use realnet_runner_http::HttpConfig;
use serde_json::Value;

use crate::common::TestServer;
use crate::common::client::{Connection, request};

#[test]
fn what_is_in_flight_is_finished() {
    let mut server = TestServer::start();
    let authorization = format!("Bearer {}", server.admin);
    let mut connection = Connection::open(server.address);
    // An idle connection must not hold the server up.
    let mut idle = Connection::open(server.address);
    idle.send(&request("GET", "/healthz", &[], b""));
    idle.read(true).unwrap().expect(200);
    connection.send(&request("POST", "/api/trouble/slow", &[("Authorization", &authorization)], b""));
    thread::sleep(Duration::from_millis(300));
    let started = Instant::now();
    server.stop();
    let answer = connection.read(true).expect("an answer").expect(200);
    assert_eq!(answer["slept"], Value::Bool(true));
    server.wait();
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert!(TcpStream::connect(server.address).is_err(), "nothing new is taken");
}

#[test]
fn shutting_down_is_bounded() {
    let config = HttpConfig { shutdown_timeout: Duration::from_secs(1), ..HttpConfig::default() };
    let mut server = TestServer::with(config);
    let authorization = format!("Bearer {}", server.admin);
    let mut connection = Connection::open(server.address);
    connection.send(&request("GET", "/api/trouble/slow", &[("Authorization", &authorization)], b""));
    thread::sleep(Duration::from_millis(300));
    let started = Instant::now();
    server.stop();
    server.wait();
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
}
