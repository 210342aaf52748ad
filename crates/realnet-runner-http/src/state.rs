//! What all workers share for as long as the server lives.

use std::sync::Arc;

use realnet_core::Result;
use realnet_core::resource::{Authenticator, Dispatcher};

use crate::config::HttpConfig;
use crate::metrics::Metrics;
use crate::openapi::OpenApiCache;
use crate::router::Router;
use crate::routes;

/// The shared state of the runner.
pub(crate) struct State {
    pub(crate) config: HttpConfig,
    pub(crate) dispatcher: Arc<Dispatcher>,
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) metrics: Metrics,
    pub(crate) router: Router,
    pub(crate) openapi: OpenApiCache,
}

impl State {
    pub(crate) fn new(
        config: HttpConfig,
        dispatcher: Arc<Dispatcher>,
        authenticator: Arc<dyn Authenticator>,
    ) -> Result<Self> {
        let metrics = Metrics::new()?;
        let router = Router::new(routes::table(), &metrics);
        Ok(Self { config, dispatcher, authenticator, metrics, router, openapi: OpenApiCache::default() })
    }
}
