//! Bodies that are contents: handed on as they come, in bounded memory and time, whatever their length.
//!
//! The library hands out a body on the thread of its connection only, while stores work anywhere: so pieces go through a
//! channel that holds few of them. A body that breaks off ends the stream with an error: nobody takes a part for the whole.

use std::rc::Rc;

use actix_web::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
};
use actix_web::web::Payload;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::channel::mpsc::{self, Sender};
use futures::{SinkExt as _, StreamExt as _, stream};
use realnet_core::provider::{Checksum, DataStream, Expectation};
use realnet_core::{Error, ErrorKind, Result};
use tokio::time::{Instant, timeout};

use super::body::{self, time_for};
use crate::call::Call;
use crate::connection::Connection;
use crate::problem::Problem;

/// Pieces that wait for the store; the library makes them of at most 32 KiB.
const PIECES: usize = 4;

/// The checksum of a body, RFC 9530.
const DIGESTS: [HeaderName; 2] =
    [HeaderName::from_static("content-digest"), HeaderName::from_static("repr-digest")];

/// A piece of a body, or its end.
enum Part {
    Bytes(Bytes),
    End,
}

/// Why a body has not come to its end.
pub(crate) enum Halt {
    /// It does not come as it should.
    Body(Problem),
    /// The storage takes nothing of it.
    Storage,
}

/// A body on its way from the connection to a stream.
pub(crate) struct Incoming {
    payload: Payload,
    sender: Sender<Result<Part>>,
}

/// The body as a stream, and what has to be driven for it to flow.
pub(crate) fn body(call: &Call) -> std::result::Result<(DataStream, Incoming), Problem> {
    if let Some(coding) = call.headers().get(CONTENT_ENCODING)
        && !coding.as_bytes().eq_ignore_ascii_case(b"identity")
    {
        let detail = "contents are taken as they are, without a Content-Encoding";
        return Err(Error::new(ErrorKind::UnsupportedMediaType, detail).into());
    }
    let payload = call.take_payload().ok_or_else(|| Problem::internal("a body is read twice"))?;
    // Whoever has the stream has its room: what a store has taken of it is in memory as well.
    let hold = call.take_incoming(length(call.headers()))?;
    let (sender, receiver) = mpsc::channel(PIECES);
    let data = stream::try_unfold((receiver, hold), |(mut receiver, hold)| async move {
        match receiver.next().await {
            Some(Ok(Part::Bytes(bytes))) => Ok(Some((bytes, (receiver, hold)))),
            Some(Ok(Part::End)) => Ok(None),
            Some(Err(error)) => Err(error),
            None => Err(Error::malformed("the body broke off")),
        }
    });
    Ok((data.boxed(), Incoming { payload, sender }))
}

impl Incoming {
    /// Hands on what comes, to the end of the body or until nobody wants it any more.
    pub(crate) async fn flow(self, call: &Call) -> std::result::Result<(), Halt> {
        let Self { mut payload, mut sender } = self;
        let connection = call.request.conn_data::<Rc<Connection>>();
        let _reading = connection.map(|connection| Connection::read_body(Rc::clone(connection)));
        let mut deadline = Instant::now() + call.state.config.body_timeout;
        let mut received = 0;
        loop {
            let (part, problem) = match body::next(&mut payload, deadline + time_for(received)).await {
                Ok(Some(Ok(bytes))) => {
                    received += bytes.len();
                    (Ok(Part::Bytes(bytes)), None)
                }
                Ok(None) => (Ok(Part::End), None),
                Ok(Some(Err(error))) => {
                    (Err(Error::malformed("the body broke off")), Some(body::broken(call, error)))
                }
                Err(late) => {
                    (Err(Error::new(ErrorKind::Timeout, "the body did not arrive in time")), Some(late))
                }
            };
            let is_end = !matches!(part, Ok(Part::Bytes(_)));
            let handed = Instant::now();
            let sent = timeout(call.state.config.storage_timeout, sender.send(part)).await;
            let Ok(sent) = sent else { return Err(Halt::Storage) };
            // Whoever has stopped to read has an answer.
            if sent.is_err() || is_end {
                return problem.map_or(Ok(()), |problem| Err(Halt::Body(problem)));
            }
            // While the store is slow, it is not the sender who takes time.
            deadline += handed.elapsed();
        }
    }
}

/// Refuses a digest of what is not looked at as a whole: who sends one relies on its being compared.
pub(crate) fn refuse_digest(headers: &HeaderMap) -> std::result::Result<(), Problem> {
    let named = DIGESTS.into_iter().find(|name| headers.contains_key(name));
    named.map_or(Ok(()), |name| {
        Err(Error::malformed_at(name.as_str(), "is not compared with forms and with parts of uploads").into())
    })
}

/// What the headers say that the body is: its length, its checksum.
pub(crate) fn expected(headers: &HeaderMap) -> std::result::Result<Expectation, Problem> {
    let size = length(headers);
    let mut checksum = None;
    for name in &DIGESTS {
        if let Some(value) = headers.get(name) {
            let digest = digest(value).ok_or_else(|| {
                Error::malformed_at(name.as_str(), "expected sha-256=:BASE64: with the digest of the body")
            })?;
            checksum = Some(digest);
        }
    }
    Ok(Expectation { size, checksum, limit: None })
}

/// How long the body is said to be.
pub(crate) fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok())
}

/// The digest by SHA-256 of a header that may name others as well.
fn digest(value: &HeaderValue) -> Option<Checksum> {
    let entries = value.to_str().ok()?.split(',');
    let mut named = entries.filter_map(|entry| entry.trim().split_once('='));
    let (_, text) = named.find(|(name, _)| name.trim().eq_ignore_ascii_case("sha-256"))?;
    let digest = STANDARD.decode(text.trim().strip_prefix(':')?.strip_suffix(':')?).ok()?;
    Some(Checksum::new(digest.try_into().ok()?))
}

/// How a checksum stands in a header.
pub(crate) fn digest_text(checksum: Checksum) -> String {
    format!("sha-256=:{}:", STANDARD.encode(checksum.as_bytes()))
}

/// The media type that the body is said to have. Programs that send bytes without a thought name that of forms, which says
/// nothing.
pub(crate) fn said_type(headers: &HeaderMap) -> std::result::Result<Option<String>, Problem> {
    let said = headers.get(CONTENT_TYPE).map(media_type).transpose()?;
    Ok(said.filter(|said| !said.starts_with("application/x-www-form-urlencoded")))
}

/// A media type as a client names it: a type and a subtype, perhaps with parameters.
fn media_type(value: &HeaderValue) -> std::result::Result<String, Problem> {
    let malformed = || Error::malformed_at("Content-Type", "expected a media type such as image/png");
    let text = value.to_str().map_err(|_| malformed())?.trim();
    let (kind, subtype) =
        text.split(';').next().and_then(|essence| essence.split_once('/')).ok_or_else(malformed)?;
    let is_token = |text: &str| {
        let is_of_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte);
        !text.is_empty() && text.bytes().all(is_of_token)
    };
    if is_token(kind.trim()) && is_token(subtype.trim()) && text.len() <= 255 {
        Ok(text.to_owned())
    } else {
        Err(malformed().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_and_media_types_have_their_forms() {
        let checksum = Checksum::new([7; 32]);
        let text = digest_text(checksum);
        for good in [text.clone(), format!("sha-512=:AAAA:, SHA-256={}", &text[8..])] {
            assert_eq!(digest(&HeaderValue::from_str(&good).unwrap()), Some(checksum), "{good}");
        }
        for bad in ["", "sha-256=", "sha-256=:AAAA:", "sha-512=:AAAA:", &text[..text.len() - 1]] {
            assert_eq!(digest(&HeaderValue::from_str(bad).unwrap()), None, "{bad}");
        }
        let read = |text| media_type(&HeaderValue::from_static(text)).ok();
        assert_eq!(read("text/plain; charset=utf-8").as_deref(), Some("text/plain; charset=utf-8"));
        assert_eq!(read("image/svg+xml").as_deref(), Some("image/svg+xml"));
        for bad in ["", "text", "text/", "/plain", "te xt/plain", "text/plain/x", "text/<b>"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
