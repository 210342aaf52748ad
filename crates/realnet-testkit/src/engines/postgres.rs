//! The server as tests hold it: the blocking [`Server`] behind async methods, and one server per
//! process for all the tests that only need a database.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

use super::server::{EngineError, Server, Settings};

/// Names a server that is running already, by the URL of a database where the user may create
/// others: `postgres://USER@HOST:PORT/DATABASE`. The project's test command sets it.
pub const POSTGRES_VARIABLE: &str = "REALNET_TEST_POSTGRES";

/// A real PostgreSQL server of one's own, for tests that stop, crash or freeze it. Tests that only
/// need a database take [`fresh_database`](super::fresh_database), which is much faster.
///
/// It listens on a free port of 127.0.0.1, keeps its data in a temporary folder and is gone, with
/// the folder, when this value is dropped or the process ends in whatever way.
///
/// ```no_run
/// # async fn example() -> Result<(), realnet_testkit::engines::EngineError> {
/// use realnet_testkit::engines::{Postgres, Settings};
///
/// let server = Postgres::start(Settings { durable: true, ..Settings::default() }).await?;
/// println!("{}", server.url()); // postgres://test@127.0.0.1:…/postgres
/// server.crash().await?;
/// server.resume().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Postgres {
    server: Arc<Mutex<Server>>,
    url: String,
}

impl Postgres {
    /// Creates a data folder and starts a server on it, which takes about a second.
    ///
    /// # Errors
    /// No PostgreSQL on this machine, no account to run it as, or the server's own complaint.
    pub async fn start(settings: Settings) -> Result<Self, EngineError> {
        let server = run(move || Server::start(settings)).await?;
        Ok(Self { url: server.url(), server: Arc::new(Mutex::new(server)) })
    }

    /// The URL of its maintenance database, as a superuser without a password. It stays the same
    /// for the life of this value.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops the server in order; its port then refuses connections.
    ///
    /// # Errors
    /// The server did not stop within a minute.
    pub async fn stop(&self) -> Result<(), EngineError> {
        self.with(Server::stop).await
    }

    /// Ends the server as a crash would: nothing is written, the next start recovers.
    ///
    /// # Errors
    /// The server did not end within a minute.
    pub async fn crash(&self) -> Result<(), EngineError> {
        self.with(Server::crash).await
    }

    /// Starts the server again after [`stop`](Self::stop) or [`crash`](Self::crash).
    ///
    /// # Errors
    /// The port has been taken meanwhile, or the server's own complaint.
    pub async fn resume(&self) -> Result<(), EngineError> {
        self.with(Server::resume).await
    }

    /// Stops and starts the server: every open session is ended.
    ///
    /// # Errors
    /// As [`stop`](Self::stop) and [`resume`](Self::resume).
    pub async fn restart(&self) -> Result<(), EngineError> {
        self.with(Server::restart).await
    }

    /// Freezes the server until the returned guard is dropped: connections stay open and nobody
    /// answers, as when a machine or a network hangs.
    ///
    /// # Errors
    /// The server is not running, or the system has no `/proc`.
    pub async fn pause(&self) -> Result<Paused, EngineError> {
        self.with(|server| server.freeze()).await?;
        Ok(Paused { server: Arc::clone(&self.server) })
    }

    async fn with<T: Send + 'static>(
        &self,
        action: impl FnOnce(&mut Server) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let server = Arc::clone(&self.server);
        run(move || action(&mut lock(&server))).await
    }
}

/// The time during which a [`Postgres`] is frozen; it goes on when this is dropped.
#[derive(Debug)]
#[must_use = "the server goes on as soon as this is dropped"]
pub struct Paused {
    server: Arc<Mutex<Server>>,
}

impl Drop for Paused {
    fn drop(&mut self) {
        // Fails only when the server has been stopped meanwhile, which thaws it too.
        let _ = lock(&self.server).thaw();
    }
}

/// The URL of the server that this run's tests share: the one that `REALNET_TEST_POSTGRES` names,
/// else one that is started on first use and lives as long as this process.
///
/// # Errors
/// The variable is not set and no server could be started.
pub async fn postgres_url() -> Result<String, EngineError> {
    static OWN: OnceCell<Postgres> = OnceCell::const_new();
    match std::env::var(POSTGRES_VARIABLE) {
        Ok(url) if !url.is_empty() => Ok(url),
        _ => {
            let server = OWN.get_or_try_init(|| Postgres::start(Settings::default())).await?;
            Ok(server.url().to_owned())
        }
    }
}

/// Runs a blocking action off the async threads.
pub(super) async fn run<T: Send + 'static>(
    action: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    match tokio::task::spawn_blocking(action).await {
        Ok(result) => result,
        Err(error) => {
            Err(EngineError::Refused { action: "waiting for the server".into(), source: error.into() })
        }
    }
}

/// A panic of another test while it held the server leaves nothing half done in it.
fn lock(server: &Mutex<Server>) -> MutexGuard<'_, Server> {
    server.lock().unwrap_or_else(PoisonError::into_inner)
}
