//! Around every connection, below the HTTP library: times that the library does not watch, and problem documents in
//! place of its bare refusals.
//!
//! The library parses requests and frames answers. What it refuses by itself (bytes that are no HTTP, heads that are too
//! large) never reaches a handler and would leave without a body; and it times only the first head of a connection. So
//! its sockets are wrapped: a [`Guard`] sees what goes in and out, and [`Connection`] tells it which answers come from
//! handlers.

mod exchange;
mod guard;
mod incoming;
mod linger;
mod outgoing;
mod refusal;
mod socket;
mod stall;
mod watch;

pub(crate) use exchange::Connection;
pub(crate) use guard::Guard;
pub(crate) use linger::PLACES;
pub(crate) use socket::Socket;
