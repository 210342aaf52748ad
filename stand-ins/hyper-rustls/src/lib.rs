//! Stands in for hyper-rustls 0.23, the TLS stack of 2022 that `rusoto_core` does not compile without. It satisfies the names that
//! are used there and never connects: RealNet's requests go by another HTTP client (`realnet-provider-aws`, `dispatch.rs`).

use std::error::Error;
use std::fmt;
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::task::{Context, Poll};

use hyper::Uri;
use hyper::client::HttpConnector;
use hyper::service::Service;
use tokio::net::TcpStream;

/// Builds a connector.
#[derive(Debug, Clone, Copy, Default)]
pub struct HttpsConnectorBuilder;

impl HttpsConnectorBuilder {
    /// Of nothing.
    pub const fn new() -> Self {
        Self
    }

    /// Trusts nobody.
    pub const fn with_native_roots(self) -> Self {
        self
    }

    /// Trusts nobody.
    pub const fn with_webpki_roots(self) -> Self {
        self
    }

    /// Takes no URL.
    pub const fn https_only(self) -> Self {
        self
    }

    /// Speaks no protocol.
    pub const fn enable_http2(self) -> Self {
        self
    }

    /// What never connects.
    pub const fn build(self) -> HttpsConnector<HttpConnector> {
        HttpsConnector(PhantomData)
    }
}

/// Refuses to connect.
#[derive(Debug)]
pub struct HttpsConnector<T>(PhantomData<fn() -> T>);

impl<T> Clone for HttpsConnector<T> {
    fn clone(&self) -> Self {
        Self(PhantomData)
    }
}

impl<T> Service<Uri> for HttpsConnector<T> {
    type Response = TcpStream;
    type Error = Refused;
    type Future = Ready<Result<TcpStream, Refused>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        ready(Err(Refused))
    }
}

/// What every connection ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is no TLS stack, and nothing is connected by it: pass a dispatcher of your own")
    }
}

impl Error for Refused {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_connected() {
        let mut connector =
            HttpsConnectorBuilder::new().with_native_roots().https_only().enable_http2().build();
        let refused = connector.call(Uri::from_static("https://example.org")).into_inner();
        assert_eq!(refused.err(), Some(Refused));
    }
}
