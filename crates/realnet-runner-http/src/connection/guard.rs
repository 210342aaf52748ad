//! The socket as the HTTP library sees it.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::exchange::Connection;
use super::linger::linger;
use super::outgoing::{Found, Outgoing};
use super::refusal::Refusal;
use super::watch::Watch;
use crate::state::State;

/// A socket that ends idle and stalled connections, and sends problem documents in place of bare refusals.
pub(crate) struct Guard {
    /// Taken when the guard is dropped.
    socket: Option<TcpStream>,
    state: Arc<State>,
    connection: Rc<Connection>,
    watch: Watch,
    /// Requests that had begun when the socket was last read.
    begun: u64,
    /// Whether bytes of the next head have come.
    head_began: bool,
    /// When waiting for the client to send ends; set at the first wait.
    idle_until: Option<Instant>,
    /// When waiting for the client to read ends; set at the first wait.
    stalled_until: Option<Instant>,
    /// Whether time ran out in the middle of a head.
    is_late: bool,
    outgoing: Outgoing,
    /// A refusal that is being written, and how much of it has been.
    refusal: Option<(Vec<u8>, usize)>,
}

impl Guard {
    /// Watches over a new connection.
    pub(crate) fn new(socket: TcpStream, state: Arc<State>) -> Self {
        Self {
            socket: Some(socket),
            state,
            connection: Rc::default(),
            watch: Watch::default(),
            begun: 0,
            head_began: false,
            idle_until: None,
            stalled_until: None,
            is_late: false,
            outgoing: Outgoing::default(),
            refusal: None,
        }
    }

    /// What the handlers of this connection tell it.
    pub(crate) fn connection(&self) -> Rc<Connection> {
        Rc::clone(&self.connection)
    }

    fn socket(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        self.socket.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Forgets the head and the wait of a request that has reached its handler since.
    fn note_requests(&mut self) {
        let begun = self.connection.begun();
        if begun != self.begun {
            self.begun = begun;
            self.head_began = false;
            self.idle_until = None;
        }
    }

    /// The client sends nothing: whether it has had its time.
    fn is_out_of_time(&mut self, cx: &mut Context<'_>) -> bool {
        let now = Instant::now();
        let config = &self.state.config;
        if self.connection.is_busy() {
            // Nothing is read between an answer and the next request: only the timer gets to see that one is overdue.
            self.watch.until(now + config.keep_alive, now, cx);
            return false;
        }
        let patience =
            if self.head_began || self.begun == 0 { config.header_timeout } else { config.keep_alive };
        let deadline = *self.idle_until.get_or_insert_with(|| now + patience);
        self.watch.until(deadline, now, cx);
        now >= deadline
    }

    /// The client reads nothing: waits for it, but not for ever.
    fn stall(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let now = Instant::now();
        let patience = self.state.config.stall_timeout;
        let deadline = *self.stalled_until.get_or_insert_with(|| now + patience);
        if now >= deadline {
            tracing::debug!("a client stopped reading its answer");
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        self.watch.until(deadline, now, cx);
        Poll::Pending
    }

    fn write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.socket()?.poll_write(cx, bytes) {
            Poll::Pending => self.stall(cx),
            Poll::Ready(written) => {
                self.stalled_until = None;
                // The answer is still on its way: the client's time to ask again begins later.
                if !self.head_began {
                    self.idle_until = None;
                }
                Poll::Ready(written)
            }
        }
    }

    /// Writes what is left of a refusal.
    fn write_refusal(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some((bytes, written)) = self.refusal.take() {
            if written == bytes.len() {
                self.refusal = Some((bytes, written));
                break;
            }
            match self.write(cx, &bytes[written..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => self.refusal = Some((bytes, written + count)),
                other => {
                    self.refusal = Some((bytes, written));
                    return other.map_ok(|_| ());
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    fn refuse(&mut self, make: impl FnOnce(&str) -> Refusal) {
        let id = self.state.dispatcher.services().ids.next_id().to_string();
        let refusal = make(&id);
        tracing::debug!(request = id, status = refusal.status.as_u16(), "refused what is no request");
        self.state.router.unknown.record(refusal.status, Duration::ZERO);
        self.refusal = Some((refusal.bytes, 0));
    }
}

impl AsyncRead for Guard {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        guard.note_requests();
        let before = buf.filled().len();
        let outcome = guard.socket()?.poll_read(cx, buf);
        if outcome.is_pending() && !guard.is_late && guard.is_out_of_time(cx) {
            guard.is_late = guard.head_began;
            // As if the client had gone: the library ends the connection.
            return Poll::Ready(Ok(()));
        }
        if buf.filled().len() > before && !guard.head_began && !guard.connection.is_busy() {
            guard.head_began = true;
            guard.idle_until = None;
        }
        outcome
    }
}

impl AsyncWrite for Guard {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let guard = self.get_mut();
        ready!(guard.write_refusal(cx))?;
        match guard.outgoing.look(buf, &guard.connection) {
            Found::Refusal => {
                if guard.connection.is_broken() {
                    // Its handler has said it already.
                    guard.refusal.get_or_insert_default();
                } else if guard.refusal.is_none() {
                    guard.refuse(|id| Refusal::instead_of(buf, id));
                }
                Poll::Ready(Ok(buf.len()))
            }
            Found::Garbled => {
                tracing::debug!("a connection was cut off: the HTTP library left out a part of an answer");
                Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
            }
            Found::Plain(length) => {
                let count = ready!(guard.write(cx, &buf[..length]))?;
                guard.outgoing.took(count);
                Poll::Ready(Ok(count))
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        ready!(guard.write_refusal(cx))?;
        guard.socket()?.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        if guard.is_late && guard.refusal.is_none() {
            guard.refuse(Refusal::late);
        }
        ready!(guard.write_refusal(cx))?;
        guard.socket()?.poll_shutdown(cx)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let (Some(socket), Some((mut bytes, written))) = (self.socket.take(), self.refusal.take()) else {
            return;
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(linger(socket, bytes.split_off(written)));
        }
    }
}
