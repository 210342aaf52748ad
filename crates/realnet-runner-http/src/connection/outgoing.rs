//! Follows what the library writes, to tell answers of handlers from refusals of its own.

use super::exchange::{Answer, Body, Connection};

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
const HEAD_END: &[u8] = b"\r\n\r\n";

/// How far the answers have been followed.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    /// Bytes at the start of the next buffer that were looked at already: the socket did not take them.
    seen: usize,
    /// Bytes of the present body that are still to come.
    body: u64,
    /// From here on nothing is known: a stream began.
    lost: bool,
}

/// What a buffer holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// So many bytes that may go as they are; what is behind them comes again.
    Plain(usize),
    /// The head of a refusal that the library made, all of the buffer.
    Refusal,
    /// Not what the handlers answered. The client would take one answer for another.
    Garbled,
}

/// What the next bytes are.
enum Step {
    Bytes(usize),
    Refusal,
    Garbled,
}

impl Outgoing {
    /// Looks at a buffer that is about to be written. It begins where [`Self::took`] left off.
    pub(super) fn look(&mut self, buffer: &[u8], connection: &Connection) -> Found {
        let mut at = self.seen.min(buffer.len());
        if !self.lost && at < buffer.len() && !self.is_one_answer(&buffer[at..], connection) {
            while at < buffer.len() && !self.lost {
                match self.step(&buffer[at..], connection) {
                    Step::Bytes(length) => at += length,
                    Step::Garbled => return Found::Garbled,
                    Step::Refusal if at == 0 => return Found::Refusal,
                    Step::Refusal => {
                        self.seen = at;
                        return Found::Plain(at);
                    }
                }
            }
        }
        self.seen = buffer.len();
        Found::Plain(buffer.len())
    }

    /// Notes that the socket has taken so many bytes of what was looked at.
    pub(super) fn took(&mut self, count: usize) {
        self.seen = self.seen.saturating_sub(count);
    }

    /// The usual case, without a search: one whole answer whose head ends where its body begins.
    fn is_one_answer(&self, rest: &[u8], connection: &Connection) -> bool {
        let only = connection.only_answer().filter(|_| self.body == 0);
        let Some(Answer { body: Body::Sized(size), .. }) = only else { return false };
        let end = rest.len().checked_sub(size as usize).filter(|end| *end > HEAD_END.len());
        if !end.is_some_and(|end| rest[..end].ends_with(HEAD_END) && is_head(rest)) {
            return false;
        }
        connection.next_answer();
        true
    }

    fn step(&mut self, rest: &[u8], connection: &Connection) -> Step {
        if self.body > 0 {
            let length = self.body.min(rest.len() as u64);
            self.body -= length;
            return Step::Bytes(length as usize);
        }
        if rest.starts_with(CONTINUE) {
            return Step::Bytes(CONTINUE.len());
        }
        let end = rest.windows(HEAD_END.len()).position(|window| window == HEAD_END);
        let Some(end) = end.filter(|_| is_head(rest)).map(|end| end + HEAD_END.len()) else {
            return Step::Garbled;
        };
        match connection.next_answer() {
            // The library refuses, and then writes nothing more.
            None if end == rest.len() && is_error(rest) => Step::Refusal,
            None => Step::Garbled,
            Some(Answer { body: Body::Stream, .. }) => {
                self.lost = true;
                Step::Bytes(rest.len())
            }
            // A later request begins only behind the body. The library leaves the body out where it has read a HEAD
            // behind a request that takes its time.
            Some(Answer { body: Body::Sized(size), request })
                if request < connection.begun() && (rest.len() - end) < size as usize =>
            {
                Step::Garbled
            }
            Some(Answer { body: Body::Sized(size), .. }) => {
                self.body = size;
                Step::Bytes(end)
            }
        }
    }
}

fn is_head(bytes: &[u8]) -> bool {
    bytes.starts_with(b"HTTP/1.")
}

/// `HTTP/1.x 4yz` or `5yz`.
fn is_error(head: &[u8]) -> bool {
    matches!(head.get(9), Some(b'4' | b'5'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n";
    const BAD: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

    fn look(outgoing: &mut Outgoing, connection: &Connection, parts: &[&[u8]]) -> Found {
        outgoing.look(&parts.concat(), connection)
    }

    #[test]
    fn only_what_no_handler_answered_is_a_refusal() {
        let (mut outgoing, connection) = (Outgoing::default(), Connection::default());
        connection.answered(Body::Sized(3));
        assert_eq!(look(&mut outgoing, &connection, &[OK, b"abc"]), Found::Plain(OK.len() + 3));
        outgoing.took(OK.len() + 3);
        connection.answered(Body::Sized(0));
        assert_eq!(look(&mut outgoing, &connection, &[BAD]), Found::Plain(BAD.len()));
        outgoing.took(BAD.len());
        assert_eq!(look(&mut outgoing, &connection, &[BAD]), Found::Refusal);
    }

    #[test]
    fn a_refusal_behind_answers_waits_for_them() {
        let (mut outgoing, connection) = (Outgoing::default(), Connection::default());
        connection.answered(Body::Sized(3));
        connection.answered(Body::Sized(0));
        let plain = CONTINUE.len() + OK.len() + 3 + OK.len();
        let parts = [CONTINUE, OK, b"abc", OK, BAD];
        assert_eq!(look(&mut outgoing, &connection, &parts), Found::Plain(plain));
        // The socket takes some, then the rest.
        outgoing.took(10);
        let rest = parts.concat().split_off(10);
        assert_eq!(look(&mut outgoing, &connection, &[&rest]), Found::Plain(plain - 10));
        outgoing.took(plain - 10);
        assert_eq!(look(&mut outgoing, &connection, &[BAD]), Found::Refusal);
    }

    #[test]
    fn bodies_that_look_like_refusals_are_bodies() {
        let (mut outgoing, connection) = (Outgoing::default(), Connection::default());
        connection.answered(Body::Sized(BAD.len() as u64 + 5));
        assert_eq!(look(&mut outgoing, &connection, &[OK, b"12345"]), Found::Plain(OK.len() + 5));
        outgoing.took(OK.len() + 5);
        assert_eq!(look(&mut outgoing, &connection, &[BAD]), Found::Plain(BAD.len()));
        outgoing.took(BAD.len());
        connection.answered(Body::Stream);
        assert_eq!(look(&mut outgoing, &connection, &[OK, b"1234"]), Found::Plain(OK.len() + 4));
        outgoing.took(OK.len() + 4);
        assert_eq!(look(&mut outgoing, &connection, &[BAD]), Found::Plain(BAD.len()));
    }

    #[test]
    fn an_answer_without_its_body_does_not_leave() {
        for (behind, size) in [(&b""[..], 3), (OK, 3), (OK, 30), (BAD, 500)] {
            let (mut outgoing, connection) = (Outgoing::default(), Connection::default());
            connection.answered(Body::Sized(size));
            connection.answered(Body::Sized(0));
            assert_eq!(look(&mut outgoing, &connection, &[OK, behind]), Found::Garbled, "{size}");
        }
        let (mut outgoing, connection) = (Outgoing::default(), Connection::default());
        assert_eq!(look(&mut outgoing, &connection, &[OK, b"abc"]), Found::Garbled);
        // A large body comes in parts.
        connection.answered(Body::Sized(5));
        assert_eq!(look(&mut outgoing, &connection, &[OK, b"abc"]), Found::Plain(OK.len() + 3));
        outgoing.took(OK.len() + 3);
        assert_eq!(look(&mut outgoing, &connection, &[b"de"]), Found::Plain(2));
    }
}
