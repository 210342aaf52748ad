//! Lists: the compiler's statements run on one connection, their rows checked and collected.
//!
//! A list that takes several statements sees its rows at one moment of the database through all of them, so that no item
//! comes twice and the total is that of the pages. Other items that a scan looks at may be read as they are then. What
//! only steers (which types have items, how many rows a filter gives) is asked before ([`steering`]).
//!
//! Rows come along the order of the list, in batches ([`walk`]), or in no order, as a stream that goes through a heap
//! ([`rows`]).

mod aggregate;
mod rows;
mod steering;
mod walk;

pub(super) use aggregate::aggregate;

use std::time::Duration;

use realnet_core::model::Item;
use realnet_core::provider::{Access, Page};
use realnet_core::query::{Count, Cursor, Query};
use realnet_core::{Error, Result, Uuid};

use super::PostgresStore;
use super::dialect::PostgresDialect;
use super::error::is_lost_connection;
use super::items::by_ids;
use super::lookup::{Ask, Fetched};
use super::moment::{Moment, first};
use super::row;
use crate::compile::{Analysis, Part, Plan, Request, analyse, nothing, requests};
use crate::page::{Collected, Collector, Deadline, Selection};
use crate::statement::Statement;
use steering::Pairs;
use walk::Walk;

/// A page of the readable items that match. A list whose connection turns out to be broken is read once more.
pub(super) async fn list(store: &PostgresStore, access: &Access, query: &Query) -> Result<Page> {
    once_more(|| async {
        let list = List::begin(store, access, query).await?;
        let page = tokio::time::timeout(store.shared.patience(), list.page()).await;
        page.unwrap_or_else(|_| Err(Error::unavailable("the database does not answer")))
    })
    .await
}

/// Reads, and once more when the connection turns out to be broken.
async fn once_more<T, F: Future<Output = Result<T>>>(read: impl Fn() -> F) -> Result<T> {
    match read().await {
        Err(error) if is_lost_connection(&error) => {
            tokio::time::sleep(Duration::from_millis(20)).await;
            read().await
        }
        other => other,
    }
}

/// One list under way.
struct List<'a> {
    store: &'a PostgresStore,
    access: &'a Access,
    query: &'a Query,
    moment: Moment,
    lookup: Fetched,
    deadline: Deadline,
}

impl<'a> List<'a> {
    async fn begin(store: &'a PostgresStore, access: &'a Access, query: &'a Query) -> Result<Self> {
        Ok(Self {
            store,
            access,
            query,
            moment: Moment::new(store.shared.pools.read().await?, query.count != Count::None),
            lookup: Fetched::new(store.shared.config.looked_up_bytes),
            deadline: Deadline::start(),
        })
    }

    async fn page(mut self) -> Result<Page> {
        let (access, query) = (self.access, self.query);
        if query.limit == 0 || query.types.is_empty() {
            return Ok(nothing(query));
        }
        let shared = &self.store.shared;
        let pairs = Pairs { found: self.pairs().await?, few: shared.config.few, numbers: &shared.numbers };
        let requests = requests(Request::new(access, query, &pairs)).into_iter();
        let analyses: Vec<_> = requests.map(|request| analyse(request, &PostgresDialect)).collect();
        let plan = self.choose(&analyses).await?;
        let collected = match self.collect_at_once(&plan).await? {
            Some(collected) => vec![collected],
            None => self.collect_all(&plan).await?,
        };
        let total = match query.count {
            Count::None => None,
            Count::Exact | Count::Estimated => Some(self.total(&plan.count).await?),
        };
        let selection = Selection::of(query, collected);
        let missing = self.read_again(&selection.missing()).await?;
        let mut page = selection.page(access, query, missing, &self.lookup);
        self.place_cursor(&mut page).await?;
        page.total = total;
        Ok(page)
    }

    /// The plan of lists that share no rows, after their probes.
    async fn choose<'b>(&mut self, analyses: &[Analysis<'b>]) -> Result<Plan<'b>> {
        let probes: Vec<Statement> = analyses.iter().flat_map(Analysis::probes).cloned().collect();
        let mut counts = self.probe(&probes).await?.into_iter();
        let plans = analyses.iter().map(|analysis| {
            let own: Vec<i64> = counts.by_ref().take(analysis.probes().len()).collect();
            analysis.choose(&own)
        });
        Ok(Plan::of(plans.collect()))
    }

    /// Makes the cursor anew where what its place depends on had been forgotten meanwhile.
    async fn place_cursor(&mut self, page: &mut Page) -> Result<()> {
        while let (Some(next), Some(last)) = (&page.next, page.items.last()) {
            if !self.lookup.fetch(Ask::Here(self.moment.lease()), self.access).await? {
                break;
            }
            let registry = &self.access.registry;
            page.next = Some(Cursor::behind(registry, self.query, last, next.skipped, &self.lookup));
        }
        Ok(())
    }

    /// The page by one statement, which needs no transaction, if it is likely that one is enough.
    async fn collect_at_once(&mut self, plan: &Plan<'_>) -> Result<Option<Collected>> {
        let query = self.query;
        // Further terms of an order may look at other items.
        let is_simple = query.count == Count::None && query.order.len() < 2;
        let is_short = is_simple && query.offset == 0 && query.limit < Walk::FIRST_BATCH;
        let [part] = plan.page.as_slice() else { return Ok(None) };
        if !is_short || !part.is_ordered() || !part.counts_in_sql() {
            return Ok(None);
        }
        let mut collector = Collector::new(self.access, query, part, true);
        let mut walk = Walk::new(part, query);
        self.step(&mut walk, &mut collector).await?;
        Ok(walk.is_done().then(|| collector.finish()))
    }

    /// The rows of all parts, as of one moment.
    async fn collect_all(&mut self, plan: &Plan<'_>) -> Result<Vec<Collected>> {
        self.moment.open();
        let mut collected = Vec::with_capacity(plan.page.len());
        for part in &plan.page {
            collected.push(self.collect(part, plan.page.len() == 1).await?);
        }
        Ok(collected)
    }

    async fn collect(&mut self, part: &Part<'_>, is_only: bool) -> Result<Collected> {
        let mut collector = Collector::new(self.access, self.query, part, is_only);
        if part.is_ordered() {
            let mut walk = Walk::new(part, self.query);
            while !walk.is_done() {
                self.step(&mut walk, &mut collector).await?;
            }
        } else {
            self.scan(part, |list, rows| {
                for row in rows {
                    collector.push(row, &list.lookup);
                }
                Ok(())
            })
            .await?;
        }
        Ok(collector.finish())
    }

    /// The items of the page that were let go of for their size.
    async fn read_again(&mut self, ids: &[Uuid]) -> Result<Vec<Item>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.moment.rows(by_ids(ids)).await?;
        row::items(&self.access.registry, &rows)
    }

    async fn total(&mut self, parts: &[Part<'_>]) -> Result<u64> {
        let mut total: u64 = 0;
        for part in parts {
            if part.counts_in_sql() {
                total += self.counted(part.count_statement()).await?;
            } else {
                self.scan(part, |_, rows| {
                    total += rows.len() as u64;
                    Ok(())
                })
                .await?;
            }
        }
        Ok(total)
    }

    /// The answer to a statement that counts, if need be from before.
    async fn counted(&mut self, statement: Statement) -> Result<u64> {
        let shared = &self.store.shared;
        let known = self.moment.snapshot().and_then(|at| shared.numbers.total(&statement, at));
        if let Some(total) = known {
            return Ok(u64::try_from(total).unwrap_or(0));
        }
        let total = first(&self.moment.rows(shared.shapes.sort(statement.clone())).await?)?;
        if let Some(snapshot) = self.moment.snapshot() {
            shared.numbers.set_total(statement, snapshot, total);
        }
        Ok(u64::try_from(total).unwrap_or(0))
    }
}
