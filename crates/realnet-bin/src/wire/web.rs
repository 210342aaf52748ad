//! Requests to providers of identities. Administrators of orgs say where they go, so nothing is reached by them that the
//! internet could not reach: no address of this machine or its networks, unless a setting allows it.

use std::error::Error as StdError;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use realnet_core::resource::Verb;
use realnet_core::{Error, Result};
use realnet_resource_accounts::{WebClient, WebRequest, WebResponse, is_public_address};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::cli::Failure;

/// The longest time to connect, and to answer.
const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(10);
/// The largest answer, in bytes.
const MAX_BODY: usize = 256 * 1024;

/// Reaches providers by HTTP, each with a connection of its own for a moment.
pub struct Web {
    http: reqwest::Client,
    private: bool,
}

impl Web {
    /// With `private`, addresses of this machine and its networks are reached as well.
    pub fn new(private: bool) -> std::result::Result<Self, Failure> {
        Self::with_patience(private, ANSWER)
    }

    fn with_patience(private: bool, patience: Duration) -> std::result::Result<Self, Failure> {
        // Another part of the program may have chosen a provider already; then that one serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            // What a proxy connects to could not be looked at.
            .no_proxy()
            .connect_timeout(CONNECT)
            .timeout(patience)
            .user_agent(concat!("realnet/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(Names { private }))
            .build()?;
        Ok(Self { http, private })
    }

    async fn carry(&self, request: WebRequest) -> std::result::Result<WebResponse, Broken> {
        if !self.private && !may_connect(&request.url) {
            return Err(Broken::Private);
        }
        let method = if request.verb == Verb::Post { reqwest::Method::POST } else { reqwest::Method::GET };
        let mut asked = self.http.request(method, request.url).body(request.body);
        for (name, value) in request.headers {
            asked = asked.header(name, value);
        }
        let mut answer = asked.send().await?;
        let status = answer.status().as_u16();
        let kind = answer.headers().get(reqwest::header::CONTENT_TYPE);
        let content_type = kind.and_then(|kind| kind.to_str().ok()).map(str::to_owned);
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(Broken::Large);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(WebResponse { status, content_type, body })
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the address is not one of the internet")]
    Private,
    #[error("the answer is too large")]
    Large,
    #[error(transparent)]
    Http(#[from] reqwest::Error),
}

#[async_trait]
impl WebClient for Web {
    async fn send(&self, request: WebRequest) -> Result<WebResponse> {
        let answer = self.carry(request).await;
        answer.map_err(|error| {
            Error::unavailable("the provider does not answer as it should").with_source(without_url(error))
        })
    }
}

/// What is logged names no address with its query.
fn without_url(error: Broken) -> Broken {
    match error {
        Broken::Http(error) => Broken::Http(error.without_url()),
        other => other,
    }
}

/// Whether an address may be connected to, as far as it says so itself; names are looked at when they are resolved.
fn may_connect(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => is_public_address(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => is_public_address(IpAddr::V6(address)),
        Some(Host::Domain(_)) => true,
        None => false,
    }
}

/// Resolves names to addresses that may be connected to, at the moment of connecting.
struct Names {
    private: bool,
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let fit: Vec<SocketAddr> =
                found.filter(|found| private || is_public_address(found.ip())).collect();
            if fit.is_empty() {
                return Err(Box::new(Broken::Private) as Box<dyn StdError + Send + Sync>);
            }
            Ok(Box::new(fit.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    /// A server that answers one connection with `answer` and then keeps it open.
    fn server(answer: Vec<u8>) -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let Ok((mut socket, _)) = listener.accept() else { return };
            let _ = socket.read(&mut [0; 4096]);
            let _ = socket.write_all(&answer);
            // Until the other side has had enough.
            let _ = socket.read_to_end(&mut Vec::new());
        });
        Url::parse(&format!("http://localhost:{port}/a?secret=hunter2")).unwrap()
    }

    async fn get(private: bool, url: Url) -> Result<WebResponse> {
        let request = WebRequest { verb: Verb::Get, url, headers: Vec::new(), body: Vec::new() };
        Web::new(private).unwrap().send(request).await
    }

    fn answer(head: &str, body: &[u8]) -> Vec<u8> {
        [format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
    }

    #[tokio::test]
    async fn this_machine_is_reached_only_where_that_is_allowed() {
        let url = server(answer("200 OK\r\nContent-Type: text/plain", b"yes"));
        let error = get(false, url.clone()).await.unwrap_err();
        assert!(
            error.report().contains("not one of the internet") && !error.report().contains("hunter2"),
            "{}",
            error.report()
        );
        let reached = get(true, url.clone()).await.unwrap();
        assert_eq!((reached.status, reached.body.as_slice()), (200, b"yes".as_slice()));
        assert_eq!(reached.content_type.as_deref(), Some("text/plain"));
        for address in [
            "127.0.0.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "169.254.169.254",
            "10.0.0.1",
            "0.0.0.0",
            "2130706433",
            "0x7f.1",
        ] {
            let mut url = url.clone();
            url.set_host(Some(address)).unwrap();
            let error = get(false, url).await.unwrap_err();
            assert!(error.report().contains("not one of the internet"), "{address}: {}", error.report());
        }
    }

    #[tokio::test]
    async fn redirects_are_not_followed() {
        let inside = server(answer("200 OK", b"secret"));
        let url = server(answer(&format!("302 Found\r\nLocation: {inside}"), b""));
        assert_eq!(get(true, url).await.unwrap().status, 302);
    }

    #[tokio::test]
    async fn huge_answers_are_cut_off() {
        let endless = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n".as_slice();
        let url = server([endless, &vec![b'a'; MAX_BODY + 1]].concat());
        assert!(get(true, url).await.unwrap_err().report().contains("too large"));
        let whole = get(true, server(answer("200 OK", &vec![b'a'; MAX_BODY]))).await.unwrap();
        assert_eq!(whole.body.len(), MAX_BODY);
    }

    #[tokio::test]
    async fn slow_answers_are_given_up() {
        let url = server(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc".to_vec());
        let request = WebRequest { verb: Verb::Get, url, headers: Vec::new(), body: Vec::new() };
        let web = Web::with_patience(true, Duration::from_millis(300)).unwrap();
        let answer = web.send(request);
        // Far less than the other side would take, far more than a busy machine needs.
        let answer = tokio::time::timeout(Duration::from_mins(1), answer).await.unwrap();
        assert_eq!(answer.unwrap_err().kind(), realnet_core::ErrorKind::Unavailable);
    }
}
