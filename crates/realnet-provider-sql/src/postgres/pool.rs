//! Pools of connections: a small one for reads, one of its own for writes, which wait for the disk, and a smaller one for
//! what a list looks up while it holds a connection of the first: lists would otherwise wait for each other for ever.

use std::sync::Arc;
use std::time::Duration;

use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool, PoolError};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, PoolError as ManagerError, RecyclingMethod,
};
use futures::FutureExt as _;
use realnet_core::{Error, Result};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::config::PostgresConfig;
use super::connect::{self, Role};
use super::lease::Lease;

/// A connection that returns to its pool when dropped.
pub(super) type Connection = Object<AsyncPgConnection>;

/// Connections for look-ups in the middle of lists.
const LOOKING: usize = 2;

/// The pools of a store.
pub(super) struct Pools {
    read: Pool<AsyncPgConnection>,
    look: Pool<AsyncPgConnection>,
    write: Pool<AsyncPgConnection>,
    tls: MakeRustlsConnect,
    patience: Duration,
}

impl Pools {
    /// Pools for a configuration; connections are opened when first needed.
    pub(super) fn new(config: &Arc<PostgresConfig>, tls: &MakeRustlsConnect) -> Result<Self> {
        Ok(Self {
            read: pool(config, tls, Role::Read, config.read_connections)?,
            look: pool(config, tls, Role::Read, LOOKING)?,
            write: pool(config, tls, Role::Write, config.write_connections)?,
            tls: tls.clone(),
            patience: config.connect_timeout,
        })
    }

    /// A connection that may only read.
    pub(super) async fn read(&self) -> Result<Lease> {
        self.get(&self.read).await
    }

    /// A connection that may only read, for one statement of somebody who may hold one of [`Self::read`].
    pub(super) async fn look(&self) -> Result<Lease> {
        self.get(&self.look).await
    }

    /// A connection that may write.
    pub(super) async fn write(&self) -> Result<Lease> {
        self.get(&self.write).await
    }

    /// Closes all connections; those in use when they come back.
    pub(super) fn close(&self) {
        self.read.close();
        self.look.close();
        self.write.close();
    }

    async fn get(&self, pool: &Pool<AsyncPgConnection>) -> Result<Lease> {
        match tokio::time::timeout(self.patience, pool.get()).await {
            Ok(Ok(connection)) => Ok(Lease::new(connection, self.tls.clone())),
            Ok(Err(error)) => Err(pool_error(error)),
            Err(_) => Err(Error::unavailable("the database is busy: no connection became free in time")),
        }
    }
}

fn pool(
    config: &Arc<PostgresConfig>,
    tls: &MakeRustlsConnect,
    role: Role,
    size: usize,
) -> Result<Pool<AsyncPgConnection>> {
    let (config, tls) = (Arc::clone(config), tls.clone());
    let mut manager = ManagerConfig::default();
    // A closed connection is seen without asking the server; one that breaks in use is retried by the caller.
    manager.recycling_method = RecyclingMethod::Fast;
    manager.custom_setup = Box::new(move |_| {
        let (config, tls) = (Arc::clone(&config), tls.clone());
        async move { connect::open(&config, &tls, role).await.map_err(connect::for_pool) }.boxed()
    });
    Pool::builder(AsyncDieselConnectionManager::new_with_config(String::new(), manager))
        .max_size(size.max(1))
        .build()
        .map_err(|error| Error::internal("the pool of connections can not be built").with_source(error))
}

fn pool_error(error: PoolError) -> Error {
    match &error {
        PoolError::Backend(ManagerError::ConnectionError(inner)) => {
            if let Some(failure) = connect::from_pool(inner) {
                return failure.to_error();
            }
        }
        PoolError::Closed => return Error::unavailable("the store is closed"),
        _ => {}
    }
    Error::unavailable("the database gives no connection").with_source(error)
}

/// Closes a connection instead of giving it back.
pub(super) fn discard(connection: Connection) {
    drop(Object::take(connection));
}
