//! Carries the requests of the `openidconnect` crate to whatever reaches providers.

use std::future::Future;
use std::pin::Pin;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse, http};
use realnet_core::resource::Verb;
use realnet_core::{Error, Result};
use url::Url;

use super::places;
use super::web::{WebClient, WebRequest};

/// What is said of a provider that is of no use now.
const AWAY: &str = "the provider can not be used at present";

/// Carries the requests of the library.
pub(super) struct Bridge<'a> {
    pub(super) web: &'a dyn WebClient,
    pub(super) private: bool,
}

/// A provider that is away.
#[derive(Debug)]
pub(super) struct Away(pub(super) Error);

impl std::fmt::Display for Away {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.message())
    }
}

impl std::error::Error for Away {}

impl<'c> AsyncHttpClient<'c> for Bridge<'_> {
    type Error = Away;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<HttpResponse, Away>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move { self.carry(request).await.map_err(Away) })
    }
}

impl Bridge<'_> {
    async fn carry(&self, request: HttpRequest) -> Result<HttpResponse> {
        let strange = |reason: &'static str| Error::internal(reason);
        let url = Url::parse(&request.uri().to_string()).map_err(|_| strange("a request to no address"))?;
        places::provider(&url, self.private)?;
        let verb = if request.method() == http::Method::POST { Verb::Post } else { Verb::Get };
        let mut headers = Vec::with_capacity(request.headers().len());
        for (name, value) in request.headers() {
            let value = value.to_str().map_err(|_| strange("a header is no text"))?;
            headers.push((name.as_str().to_owned(), value.to_owned()));
        }
        let answer = self.web.send(WebRequest { verb, url, headers, body: request.into_body() }).await?;
        // A provider that has a fault says nothing of who signs in.
        if answer.status >= 500 {
            return Err(
                Error::unavailable(AWAY).with_internal("the provider has answered with a fault of its own")
            );
        }
        let mut response = http::Response::builder().status(answer.status);
        if let Some(kind) = answer.content_type {
            response = response.header(http::header::CONTENT_TYPE, kind);
        }
        response.body(answer.body).map_err(|error| Error::unavailable(AWAY).with_source(error))
    }
}
