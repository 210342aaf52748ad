//! Single requests: a blocking keep-alive client for setting a contestant up and looking at its answers, and the
//! bytes of requests for the driver.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use super::answer::{Reader, join_chunks};

/// Appends a request with a token and, when there is one, a JSON body.
pub fn write_request(bytes: &mut Vec<u8>, method: &str, path: &str, token: &str, body: Option<&str>) {
    for part in [method, " ", path, " HTTP/1.1\r\nHost: localhost\r\n"] {
        bytes.extend_from_slice(part.as_bytes());
    }
    if !token.is_empty() {
        for part in ["Authorization: Bearer ", token, "\r\n"] {
            bytes.extend_from_slice(part.as_bytes());
        }
    }
    if let Some(body) = body {
        let head = format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
        bytes.extend_from_slice(head.as_bytes());
        bytes.extend_from_slice(body.as_bytes());
    } else {
        bytes.extend_from_slice(b"\r\n");
    }
}

/// The longest a request may take: creating a thousand items on a slow disk.
const PATIENCE: Duration = Duration::from_mins(2);

/// A client with one connection.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    /// The token that goes with each request; none when empty.
    pub token: String,
    stream: Option<TcpStream>,
}

impl Client {
    /// A client of the server there; it connects with the first request.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, token: String::new(), stream: None }
    }

    /// Sends a request; gives status and body, whatever the status.
    ///
    /// # Errors
    /// The connection fails or the answer is no HTTP.
    pub fn send(&mut self, method: &str, path: &str, body: Option<&str>) -> Result<(u16, Vec<u8>)> {
        let mut bytes = Vec::new();
        write_request(&mut bytes, method, path, &self.token, body);
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => TcpStream::connect(self.address)?,
        };
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(&bytes)?;
        let answer = receive(&mut stream)?;
        self.stream = Some(stream);
        Ok(answer)
    }

    /// Sends a request that must succeed.
    ///
    /// # Errors
    /// As [`send`](Self::send); and any status but 2xx, with what was answered.
    pub fn call(&mut self, method: &str, path: &str, body: Option<&str>) -> Result<Vec<u8>> {
        let (status, body) = self.send(method, path, body)?;
        if (200..300).contains(&status) {
            return Ok(body);
        }
        let text = String::from_utf8_lossy(&body);
        Err(Error::other(format!("{method} {path} was answered with {status}: {text}")))
    }

    /// As [`call`](Self::call), with JSON on both sides; null for an empty answer.
    ///
    /// # Errors
    /// As [`call`](Self::call); and an answer that is no JSON.
    pub fn json(&mut self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let answer = self.call(method, path, body.map(Value::to_string).as_deref())?;
        if answer.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer).map_err(Error::other)
    }
}

fn receive(stream: &mut TcpStream) -> Result<(u16, Vec<u8>)> {
    let mut reader = Reader::default();
    let mut bytes = Vec::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        let count = stream.read(&mut piece)?;
        if count == 0 {
            return Err(Error::new(ErrorKind::UnexpectedEof, "the server closed the connection"));
        }
        bytes.extend_from_slice(&piece[..count]);
        if let Some(answer) = reader.read(&bytes)? {
            let body = &bytes[answer.body];
            let body = if answer.is_chunked { join_chunks(body)? } else { body.to_vec() };
            return Ok((answer.status, body));
        }
    }
}
