//! How the core's evaluator finds other items while it judges a candidate.
//!
//! They are read on a second connection, as the first one is in the middle of the candidates. A list that looks at other
//! items takes the snapshots of both between the same two commits.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::ControlFlow;

use realnet_core::acl::Permission;
use realnet_core::model::Item;
use realnet_core::provider::{Access, Budget};
use realnet_core::query::Lookup;
use realnet_core::{Error, Result, Uuid};

use super::connection::Connection;
use super::dialect::SqliteDialect;
use super::pool::{Pool, Reader};
use super::row::{ITEM_COLUMNS, item};
use crate::dialect::Dialect as _;
use crate::statement::Statement;

/// So many items are read by one statement.
const BATCH: usize = 64;
/// So many items are remembered during one list, and of so many bytes together; others are read again.
const MAX_KNOWN: usize = 10_000;
const MAX_KNOWN_BYTES: usize = 32 * 1024 * 1024;

/// Looks items up on a connection of its own, opened when first needed.
pub(super) struct StoreLookup<'a> {
    pool: &'a Pool,
    access: &'a Access,
    state: RefCell<State<'a>>,
}

#[derive(Default)]
struct State<'a> {
    reader: Option<Reader<'a>>,
    items: HashMap<Uuid, Option<Item>>,
    /// Of the items remembered.
    bytes: usize,
    ancestors: HashMap<Uuid, Vec<Uuid>>,
    failure: Option<Error>,
}

impl<'a> StoreLookup<'a> {
    pub(super) fn new(pool: &'a Pool, access: &'a Access) -> Self {
        Self { pool, access, state: RefCell::default() }
    }

    /// Takes a snapshot: all is read as it is now.
    pub(super) fn begin(&self) -> Result<()> {
        self.state.borrow_mut().connection(self.pool)?.begin_snapshot()
    }

    /// Lets go of the snapshot. One that is not let go of is closed together with its connection.
    pub(super) fn end(&self) -> Result<()> {
        let state = &mut *self.state.borrow_mut();
        state.reader.as_mut().map_or(Ok(()), |reader| reader.get()?.commit())
    }

    /// The failure of a look-up, if there was one: its answers can not be trusted then.
    pub(super) fn check(&self) -> Result<()> {
        self.state.borrow_mut().failure.take().map_or(Ok(()), Err)
    }

    fn find(&self, state: &mut State<'a>, id: Uuid) -> Result<Option<Item>> {
        let found = read_item(state.connection(self.pool)?, self.access, id)?;
        Ok(found.filter(|item| self.access.allows(item, Permission::Read)))
    }
}

impl<'a> State<'a> {
    fn connection(&mut self, pool: &'a Pool) -> Result<&mut Connection> {
        let reader = match self.reader.take() {
            Some(reader) => reader,
            None => pool.take()?,
        };
        self.reader.insert(reader).get()
    }
}

impl Lookup for StoreLookup<'_> {
    fn item(&self, id: Uuid) -> Option<Item> {
        let mut state = self.state.borrow_mut();
        if let Some(known) = state.items.get(&id) {
            return known.clone();
        }
        let found = self.find(&mut state, id).unwrap_or_else(|error| {
            state.failure = Some(error);
            None
        });
        let size = found.as_ref().map_or(0, Item::size);
        if state.items.len() < MAX_KNOWN && state.bytes + size <= MAX_KNOWN_BYTES {
            state.bytes += size;
            state.items.insert(id, found.clone());
        }
        found
    }

    fn ancestors(&self, id: Uuid) -> Vec<Uuid> {
        let mut state = self.state.borrow_mut();
        if let Some(known) = state.ancestors.get(&id) {
            return known.clone();
        }
        let found = state
            .connection(self.pool)
            .and_then(|connection| read_ancestors(connection, id, Item::MAX_DEPTH));
        let found = found.unwrap_or_else(|error| {
            state.failure = Some(error);
            Vec::new()
        });
        if state.ancestors.len() < MAX_KNOWN {
            state.ancestors.insert(id, found.clone());
        }
        found
    }
}

/// An item, whoever may read it.
pub(super) fn read_item(connection: &mut Connection, access: &Access, id: Uuid) -> Result<Option<Item>> {
    let mut statement = Statement::of("SELECT ");
    statement.push(ITEM_COLUMNS).push(" FROM items i WHERE i.id = ").bind(id.into());
    connection.first(&statement, |row| item(&access.registry, row))
}

/// Items, whoever may read them, in any order.
pub(super) fn read_items(connection: &mut Connection, access: &Access, ids: &[Uuid]) -> Result<Vec<Item>> {
    let mut items = Vec::with_capacity(ids.len());
    each_item(connection, access, ids, |item| {
        items.push(item);
        Ok(())
    })?;
    Ok(items)
}

/// Items that the caller may read, in any order; refused when they are too large together.
pub(super) fn readable_items(
    connection: &mut Connection,
    access: &Access,
    ids: &[Uuid],
) -> Result<Vec<Item>> {
    let mut items = Vec::with_capacity(ids.len());
    let mut budget = Budget::default();
    each_item(connection, access, ids, |item| {
        // The item has its grants with it, so the rule needs no second table.
        if access.allows(&item, Permission::Read) {
            if !budget.admits(item.size()) {
                return Err(Budget::exceeded());
            }
            items.push(item);
        }
        Ok(())
    })?;
    Ok(items)
}

fn each_item(
    connection: &mut Connection,
    access: &Access,
    ids: &[Uuid],
    mut take: impl FnMut(Item) -> Result<()>,
) -> Result<()> {
    for ids in ids.chunks(BATCH) {
        let mut statement = Statement::of("SELECT ");
        statement.push(ITEM_COLUMNS).push(" FROM items i WHERE ");
        SqliteDialect.ids_in("i.id", ids, &mut statement);
        connection.admit(&statement);
        connection.each(&statement, |row| {
            take(item(&access.registry, row)?)?;
            Ok(ControlFlow::Continue(()))
        })?;
    }
    Ok(())
}

/// The ancestors of an item, nearest first.
pub(super) fn read_ancestors(connection: &mut Connection, id: Uuid, limit: usize) -> Result<Vec<Uuid>> {
    let mut statement = Statement::of(
        "WITH RECURSIVE up(id, depth) AS (SELECT c.parent, 1 FROM items c WHERE c.parent IS NOT NULL AND c.id = ",
    );
    statement.bind(id.into()).push(
        " UNION ALL SELECT c.parent, up.depth + 1 FROM up CROSS JOIN items c ON c.id = up.id \
         WHERE c.parent IS NOT NULL AND up.depth < ",
    );
    statement.bind((limit as i64).into()).push(") SELECT id FROM up ORDER BY depth");
    connection.rows(&statement, |row| row.id(0))
}
