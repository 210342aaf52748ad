//! What all workers share for as long as the server lives.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use realnet_core::Result;
use realnet_core::limit::Memory;
use realnet_core::resource::{Authenticator, Dispatcher};
use tokio::sync::Semaphore;

use crate::answer::shares::Shares;
use crate::config::HttpConfig;
use crate::connection::PLACES;
use crate::keys::Keys;
use crate::metrics::Metrics;
use crate::openapi::OpenApiCache;
use crate::router::Router;
use crate::routes;
use crate::tls::Tls;

/// The shared state of the runner.
pub(crate) struct State {
    pub(crate) config: HttpConfig,
    pub(crate) dispatcher: Arc<Dispatcher>,
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) metrics: Metrics,
    pub(crate) router: Router,
    pub(crate) openapi: OpenApiCache,
    /// Places for refused sockets that linger.
    pub(crate) lingering: Arc<Semaphore>,
    /// Bytes of bodies that are in memory.
    pub(crate) bodies: Memory,
    /// Bytes of change sets and contents under way, and of answers until they are sent.
    pub(crate) memory: Memory,
    /// What of the latter each account has.
    pub(crate) shares: Arc<Shares>,
    /// Keys of this runner's own.
    pub(crate) keys: Keys,
    /// Certificates, when connections are under TLS.
    pub(crate) tls: Option<Tls>,
    /// Whether it was said already that somebody pretends to be a proxy.
    pub(crate) warned_of_proxy: AtomicBool,
}

impl State {
    pub(crate) fn new(
        config: HttpConfig,
        dispatcher: Arc<Dispatcher>,
        authenticator: Arc<dyn Authenticator>,
    ) -> Result<Self> {
        let metrics = Metrics::new()?;
        let router = Router::new(routes::table(), &metrics);
        Ok(Self {
            bodies: Memory::new(config.body_memory),
            memory: Memory::new(config.memory),
            shares: Arc::default(),
            keys: Keys::of(&*authenticator),
            tls: config.tls.as_ref().map(Tls::load).transpose()?,
            lingering: Arc::new(Semaphore::new(PLACES)),
            warned_of_proxy: AtomicBool::new(false),
            openapi: OpenApiCache::default(),
            config,
            dispatcher,
            authenticator,
            metrics,
            router,
        })
    }
}
