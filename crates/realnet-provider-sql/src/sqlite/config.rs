//! Where the database is and how much it may take.

use std::path::PathBuf;

/// Settings of a [`super::SqliteStore`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteConfig {
    /// The database file; it is created when it is absent. `PATH-wal`, `PATH-shm` and `PATH.lock` stand beside it.
    pub path: PathBuf,
    /// Page cache of each reading connection, in KiB. It should hold the inner pages of the indexes, else lists whose items
    /// are scattered over a large file read them again and again.
    pub reader_cache: u32,
    /// Page cache of the writing connection, in KiB.
    pub writer_cache: u32,
    /// How many reading connections are kept open when nobody uses them.
    pub idle_readers: usize,
    /// How many lists that may take long run at the same time; others wait.
    pub long_reads: usize,
    /// Most change sets in one durable transaction.
    pub group: usize,
    /// A list reads and sorts up to so many rows of a selective filter; with more it walks along the order.
    pub few: usize,
    /// How long to wait for a lock that another program holds, in milliseconds.
    pub busy_timeout: u32,
}

impl SqliteConfig {
    /// Settings that fit a server of two to eight cores.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            reader_cache: 4096,
            writer_cache: 8192,
            idle_readers: 8,
            long_reads: 4,
            group: 256,
            few: 1000,
            busy_timeout: 5000,
        }
    }
}
