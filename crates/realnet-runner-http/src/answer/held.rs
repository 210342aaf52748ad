//! What is large takes room of the memory that all requests share: answers from when they are written to when the client has read
//! them, contents for as long as they flow through.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use bytes::Bytes;
use realnet_core::limit::Room;

use super::data::Streamed;
use super::shares::Share;
use crate::call::Noted;
use crate::problem::Problem;
use crate::router::Outcome;
use crate::state::State;

/// What is smaller costs nothing: sockets and connections bound them. More than the library writes ahead, so that it drops the body
/// of a larger one only when all of it has gone to the socket.
pub(crate) const LARGE: usize = 256 * 1024;

/// So much of a content is in memory at most while it flows through: a block that waits to be taken, and the one behind it.
const FLOWING: usize = 512 * 1024;

/// What is held until it is sent, or done with.
pub(crate) struct Hold {
    room: Arc<Room>,
    _share: Option<Share>,
}

/// Takes the room of an answer. Without room it is refused, unless it tells what was done: the room of that is there, and the
/// answer takes its place. Nor has one account more than half of it by several answers.
pub(crate) fn take(
    state: &State,
    noted: &Noted,
    outcome: Outcome,
) -> Result<(HttpResponse, Option<Hold>), Problem> {
    let response = outcome?;
    let streamed = response.extensions().get::<Streamed>().map(|streamed| streamed.0);
    let size = match (streamed, response.body().size()) {
        (Some(size), _) => flowing(Some(size)),
        (None, BodySize::Sized(size)) => size as usize,
        (None, _) => 0,
    };
    if size < LARGE {
        return Ok((response, None));
    }
    let room = match noted.room.get() {
        Some(room) => Arc::clone(room),
        None => Arc::new(state.memory.room(noted.is_strangers())),
    };
    let most = if room.is_done() { usize::MAX } else { state.config.memory / 2 };
    let share = share(state, noted, size, most)?;
    if room.is_done() {
        room.settle(size);
    } else {
        // What it was written from is gone.
        room.reach(size)?;
    }
    Ok((response, Some(Hold { room, _share: share })))
}

/// Takes the room of a content that comes in; small ones need none. `size`: when it is known.
pub(crate) fn take_incoming(
    state: &State,
    noted: &Noted,
    size: Option<u64>,
) -> Result<Option<Hold>, Problem> {
    take_beside(state, noted, flowing(size))
}

/// Takes room beside what the request has, for what is large. One account has half of it at most, but for a single thing.
pub(crate) fn take_beside(state: &State, noted: &Noted, bytes: usize) -> Result<Option<Hold>, Problem> {
    if bytes < LARGE {
        return Ok(None);
    }
    let share = share(state, noted, bytes, state.config.memory / 2)?;
    let room = state.memory.room(noted.is_strangers());
    room.add(bytes)?;
    Ok(Some(Hold { room: Arc::new(room), _share: share }))
}

/// So much of a content is in memory.
fn flowing(size: Option<u64>) -> usize {
    size.map_or(FLOWING, |size| size.min(FLOWING as u64) as usize)
}

fn share(state: &State, noted: &Noted, bytes: usize, most: usize) -> realnet_core::Result<Option<Share>> {
    let account = noted.caller.get().and_then(|caller| caller.account);
    account.map(|account| state.shares.take(account, bytes, most)).transpose()
}

/// Leaves the room with the answer until that is sent. It may have become smaller since.
pub(crate) fn until_sent(response: HttpResponse, hold: Option<Hold>) -> HttpResponse {
    let Some(hold) = hold else { return response };
    response.map_body(|_, body| match body.try_into_bytes() {
        Ok(bytes) => {
            hold.room.settle(bytes.len());
            BoxBody::new(Held { bytes, _hold: hold })
        }
        Err(body) => BoxBody::new(Flowing { body, _hold: hold }),
    })
}

/// A body with its room.
struct Held {
    bytes: Bytes,
    _hold: Hold,
}

impl MessageBody for Held {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.bytes.len() as u64)
    }

    /// All at once: the connection copies it, and asks again when the socket has taken that.
    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let bytes = std::mem::take(&mut self.bytes);
        Poll::Ready((!bytes.is_empty()).then_some(Ok(bytes)))
    }
}

/// A body that is read as it is sent, with the room for what of it is on its way.
struct Flowing {
    body: BoxBody,
    _hold: Hold,
}

impl MessageBody for Flowing {
    type Error = Box<dyn StdError>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.body.as_pin_mut().poll_next(cx)
    }
}
