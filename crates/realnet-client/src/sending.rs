//! How requests are sent: with a token that lasts, and again where the server says so.

use std::time::Duration;

use reqwest::{RequestBuilder, Response};

use crate::answer::{Pace, refusal};
use crate::client::Client;
use crate::error::{Error, Result};

/// So often a call is made again with another token.
const RENEWALS: usize = 2;

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
        let (mut left, mut renewals) = (self.waits, 0);
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
            let Some(again) = again else { return Err(error) };
            request = again;
            if renewals < RENEWALS && self.is_renewed(&error, token.as_deref()).await {
                renewals += 1;
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
        };
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let response = request.send().await.map_err(unreachable)?;
        if response.status().is_success() {
            Ok(response)
        } else {
            Err(refusal(response, self.patience).await)
        }
    }
}
