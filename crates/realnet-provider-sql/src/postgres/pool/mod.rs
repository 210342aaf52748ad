//! Pools of connections: a small one for reads, one of its own for writes, which wait for the disk, and a smaller one for
//! what a list looks up while it holds a connection of the first: lists would otherwise wait for each other for ever.

mod connection;
mod places;

use std::sync::Arc;
use std::time::Duration;

use realnet_core::{Error, Result};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::config::PostgresConfig;
use super::connect::Role;
use super::lease::Lease;

pub(super) use connection::Connection;
use connection::{Opener, Pool};

/// Connections for look-ups in the middle of lists.
const LOOKING: usize = 2;

/// The pools of a store.
pub(super) struct Pools {
    read: Pool,
    look: Pool,
    write: Pool,
    tls: MakeRustlsConnect,
    patience: Duration,
}

impl Pools {
    /// Pools for a configuration; connections are opened when first needed.
    pub(super) fn new(config: &Arc<PostgresConfig>, tls: &MakeRustlsConnect) -> Self {
        let pool =
            |role, most| Pool::new(Opener { config: Arc::clone(config), tls: tls.clone(), role }, most);
        Self {
            read: pool(Role::Read, config.read_connections),
            look: pool(Role::Read, LOOKING),
            write: pool(Role::Write, config.write_connections),
            tls: tls.clone(),
            patience: config.connect_timeout,
        }
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

    async fn get(&self, pool: &Pool) -> Result<Lease> {
        match tokio::time::timeout(self.patience, pool.get()).await {
            Ok(connection) => Ok(Lease::new(connection?, self.tls.clone())),
            Err(_) => Err(Error::unavailable("the database is busy: no connection became free in time")),
        }
    }
}
