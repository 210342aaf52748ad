//! Follows what a client sends, to hand the library one request at a time.
//!
//! The library takes in whatever it is given, however many requests that are, and ends a connection when a body behind
//! another request has come in part. So it gets one request, and what is behind that waits.

use bytes::BytesMut;

/// How much of a line is looked at: as much as says how long a body is.
const LINE: usize = 32;

/// Where in a request the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    /// Before it: empty lines there do not count.
    #[default]
    Before,
    /// In the head.
    Head,
    /// In the body, of which so much is to come.
    Body(u64),
    /// Behind it.
    Behind,
    /// Somewhere: once a body came in chunks, only the library knows.
    Unknown,
}

/// What has come.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    place: Place,
    /// The beginning of the present line, and how much of it there is.
    line: [u8; LINE],
    length: usize,
    /// The length of the body, as the head says.
    body: u64,
    /// Whether the body comes in chunks.
    is_chunked: bool,
    /// What was read and is not wanted yet.
    pub(super) ahead: BytesMut,
}

impl Incoming {
    /// Whether all of a request has been handed on.
    pub(super) fn is_whole(&self) -> bool {
        self.place == Place::Behind
    }

    /// Whether nobody but the library knows where a request ends.
    pub(super) fn is_unknown(&self) -> bool {
        self.place == Place::Unknown
    }

    /// Another request may come.
    pub(super) fn go_on(&mut self) {
        self.place = Place::Before;
    }

    /// How many of these bytes belong to the request under way. Counts them.
    pub(super) fn wanted(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while at < bytes.len() {
            match self.place {
                Place::Unknown => return bytes.len(),
                Place::Behind => return at,
                Place::Body(left) => {
                    let rest = bytes.len() - at;
                    let count = usize::try_from(left).map_or(rest, |left| left.min(rest));
                    at += count;
                    self.enter_body(left - count as u64);
                }
                Place::Before | Place::Head => {
                    let rest = &bytes[at..];
                    let end = rest.iter().position(|byte| *byte == b'\n');
                    self.keep(&rest[..end.unwrap_or(rest.len())]);
                    at += end.map_or(rest.len(), |end| end + 1);
                    if end.is_some() {
                        self.line_ends();
                    }
                }
            }
        }
        at
    }

    fn enter_body(&mut self, left: u64) {
        self.place = if left == 0 { Place::Behind } else { Place::Body(left) };
    }

    /// Remembers the beginning of a line.
    fn keep(&mut self, part: &[u8]) {
        for byte in part.iter().filter(|byte| **byte != b'\r') {
            if self.length == LINE {
                break;
            }
            self.line[self.length] = *byte;
            self.length += 1;
        }
    }

    fn line_ends(&mut self) {
        let length = std::mem::take(&mut self.length);
        if length > 0 {
            self.place = Place::Head;
            self.note(length);
        } else if self.place == Place::Head {
            let body = std::mem::take(&mut self.body);
            if std::mem::take(&mut self.is_chunked) {
                self.place = Place::Unknown;
            } else {
                self.enter_body(body);
            }
        }
    }

    /// What a line says about the body. What the library finds contradictory it refuses itself.
    fn note(&mut self, length: usize) {
        let line = &self.line[..length];
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            self.body = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.is_chunked = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What of the text is one request, taken as a whole and byte by byte.
    fn first(text: &str) -> usize {
        let mut incoming = Incoming::default();
        let whole = incoming.wanted(text.as_bytes());
        let mut single = Incoming::default();
        let singly: usize = text.bytes().map(|byte| single.wanted(&[byte])).sum();
        assert_eq!(whole, singly, "{text:?}");
        assert_eq!(incoming.is_whole(), single.is_whole(), "{text:?}");
        whole
    }

    #[test]
    fn a_request_ends_with_its_body() {
        for request in [
            "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET / HTTP/1.1\nHost: x\n\n",
            "\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "x\r\n\n",
            "POST / HTTP/1.1\r\ncontent-LENGTH:  5 \r\nX: y\r\n\r\nab\n\nc",
            "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        ] {
            assert_eq!(first(&format!("{request}GET / HTTP/1.1\r\n\r\n")), request.len(), "{request:?}");
        }
        let part = "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc";
        assert_eq!(first(part), part.len());
    }

    #[test]
    fn requests_follow_each_other() {
        let mut incoming = Incoming::default();
        let one = b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab";
        let two = b"GET / HTTP/1.1\r\n\r\n";
        let both = [&one[..], two].concat();
        assert_eq!(incoming.wanted(&both), one.len());
        assert_eq!(incoming.wanted(two), 0);
        incoming.go_on();
        assert_eq!(incoming.wanted(two), two.len());
        assert!(incoming.is_whole());
    }

    #[test]
    fn behind_chunks_nothing_is_known() {
        let mut incoming = Incoming::default();
        let text =
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n";
        assert_eq!(incoming.wanted(text), text.len());
        assert!(incoming.is_unknown() && !incoming.is_whole());
    }
}
