//! Reading connections: taken for one call, put back after it.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use realnet_core::{Error, Result};

use super::config::SqliteConfig;
use super::connection::Connection;
use super::look;

/// Connections that only read.
pub(super) struct Pool {
    path: PathBuf,
    /// Whether the file is only looked at.
    looks: bool,
    settings: String,
    keep: usize,
    idle: Mutex<Option<Vec<Connection>>>,
}

/// A connection for the time of a call. It goes back only as it came: in no transaction, and not from a panic.
pub(super) struct Reader<'p> {
    pool: &'p Pool,
    /// Taken out when dropped only.
    connection: Option<Connection>,
}

impl Pool {
    pub(super) fn new(config: &SqliteConfig) -> Self {
        Self {
            path: config.path.clone(),
            looks: false,
            settings: format!(
                "PRAGMA busy_timeout = {}; PRAGMA query_only = ON; PRAGMA cache_size = -{}; \
                 PRAGMA temp_store = MEMORY;",
                config.busy_timeout, config.reader_cache
            ),
            keep: config.idle_readers,
            idle: Mutex::new(Some(Vec::new())),
        }
    }

    /// One for a file that is only looked at. How it is to be read changes when a server comes to have it: each call asks anew.
    pub(super) fn looking(config: &SqliteConfig) -> Self {
        Self { looks: true, keep: 0, ..Self::new(config) }
    }

    /// A connection: the one used last, whose cache is warm, or a new one.
    pub(super) fn take(&self) -> Result<Reader<'_>> {
        let idle = match self.idle.lock().as_mut() {
            Some(idle) => idle.pop(),
            None => return Err(Error::unavailable("the store is closed")),
        };
        let connection = idle.map_or_else(|| self.open(), Ok)?;
        Ok(Reader { pool: self, connection: Some(connection) })
    }

    /// The database file itself, which is there; see [`super::shared::Shared`]. None of one that is only looked at.
    pub(super) fn file(&self) -> Option<File> {
        if self.looks {
            return None;
        }
        OpenOptions::new().write(true).open(&self.path).ok()
    }

    /// A connection apart from the pool, for who needs one for long.
    pub(super) fn open(&self) -> Result<Connection> {
        let mut connection = if self.looks {
            Connection::open(Path::new(&look::address(&self.path)?))?
        } else {
            Connection::open(&self.path)?
        };
        connection.batch(&self.settings)?;
        Ok(connection)
    }

    /// How many connections wait for the next call.
    #[cfg(test)]
    pub(super) fn idle(&self) -> usize {
        self.idle.lock().as_ref().map_or(0, Vec::len)
    }

    /// Closes what is idle; what is in use is closed when it comes back.
    pub(super) fn close(&self) {
        self.idle.lock().take();
    }
}

impl Reader<'_> {
    /// The connection.
    pub(super) fn get(&mut self) -> Result<&mut Connection> {
        self.connection.as_mut().ok_or_else(|| Error::internal("a reader without a connection"))
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        // What a panic or an early end has left open would be met by the next call: its connection is closed instead.
        if let Some(connection) = self.connection.take()
            && !std::thread::panicking()
            && !connection.is_in_transaction()
            && let Some(idle) = self.pool.idle.lock().as_mut()
            && idle.len() < self.pool.keep
        {
            connection.patience().end();
            idle.push(connection);
        }
    }
}
