//! How the runner listens and what it takes: one struct, filled by the program that embeds it.

use std::time::Duration;

use crate::cors::CorsOrigins;
use crate::limits::RateLimits;
use crate::proxies::TrustedProxies;
use crate::tls::TlsFiles;

/// Address, limits and times of the HTTP server. The defaults suit a server behind a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    /// Name or address to listen on.
    pub host: String,
    /// Port to listen on; 0 picks a free one.
    pub port: u16,
    /// Threads that serve requests: 1 to 512, by default as many as there are cores.
    pub workers: usize,
    /// Connections that one worker holds at most; further ones wait to be accepted.
    pub max_connections: usize,
    /// Largest body of a request in bytes, before and after decompression.
    pub max_body: usize,
    /// Longest time for the head of a request to arrive, from its first byte; for the first of a connection, from the
    /// opening.
    pub header_timeout: Duration,
    /// Longest time for the body of a request to arrive; a large one has a second more for every 16 KiB that have come.
    pub body_timeout: Duration,
    /// Longest time that the storage may take nothing of a content that comes.
    pub storage_timeout: Duration,
    /// Longest time that a client may read nothing of an answer that waits for it.
    pub stall_timeout: Duration,
    /// How long a connection may idle between requests.
    pub keep_alive: Duration,
    /// Longest time that an operation may take once its request has been read.
    pub request_timeout: Duration,
    /// Longest time for requests in flight when the server stops.
    pub shutdown_timeout: Duration,
    /// Bytes of bodies that may be in memory at a time, of all requests together; strangers have a half of it.
    pub body_memory: usize,
    /// Bytes that change sets under way, large contents that come and go, the values of large bodies, and large answers until they are
    /// sent may take together; strangers have a half of it, and so has what one account sends and reads.
    pub memory: usize,
    /// Proxies that are believed where a request comes from (`X-Forwarded-For`, `X-Forwarded-Proto`).
    pub trusted_proxies: TrustedProxies,
    /// Origins whose pages may use the API.
    pub cors: CorsOrigins,
    /// How often requests may come.
    pub rate_limits: RateLimits,
    /// Certificate and key, when connections are under TLS.
    pub tls: Option<TlsFiles>,
    /// Whether browsers that came by HTTPS are told to come by it only (`Strict-Transport-Security`).
    pub hsts: bool,
    /// How long browsers keep the cookies of a session that is not used.
    pub session_life: Duration,
    /// What stores the items, for `/api/info`: a word such as `sqlite`.
    pub store: String,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 8080,
            workers: std::thread::available_parallelism().map_or(2, usize::from),
            max_connections: 10_000,
            max_body: 10 << 20,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_mins(1),
            // A bucket behind a slow line has two tries for a part in this time.
            storage_timeout: Duration::from_mins(5),
            stall_timeout: Duration::from_mins(1),
            keep_alive: Duration::from_secs(75),
            request_timeout: Duration::from_secs(30),
            shutdown_timeout: Duration::from_secs(30),
            body_memory: 256 << 20,
            memory: 512 << 20,
            trusted_proxies: TrustedProxies::default(),
            cors: CorsOrigins::default(),
            rate_limits: RateLimits::default(),
            tls: None,
            hsts: true,
            session_life: Duration::from_hours(30 * 24),
            store: "unknown".to_owned(),
        }
    }
}
