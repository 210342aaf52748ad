//! Clients that send more than they should: what they cost stays bounded.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use realnet_runner_http::HttpConfig;
use serde_json::json;

use crate::common::TestServer;
use crate::common::client::{Connection, request};

/// Processor time of this process so far, and its memory in KiB.
#[cfg(target_os = "linux")]
fn cost() -> (Duration, u64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    // A tick is a hundredth of a second on every system that this runs on.
    (Duration::from_millis(ticks * 10), memory.trim_end_matches("kB").trim().parse().unwrap())
}

/// Requests behind one that takes its time wait in the client's own socket.
#[cfg(target_os = "linux")]
#[test]
fn what_is_sent_ahead_costs_nothing() {
    const CONNECTIONS: usize = 20;
    let server = TestServer::start();
    let authorization = format!("Bearer {}", server.admin);
    let slow = request("POST", "/api/trouble/slow", &[("Authorization", &authorization)], b"");
    let heads = b"GET / HTTP/1.1\r\nHost:x\r\n\r\n".repeat(40_000);
    let (before, memory) = cost();
    let mut sockets: Vec<TcpStream> = (0..CONNECTIONS)
        .map(|_| {
            let mut socket = TcpStream::connect(server.address).unwrap();
            socket.write_all(&slow).unwrap();
            socket
        })
        .collect();
    for socket in &mut sockets {
        socket.set_nonblocking(true).unwrap();
        let _ = socket.write(&heads);
    }
    std::thread::sleep(Duration::from_millis(800));
    let (after, grown) = cost();
    let (spent, grown) = (after.saturating_sub(before), grown.saturating_sub(memory));
    eprintln!("{spent:?} of processor time and {grown} KiB for {CONNECTIONS} connections");
    assert!(spent < Duration::from_millis(400), "{spent:?}");
    assert!(grown < 20 * 1024, "{grown} KiB");
    // All are answered all the same.
    let socket = &mut sockets[0];
    socket.set_nonblocking(false).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut answers = Vec::new();
    let mut part = vec![0; 64 * 1024];
    while answers.windows(15).filter(|window| *window == b"HTTP/1.1 200 OK").count() < 1000 {
        match socket.read(&mut part).unwrap() {
            0 => panic!("the connection ended early"),
            count => answers.extend_from_slice(&part[..count]),
        }
    }
}

#[test]
fn bodies_behind_one_another_arrive() {
    let server = TestServer::start();
    let authorization = format!("Bearer {}", server.admin);
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    let body = |size: usize| format!("{{\"name\":\"n\",\"note\":\"{}\"}}", "x".repeat(size));
    let mut connection = Connection::open(server.address);
    let mut bytes = Vec::new();
    for size in [10, 5_000, 300_000, 0, 70_000] {
        bytes.extend(request("POST", "/api/customers", &headers, body(size).as_bytes()));
    }
    let chunk = body(100_000);
    bytes.extend(request(
        "POST",
        "/api/customers",
        &[headers[0], headers[1], ("Transfer-Encoding", "chunked")],
        b"",
    ));
    bytes.extend(format!("{:x}\r\n{chunk}\r\n0\r\n\r\n", chunk.len()).into_bytes());
    bytes.extend(request("GET", "/healthz", &[], b""));
    // A thread of its own sends, since the server takes in the next only when it has answered the last.
    let mut writer = connection.writer();
    let sender = std::thread::spawn(move || writer.write_all(&bytes));
    for _ in 0..6 {
        connection.read(true).expect("an answer").expect(201);
    }
    connection.read(true).expect("an answer").expect(200);
    sender.join().unwrap().unwrap();
}

#[test]
fn a_read_ends_when_its_client_goes() {
    // The handler is given up: nothing is left in flight, although it would sleep for a minute.
    let server = TestServer::start();
    let authorization = format!("Bearer {}", server.admin);
    let slow = request("GET", "/api/trouble/slow", &[("Authorization", &authorization)], b"");
    let connection = cut_off_later(&server, &slow);
    std::thread::sleep(Duration::from_millis(200));
    let in_flight = || {
        let text = String::from_utf8(server.get("/metrics").body).unwrap();
        let line = text.lines().find(|line| line.starts_with("realnet_http_requests_in_flight ")).unwrap();
        line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(in_flight(), 2, "the slow one and the question");
    drop(connection);
    let started = Instant::now();
    while in_flight() > 1 {
        assert!(started.elapsed() < Duration::from_secs(10), "the handler goes on");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn strangers_have_small_bodies() {
    let server = TestServer::start();
    let large = json!({"username": "a", "password": "x".repeat(40_000)}).to_string();
    let kind = ("Content-Type", "application/json");
    for path in [
        "/api/auth",
        "/api/Auth/refresh",
        "/api/auth/password-reset/confirm",
        "/api/accounts",
        "/api/customers",
    ] {
        server.send("POST", path, &[kind], large.as_bytes()).problem(413);
        let headers = [kind, ("Transfer-Encoding", "chunked")];
        let mut connection = Connection::open(server.address);
        let mut bytes = request("POST", path, &headers, b"");
        bytes.extend(format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len()).into_bytes());
        connection.send(&bytes);
        connection.read(true).expect("an answer").problem(413);
    }
    let large = json!({"name": "x", "note": "x".repeat(40_000)}).to_string();
    server.admin_with("POST", "/api/customers", &[kind], large.as_bytes()).expect(201);
}

#[test]
fn bodies_are_bounded_together() {
    let config = HttpConfig { body_memory: 100_000, max_body: 100_000, ..HttpConfig::default() };
    let server = TestServer::with(config);
    let authorization = format!("Bearer {}", server.admin);
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Content-Type", "application/json"),
        ("Content-Length", "90000"),
    ];
    let post = |size: usize| {
        let body = json!({"name": "x", "note": "x".repeat(size)}).to_string();
        server.admin_with("POST", "/api/customers", &[("Content-Type", "application/json")], body.as_bytes())
    };
    let started = Instant::now();
    let (held, refused) = loop {
        // Somebody holds most of the room by a body that does not end.
        let mut held = Connection::open(server.address);
        held.send(&request("POST", "/api/customers", &headers, b""));
        held.send(format!("{{\"note\":\"{}", "x".repeat(79_000)).as_bytes());
        std::thread::sleep(Duration::from_millis(200));
        // Had it come first, the other would have been refused, and nothing held.
        let answer = post(30_000);
        if answer.status != 201 {
            break (held, answer);
        }
        assert!(started.elapsed() < Duration::from_secs(10), "bodies are not bounded");
    };
    refused.problem(503);
    assert_eq!(refused.header("retry-after"), Some("1"));
    post(1_000).expect(201);
    // The room comes back with the end of the request.
    drop(held);
    let started = Instant::now();
    while post(30_000).status != 201 {
        assert!(started.elapsed() < Duration::from_secs(10), "the room is not given back");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn refused_sockets_that_linger_are_few() {
    let server = TestServer::start();
    let mut connections: Vec<Connection> = (0..150)
        .map(|_| {
            let mut connection = Connection::open(server.address);
            connection.send(b"x\r\n\r\n");
            connection
        })
        .collect();
    for connection in &mut connections {
        connection.read(true).expect("an answer").problem(400);
    }
    // A socket that is gone resets the client that goes on sending; one that lingers takes it.
    let lingering = connections.iter_mut().filter_map(|connection| {
        connection.send(b"x");
        std::thread::sleep(Duration::from_millis(1));
        connection.send(b"x").then_some(())
    });
    assert!(lingering.count() <= 64 + 10);
    server.get("/healthz").expect(200);
}

#[test]
fn the_room_of_a_body_is_taken_while_its_work_goes_on() {
    let config = HttpConfig { body_memory: 100_000, max_body: 100_000, ..HttpConfig::default() };
    let server = TestServer::with(config);
    let authorization = format!("Bearer {}", server.admin);
    let kind = ("Content-Type", "application/json");
    let post = || {
        let body = json!({"name": "x", "note": "x".repeat(30_000)}).to_string();
        server.admin_with("POST", "/api/customers", &[kind], body.as_bytes()).status
    };
    let body = json!({"note": "x".repeat(79_000)}).to_string();
    let headers = [("Authorization", authorization.as_str()), kind];
    let begun = Instant::now();
    let (slow, started) = loop {
        let started = Instant::now();
        let bytes = request("POST", "/api/trouble/slow", &headers, body.as_bytes());
        let slow = cut_off_later(&server, &bytes);
        std::thread::sleep(Duration::from_millis(200));
        // Had it come first, the slow one would have been refused.
        if post() == 503 {
            break (slow, started);
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "the body takes no room");
    };
    // The request is given up; what it has begun takes a second.
    drop(slow);
    while post() != 201 {
        assert!(started.elapsed() < Duration::from_secs(20), "the room is not given back");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(started.elapsed() >= Duration::from_secs(1), "the room was given back too early");
}

/// A server whose list of customers is more than sockets hold.
pub fn with_a_large_list(config: HttpConfig) -> TestServer {
    let server = TestServer::with(config);
    let text = "x".repeat(4_000_000);
    for _ in 0..4 {
        server.customer(&json!({"name": "large", "note": text}));
    }
    server
}

#[test]
fn a_request_behind_an_answer_that_had_to_wait_is_taken_in() {
    let server = with_a_large_list(HttpConfig::default());
    let authorization = format!("Bearer {}", server.admin);
    let large = request("GET", "/api/customers", &[("Authorization", &authorization)], b"");
    let mut connection = Connection::open(server.address);
    connection.send(&[large, request("GET", "/healthz", &[], b"")].concat());
    // The answer fills the sockets, and the server waits for the client to read.
    std::thread::sleep(Duration::from_secs(1));
    assert!(connection.read(true).expect("the large answer").body.len() > 10_000_000);
    let started = Instant::now();
    connection.read(true).expect("the next answer").expect(200);
    assert!(started.elapsed() < Duration::from_secs(5), "it came by a timer only: {:?}", started.elapsed());
}

#[test]
fn a_client_that_reads_hardly_anything_is_let_go() {
    let config = HttpConfig { stall_timeout: Duration::from_millis(500), ..HttpConfig::default() };
    let server = with_a_large_list(config);
    let authorization = format!("Bearer {}", server.admin);
    let mut socket = TcpStream::connect(server.address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket.write_all(&request("GET", "/api/customers", &[("Authorization", &authorization)], b"")).unwrap();
    let mut part = vec![0; 64 * 1024];
    let mut taken = socket.read(&mut part).unwrap();
    let head = String::from_utf8_lossy(&part[..taken]).to_lowercase();
    let (head, _) = head.split_once("\r\n\r\n").expect("a whole head");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let whole = head.len() + 4 + length.parse::<usize>().unwrap();
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(4) {
        std::thread::sleep(Duration::from_millis(100));
        taken += socket.read(&mut part[..500]).unwrap_or(0);
    }
    // What was under way when the server let go still comes, and then the end instead of the rest.
    let has_ended = loop {
        match socket.read(&mut part) {
            Ok(0) => break true,
            Ok(count) => taken += count,
            Err(error) => break !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    };
    assert!(has_ended && taken < whole, "{taken} of {whole} bytes");
}

#[test]
fn a_sign_in_that_is_cut_off_goes_on_to_its_end() {
    let server = TestServer::start();
    let kind = ("Content-Type", "application/json");
    let sign_in = json!({"username": "slow", "password": "wrong password"}).to_string();
    let refresh = json!({"refresh_token": "slow"}).to_string();
    for (number, (path, body)) in
        [("/api/auth", sign_in), ("/api/auth/refresh", refresh)].into_iter().enumerate()
    {
        let connection = cut_off_later(&server, &request("POST", path, &[kind], body.as_bytes()));
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(server.finished(), number, "it takes its time");
        drop(connection);
        let started = Instant::now();
        while server.finished() == number {
            assert!(started.elapsed() < Duration::from_secs(5), "{path} was given up with its connection");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A connection with a request under way that is reset when dropped: an answer before it is left unread.
fn cut_off_later(server: &TestServer, bytes: &[u8]) -> Connection {
    let mut connection = Connection::open(server.address);
    connection.send(&request("GET", "/healthz", &[], b""));
    std::thread::sleep(Duration::from_millis(50));
    connection.send(bytes);
    connection
}
