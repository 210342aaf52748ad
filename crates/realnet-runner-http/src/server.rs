//! The server itself: binds, runs until told to stop, finishes what is in flight.

use std::future::Future;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;

use actix_web::{App, HttpRequest, web};
use realnet_core::resource::{Authenticator, Dispatcher};
use realnet_core::{Error, ErrorKind, Result};

use crate::config::HttpConfig;
use crate::serve::serve;
use crate::state::State;

/// A bound HTTP server that has not begun to serve.
pub struct HttpServer {
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
    state: Arc<State>,
}

impl HttpServer {
    /// Binds the address of `config`. From now on connections queue up; [`Self::run`] serves them.
    ///
    /// Fails when a setting is out of range or the address can not be had; the message names it.
    pub fn bind(
        config: HttpConfig,
        dispatcher: Arc<Dispatcher>,
        authenticator: Arc<dyn Authenticator>,
    ) -> Result<Self> {
        if !(1..=512).contains(&config.workers) {
            return Err(Error::malformed_at("workers", "expected 1 to 512"));
        }
        let listeners = listen(&config.host, config.port)?;
        let addresses =
            listeners.iter().map(TcpListener::local_addr).collect::<Result<Vec<_>, _>>().map_err(
                |error| Error::internal("a bound socket does not tell its address").with_source(error),
            )?;
        let state = Arc::new(State::new(config, dispatcher, authenticator)?);
        Ok(Self { listeners, addresses, state })
    }

    /// The bound addresses, with the real port where the configured one is 0.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Serves until `shutdown` resolves; then accepts no more, finishes requests in flight (for at most the
    /// shutdown timeout) and returns. Must be polled inside a tokio runtime; workers run on threads of their own.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
        let config = self.state.config.clone();
        let state = self.state;
        let mut server = actix_web::HttpServer::new(move || {
            let state = Arc::clone(&state);
            // One default service instead of a tree of actix routes: the table in `routes` decides.
            App::new().default_service(web::to(move |request: HttpRequest, payload: web::Payload| {
                serve(Arc::clone(&state), request, payload)
            }))
        })
        .workers(config.workers)
        .max_connections(config.max_connections)
        .client_request_timeout(config.header_timeout)
        .client_disconnect_timeout(std::time::Duration::from_secs(5))
        .keep_alive(config.keep_alive)
        .tcp_nodelay(true)
        .shutdown_timeout(config.shutdown_timeout.as_secs().max(1))
        .shutdown_signal(shutdown);
        for listener in self.listeners {
            server = server.listen(listener)?;
        }
        server.run().await
    }
}

impl std::fmt::Debug for HttpServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HttpServer({:?})", self.addresses)
    }
}

/// Listens on every address that the name has; with port 0 on the first only, so that there is one port.
fn listen(host: &str, port: u16) -> Result<Vec<TcpListener>> {
    let refused = |error: std::io::Error| {
        Error::new(ErrorKind::Conflict, format!("can not listen on {host}:{port}: {error}"))
            .with_source(error)
    };
    let mut listeners = Vec::new();
    let mut failure = None;
    for address in (host, port).to_socket_addrs().map_err(refused)? {
        match TcpListener::bind(address) {
            Ok(listener) => listeners.push(listener),
            Err(error) => failure = Some(error),
        }
        if port == 0 && !listeners.is_empty() {
            break;
        }
    }
    match failure {
        Some(error) if listeners.is_empty() => Err(refused(error)),
        _ => Ok(listeners),
    }
}
