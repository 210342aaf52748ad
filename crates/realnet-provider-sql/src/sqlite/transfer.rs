//! The whole file as a stream of records, read on a connection of its own, and back through the writer.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use async_trait::async_trait;
use realnet_core::clock::Timestamp;
use realnet_core::provider::{Census, DumpProvider, RecordClass, RecordStream, RestoreProvider, StoreRecord};
use realnet_core::registry::TypeRegistry;
use realnet_core::{Error, ErrorKind, Result};
use tokio::sync::oneshot;

use super::changes::{self, record};
use super::connection::Connection;
use super::fields::RowFields;
use super::lock::FileLock;
use super::row::{ITEM_COLUMNS, TypeNames, item_of};
use super::types::load_types;
use super::{SqliteConfig, SqliteStore, schema};
use crate::statement::Statement;
use crate::transfer::{Outlet, columns, count, read, select};

/// A database file, for a look at all of it: also while a server has it open, who is not kept from writing.
pub struct SqliteDump {
    config: SqliteConfig,
    /// Keeps others from opening the store, where that is wanted.
    _lock: Option<FileLock>,
}

impl SqliteDump {
    /// Sees that the file is a store, with a schema that is up to date. Nothing is changed.
    ///
    /// # Errors
    /// NotFound when there is no such file; those of [`SqliteStore::open`] when it is none of ours, damaged, or newer.
    pub fn open(config: SqliteConfig) -> Result<Self> {
        let dump = Self { config, _lock: None };
        let mut connection = dump.connect()?;
        schema::check_owner(&mut connection)?;
        match schema::pending(&mut connection)? {
            None => Ok(dump),
            Some(pending) => Err(Error::unavailable(format!(
                "the database lacks {pending}: a start of the server with it applies them"
            ))),
        }
    }

    /// As [`Self::open`], while no server has the file, and none can open it.
    ///
    /// # Errors
    /// As [`Self::open`]; Conflict when a server has it.
    pub fn alone(config: SqliteConfig) -> Result<Self> {
        let Self { config, .. } = Self::open(config)?;
        let lock = Some(FileLock::take(&config.path)?);
        Ok(Self { config, _lock: lock })
    }

    fn connect(&self) -> Result<Connection> {
        let path = &self.config.path;
        if !path.is_file() {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("there is no database file {}", path.display()),
            ));
        }
        let mut connection = Connection::open(path)?;
        connection.batch(&format!(
            "PRAGMA busy_timeout = {}; PRAGMA query_only = ON; PRAGMA temp_store = MEMORY",
            self.config.busy_timeout
        ))?;
        Ok(connection)
    }
}

impl fmt::Debug for SqliteDump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SqliteDump({})", self.config.path.display())
    }
}

#[async_trait]
impl DumpProvider for SqliteDump {
    async fn dump(&self, now: Timestamp) -> Result<RecordStream> {
        start(self.connect()?, now, ()).await
    }

    async fn census(&self, now: Timestamp) -> Result<Census> {
        census(&mut self.connect()?, now)
    }
}

#[async_trait]
impl DumpProvider for SqliteStore {
    async fn dump(&self, now: Timestamp) -> Result<RecordStream> {
        start(self.shared.pool.open()?, now, Arc::clone(&self.shared)).await
    }

    async fn census(&self, now: Timestamp) -> Result<Census> {
        self.long_read(move |shared| census(shared.pool.take()?.get()?, now)).await
    }
}

#[async_trait]
impl RestoreProvider for SqliteStore {
    async fn restore(
        &self,
        types: &Arc<TypeRegistry>,
        records: Vec<StoreRecord>,
        mark: Option<Vec<u8>>,
    ) -> Result<()> {
        let (types, records) = (Arc::clone(types), Arc::<[StoreRecord]>::from(records));
        self.writer.submit(move |transaction| transaction.restore(&types, &records, mark.clone())).await
    }
}

fn census(connection: &mut Connection, now: Timestamp) -> Result<Census> {
    connection.snapshot(|connection| {
        let count = |class| Ok((class, connection.number(&count(class, now))? as u64));
        RecordClass::ALL.into_iter().map(count).collect()
    })
}

/// Begins to read on a thread for such; answers when the moment is fixed. `held` is let go of when the connection is closed.
async fn start<H: Send + 'static>(
    mut connection: Connection,
    now: Timestamp,
    held: H,
) -> Result<RecordStream> {
    let (mut outlet, stream) = Outlet::new();
    let (sender, begun) = oneshot::channel();
    tokio::task::spawn_blocking(move || {
        let begins = connection.begin_snapshot();
        let is_begun = begins.is_ok();
        // Whoever asked may have gone.
        let _ = sender.send(begins);
        if is_begun {
            let done = connection.end_snapshot(|connection| read_all(connection, now, &mut outlet));
            outlet.end_blocking(done);
        }
        drop((connection, held));
    });
    begun.await.map_err(|error| Error::internal("a dump has panicked").with_source(error))??;
    Ok(stream)
}

fn read_all(connection: &mut Connection, now: Timestamp, outlet: &mut Outlet) -> Result<()> {
    let types = TypeRegistry::build(load_types(connection)?)?;
    for class in RecordClass::ALL {
        let flow = match class {
            RecordClass::Item => {
                let mut names = TypeNames::of(&types);
                let statement = select(class, ITEM_COLUMNS, now);
                give(connection, &statement, outlet, |row| {
                    Ok(StoreRecord::Item(Box::new(item_of(&mut names, row)?)))
                })?
            }
            RecordClass::Change => {
                let statement = select(class, changes::COLUMNS, now);
                give(connection, &statement, outlet, |row| Ok(StoreRecord::Change(Box::new(record(row)?))))?
            }
            class => {
                let columns = columns(class).ok_or_else(|| Error::internal("a class without columns"))?;
                let statement = select(class, columns, now);
                give(connection, &statement, outlet, |row| read(class, &mut RowFields::new(row)))?
            }
        };
        if flow.is_break() {
            break;
        }
    }
    Ok(())
}

/// Puts the record of each row; breaks when nobody wants any more.
fn give(
    connection: &mut Connection,
    statement: &Statement,
    outlet: &mut Outlet,
    mut read: impl FnMut(&super::connection::Columns<'_, '_>) -> Result<StoreRecord>,
) -> Result<ControlFlow<()>> {
    let mut flow = ControlFlow::Continue(());
    connection.each(statement, |row| {
        flow = outlet.put_blocking(read(row)?);
        Ok(flow)
    })?;
    Ok(flow)
}
