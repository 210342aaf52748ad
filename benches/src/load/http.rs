//! Single requests: a blocking keep-alive client for setting a contestant up and looking at its answers, and the
//! bytes of requests for the driver.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;
use serde_json::value::RawValue;

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
        self.exchange(method, path, body).map(|reply| (reply.status, reply.body))
    }

    /// A read goes out again on a new connection when the server has closed the kept one, which it does after a while.
    fn exchange(&mut self, method: &str, path: &str, body: Option<&str>) -> Result<Reply> {
        let mut bytes = Vec::new();
        write_request(&mut bytes, method, path, &self.token, body);
        if let Some(stream) = self.stream.take() {
            match self.exchange_on(stream, &bytes) {
                Err(error) if method == "GET" && is_closed(&error) => {}
                outcome => return outcome,
            }
        }
        self.exchange_on(TcpStream::connect(self.address)?, &bytes)
    }

    fn exchange_on(&mut self, mut stream: TcpStream, bytes: &[u8]) -> Result<Reply> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(bytes)?;
        let reply = receive(&mut stream)?;
        self.stream = Some(stream);
        Ok(reply)
    }

    /// Sends a request that must succeed.
    ///
    /// # Errors
    /// As [`send`](Self::send); and any status but 2xx, with what was answered.
    pub fn call(&mut self, method: &str, path: &str, body: Option<&str>) -> Result<Vec<u8>> {
        let reply = self.exchange(method, path, body)?;
        reply.good(method, path).map(|reply| reply.body)
    }

    /// The items of a page, and the path of the next one.
    ///
    /// # Errors
    /// As [`call`](Self::call); and an answer that is no list.
    pub fn page(&mut self, path: &str) -> Result<(Vec<Box<RawValue>>, Option<String>)> {
        let reply = self.exchange("GET", path, None)?.good("GET", path)?;
        let items = serde_json::from_slice(&reply.body).map_err(Error::other)?;
        Ok((items, next_page(&reply.head)))
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

/// An answer.
struct Reply {
    status: u16,
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Reply {
    fn good(self, method: &str, path: &str) -> Result<Self> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let (status, text) = (self.status, String::from_utf8_lossy(&self.body));
        Err(Error::other(format!("{method} {path} was answered with {status}: {text}")))
    }
}

/// The address in `Link: <…>; rel="next"`.
fn next_page(head: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(head);
    let is_link = |name: &str| name.eq_ignore_ascii_case("link");
    let mut links = head.lines().filter_map(|line| line.split_once(':')).filter(|(name, _)| is_link(name));
    let link = links.find_map(|(_, link)| link.trim().strip_suffix("; rel=\"next\""))?;
    Some(link.strip_prefix('<')?.strip_suffix('>')?.to_owned())
}

fn is_closed(error: &Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    [BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof].contains(&error.kind())
}

fn receive(stream: &mut TcpStream) -> Result<Reply> {
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
            let head = bytes[..answer.body.start].to_vec();
            let body = &bytes[answer.body];
            let body = if answer.is_chunked { join_chunks(body)? } else { body.to_vec() };
            return Ok(Reply { status: answer.status, head, body });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::next_page;

    #[test]
    fn the_next_page_is_found_in_the_head() {
        let head = b"HTTP/1.1 200 OK\r\nlink: </api/memo?a=1&cursor=x>; rel=\"next\"\r\nDate: 12:00\r\n\r\n";
        assert_eq!(next_page(head).as_deref(), Some("/api/memo?a=1&cursor=x"));
        assert_eq!(next_page(b"HTTP/1.1 200 OK\r\nDate: 12:00\r\n\r\n"), None);
    }
}
