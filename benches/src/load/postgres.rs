//! A PostgreSQL server of our own that waits for the disk, and databases in it.

use std::io::{Error, Result};

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use url::Url;

use crate::engine::{Server, Settings};

/// A running server; it goes when this value or this process does.
#[derive(Debug)]
pub struct Postgres(Server);

impl Postgres {
    /// Starts it on a free port.
    ///
    /// # Errors
    /// PostgreSQL is not installed, or does not start.
    pub fn start() -> Result<Self> {
        let settings = Settings { durable: true, ..Settings::default() };
        Server::start(settings).map(Self).map_err(Error::other)
    }

    /// Makes a database, empty or as a copy of another one, and gives its URL.
    ///
    /// # Errors
    /// The server refuses.
    pub fn create(&self, name: &str, from: Option<&str>) -> Result<Url> {
        let template = from.map(|from| format!(" TEMPLATE {from}")).unwrap_or_default();
        execute(&self.0.url(), &format!("CREATE DATABASE {name}{template}"))?;
        let mut url = Url::parse(&self.0.url()).map_err(Error::other)?;
        url.set_path(name);
        Ok(url)
    }
}

/// What the server itself does after a while: the statistics of the query planner, and rows marked as seen by all.
///
/// # Errors
/// The server refuses.
pub fn settle(database: &Url) -> Result<()> {
    execute(database.as_str(), "VACUUM ANALYZE")
}

fn execute(url: &str, statement: &str) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut connection = AsyncPgConnection::establish(url).await.map_err(Error::other)?;
        connection.batch_execute(statement).await.map_err(Error::other)
    })
}
