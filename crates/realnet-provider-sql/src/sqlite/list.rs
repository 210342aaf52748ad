//! Lists: from a compiled plan to a page.
//!
//! A list that takes several statements reads from one snapshot: what is written meanwhile is in none of them. Other items
//! that a filter or an order looks at are read from the same.
//!
//! A list is tried where it is asked for when it is likely to be short. It has a small budget there; what does not get by
//! with it is made once more on a thread for what may take long.

mod aggregate;
mod gather;

pub(super) use aggregate::aggregate;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use realnet_core::model::Item;
use realnet_core::provider::{Access, Page};
use realnet_core::query::{Count, Query};
use realnet_core::{ErrorKind, Result, Uuid};

use super::connection::Connection;
use super::dialect::SqliteDialect;
use super::lookup::{StoreLookup, read_items};
use super::patience::{Budget, Patience};
use super::row::{AFTER_ITEM, TypeNames, item_of, light_item};
use super::shared::Shared;
use crate::compile::{Analysis, Catalog as _, Part, Plan, Request, Walker, analyse, requests};
use crate::page::{Collected, Collector, Selection, accepts};
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
    patience: Patience,
    /// The version of the snapshot, where that is known from the beginning.
    version: Option<u64>,
    /// How many rows the parts of the page have given, where they are all there are.
    accepted: u64,
}

/// A page of a list; `None` when it takes, or may take, more than a short budget.
pub(super) fn list(
    shared: &Arc<Shared>,
    access: &Access,
    query: &Query,
    budget: Budget,
) -> Result<Option<Page>> {
    match try_list(shared, access, query, budget) {
        Err(error) if budget.is_short() && error.kind() == ErrorKind::Timeout => Ok(None),
        page => page,
    }
}

fn try_list(shared: &Arc<Shared>, access: &Access, query: &Query, budget: Budget) -> Result<Option<Page>> {
    let only_short = budget.is_short();
    if let Some(cursor) = &query.after {
        cursor.check(&query.order)?;
    }
    let requests = requests(Request::new(access, query, shared));
    let analyses: Vec<_> = requests.into_iter().map(|request| analyse(request, &SqliteDialect)).collect();
    if only_short && analyses.iter().any(|analysis| probes_long(shared, analysis)) {
        return Ok(None);
    }
    let mut reader = shared.pool.take()?;
    let connection = reader.get()?;
    connection.patience().begin(budget);
    let plans: Result<Vec<Plan<'_>>> =
        analyses.iter().map(|analysis| choose(shared, connection, analysis)).collect();
    let plan = Plan::of(plans?);
    let haste = Haste::of(shared, query, &plan);
    if only_short && !haste.is_short(shared) {
        return Ok(None);
    }
    let begun = Instant::now();
    let lookup = StoreLookup::new(&shared.pool, access);
    let patience = connection.patience().clone();
    let mut listing = Listing { shared, access, query, lookup, patience, version: None, accepted: 0 };
    let page = listing.make(connection, &plan, only_short);
    if only_short && page.as_ref().is_err_and(|error| error.kind() == ErrorKind::Timeout) {
        haste.stopped(shared, &plan, &listing.patience);
    }
    let page = page?;
    listing.lookup.check()?;
    if page.is_some() {
        haste.learn(shared, begun.elapsed());
    }
    Ok(page)
}

fn choose<'a>(shared: &Shared, connection: &mut Connection, analysis: &Analysis<'a>) -> Result<Plan<'a>> {
    let counts: Result<Vec<i64>> =
        analysis.probes().iter().map(|probe| shared.probe(connection, probe)).collect();
    Ok(analysis.choose(&counts?))
}

fn probes_long(shared: &Shared, analysis: &Analysis<'_>) -> bool {
    analysis.probes_long() && !analysis.probes().iter().all(|probe| shared.knows_probe(probe))
}

fn takes_one_statement(query: &Query, plan: &Plan<'_>) -> bool {
    query.count == Count::None && matches!(plan.page.as_slice(), [only] if only.takes_one_statement())
}

/// Whether a list is made where it was asked for.
enum Haste {
    /// A few rows along an index, and the total known if it is wanted.
    Short,
    /// What took little time the last times; by the fingerprint of what is read.
    Perhaps(u64),
    /// All of the rows before the page have to be read.
    Long,
}

/// A number for what the page of a list reads.
fn fingerprint(plan: &Plan<'_>) -> u64 {
    plan.page.iter().fold(0, |all: u64, part| all.rotate_left(1) ^ part.fingerprint())
}

impl Haste {
    fn of(shared: &Shared, query: &Query, plan: &Plan<'_>) -> Self {
        let knows =
            |part: &Part<'_>| part.counts_in_sql() && shared.known_total(&part.count_statement()).is_some();
        let knows_total = || query.count == Count::None || plan.is_counted || plan.count.iter().all(knows);
        if query.offset > Query::MAX_LIMIT || !knows_total() {
            return Self::Long;
        }
        if !plan.page.iter().all(Part::is_short) {
            return Self::Perhaps(fingerprint(plan));
        }
        let was_stopped = shared.haste.was_stopped(|| fingerprint(plan), Instant::now());
        if was_stopped { Self::Long } else { Self::Short }
    }

    fn is_short(&self, shared: &Shared) -> bool {
        match self {
            Self::Short => true,
            Self::Perhaps(fingerprint) => shared.haste.is_quick(*fingerprint),
            Self::Long => false,
        }
    }

    /// Takes note of a list that was stopped. That it had no processor for a while is no fault of its own.
    fn stopped(&self, shared: &Shared, plan: &Plan<'_>, patience: &Patience) {
        if matches!(self, Self::Short) && patience.has_seen_much() {
            shared.haste.stop(fingerprint(plan), Instant::now());
        }
    }

    fn learn(&self, shared: &Shared, time: std::time::Duration) {
        if let Self::Perhaps(fingerprint) = self {
            shared.haste.learn(*fingerprint, time, Instant::now());
        }
    }
}

impl Listing<'_> {
    /// The page, of one moment; `None` when it would have to wait, for that or for its total.
    fn make(
        &mut self,
        connection: &mut Connection,
        plan: &Plan<'_>,
        only_short: bool,
    ) -> Result<Option<Page>> {
        if plan.page.iter().chain(&plan.count).any(Part::looks_elsewhere) {
            return self.between_commits(connection, only_short, |listing, connection| {
                listing.page(connection, plan, only_short)
            });
        }
        if takes_one_statement(self.query, plan) {
            return self.page(connection, plan, only_short);
        }
        connection.snapshot(|connection| self.page(connection, plan, only_short))
    }

    /// Reads items and those that they lead to at one moment; `None` when that would have to be waited for.
    fn between_commits<T>(
        &mut self,
        connection: &mut Connection,
        only_short: bool,
        read: impl FnOnce(&mut Self, &mut Connection) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let Some(moment) = self.shared.between_commits(!only_short) else { return Ok(None) };
        self.lookup.begin()?;
        connection.begin_snapshot()?;
        self.version = self.shared.settled_version();
        drop(moment);
        let answer = connection.end_snapshot(|connection| read(self, connection));
        self.lookup.end()?;
        answer
    }

    /// The page; `None` when its total would have to be counted and there is no time for that.
    fn page(
        &mut self,
        connection: &mut Connection,
        plan: &Plan<'_>,
        only_short: bool,
    ) -> Result<Option<Page>> {
        let version = self.shared.settled_version();
        let mut collected = Vec::with_capacity(plan.page.len());
        for part in &plan.page {
            collected.push(self.collect(connection, part, plan.page.len() == 1)?);
        }
        // The first statement has taken the snapshot: if nothing was written around it, it is of this version.
        let version = version.filter(|version| self.shared.settled_version() == Some(*version));
        let version = self.version.or(version);
        let selection = Selection::of(self.query, collected);
        let missing = self.read_again(connection, &selection.missing())?;
        let mut page = selection.page(self.access, self.query, missing, &self.lookup);
        if self.query.count != Count::None {
            page.total = self.total(connection, plan, version, only_short)?;
            if page.total.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(page))
    }

    fn read_again(&self, connection: &mut Connection, ids: &[Uuid]) -> Result<Vec<Item>> {
        read_items(connection, self.access, ids)
    }

    fn collect(&mut self, connection: &mut Connection, part: &Part<'_>, is_only: bool) -> Result<Collected> {
        let mut collector = Collector::new(self.access, self.query, part, is_only);
        // What comes in no order has to be read to its end.
        let ends = part.is_ordered();
        if part.is_ordered() && !part.is_newest_first() {
            self.walk(connection, part, &mut collector)?;
        } else if part.is_light() {
            self.sift(connection, part, |item, size, lookup| {
                collector.push_light(&item, size, lookup) && ends
            })?;
        } else {
            self.stream(connection, part, |row, lookup| collector.push(row, lookup) && ends)?;
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
            let (rows, is_cut) = self.batch(connection, &statement, part.gives_keys())?;
            if is_cut {
                walker.shorten(rows.len());
            }
            for row in walker.advance(rows) {
                self.patience.row(row.item.attributes.size())?;
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
    fn batch(
        &self,
        connection: &mut Connection,
        statement: &Statement,
        with_keys: bool,
    ) -> Result<(Vec<Row>, bool)> {
        let mut types = TypeNames::of(&self.access.registry);
        let (mut rows, mut bytes) = (Vec::new(), 0);
        connection.each(statement, |row| {
            let key = if with_keys { row.bytes(AFTER_ITEM)? } else { None };
            let row = Row { item: Box::new(item_of(&mut types, row)?), key };
            bytes += row.item.size();
            rows.push(row);
            Ok(if bytes > Query::MAX_PAGE_BYTES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        Ok((rows, bytes > Query::MAX_PAGE_BYTES))
    }

    /// Gives the accepted rows to `take` until that has enough.
    fn stream(
        &mut self,
        connection: &mut Connection,
        part: &Part<'_>,
        mut take: impl FnMut(Row, &StoreLookup<'_>) -> bool,
    ) -> Result<()> {
        let statement = part.stream_statement();
        connection.admit(&statement);
        let (access, lookup, patience) = (self.access, &self.lookup, &self.patience);
        let accepted = &mut self.accepted;
        let mut types = TypeNames::of(&access.registry);
        connection.each(&statement, |row| {
            let item = Box::new(item_of(&mut types, row)?);
            patience.row(item.attributes.size())?;
            if accepts(part, access, &item, lookup) {
                *accepted += 1;
                if take(Row { item, key: None }, lookup) {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// As [`Self::stream`], with only those columns that judging and placing takes, and the sizes of the items.
    fn sift(
        &mut self,
        connection: &mut Connection,
        part: &Part<'_>,
        mut take: impl FnMut(Item, usize, &StoreLookup<'_>) -> bool,
    ) -> Result<()> {
        let statement = part.light_statement();
        connection.admit(&statement);
        let (access, lookup, patience) = (self.access, &self.lookup, &self.patience);
        let accepted = &mut self.accepted;
        connection.each(&statement, |row| {
            let (item, size) = light_item(row)?;
            patience.row(0)?;
            if accepts(part, access, &item, lookup) {
                *accepted += 1;
                if take(item, size, lookup) {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// The total; `None` when it is not known and there is no time to count. `version`: that of the snapshot.
    fn total(
        &mut self,
        connection: &mut Connection,
        plan: &Plan<'_>,
        version: Option<u64>,
        only_short: bool,
    ) -> Result<Option<u64>> {
        if plan.is_counted {
            return Ok(Some(self.accepted));
        }
        let mut total: u64 = 0;
        for part in &plan.count {
            if part.counts_in_sql() {
                let statement = part.count_statement();
                let known = version.and_then(|version| self.shared.total_of(&statement, version));
                total += match known {
                    Some(known) => known,
                    None if only_short => return Ok(None),
                    None => self.shared.count(connection, statement, version)?,
                } as u64;
            } else if part.is_light() {
                self.sift(connection, part, |_, _, _| counts(&mut total))?;
            } else {
                self.stream(connection, part, |_, _| counts(&mut total))?;
            }
        }
        Ok(Some(total))
    }
}

/// Counts a row; there are never enough.
fn counts(total: &mut u64) -> bool {
    *total += 1;
    false
}
