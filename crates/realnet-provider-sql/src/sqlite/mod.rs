//! The embedded store: one SQLite file, one writer thread, many readers.
//!
//! Reads run where they are called when they are short (a look-up by id takes some microseconds), else on the runtime's
//! threads for blocking work. Writes go to the writer, which makes durable groups of them.

mod changes;
mod config;
mod connection;
mod counters;
mod credentials;
mod dialect;
mod error;
mod fields;
mod fragment;
mod haste;
mod items;
mod limits;
mod list;
mod lock;
mod look;
mod lookup;
mod patience;
mod pool;
mod recent;
mod records;
mod row;
mod schema;
mod shared;
mod transaction;
mod transfer;
mod types;
mod writer;

#[cfg(test)]
mod tests;

pub use config::SqliteConfig;
pub use transfer::SqliteDump;

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use realnet_core::limit::Buckets;
use realnet_core::{Error, Result};
use tokio::sync::Semaphore;

use crate::pending::Pending;
use connection::Connection;
use lock::FileLock;
use pool::Pool;
use shared::Shared;
use writer::{Checkpoints, LOG_PAGES, Writer};

/// A store in one SQLite file.
///
/// It implements the traits for items, types, credentials and sources. Only one process at a time can have a file
/// open; a second one is refused. Dropping the store waits for the writer to end; [`Self::close`] does so without
/// blocking.
pub struct SqliteStore {
    writer: Writer,
    shared: Arc<Shared>,
    /// Places for lists that may take long.
    long_reads: Arc<Semaphore>,
    /// How often what may be done.
    buckets: Mutex<Buckets>,
    // The last field, so that it is released last.
    _lock: Option<FileLock>,
}

impl SqliteStore {
    /// Opens (or creates) the file and brings its schema up to date.
    ///
    /// # Errors
    ///
    /// Unavailable when the file can not be opened, locked or written to, or is damaged; Conflict when another process
    /// has it open or another program owns it; Unsupported when a newer program has written it. Each says so by name.
    #[allow(clippy::needless_pass_by_value, reason = "a configuration is given away")]
    pub fn open(config: SqliteConfig) -> Result<Self> {
        let lock = FileLock::take(&config.path)?;
        lock::make_private(&config.path);
        let mut connection = Self::checked(&config)?;
        connection.batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; \
             PRAGMA cache_size = -{}; PRAGMA wal_autocheckpoint = {LOG_PAGES}; PRAGMA journal_size_limit = 100663296;",
            config.writer_cache
        ))?;
        schema::migrate(&mut connection)?;
        let shared = Arc::new(Shared::new(Pool::new(&config), config.few));
        shared.load(&mut connection)?;
        let checkpoints = Checkpoints::start(Connection::open(&config.path)?, Arc::clone(&shared))?;
        let writer = Writer::start(connection, Arc::clone(&shared), checkpoints, config.group)?;
        Ok(Self::of(writer, shared, &config, Some(lock)))
    }

    /// Opens a file whose schema is up to date (see [`Self::pending`]) for reading alone. Nothing of it is changed, and another
    /// server may have it open; what is to be written is refused.
    ///
    /// # Errors
    ///
    /// As [`Self::open`], but for the lock.
    #[allow(clippy::needless_pass_by_value, reason = "a configuration is given away")]
    pub fn look(config: SqliteConfig) -> Result<Self> {
        let mut connection = look::open(&config.path)?;
        let shared = Arc::new(Shared::new(Pool::looking(&config), config.few));
        shared.load(&mut connection)?;
        Ok(Self::of(Writer::none(), shared, &config, None))
    }

    fn of(writer: Writer, shared: Arc<Shared>, config: &SqliteConfig, lock: Option<FileLock>) -> Self {
        let long_reads = Arc::new(Semaphore::new(config.long_reads.max(1)));
        Self { writer, shared, long_reads, buckets: Mutex::default(), _lock: lock }
    }

    /// What [`Self::open`] would have to apply to the file first. A file that is not there is not made, and one that is
    /// stays as it is, whoever has it open.
    ///
    /// # Errors
    ///
    /// As [`Self::open`], but for the lock.
    pub fn pending(config: &SqliteConfig) -> Result<Option<Pending>> {
        if !config.path.exists() {
            lock::try_folder(&config.path)?;
            return schema::all_pending();
        }
        look::try_to_write(&config.path)?;
        schema::pending(&mut look::open(&config.path)?)
    }

    /// A connection to a file that is a database of ours, which can be written to.
    fn checked(config: &SqliteConfig) -> Result<Connection> {
        let mut connection = Connection::open(&config.path)?;
        connection.batch(&format!("PRAGMA busy_timeout = {}", config.busy_timeout))?;
        // The first look into the file: tells a database from other files.
        connection.number(&crate::statement::Statement::of("SELECT count(*) FROM sqlite_schema"))?;
        schema::check(&mut connection)?;
        Ok(connection)
    }

    /// Finishes the writes that wait, empties the write-ahead log and closes the file. Later calls fail.
    pub async fn close(&self) -> Result<()> {
        let Some(thread) = self.writer.close() else { return Ok(()) };
        self.shared.pool.close();
        let ended = tokio::task::spawn_blocking(move || thread.join()).await;
        match ended {
            Ok(Ok(())) => Ok(()),
            _ => Err(Error::internal("the writer has ended by a panic")),
        }
    }

    /// Runs a read that may take long on a thread for such.
    async fn long_read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Arc<Shared>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = Arc::clone(&self.long_reads).acquire_owned().await;
        let place = place.map_err(|error| Error::internal("no place for a read").with_source(error))?;
        let shared = Arc::clone(&self.shared);
        let read = tokio::task::spawn_blocking(move || {
            let result = read(&shared);
            drop(place);
            result
        });
        read.await.map_err(|error| Error::internal("a read has panicked").with_source(error))?
    }
}

/// A name beside the database file.
fn beside(path: &Path, suffix: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
