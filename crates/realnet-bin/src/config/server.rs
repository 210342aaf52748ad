//! The section of the server: address, limits, initialization folder, logs.

use std::path::PathBuf;
use std::time::Duration;

use super::{Environment, Problems};

/// How the server listens and what it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSection {
    /// `REALNET_SERVER_HOST`: address or name to listen on.
    pub host: String,
    /// `REALNET_SERVER_PORT`: 0 picks a free one.
    pub port: u16,
    /// `REALNET_DEBUG`: debug logs.
    pub debug: bool,
    /// `REALNET_INIT_PATH`: folder of further initialization files.
    pub init_path: Option<PathBuf>,
    /// `REALNET_MAX_BODY`: largest request body, in bytes.
    pub max_body: usize,
    /// `REALNET_REQUEST_TIMEOUT`: longest time for one request, in seconds.
    pub request_timeout: Duration,
    /// `REALNET_SHUTDOWN_TIMEOUT`: longest time for requests in flight when stopping, in seconds.
    pub shutdown_timeout: Duration,
}

impl ServerSection {
    pub(super) fn read(environment: &Environment, problems: &mut Problems) -> Self {
        let init_path = environment.get("REALNET_INIT_PATH").map(PathBuf::from);
        if let Some(path) = &init_path
            && !path.is_dir()
        {
            problems.add("REALNET_INIT_PATH", format!("expected a folder, {} is none", path.display()));
        }
        let seconds = |name, default, problems: &mut Problems| {
            Duration::from_secs(environment.bounded(name, default, (1, 3600), problems))
        };
        Self {
            host: environment.get("REALNET_SERVER_HOST").unwrap_or("127.0.0.1").to_owned(),
            port: environment.parse("REALNET_SERVER_PORT", 8080, "a port from 0 to 65535", problems),
            debug: environment.flag("REALNET_DEBUG", false, problems),
            init_path,
            max_body: environment.bounded("REALNET_MAX_BODY", 10 << 20, (1 << 10, 1 << 30), problems),
            request_timeout: seconds("REALNET_REQUEST_TIMEOUT", 30, problems),
            shutdown_timeout: seconds("REALNET_SHUTDOWN_TIMEOUT", 30, problems),
        }
    }
}
