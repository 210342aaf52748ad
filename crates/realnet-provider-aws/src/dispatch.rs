//! How signed requests of the S3 client get to the server: by a current HTTP client with rustls, again when that may help.
//!
//! The client brings a way of its own, of its time; it is never taken. All bodies that are sent are in memory, so that a
//! request can be repeated as it is; answers are streams, but for errors.

use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use http_of_rusoto::{HeaderMap, HeaderName, StatusCode};
use reqwest::{Client, Method, Response};
use rusoto_core::ByteStream;
use rusoto_core::request::{
    DispatchSignedRequest, DispatchSignedRequestFuture, HttpDispatchError, HttpResponse,
};
use rusoto_core::signature::{SignedRequest, SignedRequestPayload};

use crate::retry;

/// Who is slower than this many bytes in a second with what is sent, is given up.
const SLOWEST: u64 = 64 * 1024;
/// So long after it was signed a request is made again: servers take a signature for a quarter of an hour.
const SIGNED: Duration = Duration::from_mins(10);
/// The longest text of an error that is read, in bytes.
const LONGEST_ERROR: usize = 64 * 1024;
/// A connection that was not used for so long is not used again: servers close theirs.
const IDLE: Duration = Duration::from_secs(15);

/// How long a server is waited for, and how often it is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Until it answers, and between two pieces of an answer.
    pub(crate) timeout: Duration,
    /// How often a request is made at most.
    pub(crate) attempts: u32,
}

/// A client for services of this kind. `direct`: past any proxy, for what is beside this machine.
///
/// # Errors
/// The system has no certificates that could be trusted.
pub(crate) fn client(patience: Patience, direct: bool) -> Result<Client, reqwest::Error> {
    // Another part of the program may have chosen a provider already; then that one serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(patience.timeout)
        .pool_idle_timeout(IDLE)
        .user_agent(concat!("realnet/", env!("CARGO_PKG_VERSION")));
    if direct { builder.no_proxy().build() } else { builder.build() }
}

/// Carries signed requests.
#[derive(Clone)]
pub(crate) struct Dispatcher {
    http: Client,
    patience: Patience,
}

impl Dispatcher {
    pub(crate) const fn new(http: Client, patience: Patience) -> Self {
        Self { http, patience }
    }

    /// Makes a request until it is answered for good.
    async fn send(&self, request: SignedRequest) -> Result<HttpResponse, HttpDispatchError> {
        let (request, begun) = (Outgoing::of(request).await?, Instant::now());
        let mut failures = 0;
        loop {
            let answer = self.once(&request).await;
            failures += 1;
            let passing = match &answer {
                Ok(answer) => retry::may_pass(answer.status, answer.code().as_deref()),
                Err(_) => true,
            };
            if !passing || failures >= self.patience.attempts || begun.elapsed() > SIGNED {
                return answer?.given();
            }
            let why = match &answer {
                Ok(answer) => answer.status.to_string(),
                Err(error) => error.to_string(),
            };
            tracing::debug!(method = %request.method, failures, why, "a request to S3 is made again");
            tokio::time::sleep(retry::wait(failures)).await;
        }
    }

    async fn once(&self, request: &Outgoing) -> Result<Answer, HttpDispatchError> {
        let mut asked = self.http.request(request.method.clone(), &request.url).body(request.body.clone());
        for (name, value) in &request.headers {
            asked = asked.header(name, value.as_slice());
        }
        let sending = Duration::from_secs(request.body.len() as u64 / SLOWEST);
        let answered = tokio::time::timeout(self.patience.timeout + sending, asked.send());
        let response = answered.await.map_err(|_| slow())?.map_err(|error| broken(&error.without_url()))?;
        Answer::of(response, self.patience.timeout).await
    }
}

impl DispatchSignedRequest for Dispatcher {
    fn dispatch(&self, request: SignedRequest, _timeout: Option<Duration>) -> DispatchSignedRequestFuture {
        let carrier = self.clone();
        Box::pin(async move { carrier.send(request).await })
    }
}

/// A request in the words of the HTTP client.
struct Outgoing {
    method: Method,
    url: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Bytes,
}

impl Outgoing {
    async fn of(request: SignedRequest) -> Result<Self, HttpDispatchError> {
        let method = Method::from_bytes(request.method().as_bytes())
            .map_err(|error| HttpDispatchError::new(error.to_string()))?;
        let mut url = format!("{}://{}{}", request.scheme(), request.hostname(), request.canonical_path());
        if !request.canonical_query_string().is_empty() {
            url = format!("{url}?{}", request.canonical_query_string());
        }
        let own = |name: &str| name == "host" || name == "content-length";
        let headers = request
            .headers()
            .iter()
            .filter(|(name, _)| !own(name))
            .flat_map(|(name, values)| values.iter().map(move |value| (name.clone(), value.clone())))
            .collect();
        let body = match request.payload {
            None => Bytes::new(),
            Some(SignedRequestPayload::Buffer(body)) => body,
            // One piece, which is in memory: its digest is in a header, so that it was not to be signed once more.
            Some(SignedRequestPayload::Stream(mut pieces)) => {
                pieces.try_next().await.map_err(|error| broken(&error))?.unwrap_or_default()
            }
        };
        Ok(Self { method, url, headers, body })
    }
}

/// An answer: errors whole, anything else as it comes.
struct Answer {
    status: u16,
    headers: HeaderMap<String>,
    error: Option<Bytes>,
    body: ByteStream,
}

impl Answer {
    async fn of(response: Response, timeout: Duration) -> Result<Self, HttpDispatchError> {
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .filter_map(|(name, value)| {
                let name = HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
                Some((name, String::from_utf8_lossy(value.as_bytes()).into_owned()))
            })
            .collect();
        let mut body = patient(response, timeout);
        if status < 400 {
            return Ok(Self { status, headers, error: None, body: ByteStream::new(body) });
        }
        let mut text = Vec::new();
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|error| broken(&error))?;
            text.extend_from_slice(&piece[..piece.len().min(LONGEST_ERROR - text.len())]);
            if text.len() == LONGEST_ERROR {
                break;
            }
        }
        let text = Bytes::from(text);
        let body = ByteStream::new(stream::iter([Ok(text.clone())]));
        Ok(Self { status, headers, error: Some(text), body })
    }

    /// What S3 calls an error.
    fn code(&self) -> Option<String> {
        element(self.error.as_ref()?, "Code")
    }

    fn given(self) -> Result<HttpResponse, HttpDispatchError> {
        let status = StatusCode::from_u16(self.status).map_err(|error| broken(&error))?;
        Ok(HttpResponse { status, body: self.body, headers: self.headers })
    }
}

/// The pieces of an answer, each within the time.
fn patient(response: Response, timeout: Duration) -> BoxStream<'static, io::Result<Bytes>> {
    let pieces = response.bytes_stream().map_err(|error| io::Error::other(chain(&error.without_url())));
    stream::unfold(pieces.boxed(), move |mut pieces| async move {
        let next = tokio::time::timeout(timeout, pieces.next()).await;
        let next = next.unwrap_or_else(|_| Some(Err(io::ErrorKind::TimedOut.into())))?;
        Some((next, pieces))
    })
    .boxed()
}

/// The text of the first element of that name in an answer of AWS, whose names and codes need no unescaping.
pub(crate) fn element(xml: &[u8], name: &str) -> Option<String> {
    let text = std::str::from_utf8(xml).ok()?;
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (value, _) = rest.split_once(&format!("</{name}>"))?;
    Some(value.trim().to_owned())
}

fn slow() -> HttpDispatchError {
    HttpDispatchError::new("the server took too long".to_owned())
}

/// All that is known of a failure, which libraries put in a chain.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

fn broken(error: &dyn std::error::Error) -> HttpDispatchError {
    HttpDispatchError::new(chain(error))
}
