//! The socket as the HTTP library sees it.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::exchange::Connection;
use super::incoming::Incoming;
use super::linger::linger;
use super::outgoing::{Found, Outgoing};
use super::refusal::Refusal;
use super::socket::Socket;
use super::stall::Stall;
use super::watch::Watch;
use crate::state::State;

/// How much is read at a time, and how much of a body of unknown length the library gets before it has looked at it.
const TURN: usize = 8192;

/// A socket that ends idle and stalled connections, and sends problem documents in place of bare refusals.
pub(crate) struct Guard {
    /// Taken when the guard is dropped.
    socket: Option<Socket>,
    state: Arc<State>,
    connection: Rc<Connection>,
    watch: Watch,
    /// Requests that had begun when the socket was last read.
    begun: u64,
    /// Whether bytes of the next head have come.
    head_began: bool,
    /// When waiting for the client to send ends; set at the first wait.
    idle_until: Option<Instant>,
    stall: Stall,
    /// Bytes that went to the library since it looked at them last.
    turn: usize,
    incoming: Incoming,
    /// Whether the library has been left to look at what it has.
    has_paused: bool,
    /// Whether time ran out in the middle of a head.
    is_late: bool,
    outgoing: Outgoing,
    /// A refusal that is being written, and how much of it has been.
    refusal: Option<(Vec<u8>, usize)>,
}

impl Guard {
    /// Watches over a new connection.
    pub(crate) fn new(socket: Socket, state: Arc<State>) -> Self {
        Self {
            connection: Rc::new(Connection::new(socket.is_tls())),
            socket: Some(socket),
            state,
            watch: Watch::default(),
            begun: 0,
            head_began: false,
            idle_until: None,
            stall: Stall::default(),
            turn: 0,
            incoming: Incoming::default(),
            has_paused: false,
            is_late: false,
            outgoing: Outgoing::default(),
            refusal: None,
        }
    }

    /// What the handlers of this connection tell it.
    pub(crate) fn connection(&self) -> Rc<Connection> {
        Rc::clone(&self.connection)
    }

    fn socket(&mut self) -> io::Result<Pin<&mut Socket>> {
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

    /// Whether nothing of what the client sends is wanted: a handler has its request, or answers wait to be read.
    fn has_enough(&self) -> bool {
        let has_request =
            self.incoming.is_whole() || self.incoming.is_unknown() && !self.connection.is_reading();
        self.connection.is_busy() && has_request || self.stall.is_on()
    }

    /// Whether the library has something to look at first. Once it has, another request may come.
    fn must_pause(&mut self) -> bool {
        let is_full = self.incoming.is_whole() || self.incoming.is_unknown() && self.turn >= TURN;
        let must_pause = is_full && !self.has_paused;
        if !must_pause {
            self.has_paused = false;
            if self.incoming.is_whole() {
                self.incoming.go_on();
            }
        }
        must_pause
    }

    /// Lets what the client sends wait in its socket; only sees whether it is still there.
    fn hold(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.socket()?.poll_peek(cx) {
            Poll::Ready(Ok(0)) => Poll::Ready(Ok(())),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(_)) | Poll::Pending => {
                self.connection.wake_when_wanted(cx.waker());
                if self.connection.is_busy() {
                    self.is_out_of_time(cx);
                }
                Poll::Pending
            }
        }
    }

    /// Lets the library look at what it has before it gets more.
    fn pause(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.turn = 0;
        self.has_paused = true;
        if self.incoming.ahead.is_empty() && !self.connection.is_tls() {
            // In the usual case nothing has come: the library need not be woken only to see that.
            match self.socket()?.poll_peek(cx) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Ok(())),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(_)) => {}
                Poll::Pending => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Gives the library what belongs to the request under way; what comes behind that is kept.
    fn take_in(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.incoming.ahead.is_empty() {
            let length = buf.remaining().min(TURN);
            let mut part = ReadBuf::new(buf.initialize_unfilled_to(length));
            let socket = self.socket.as_mut().map(Pin::new).ok_or(io::ErrorKind::NotConnected)?;
            let outcome = socket.poll_read(cx, &mut part);
            let filled = part.filled();
            let wanted = self.incoming.wanted(filled);
            self.incoming.ahead.extend_from_slice(&filled[wanted..]);
            buf.advance(wanted);
            self.turn = if outcome.is_pending() { 0 } else { self.turn + wanted };
            return outcome;
        }
        let mut ahead = std::mem::take(&mut self.incoming.ahead);
        let length = ahead.len().min(buf.remaining());
        let wanted = self.incoming.wanted(&ahead[..length]);
        buf.put_slice(&ahead.split_to(wanted));
        self.incoming.ahead = ahead;
        self.turn += wanted;
        Poll::Ready(Ok(()))
    }

    /// The client reads nothing, or hardly anything: waits for it, but not for ever.
    fn stall(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let now = Instant::now();
        let deadline = self.stall.until(now, self.state.config.stall_timeout);
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
                let was_stalled = self.stall.is_on();
                self.stall.took(*written.as_ref().unwrap_or(&bytes.len()), bytes.len());
                if was_stalled && !self.stall.is_on() {
                    // The library has read before it wrote, and was told that nothing is wanted.
                    self.connection.wake_reader();
                }
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
        if guard.has_enough() {
            return guard.hold(cx);
        }
        let before = buf.filled().len();
        let outcome = if guard.must_pause() { guard.pause(cx) } else { guard.take_in(cx, buf) };
        if outcome.is_pending() && !guard.is_late && guard.is_out_of_time(cx) {
            guard.is_late = guard.head_began;
            // As if the client had gone: the library ends the connection.
            return Poll::Ready(Ok(()));
        }
        // Of a body in chunks, the rest may still come when its answer has been given: that is no head.
        let is_head = !guard.head_began && !guard.connection.is_busy() && !guard.incoming.is_unknown();
        if buf.filled().len() > before && is_head {
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
        // Of a body that is not framed as it says, the rest is still on its way.
        let broken = || self.connection.is_broken().then(Default::default);
        let (Some(socket), Some((mut bytes, written))) =
            (self.socket.take(), self.refusal.take().or_else(broken))
        else {
            return;
        };
        let place = Arc::clone(&self.state.lingering).try_acquire_owned();
        if let (Ok(place), Ok(runtime)) = (place, tokio::runtime::Handle::try_current()) {
            runtime.spawn(linger(socket, bytes.split_off(written), place));
        }
    }
}
