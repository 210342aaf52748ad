//! The PostgreSQL store: for several servers at once, on a database that they share.
//!
//! Where it stands in the path of a request: resources call core's provider traits; `items` answers reads,
//! `transaction` applies change sets, `background` gives changes their revisions and hears of changed types.

mod background;
mod changes;
mod config;
mod connect;
mod credentials;
mod dialect;
mod error;
mod fields;
mod fragment;
mod items;
mod lease;
mod limits;
mod list;
mod locks;
mod lookup;
mod migrate;
mod moment;
mod numbers;
mod pool;
mod records;
mod row;
mod run;
mod shapes;
mod shared;
mod summary;
mod tls;
mod transaction;
mod transfer;
mod types;

use std::fmt;
use std::sync::Arc;

use diesel_async::SimpleAsyncConnection as _;
use realnet_core::{Error, Result};

pub use config::{PostgresConfig, SslMode};

use crate::pending::Pending;
use connect::Role;
use shared::Shared;

/// A store of items, types and credentials in a PostgreSQL database.
///
/// Clones share connections. Several processes may use one database; each has its own store.
#[derive(Clone)]
pub struct PostgresStore {
    shared: Arc<Shared>,
    _alive: Arc<Alive>,
}

/// Ends the background work when the last clone of a store goes.
struct Alive(Arc<Shared>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.stop.send_replace(true);
    }
}

impl PostgresStore {
    /// Connects, brings the schema up to date and starts the background work on the present tokio runtime.
    ///
    /// # Errors
    /// The kind is `Unavailable`, and the message names the cause: the server can not be reached, refuses the user
    /// or password, has no such database or too many connections, or the schema belongs to a newer server. With a
    /// time to retry after where that makes sense.
    pub async fn connect(config: PostgresConfig) -> Result<Self> {
        let tls = tls::connector(&config)?;
        let config = Arc::new(config);
        migrate(&config, &tls).await?;
        let shared = Arc::new(Shared::new(config, tls));
        background::start(Arc::clone(&shared));
        Ok(Self { _alive: Arc::new(Alive(Arc::clone(&shared))), shared })
    }

    /// What [`Self::connect`] would have to apply to the database first; nothing is changed, nor waited for.
    ///
    /// # Errors
    /// As [`Self::connect`]; also when the user may not create the tables that are missing.
    pub async fn pending(config: &PostgresConfig) -> Result<Option<Pending>> {
        let tls = tls::connector(config)?;
        let config = PostgresConfig { read_only: true, ..config.clone() };
        let mut connection =
            connect::open(&config, &tls, Role::Background).await.map_err(|f| f.to_error())?;
        migrate::pending(&mut connection).await
    }

    /// As [`Self::connect`] for a look around: the schema has to be up to date, there is no background work, and the
    /// database refuses whatever would change it.
    ///
    /// # Errors
    /// As [`Self::connect`]; also when migrations are pending.
    pub async fn connect_read_only(config: PostgresConfig) -> Result<Self> {
        if let Some(pending) = Self::pending(&config).await? {
            return Err(Error::unavailable(format!("the database lacks {pending}")));
        }
        let tls = tls::connector(&config)?;
        let config = PostgresConfig { read_only: true, ..config };
        let shared = Arc::new(Shared::new(Arc::new(config), tls));
        Ok(Self { _alive: Arc::new(Alive(Arc::clone(&shared))), shared })
    }

    /// Ends the background work and closes the connections; those in use when they are free. Calls on this store and
    /// its clones fail from now on.
    pub fn close(&self) {
        self.shared.stop.send_replace(true);
        self.shared.pools.close();
    }

    /// Takes the schema back to nothing: all data is gone. For tools and tests.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn erase(config: &PostgresConfig) -> Result<()> {
        let tls = tls::connector(config)?;
        let mut connection = connect::open(config, &tls, Role::Background).await.map_err(|f| f.to_error())?;
        migrate::down(&mut connection, 0).await
    }
}

async fn migrate(config: &PostgresConfig, tls: &tokio_postgres_rustls::MakeRustlsConnect) -> Result<()> {
    let mut connection = connect::open(config, tls, Role::Background).await.map_err(|f| f.to_error())?;
    // Another replica may be migrating, or a table be large.
    connection.batch_execute("SET statement_timeout = 0").await.map_err(error::to_error)?;
    migrate::up(&mut connection).await
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresStore").field(&self.shared.config).finish()
    }
}
