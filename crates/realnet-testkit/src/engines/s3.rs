//! A real S3 server as tests hold it: SeaweedFS behind async methods, and one for all the tests that only need a place.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::postgres::run;
use super::server::EngineError;
use super::server::seaweed::{BUCKET, KEY, SECRET, Seaweed};

/// Names an S3 server that is running already, by its address. The project's test command sets it.
pub const S3_VARIABLE: &str = "REALNET_TEST_S3";

/// Where objects may be kept: a bucket, and who may write there. Tests share it, each below a prefix of its own.
#[derive(Debug, Clone)]
pub struct S3Place {
    /// The address of the server.
    pub endpoint: String,
    /// A bucket that is there.
    pub bucket: &'static str,
    /// The id of a key.
    pub key: &'static str,
    /// Its secret.
    pub secret: &'static str,
}

impl S3Place {
    fn at(endpoint: String) -> Self {
        Self { endpoint, bucket: BUCKET, key: KEY, secret: SECRET }
    }
}

/// An S3 server of one's own, for tests that kill it. It takes some seconds to start.
///
/// It listens on a free port of 127.0.0.1, keeps its data in a temporary folder and is gone, with the folder, when this value is
/// dropped or the process ends in whatever way.
#[derive(Debug)]
pub struct ObjectServer {
    server: Arc<Mutex<Seaweed>>,
    place: S3Place,
}

impl ObjectServer {
    /// Starts a server.
    ///
    /// # Errors
    /// It can not be installed (python3 with venv is needed), or the server's own complaint.
    pub async fn start() -> Result<Self, EngineError> {
        let server = run(Seaweed::start).await?;
        let place = S3Place::at(server.url());
        Ok(Self { server: Arc::new(Mutex::new(server)), place })
    }

    /// Where objects may be kept on it.
    pub fn place(&self) -> &S3Place {
        &self.place
    }

    /// Kills the server; its port then refuses connections.
    ///
    /// # Errors
    /// The server did not end within a minute.
    pub async fn crash(&self) -> Result<(), EngineError> {
        self.with(Seaweed::crash).await
    }

    /// Starts the server again.
    ///
    /// # Errors
    /// The port has been taken meanwhile, or the server's own complaint.
    pub async fn resume(&self) -> Result<(), EngineError> {
        self.with(Seaweed::resume).await
    }

    async fn with(
        &self,
        action: impl FnOnce(&mut Seaweed) -> Result<(), EngineError> + Send + 'static,
    ) -> Result<(), EngineError> {
        let server = Arc::clone(&self.server);
        run(move || action(&mut server.lock().unwrap_or_else(PoisonError::into_inner))).await
    }
}

/// The place that this run's tests share: on the server that `REALNET_TEST_S3` names, else on one that is started on first use and
/// lives as long as this process.
///
/// # Errors
/// The variable is not set and no server could be started.
pub async fn s3_place() -> Result<S3Place, EngineError> {
    static OWN: OnceCell<ObjectServer> = OnceCell::const_new();
    match std::env::var(S3_VARIABLE) {
        Ok(url) if !url.is_empty() => Ok(S3Place::at(url)),
        _ => Ok(OWN.get_or_try_init(ObjectServer::start).await?.place().clone()),
    }
}
