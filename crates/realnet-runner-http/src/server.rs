//! The server itself: serves until told to stop, finishes what is in flight.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, KeepAlive, Protocol, Request, Response};
use actix_service::{
    IntoServiceFactory as _, ServiceFactory, ServiceFactoryExt as _, fn_service, map_config,
};
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, Server};
use actix_web::{App, HttpRequest, HttpResponse, web};
use realnet_core::resource::{Authenticator, Dispatcher};
use realnet_core::{Error, Result};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::config::HttpConfig;
use crate::connection::{Guard, Socket};
use crate::listener::HttpListener;
use crate::serve::serve;
use crate::state::State;

/// How long a connection may take to end after its last answer.
const DISCONNECT: Duration = Duration::from_secs(5);

/// A bound HTTP server that has not begun to serve.
pub struct HttpServer {
    listener: HttpListener,
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
        let listener = HttpListener::bind(&config)?;
        Self::on(listener, config, dispatcher, authenticator)
    }

    /// On an address that was bound before.
    pub fn on(
        listener: HttpListener,
        config: HttpConfig,
        dispatcher: Arc<Dispatcher>,
        authenticator: Arc<dyn Authenticator>,
    ) -> Result<Self> {
        if !(1..=512).contains(&config.workers) {
            return Err(Error::malformed_at("workers", "expected 1 to 512"));
        }
        Ok(Self { listener, state: Arc::new(State::new(config, dispatcher, authenticator)?) })
    }

    /// Whether connections are under TLS.
    pub fn is_tls(&self) -> bool {
        self.state.tls.is_some()
    }

    /// The bound addresses, with the real port where the configured one is 0.
    pub fn addresses(&self) -> &[SocketAddr] {
        self.listener.addresses()
    }

    /// Serves until `shutdown` resolves; then accepts no more, finishes requests in flight (for at most the
    /// shutdown timeout) and returns. Must be polled inside a tokio runtime; workers run on threads of their own.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
        let Self { listener, state } = self;
        let config = &state.config;
        let mut server = Server::build()
            .workers(config.workers)
            .max_concurrent_connections(config.max_connections)
            .shutdown_timeout(config.shutdown_timeout.as_secs().max(1))
            .shutdown_signal(shutdown);
        let stopping = server.graceful_shutdown_signal();
        for socket in listener.sockets {
            let (state, stopping) = (Arc::clone(&state), stopping.clone());
            server = server.listen("http", socket, move || {
                let stopping = stopping.clone();
                let http = HttpService::build().graceful_shutdown_signal(move || {
                    let stopping = stopping.clone();
                    async move { stopping.notified().await }
                });
                // The guard around each connection keeps the times: of every head, not of the first only.
                let http = http.keep_alive(KeepAlive::Os).client_request_timeout(Duration::ZERO);
                let http = http.client_disconnect_timeout(DISCONNECT);
                let http = http.on_connect_ext(|guard: &Guard, shared| {
                    shared.insert(guard.connection());
                });
                guarded(Arc::clone(&state)).and_then(http.finish(app(Arc::clone(&state))))
            })?;
        }
        let certificates = Arc::clone(&state);
        let follower = tokio::spawn(async move {
            if let Some(tls) = &certificates.tls {
                tls.follow().await;
            }
        });
        let outcome = server.run().await;
        follower.abort();
        outcome
    }
}

/// What answers requests: one default service instead of a tree of routes, since the table in `routes` decides.
fn app(
    state: Arc<State>,
) -> impl ServiceFactory<Request, Config = (), Response = Response<BoxBody>, Error = HttpResponse, InitError = ()>
{
    let app = App::new().default_service(web::to(move |request: HttpRequest, payload: web::Payload| {
        serve(Arc::clone(&state), request, payload)
    }));
    let app =
        app.into_factory().map(Response::from).map_err(|error: actix_web::Error| error.error_response());
    map_config(app, |()| AppConfig::default())
}

/// The sockets of new connections, guarded.
fn guarded(
    state: Arc<State>,
) -> impl ServiceFactory<
    TcpStream,
    Config = (),
    Response = (Guard, Protocol, Option<SocketAddr>),
    Error = DispatchError,
    InitError = (),
> {
    fn_service(move |socket: TcpStream| {
        let state = Arc::clone(&state);
        async move {
            // Answers are written whole; waiting for more only delays them.
            let _ = socket.set_nodelay(true);
            let peer = socket.peer_addr().ok();
            let socket = secured(socket, &state).await.map_err(DispatchError::Io)?;
            Ok((Guard::new(socket, state), Protocol::Http1, peer))
        }
    })
}

/// Shakes hands where connections are under TLS, in the time that a head may take.
async fn secured(socket: TcpStream, state: &State) -> std::io::Result<Socket> {
    let Some(tls) = &state.tls else { return Ok(Socket::Plain(socket)) };
    match timeout(state.config.header_timeout, tls.acceptor().accept(socket)).await {
        Ok(Ok(stream)) => Ok(Socket::Tls(Box::new(stream))),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a client did not come to terms about TLS");
            Err(error)
        }
        Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
    }
}

impl std::fmt::Debug for HttpServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HttpServer({:?})", self.addresses())
    }
}
