//! Answers as they come in over a connection: where one ends, its status and its body.

use std::io::{Error, ErrorKind, Result};

/// Status and place of the body of an answer that is there whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub status: u16,
    pub body: std::ops::Range<usize>,
    pub is_chunked: bool,
}

/// How the body of an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// At this byte of the buffer.
    At(usize),
    /// With an empty chunk.
    EmptyChunk,
}

/// Reads one answer out of the bytes of a connection; the head is looked at once.
#[derive(Debug, Default)]
pub(super) struct Reader {
    head: Option<(u16, usize, Ending)>,
}

impl Reader {
    /// The answer, once it is there whole; the reader is then ready for the next. One request at a
    /// time is under way, so nothing may follow it.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Option<Answer>> {
        let (status, start, ending) = match self.head {
            Some(head) => head,
            None => match parse_head(bytes)? {
                Some(head) => *self.head.insert(head),
                None => return Ok(None),
            },
        };
        let end = match ending {
            Ending::At(end) if bytes.len() > end => return Err(Error::other("more than was asked for")),
            Ending::At(end) if bytes.len() == end => end,
            // JSON holds no line breaks of this kind, so only the last chunk looks like this.
            Ending::EmptyChunk if bytes[start..].ends_with(b"0\r\n\r\n") => bytes.len(),
            _ => return Ok(None),
        };
        self.head = None;
        Ok(Some(Answer { status, body: start..end, is_chunked: ending == Ending::EmptyChunk }))
    }
}

fn parse_head(bytes: &[u8]) -> Result<Option<(u16, usize, Ending)>> {
    let mut headers = [httparse::EMPTY_HEADER; 48];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(start) = response.parse(bytes).map_err(Error::other)? else {
        return Ok(None);
    };
    let status = response.code.unwrap_or_default();
    for header in response.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            let length =
                std::str::from_utf8(header.value).ok().and_then(|text| text.trim().parse::<usize>().ok());
            let length = length.ok_or_else(|| Error::new(ErrorKind::InvalidData, "a bad Content-Length"))?;
            return Ok(Some((status, start, Ending::At(start + length))));
        }
        if header.name.eq_ignore_ascii_case("transfer-encoding") {
            return Ok(Some((status, start, Ending::EmptyChunk)));
        }
    }
    Ok(Some((status, start, Ending::At(start))))
}

/// The body out of its chunks.
pub(super) fn join_chunks(mut bytes: &[u8]) -> Result<Vec<u8>> {
    let broken = || Error::new(ErrorKind::InvalidData, "broken chunks");
    let mut body = Vec::with_capacity(bytes.len());
    loop {
        let end = bytes.windows(2).position(|two| two == b"\r\n").ok_or_else(broken)?;
        let size = std::str::from_utf8(&bytes[..end]).map_err(|_| broken())?;
        let size = usize::from_str_radix(size.trim(), 16).map_err(|_| broken())?;
        if size == 0 {
            return Ok(body);
        }
        let chunk = bytes.get(end + 2..end + 2 + size).ok_or_else(broken)?;
        body.extend_from_slice(chunk);
        bytes = bytes.get(end + size + 4..).ok_or_else(broken)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Option<(u16, Vec<u8>)> {
        let mut reader = Reader::default();
        let answer = reader.read(bytes).unwrap()?;
        Some((answer.status, bytes[answer.body].to_vec()))
    }

    #[test]
    fn answers_are_whole_or_not() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n".to_vec();
        assert_eq!(read(&head[..10]), None);
        assert_eq!(read(&[&head[..], b"ab"].concat()), None);
        assert_eq!(read(&[&head[..], b"abc"].concat()), Some((200, b"abc".to_vec())));
        assert_eq!(read(b"HTTP/1.1 204 No Content\r\n\r\n"), Some((204, Vec::new())));
        assert!(Reader::default().read(&[&head[..], b"abcd"].concat()).is_err());
    }

    #[test]
    fn an_answer_that_comes_in_pieces_is_put_together() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
        let mut reader = Reader::default();
        for end in 0..whole.len() {
            assert_eq!(reader.read(&whole[..end]).unwrap(), None);
        }
        assert!(reader.read(whole).unwrap().is_some());
        // And the next one starts anew.
        assert_eq!(reader.read(&whole[..4]).unwrap(), None);
    }

    #[test]
    fn chunks_end_with_an_empty_one() {
        let bytes = b"HTTP/1.1 404 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n";
        assert_eq!(read(&bytes[..bytes.len() - 1]), None);
        let (status, body) = read(bytes).unwrap();
        assert_eq!((status, join_chunks(&body).unwrap()), (404, b"[]".to_vec()));
    }
}
