//! Aggregates: the parts that would count a list, by the columns that matter where SQL knows them, else item by item.

use std::ops::ControlFlow;
use std::sync::Arc;

use realnet_core::Result;
use realnet_core::model::Item;
use realnet_core::provider::Access;
use realnet_core::query::aggregate::{GroupRow, Tally};
use realnet_core::query::{Aggregate, Lookup};

use super::super::connection::Connection;
use super::super::dialect::SqliteDialect;
use super::super::lookup::StoreLookup;
use super::super::patience::Budget;
use super::super::shared::Shared;
use super::gather::Gather;
use super::{Listing, choose};
use crate::compile::{ByKey, Grouping, Groupings, Part, Plan, Request, Way, analyse, requests};

/// The figures of an aggregate, of one moment. It may take as long as any list.
pub(in crate::sqlite) fn aggregate(
    shared: &Arc<Shared>,
    access: &Access,
    aggregate: &Aggregate,
) -> Result<Vec<GroupRow>> {
    let query = &aggregate.query;
    let requests = requests(Request::new(access, query, shared));
    let analyses: Vec<_> = requests.into_iter().map(|request| analyse(request, &SqliteDialect)).collect();
    let mut reader = shared.pool.take()?;
    let connection = reader.get()?;
    connection.patience().begin(Budget::LONG);
    let plans: Result<Vec<Plan<'_>>> =
        analyses.iter().map(|analysis| choose(shared, connection, analysis)).collect();
    let plan = Plan::of(plans?);
    let lookup = StoreLookup::new(&shared.pool, access);
    let patience = connection.patience().clone();
    let mut listing = Listing { shared, access, query, lookup, patience, version: None, accepted: 0 };
    let (groupings, tally) =
        (Groupings::of(aggregate, &SqliteDialect), Tally::new(aggregate, &access.registry));
    let mut reckoning = Reckoning { aggregate, access, groupings, tally };
    if plan.page.iter().chain(&plan.count).any(Part::looks_elsewhere) {
        listing.between_commits(connection, false, |listing, connection| {
            reckoning.take(listing, connection, &plan).map(Some)
        })?;
    } else {
        connection.snapshot(|connection| reckoning.take(&mut listing, connection, &plan))?;
    }
    listing.lookup.check()?;
    reckoning.tally.finish()
}

/// An aggregate under way.
struct Reckoning<'a> {
    aggregate: &'a Aggregate,
    access: &'a Access,
    groupings: Groupings<'a>,
    tally: Tally<'a>,
}

impl Reckoning<'_> {
    fn take(
        &mut self,
        listing: &mut Listing<'_>,
        connection: &mut Connection,
        plan: &Plan<'_>,
    ) -> Result<()> {
        if !self.take_parts(listing, connection, plan)? {
            self.groupings.forget_keys();
            self.tally = Tally::new(self.aggregate, &self.access.registry);
            self.take_parts(listing, connection, plan)?;
        }
        Ok(())
    }

    /// Answers whether every value could be told.
    fn take_parts(
        &mut self,
        listing: &mut Listing<'_>,
        connection: &mut Connection,
        plan: &Plan<'_>,
    ) -> Result<bool> {
        for part in self.groupings.parts(plan) {
            match self.groupings.way(part) {
                Way::ByKey => {
                    if !take_keys(&mut self.tally, listing, connection, part)? {
                        return Ok(false);
                    }
                }
                Way::Columns(grouping) => {
                    take_columns(&mut self.tally, grouping, listing, connection, part)?;
                }
                Way::Items => take_items(&mut self.tally, listing, connection, part)?,
            }
        }
        Ok(true)
    }
}

/// Answers whether every key has told its value.
fn take_keys(
    tally: &mut Tally<'_>,
    listing: &Listing<'_>,
    connection: &mut Connection,
    part: &Part<'_>,
) -> Result<bool> {
    let statement = part.key_statement();
    let mut is_told = true;
    connection.admit(&statement);
    connection.each(&statement, |row| {
        listing.patience.row(0)?;
        match ByKey::read(&row.bytes(0)?.unwrap_or_default(), row.integer(1)?) {
            Some(partial) => tally.partial(partial)?,
            None => is_told = false,
        }
        Ok(if is_told { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok(is_told)
}

/// Groups the rows here: SQLite would sort all of them in memory.
fn take_columns(
    tally: &mut Tally<'_>,
    grouping: &Grouping<'_>,
    listing: &Listing<'_>,
    connection: &mut Connection,
    part: &Part<'_>,
) -> Result<()> {
    let registry = &listing.access.registry;
    if grouping.grouped() == 0 && grouping.measures().is_empty() {
        let count = listing.shared.count(connection, part.count_statement(), None)?;
        let count = u64::try_from(count).unwrap_or_default();
        return tally.partial(grouping.read(registry, Vec::new(), count, Vec::new())?);
    }
    let mut gather = Gather::new(grouping);
    for statement in part.column_statements(grouping) {
        connection.admit(&statement);
        connection.each(&statement, |row| {
            listing.patience.row(0)?;
            gather.row(row, registry, tally)?;
            Ok(ControlFlow::Continue(()))
        })?;
    }
    gather.end(registry, tally)
}

fn take_items(
    tally: &mut Tally<'_>,
    listing: &mut Listing<'_>,
    connection: &mut Connection,
    part: &Part<'_>,
) -> Result<()> {
    let mut failure = None;
    // There are enough when it can not be told any more.
    let mut take = |item: &Item, lookup: &dyn Lookup| {
        failure = tally.item(item, lookup).err();
        failure.is_some()
    };
    if part.is_light() {
        listing.sift(connection, part, |item, _, lookup| take(&item, lookup))?;
    } else {
        listing.stream(connection, part, |row, lookup| take(&row.item, lookup))?;
    }
    failure.map_or(Ok(()), Err)
}
