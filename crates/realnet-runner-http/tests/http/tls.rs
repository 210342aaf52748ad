//! Connections under TLS, and certificates that change while the server runs.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use realnet_runner_http::{HttpConfig, TlsFiles};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::common::TestServer;

fn make(name: &str) -> (String, String, CertificateDer<'static>) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).unwrap();
    (cert.pem(), signing_key.serialize_pem(), cert.der().clone())
}

fn write(folder: &Path, cert: &str, key: &str) -> TlsFiles {
    let files = TlsFiles { cert: folder.join("cert.pem"), key: folder.join("key.pem") };
    std::fs::write(&files.cert, cert).unwrap();
    std::fs::write(&files.key, key).unwrap();
    files
}

/// A connection of a client that trusts one certificate.
fn connect(
    server: &TestServer,
    trusted: &CertificateDer<'static>,
) -> std::io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
    let client = ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap();
    let socket = TcpStream::connect(server.address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut stream = StreamOwned::new(client, socket);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

/// The answer to a request, up to its body.
fn ask(stream: &mut StreamOwned<ClientConnection, TcpStream>, request: &str) -> String {
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        let count = stream.read(&mut part).unwrap();
        bytes.extend_from_slice(&part[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return text;
        }
    }
}

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: app.test\r\n\r\n";

fn serves(server: &TestServer, trusted: &CertificateDer<'static>) -> bool {
    connect(server, trusted).is_ok_and(|mut stream| ask(&mut stream, HEALTH).starts_with("HTTP/1.1 200"))
}

/// Waits until a client that trusts the certificate is served.
fn wait_for(server: &TestServer, trusted: &CertificateDer<'static>) -> bool {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(15) {
        if serves(server, trusted) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    false
}

#[test]
fn requests_come_under_tls() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key, trusted) = make("localhost");
    let tls = write(folder.path(), &cert, &key);
    let server = TestServer::unready(HttpConfig { tls: Some(tls), ..HttpConfig::default() });
    let mut stream = connect(&server, &trusted).unwrap();
    for _ in 0..3 {
        let answer = ask(&mut stream, HEALTH);
        assert!(
            answer.contains("alive") && answer.contains("strict-transport-security: max-age="),
            "{answer}"
        );
    }
    assert_eq!(stream.conn.alpn_protocol(), None);
    // A body that comes in many records, and one that is larger than what is taken at a time.
    let body = format!("{{\"username\":\"admin\",\"password\":\"{}\"}}", "x".repeat(30_000));
    let head = "POST /api/auth HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let answer = ask(&mut stream, &format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()));
    assert!(answer.starts_with("HTTP/1.1 4") && !answer.starts_with("HTTP/1.1 400"), "{answer}");
    // Cookies are those of HTTPS.
    let body =
        format!(r#"{{"username":"admin","password":"{}","cookie":true}}"#, crate::common::server::PASSWORD);
    let answer = ask(&mut stream, &format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()));
    assert!(answer.contains("__Host-realnet=") && answer.contains("; Secure"), "{answer}");
    // What is no TLS is no request.
    let mut plain = TcpStream::connect(server.address).unwrap();
    plain.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    plain.write_all(HEALTH.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    let _ = plain.read_to_end(&mut bytes);
    assert!(!bytes.starts_with(b"HTTP"), "{bytes:?}");
    // A certificate that the client does not know ends the handshake.
    assert!(connect(&server, &make("localhost").2).is_err());
}

#[test]
fn a_handshake_has_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key, _) = make("localhost");
    let tls = Some(write(folder.path(), &cert, &key));
    let header_timeout = Duration::from_millis(300);
    let server = TestServer::unready(HttpConfig { tls, header_timeout, ..HttpConfig::default() });
    let mut silent = TcpStream::connect(server.address).unwrap();
    silent.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let started = Instant::now();
    assert!(matches!(silent.read(&mut [0; 1]), Ok(0) | Err(_)));
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn a_new_certificate_is_taken_and_a_bad_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key, first) = make("localhost");
    let files = write(folder.path(), &cert, &key);
    let server = TestServer::unready(HttpConfig { tls: Some(files.clone()), ..HttpConfig::default() });
    let mut kept = connect(&server, &first).unwrap();
    assert!(ask(&mut kept, HEALTH).starts_with("HTTP/1.1 200"));

    let (cert, key, second) = make("localhost");
    write(folder.path(), &cert, &key);
    assert!(wait_for(&server, &second), "the new certificate is served");
    assert!(!serves(&server, &first), "and the old one is not");
    assert!(ask(&mut kept, HEALTH).starts_with("HTTP/1.1 200"), "connections go on");

    // A key of another certificate, then no certificate at all: what serves stays.
    std::fs::write(&files.key, make("localhost").1).unwrap();
    std::thread::sleep(Duration::from_millis(2500));
    assert!(serves(&server, &second));
    std::fs::write(&files.cert, "nonsense").unwrap();
    std::fs::remove_file(&files.key).unwrap();
    std::thread::sleep(Duration::from_millis(2500));
    assert!(serves(&server, &second));
    // Once both are there again, they are taken.
    let (cert, key, third) = make("localhost");
    write(folder.path(), &cert, &key);
    assert!(wait_for(&server, &third));
}

#[test]
fn files_that_do_not_serve_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key, _) = make("localhost");
    write(folder.path(), &cert, &key).check().unwrap();
    let other = make("localhost").1;
    for (cert, key, at) in [
        ("", key.as_str(), "cert"),
        ("nonsense", &key, "cert"),
        (&key, &key, "cert"),
        (&cert, "", "key"),
        (&cert, &cert, "key"),
        (&cert, &other, "key"),
    ] {
        let error = write(folder.path(), cert, key).check().unwrap_err();
        let violation = &error.violations()[0];
        assert_eq!(violation.pointer, at, "{}", violation.detail);
        assert!(violation.detail.contains(&format!("{at}.pem")), "{}", violation.detail);
        assert!(!violation.detail.contains("PRIVATE"), "{}", violation.detail);
    }
    let missing = TlsFiles { cert: folder.path().join("none"), key: folder.path().join("key.pem") };
    assert_eq!(missing.check().unwrap_err().violations()[0].pointer, "cert");
}
