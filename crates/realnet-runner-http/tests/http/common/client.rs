//! A client that sends what it is told, byte for byte, and reads whole answers.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// Asserts the status and gives the body.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// Asserts that it is a problem document with this status and gives it.
    #[track_caller]
    pub fn problem(&self, status: u16) -> Value {
        let document = self.expect(status);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(document["status"], status);
        assert_eq!(document["instance"].as_str(), self.header("x-request-id"));
        for key in ["type", "title", "detail"] {
            assert!(document[key].as_str().is_some_and(|text| !text.is_empty()), "{key} in {document}");
        }
        document
    }
}

/// An open connection, and what was read of it beyond the last answer.
pub struct Connection(TcpStream, Vec<u8>);

impl Connection {
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(stream, Vec::new())
    }

    /// Sends bytes. A server that has answered already may not take all of them.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).is_ok()
    }

    /// The socket, for a thread that sends while this one reads.
    pub fn writer(&self) -> TcpStream {
        self.0.try_clone().unwrap()
    }

    /// Says that nothing more will be sent.
    pub fn end(&mut self) {
        self.0.shutdown(std::net::Shutdown::Write).unwrap();
    }

    /// Reads one answer. `None` when the connection ends without one.
    pub fn read(&mut self, has_body: bool) -> Option<Answer> {
        let mut bytes = std::mem::take(&mut self.1);
        let mut chunk = [0; 16 * 1024];
        let head = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            match self.0.read(&mut chunk) {
                Ok(0) | Err(_) => return None,
                Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            }
        };
        let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
        let mut lines = text.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| {
                line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap()
            })
            .collect();
        let mut body = bytes.split_off(head);
        let mut answer = Answer { status, headers, body: Vec::new() };
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        while has_body && body.len() < length {
            match self.0.read(&mut chunk) {
                Ok(0) | Err(_) => return None,
                Ok(count) => body.extend_from_slice(&chunk[..count]),
            }
        }
        self.1 = body.split_off(if has_body { length } else { 0 });
        answer.body = body;
        Some(answer)
    }

    /// Whether the server has ended the connection, nothing more to read.
    pub fn is_closed(&mut self) -> bool {
        self.1.is_empty() && matches!(self.0.read(&mut [0; 1]), Ok(0))
    }
}

/// The bytes of a request.
pub fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method} {target} HTTP/1.1\r\nHost: test\r\n");
    for (name, value) in headers {
        text.extend([name, ": ", value, "\r\n"]);
    }
    if !body.is_empty() {
        text.extend(["Content-Length: ", &body.len().to_string(), "\r\n"]);
    }
    text.push_str("\r\n");
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}
