//! What the requests of a connection tell the guard around its socket.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::Waker;

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody as _};
use actix_web::http::StatusCode;

/// The body of an answer as it goes over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// So many bytes.
    Sized(u64),
    /// Nobody knows before its end.
    Stream,
}

/// An answer that a handler gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    /// The number of its request on the connection, from 1.
    pub(super) request: u64,
    /// What follows its head.
    pub(super) body: Body,
}

/// What handlers and the guard of one connection share.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    /// Requests that have reached a handler since the connection was opened.
    begun: Cell<u64>,
    /// Requests that a handler is working on.
    busy: Cell<u32>,
    /// Answers that have not been written yet, in their order.
    answers: RefCell<VecDeque<Answer>>,
    /// Whether a handler is reading the body of its request.
    is_reading: Cell<bool>,
    /// Whom to wake when what comes from the client is wanted again.
    reader: RefCell<Option<Waker>>,
    /// Whether the socket is under TLS.
    is_tls: bool,
    /// Whether a body came that is not framed as its headers say: a handler has said so, and nothing can follow it.
    is_broken: Cell<bool>,
}

/// A request that is being worked on, until dropped.
pub(crate) struct Exchange {
    connection: Rc<Connection>,
    /// Its number on the connection.
    request: u64,
}

/// A body that is being read, until dropped.
pub(crate) struct Reading(Rc<Connection>);

impl Connection {
    /// A connection that begins.
    pub(super) fn new(is_tls: bool) -> Self {
        Self { is_tls, ..Self::default() }
    }

    /// Whether the socket is under TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Notes that a handler wants the body of its request.
    pub(crate) fn read_body(connection: Rc<Self>) -> Reading {
        connection.is_reading.set(true);
        connection.wake_reader();
        Reading(connection)
    }

    /// Whether a handler is reading a body.
    pub(super) fn is_reading(&self) -> bool {
        self.is_reading.get()
    }

    /// Sees that `waker` is woken when what the client sends is wanted again.
    pub(super) fn wake_when_wanted(&self, waker: &Waker) {
        let mut reader = self.reader.borrow_mut();
        if !reader.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *reader = Some(waker.clone());
        }
    }

    /// What the client sends is wanted again.
    pub(super) fn wake_reader(&self) {
        if let Some(waker) = self.reader.borrow_mut().take() {
            waker.wake();
        }
    }

    /// Notes that a request has reached a handler.
    pub(crate) fn begin(connection: Rc<Self>) -> Exchange {
        let request = connection.begun.get() + 1;
        connection.begun.set(request);
        connection.busy.set(connection.busy.get() + 1);
        Exchange { connection, request }
    }

    /// How many requests have begun.
    pub(super) fn begun(&self) -> u64 {
        self.begun.get()
    }

    /// Whether a handler is at work.
    pub(super) fn is_busy(&self) -> bool {
        self.busy.get() > 0
    }

    /// Notes that a body is not framed as its headers say, and that its handler answers so.
    pub(crate) fn note_broken(&self) {
        self.is_broken.set(true);
    }

    /// Whether a handler has answered that a body is not framed as its headers say.
    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken.get()
    }

    /// The next answer to be written, if a handler gave one.
    pub(super) fn next_answer(&self) -> Option<Answer> {
        self.answers.borrow_mut().pop_front()
    }

    /// The only answer that has not been written.
    pub(super) fn only_answer(&self) -> Option<Answer> {
        let answers = self.answers.borrow();
        answers.front().copied().filter(|_| answers.len() == 1)
    }

    #[cfg(test)]
    pub(super) fn answered(&self, body: Body) {
        let request = self.begun.get() + 1;
        self.begun.set(request);
        self.answers.borrow_mut().push_back(Answer { request, body });
    }
}

impl Exchange {
    /// Notes the answer, which the library is about to frame.
    pub(crate) fn answer(self, is_head: bool, response: &HttpResponse) {
        let has_none =
            is_head || matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let body = match response.body().size() {
            _ if has_none => Body::Sized(0),
            BodySize::None => Body::Sized(0),
            BodySize::Sized(size) => Body::Sized(size),
            BodySize::Stream => Body::Stream,
        };
        self.connection.answers.borrow_mut().push_back(Answer { request: self.request, body });
    }

    /// The connection that it came on.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.connection.busy.set(self.connection.busy.get().saturating_sub(1));
        self.connection.wake_reader();
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.is_reading.set(false);
    }
}
