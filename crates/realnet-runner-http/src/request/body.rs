//! Reads bodies: within their limit, within their time, unpacked, as JSON.

use std::rc::Rc;
use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use realnet_core::limit::Room;
use realnet_core::model::value;
use realnet_core::resource::PatchDocument;
use realnet_core::{Error, ErrorKind};
use serde_json::Value;
use tokio::time::Instant;

use super::encoding;
use super::media::{self, Media};
use super::weight;
use crate::answer::held;
use crate::call::Call;
use crate::connection::Connection;
use crate::problem::Problem;

/// A piece of a body as it comes.
type Chunk = std::result::Result<Bytes, PayloadError>;

/// A body, unpacked.
#[derive(Debug, Default)]
pub(crate) struct Body {
    /// Its bytes.
    pub(crate) bytes: Bytes,
}

/// A JSON body.
pub(crate) struct Json {
    /// What kind of JSON it claims to be.
    pub(crate) media: Media,
    /// The canonical value.
    pub(crate) value: Value,
    /// The bytes that it was read from.
    pub(crate) bytes: Bytes,
}

impl Json {
    /// The body as a patch, of the kind that its media type names.
    pub(crate) fn into_patch(self) -> PatchDocument {
        match self.media {
            Media::JsonPatch => PatchDocument::Json(self.value),
            Media::Json | Media::MergePatch => PatchDocument::Merge(self.value),
        }
    }
}

/// Reads a body. Over the limit, packed or unpacked, is 413; too slow is 408.
pub(crate) async fn read(call: &Call, payload: Payload) -> Result<Body, Problem> {
    let headers = call.headers();
    let limit = call.body_limit();
    let coding = match headers.get(CONTENT_ENCODING) {
        Some(value) => encoding::parse(value.to_str().unwrap_or("unreadable"))?,
        None => None,
    };
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    let expected = length.map_or(0, |length| length as usize);
    let room = call.state.bodies.room(call.is_strangers());
    let bytes = collect(call, payload, expected, limit, &room).await?;
    let (bytes, room) = match coding {
        Some(coding) if !bytes.is_empty() => encoding::unpack(coding, bytes, limit, room).await?,
        _ => (bytes, room),
    };
    call.keep(room);
    Ok(Body { bytes })
}

async fn collect(
    call: &Call,
    mut payload: Payload,
    expected: usize,
    limit: usize,
    room: &Room,
) -> Result<Bytes, Problem> {
    let connection = call.request.conn_data::<Rc<Connection>>();
    let _reading = connection.map(|connection| Connection::read_body(Rc::clone(connection)));
    let broken = |error| broken(call, error);
    let deadline = Instant::now() + call.state.config.body_timeout;
    let Some(first) = next(&mut payload, deadline).await?.transpose().map_err(broken)? else {
        return Ok(Bytes::new());
    };
    // Most bodies arrive in one piece, which need not be copied.
    if first.len() == expected {
        room.add(expected)?;
        return Ok(first);
    }
    if first.len() > limit {
        return Err(too_large(limit));
    }
    room.add(first.len())?;
    // A claimed length reserves little: memory is taken when bytes really come.
    let mut bytes = BytesMut::with_capacity(expected.min(64 * 1024).max(first.len()));
    bytes.extend_from_slice(&first);
    while let Some(chunk) = next(&mut payload, deadline + time_for(bytes.len())).await? {
        let chunk = chunk.map_err(broken)?;
        if bytes.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        room.add(chunk.len())?;
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

/// A slow line has its time, and a line that only pretends to be one has not: 16 KiB a second.
pub(super) fn time_for(received: usize) -> Duration {
    Duration::from_millis(received as u64 / 16)
}

pub(super) async fn next(payload: &mut Payload, deadline: Instant) -> Result<Option<Chunk>, Problem> {
    tokio::time::timeout_at(deadline, payload.next()).await.map_err(|_| Problem::request_timeout())
}

/// The body is over its limit.
pub(crate) fn too_large(limit: usize) -> Problem {
    Error::new(ErrorKind::TooLarge, format!("a body may have at most {limit} bytes")).into()
}

pub(super) fn broken(call: &Call, error: PayloadError) -> Problem {
    call.note_broken_body();
    Error::malformed("the body broke off or is not framed as its headers say").with_source(error).into()
}

impl Call {
    /// The body as JSON.
    pub(crate) async fn json(&self) -> Result<Json, Problem> {
        self.optional_document().await?.ok_or_else(|| Error::malformed("a JSON body is expected").into())
    }

    /// The body as plain JSON, if there is one.
    pub(crate) async fn optional_document(&self) -> Result<Option<Json>, Problem> {
        let bytes = self.body().await?.bytes;
        if bytes.is_empty() {
            return Ok(None);
        }
        let media = media::of(self.headers())?;
        self.keep_values(weight::of_values(&bytes, held::LARGE))?;
        let value = value::parse(&bytes)?;
        Ok(Some(Json { media, value, bytes }))
    }

    /// The body as plain JSON: patches are not understood.
    pub(crate) async fn document(&self) -> Result<Json, Problem> {
        let json = self.json().await?;
        if json.media == Media::Json {
            return Ok(json);
        }
        let detail = "a patch is not understood here; application/json is";
        Err(Error::new(ErrorKind::UnsupportedMediaType, detail).into())
    }
}
