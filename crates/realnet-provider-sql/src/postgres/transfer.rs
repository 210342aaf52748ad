//! The whole database as a stream of records, read on a connection of its own, and back in transactions.

use std::ops::ControlFlow;
use std::sync::Arc;

use async_trait::async_trait;
use diesel_async::{AsyncConnectionCore as _, AsyncPgConnection};
use futures::TryStreamExt as _;
use realnet_core::clock::Timestamp;
use realnet_core::provider::{Census, DumpProvider, RecordClass, RecordStream, RestoreProvider, StoreRecord};
use realnet_core::registry::{TypeRegistry, TypeSnapshot};
use realnet_core::{Error, Result, Uuid};

use super::PostgresStore;
use super::changes;
use super::connect::{self, Role};
use super::error::to_error;
use super::row::{ITEM_COLUMNS, item};
use super::run::{PgRow, Reader, Run as _};
use super::shared::Shared;
use super::{transaction, types};
use crate::statement::Statement;
use crate::transfer::{Outlet, columns, count, read, select};

/// The orgs with changes that have no revision yet.
const UNNUMBERED: &str = "SELECT DISTINCT org FROM changes WHERE revision IS NULL ORDER BY org";
/// These changes of an org with the revisions that the sequencer would give them; the org follows.
const NUMBERED: &str = "SELECT coalesce((SELECT r.revision FROM revisions r WHERE r.org = c.org), 0) \
    + row_number() OVER (ORDER BY c.seq), c.org, c.item, c.type, c.kind, c.version, c.before, c.after, \
    c.actor, c.at, c.request, c.origin, c.passed_down FROM changes c WHERE c.revision IS NULL AND c.org = ";

#[async_trait]
impl DumpProvider for PostgresStore {
    async fn dump(&self, now: Timestamp) -> Result<RecordStream> {
        let dump = Dump::begin(&self.shared, now).await?;
        let (outlet, stream) = Outlet::new();
        tokio::spawn(dump.run(outlet));
        Ok(stream)
    }

    async fn census(&self, now: Timestamp) -> Result<Census> {
        let connection = snapshot(&self.shared).await?;
        let mut census = Census::default();
        for class in RecordClass::ALL {
            let counted: i64 = connection.client().one(count(class, now)).await?;
            census.add(class, counted as u64);
        }
        Ok(census)
    }
}

#[async_trait]
impl RestoreProvider for PostgresStore {
    async fn restore(
        &self,
        types: &Arc<TypeRegistry>,
        records: Vec<StoreRecord>,
        mark: Option<Vec<u8>>,
    ) -> Result<()> {
        transaction::restore(&self.shared, types, records, mark).await
    }
}

/// A connection of its own, whose statements see one moment and may take long. Closed when it is dropped, whatever it is in
/// the middle of.
async fn snapshot(shared: &Shared) -> Result<connect::Driven> {
    let opened = connect::open_driven(&shared.config, &shared.tls, Role::Read).await;
    let connection = opened.map_err(|failure| failure.to_error())?;
    for sql in ["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "SET LOCAL statement_timeout = 0"] {
        connection.client().run(Statement::of(sql)).await.map_err(to_error)?;
    }
    Ok(connection)
}

/// A dump under way.
struct Dump {
    connection: connect::Driven,
    now: Timestamp,
    types: TypeRegistry,
}

impl Dump {
    /// Fixes the moment.
    async fn begin(shared: &Shared, now: Timestamp) -> Result<Self> {
        let connection = snapshot(shared).await?;
        let client = connection.client();
        let mut snapshot = TypeSnapshot::default();
        for row in &client.rows(Statement::of(types::SNAPSHOT)).await.map_err(to_error)? {
            types::add(&mut snapshot, row)?;
        }
        let types = TypeRegistry::build(snapshot)?;
        Ok(Self { connection, now, types })
    }

    async fn run(self, mut outlet: Outlet) {
        let done = self.read_all(&mut outlet).await;
        outlet.end(done).await;
    }

    async fn read_all(&self, outlet: &mut Outlet) -> Result<()> {
        for class in RecordClass::ALL {
            let flow = match class {
                RecordClass::Item => {
                    let statement = select(class, ITEM_COLUMNS, self.now);
                    let (client, types) = (self.connection.client(), &self.types);
                    let read = |row: &PgRow| Ok(StoreRecord::Item(Box::new(item(types, row)?)));
                    give(client, statement, outlet, read).await?
                }
                RecordClass::Change => self.give_changes(outlet).await?,
                class => {
                    let columns = columns(class).ok_or_else(|| Error::internal("a class without columns"))?;
                    let statement = select(class, columns, self.now);
                    let read = |row: &PgRow| read(class, &mut Reader::new(row));
                    give(self.connection.client(), statement, outlet, read).await?
                }
            };
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The log by org: what has revisions comes along their index, what has none yet behind it.
    async fn give_changes(&self, outlet: &mut Outlet) -> Result<ControlFlow<()>> {
        let client = self.connection.client();
        let read = |row: &PgRow| Ok(StoreRecord::Change(Box::new(changes::record(row)?)));
        let mut behind = None;
        for row in &client.rows(Statement::of(UNNUMBERED)).await.map_err(to_error)? {
            let org: Uuid = Reader::new(row).next().map_err(to_error)?;
            let mut unnumbered = Statement::of(NUMBERED);
            unnumbered.bind(org.into()).push(" ORDER BY c.seq");
            for statement in [numbered(behind, Some(org)), unnumbered] {
                if give(client, statement, outlet, read).await?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            behind = Some(org);
        }
        give(client, numbered(behind, None), outlet, read).await
    }
}

/// The changes that have revisions, of the orgs behind one and up to another.
fn numbered(behind: Option<Uuid>, up_to: Option<Uuid>) -> Statement {
    let mut statement = Statement::of("SELECT ");
    statement.push(changes::COLUMNS).push(" FROM changes WHERE revision IS NOT NULL");
    for (condition, org) in [(" AND org > ", behind), (" AND org <= ", up_to)] {
        if let Some(org) = org {
            statement.push(condition).bind(org.into());
        }
    }
    statement.push(" ORDER BY org, revision");
    statement
}

/// Puts the record of each row; breaks when nobody wants any more.
async fn give(
    client: &AsyncPgConnection,
    statement: Statement,
    outlet: &mut Outlet,
    read: impl Fn(&PgRow) -> Result<StoreRecord>,
) -> Result<ControlFlow<()>> {
    let mut shared = client;
    let mut rows = shared.load(statement).await.map_err(to_error)?;
    while let Some(row) = rows.try_next().await.map_err(to_error)? {
        if outlet.put(read(&row)?).await.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}
