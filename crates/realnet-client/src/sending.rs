//! How requests are sent: with a token that lasts, and again where the server says so.

use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response};

use crate::answer::{Pace, refusal};
use crate::client::Client;
use crate::error::{Error, Result};

/// So often a call is made again with another token.
const RENEWALS: usize = 2;
/// So often a call is made again when the server is away: within a quarter of a minute.
const BREAKS: u32 = 5;

impl Client {
    /// Sends a request, again when it came too often or its token has ended.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response> {
        self.send_within(request, None).await
    }

    /// As [`Self::send`]; the head of the answer comes within a time.
    pub(crate) async fn send_within(
        &self,
        mut request: RequestBuilder,
        head: Option<Duration>,
    ) -> Result<Response> {
        let (mut left, mut renewals, mut breaks) = (self.waits, 0, 0);
        loop {
            let token = self.token_at_hand().await;
            let again = request.try_clone();
            let answer = self.once(request, token.as_deref());
            let answer = match head {
                Some(head) => Pace::new(head).wait(answer).await?,
                None => answer.await,
            };
            let error = match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            // Whoever has a stream for a body makes the call again, and has the next token then.
            let is_renewed = renewals < RENEWALS && self.is_renewed(&error, token.as_deref()).await;
            let Some(again) = again else { return Err(error) };
            request = again;
            if is_renewed {
                renewals += 1;
                continue;
            }
            if self.waits_for_server && breaks < BREAKS && may_be_repeated(&error, &request) {
                breaks += 1;
                tokio::time::sleep(Duration::from_millis(250 << breaks)).await;
                continue;
            }
            let told = error.problem().filter(|problem| problem.status == 429);
            let pause =
                told.and_then(|problem| problem.retry_after).map(|told| Duration::from_secs(told.max(1)));
            let Some(pause) = pause.filter(|pause| *pause <= left) else { return Err(error) };
            tokio::time::sleep(pause).await;
            left -= pause;
        }
    }

    async fn token_at_hand(&self) -> Option<String> {
        match &self.renewal {
            Some(renewal) => Some(renewal.token().await),
            None => self.token.clone(),
        }
    }

    /// Whether the token was refused, and there is another one by now.
    async fn is_renewed(&self, error: &Error, token: Option<&str>) -> bool {
        match (&self.renewal, token) {
            (Some(renewal), Some(token)) if error.status() == Some(401) => renewal.is_renewed(token).await,
            _ => false,
        }
    }

    async fn once(&self, request: RequestBuilder, token: Option<&str>) -> Result<Response> {
        let unreachable = |source: reqwest::Error| Error::Unreachable {
            address: self.address.to_string(),
            source: source.without_url(),
            has_answered: self.has_answered.load(Ordering::Relaxed),
        };
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let response = request.send().await.map_err(unreachable)?;
        self.has_answered.store(true, Ordering::Relaxed);
        if response.status().is_success() {
            Ok(response)
        } else {
            Err(refusal(response, self.patience).await)
        }
    }
}

/// Whether a server that has answered before is away, and nothing is done twice when a request is made again.
fn may_be_repeated(error: &Error, request: &RequestBuilder) -> bool {
    let Error::Unreachable { source, has_answered: true, .. } = error else { return false };
    let is_safe = || {
        let request = request.try_clone().and_then(|request| request.build().ok());
        request.is_some_and(|request| {
            matches!(*request.method(), Method::GET | Method::HEAD)
                || request.headers().contains_key("idempotency-key")
        })
    };
    !source.is_timeout() && (source.is_connect() || is_safe())
}
