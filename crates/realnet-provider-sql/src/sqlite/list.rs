//! Lists: from a compiled plan to a page.

use std::ops::ControlFlow;
use std::sync::Arc;

use realnet_core::Result;
use realnet_core::provider::{Access, Page};
use realnet_core::query::{Count, Query};

use super::connection::Connection;
use super::dialect::SqliteDialect;
use super::lookup::{StoreLookup, read_item};
use super::row::{AFTER_ITEM, item};
use super::shared::Shared;
use crate::compile::{Analysis, Catalog as _, Part, Plan, Request, Walker, analyse};
use crate::page::{Collected, Collector, Deadline, Selection, accepts};
use crate::row::Row;
use crate::statement::Statement;

/// Rows of the first batch of a walk whose rows the core has still to judge.
const FIRST_BATCH: usize = 128;
/// Rows of the largest batch.
const LARGEST_BATCH: usize = 4096;

/// One list under way.
struct Listing<'a> {
    shared: &'a Arc<Shared>,
    access: &'a Access,
    query: &'a Query,
    lookup: StoreLookup<'a>,
    deadline: Deadline,
}

/// A page of a list. `only_short`: gives up with `None` when it may take long.
pub(super) fn list(
    shared: &Arc<Shared>,
    access: &Access,
    query: &Query,
    only_short: bool,
) -> Result<Option<Page>> {
    if let Some(cursor) = &query.after {
        cursor.check(&query.order)?;
    }
    let analysis = analyse(Request { access, query, catalog: shared }, &SqliteDialect);
    if only_short && analysis.probes_long() {
        return Ok(None);
    }
    let mut reader = shared.pool.take()?;
    let connection = reader.get()?;
    let plan = choose(shared, connection, &analysis)?;
    if only_short && !is_short(shared, query, &plan) {
        return Ok(None);
    }
    let lookup = StoreLookup::new(&shared.pool, access);
    let mut listing = Listing { shared, access, query, lookup, deadline: Deadline::start() };
    let mut collected = Vec::with_capacity(plan.page.len());
    for part in &plan.page {
        collected.push(listing.collect(connection, part, plan.page.len() == 1)?);
    }
    let selection = Selection::of(query, collected);
    let mut missing = Vec::new();
    for id in selection.missing() {
        missing.extend(read_item(connection, access, id)?);
    }
    let mut page = selection.page(access, query, missing, &listing.lookup);
    if query.count != Count::None {
        page.total = Some(listing.count(connection, &plan)?);
    }
    listing.lookup.check()?;
    Ok(Some(page))
}

fn choose<'a>(shared: &Shared, connection: &mut Connection, analysis: &Analysis<'a>) -> Result<Plan<'a>> {
    let counts: Result<Vec<i64>> =
        analysis.probes().iter().map(|probe| shared.probe(connection, probe)).collect();
    Ok(analysis.choose(&counts?))
}

/// Whether everything is a few rows along an index, and the total known if it is wanted.
fn is_short(shared: &Shared, query: &Query, plan: &Plan<'_>) -> bool {
    let total = query.count == Count::None
        || plan
            .count
            .iter()
            .all(|part| part.counts_in_sql() && shared.known_total(&part.count_statement()).is_some());
    total && query.offset <= Query::MAX_LIMIT && plan.page.iter().all(Part::is_short)
}

impl Listing<'_> {
    fn collect(&mut self, connection: &mut Connection, part: &Part<'_>, is_only: bool) -> Result<Collected> {
        let mut collector = Collector::new(self.access, self.query, part, is_only);
        if part.is_ordered() {
            self.walk(connection, part, &mut collector)?;
        } else {
            self.stream(connection, part, |row, lookup| {
                collector.push(row, lookup);
            })?;
        }
        Ok(collector.finish())
    }

    fn walk(
        &mut self,
        connection: &mut Connection,
        part: &Part<'_>,
        collector: &mut Collector<'_>,
    ) -> Result<()> {
        let judges = !part.counts_in_sql();
        let mut walker = Walker::new(part, self.query.after.as_ref());
        let mut batch = if judges { FIRST_BATCH.min(self.shared.few()) } else { 0 };
        // One row more than needed shows where a group of equal values ends.
        while let Some(statement) = walker.statement(batch.max((collector.missing() + 1).min(LARGEST_BATCH)))
        {
            connection.admit(&statement);
            let (rows, is_cut) = self.batch(connection, &statement)?;
            if is_cut {
                walker.shorten(rows.len());
            }
            for row in walker.advance(rows) {
                self.deadline.check()?;
                if (!judges || accepts(part, self.access, &row.item, &self.lookup))
                    && collector.push(row, &self.lookup)
                {
                    return Ok(());
                }
            }
            batch = (batch * 4).min(LARGEST_BATCH);
        }
        Ok(())
    }

    /// The rows of a statement as far as they are not too large together, and whether they ended for that.
    fn batch(&self, connection: &mut Connection, statement: &Statement) -> Result<(Vec<Row>, bool)> {
        let registry = &self.access.registry;
        let (mut rows, mut bytes) = (Vec::new(), 0);
        connection.each(statement, |row| {
            let row = Row { item: item(registry, row)?, key: row.bytes(AFTER_ITEM)? };
            bytes += row.item.size();
            rows.push(row);
            Ok(if bytes > Query::MAX_PAGE_BYTES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        Ok((rows, bytes > Query::MAX_PAGE_BYTES))
    }

    /// Gives all accepted rows to `take`, in any order.
    fn stream(
        &mut self,
        connection: &mut Connection,
        part: &Part<'_>,
        mut take: impl FnMut(Row, &StoreLookup<'_>),
    ) -> Result<()> {
        let statement = part.stream_statement();
        connection.admit(&statement);
        let (access, lookup, deadline) = (self.access, &self.lookup, &mut self.deadline);
        connection.each(&statement, |row| {
            deadline.check()?;
            let item = item(&access.registry, row)?;
            if accepts(part, access, &item, lookup) {
                take(Row { item, key: None }, lookup);
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    fn count(&mut self, connection: &mut Connection, plan: &Plan<'_>) -> Result<u64> {
        let mut total: u64 = 0;
        for part in &plan.count {
            if part.counts_in_sql() {
                total += self.shared.total(connection, part.count_statement())? as u64;
            } else {
                self.stream(connection, part, |_, _| total += 1)?;
            }
        }
        Ok(total)
    }
}
