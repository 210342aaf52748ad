//! Large answers take room of the memory that all requests share, from when they are written to when the client has read them.

use std::convert::Infallible;
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

/// Smaller answers cost nothing: sockets and connections bound them. More than the library writes ahead, so that it drops the body
/// of a larger one only when all of it has gone to the socket.
const LARGE: u64 = 256 * 1024;

/// What an answer holds until it is sent.
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
    let is_streamed = response.extensions().contains::<Streamed>();
    let BodySize::Sized(size @ LARGE..) = response.body().size() else { return Ok((response, None)) };
    if is_streamed {
        return Ok((response, None));
    }
    let size = size as usize;
    let room = match noted.room.get() {
        Some(room) => Arc::clone(room),
        None => Arc::new(state.memory.room(noted.is_strangers())),
    };
    let account = noted.caller.get().and_then(|caller| caller.account);
    let most = if room.is_done() { usize::MAX } else { state.config.memory / 2 };
    let share = account.map(|account| state.shares.take(account, size, most)).transpose()?;
    if room.is_done() {
        room.settle(size);
    } else {
        // What it was written from is gone.
        room.reach(size)?;
    }
    Ok((response, Some(Hold { room, _share: share })))
}

/// Leaves the room with the answer until that is sent. It may have become smaller since.
pub(crate) fn until_sent(response: HttpResponse, hold: Option<Hold>) -> HttpResponse {
    let Some(hold) = hold else { return response };
    response.map_body(|_, body| match body.try_into_bytes() {
        Ok(bytes) => {
            hold.room.settle(bytes.len());
            BoxBody::new(Held { bytes, _hold: hold })
        }
        Err(body) => body,
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
