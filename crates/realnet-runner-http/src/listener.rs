//! A bound address that nobody serves yet: so that a port in use is known before anything else is done.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use realnet_core::{Error, ErrorKind, Result};

use crate::config::HttpConfig;

/// Bound sockets. Connections queue up until an [`crate::HttpServer`] serves them.
#[derive(Debug)]
pub struct HttpListener {
    pub(crate) sockets: Vec<TcpListener>,
    pub(crate) addresses: Vec<SocketAddr>,
}

impl HttpListener {
    /// Binds host and port of `config`. Fails when the address can not be had; the message names it.
    pub fn bind(config: &HttpConfig) -> Result<Self> {
        let sockets = listen(&config.host, config.port)?;
        let addresses = sockets.iter().map(TcpListener::local_addr).collect::<Result<Vec<_>, _>>();
        let addresses = addresses.map_err(|error| {
            Error::internal("a bound socket does not tell its address").with_source(error)
        })?;
        Ok(Self { sockets, addresses })
    }

    /// The bound addresses, with the real port where the configured one is 0.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

/// Listens on every address that the name has; with port 0 on the first only, so that there is one port.
fn listen(host: &str, port: u16) -> Result<Vec<TcpListener>> {
    let refused = |error: std::io::Error| {
        let why = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "the port is in use, perhaps by a server that runs already".to_owned()
            }
            std::io::ErrorKind::AddrNotAvailable => "this machine does not have that address".to_owned(),
            std::io::ErrorKind::PermissionDenied => "ports below 1024 need special rights".to_owned(),
            _ => error.to_string(),
        };
        Error::new(ErrorKind::Conflict, format!("can not listen on {host}:{port}: {why}")).with_source(error)
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
