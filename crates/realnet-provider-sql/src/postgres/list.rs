//! Lists: the compiler's statements run on one connection, their rows checked and collected.
//!
//! A list that takes several statements sees its rows at one moment of the database through all of them, so that no item
//! comes twice and the total is that of the pages. Other items that a scan looks at may be read as they are then. What
//! only steers (which types have items, how many rows a filter gives) is asked before.

use std::time::Duration;

use futures::TryStreamExt as _;
use realnet_core::model::Item;
use realnet_core::provider::{Access, Page};
use realnet_core::query::{Count, Cursor, OrderKey, OrgScope, Query};
use realnet_core::{Error, Result, Uuid};

use super::PostgresStore;
use super::dialect::PostgresDialect;
use super::error::{is_lost_connection, to_error};
use super::items::by_ids;
use super::lookup::{Ask, Fetched};
use super::moment::{Moment, first};
use super::row;
use super::run::{PgRow, Reader};
use crate::compile::{Catalog, Part, Plan, Request, Walker, analyse};
use crate::page::{Collected, Collector, Deadline, Selection, accepts};
use crate::row::Row;
use crate::statement::Statement;

/// Up to so many types each gets a branch of its own without asking which of them have items.
const FEW_TYPES: usize = 4;
/// More branches than this are not worth it.
const MANY_PAIRS: usize = 200;
/// Rows that are checked at once when they come in no order.
const CHUNK: usize = 256;
/// Rows of the first statement of a walk at most: nothing is known of their size yet.
const FIRST_BATCH: usize = 128;
/// Rows of later ones at most.
const LARGEST_BATCH: usize = 4_096;

/// A page of the readable items that match. A list whose connection turns out to be broken is read once more.
pub(super) async fn list(store: &PostgresStore, access: &Access, query: &Query) -> Result<Page> {
    let whole = store.shared.patience();
    match List::begin(store, access, query).await?.within(whole).await {
        Err(error) if is_lost_connection(&error) => {
            tokio::time::sleep(Duration::from_millis(20)).await;
            List::begin(store, access, query).await?.within(whole).await
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

/// Rows that were read together.
#[derive(Default)]
struct Batch {
    rows: Vec<Row>,
    bytes: usize,
    /// Whether there were more, too large to be kept.
    is_cut: bool,
}

/// A way along the order of a part.
struct Walk<'p, 'a> {
    part: &'p Part<'a>,
    walker: Walker<'p, 'a>,
    /// How many times the missing rows are read at once.
    factor: usize,
    /// The most rows that there is room for.
    at_most: usize,
    is_complete: bool,
}

/// The pairs of org and type that may hold items.
struct Pairs {
    pairs: Option<Vec<(Uuid, Uuid)>>,
    few: usize,
}

impl Catalog for Pairs {
    fn populated(&self, _: OrgScope, types: &[Uuid]) -> Option<Vec<(Uuid, Uuid)>> {
        let pairs = self.pairs.as_ref()?;
        Some(pairs.iter().filter(|(_, id)| types.contains(id)).copied().collect())
    }

    fn few(&self) -> usize {
        self.few
    }
}

impl<'a> List<'a> {
    async fn begin(store: &'a PostgresStore, access: &'a Access, query: &'a Query) -> Result<Self> {
        Ok(Self {
            store,
            access,
            query,
            moment: Moment::new(store.shared.pools.read().await?, query.count != Count::None),
            lookup: Fetched::default(),
            deadline: Deadline::start(),
        })
    }

    /// The page, or an error when the server does not answer in time.
    async fn within(self, patience: Duration) -> Result<Page> {
        match tokio::time::timeout(patience, self.page()).await {
            Ok(result) => result,
            Err(_) => Err(Error::unavailable("the database does not answer")),
        }
    }

    async fn page(mut self) -> Result<Page> {
        let (access, query) = (self.access, self.query);
        if query.limit == 0 || query.types.is_empty() {
            let total = (query.count != Count::None).then_some(0);
            return Ok(Page { items: Vec::new(), next: None, total });
        }
        let few = self.store.shared.config.few;
        let pairs = Pairs { pairs: self.pairs().await?, few };
        let request = Request::new(access, query, &pairs);
        let analysis = analyse(request, &PostgresDialect);
        let counts = self.probe(analysis.probes()).await?;
        let plan = analysis.choose(&counts);
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
        let is_short = is_simple && query.offset == 0 && query.limit < FIRST_BATCH;
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

    /// Which types of one org have items, found by hopping along the index from type to type.
    async fn pairs(&mut self) -> Result<Option<Vec<(Uuid, Uuid)>>> {
        let OrgScope::One(org) = self.query.scope else { return Ok(None) };
        let of = |types: &[Uuid]| types.iter().map(|id| (org, *id)).collect();
        if self.query.types.len() <= FEW_TYPES {
            return Ok(Some(of(&self.query.types)));
        }
        let mut statement = Statement::of(
            "WITH RECURSIVE hop (type) AS (\
             (SELECT type FROM items WHERE org = ",
        );
        statement
            .bind(org.into())
            .push(" ORDER BY type LIMIT 1) UNION ALL SELECT (SELECT n.type FROM items n WHERE n.org = ");
        statement.bind(org.into()).push(
            " AND n.type > hop.type ORDER BY n.type LIMIT 1) FROM hop WHERE hop.type IS NOT NULL) \
             SELECT type FROM hop WHERE type IS NOT NULL",
        );
        let rows = self.moment.rows(statement).await?;
        let mut present = Vec::with_capacity(rows.len());
        for row in &rows {
            present.push(Reader::new(row).next::<Uuid>().map_err(to_error)?);
        }
        present.retain(|id| self.query.types.contains(id));
        Ok((present.len() <= MANY_PAIRS).then(|| of(&present)))
    }

    /// Runs the probes that have not been run lately, in one round trip.
    async fn probe(&mut self, probes: &[Statement]) -> Result<Vec<i64>> {
        let shared = &self.store.shared;
        let known: Vec<Option<i64>> = probes.iter().map(|probe| shared.numbers.probe(probe)).collect();
        let new: Vec<&Statement> =
            probes.iter().zip(&known).filter(|(_, count)| count.is_none()).map(|(probe, _)| probe).collect();
        if new.is_empty() {
            return Ok(known.into_iter().flatten().collect());
        }
        let answers = self.moment.ask(new.iter().map(|probe| shared.shapes.sort((*probe).clone()))).await?;
        let mut counts = answers.iter().zip(new).map(|(rows, probe)| -> Result<i64> {
            let count = first(rows)?;
            shared.numbers.set_probe(probe.clone(), count);
            Ok(count)
        });
        known.into_iter().map(|count| count.map_or_else(|| counts.next().unwrap_or(Ok(0)), Ok)).collect()
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
            })
            .await?;
        }
        Ok(collector.finish())
    }

    /// Reads the next rows along the order.
    async fn step(&mut self, walk: &mut Walk<'_, '_>, collector: &mut Collector<'_>) -> Result<()> {
        // One row more than needed shows where a group of equal values ends.
        let is_plain = walk.part.is_exact() && walk.walker.is_straight();
        let needed = collector.missing() + usize::from(!is_plain);
        let Some(statement) = walk.walker.statement((needed * walk.factor).min(walk.at_most)) else {
            walk.is_complete = true;
            return Ok(());
        };
        let batch = self.batch(statement).await?;
        if batch.is_cut {
            walk.walker.shorten(batch.rows.len());
        }
        walk.at_most = fitting(&batch);
        let (read, missing) = (batch.rows.len(), collector.missing());
        for row in self.accepted(walk.part, walk.walker.advance(batch.rows), false).await? {
            if collector.push(row, &self.lookup) {
                walk.is_complete = true;
                return Ok(());
            }
        }
        // Where not all rows are of use, larger steps cost less.
        if missing < collector.missing() + read {
            walk.factor = (walk.factor * 2).min(64);
        }
        Ok(())
    }

    /// The rows of a statement as far as there is room for them.
    async fn batch(&mut self, statement: Statement) -> Result<Batch> {
        let statement = self.store.shared.shapes.sort(statement);
        let mut stream = self.moment.stream(statement).await?;
        let mut batch = Batch::default();
        while let Some(row) = stream.try_next().await.map_err(to_error)? {
            // Those behind are read as well: before its last row the connection takes no other statement.
            batch.is_cut = batch.bytes > Query::MAX_PAGE_BYTES;
            if !batch.is_cut {
                batch.push(self.read(&row)?);
            }
        }
        self.moment.lease().finished();
        Ok(batch)
    }

    /// Reads all rows of a part as they come, and gives those that belong to the list.
    async fn scan(&mut self, part: &Part<'_>, mut take: impl FnMut(&Self, Vec<Row>) + Send) -> Result<()> {
        let statement = self.store.shared.shapes.sort(part.stream_statement());
        let mut stream = self.moment.stream(statement).await?;
        let mut is_end = false;
        while !is_end {
            let mut chunk = Batch::default();
            while chunk.rows.len() < CHUNK && chunk.bytes < Query::MAX_PAGE_BYTES {
                let Some(row) = stream.try_next().await.map_err(to_error)? else {
                    self.moment.lease().finished();
                    is_end = true;
                    break;
                };
                chunk.push(self.read(&row)?);
            }
            let rows = self.accepted(part, chunk.rows, true).await?;
            take(self, rows);
        }
        Ok(())
    }

    fn read(&self, row: &PgRow) -> Result<Row> {
        let mut reader = Reader::new(row);
        let item = row::read_item(&self.access.registry, &mut reader)?;
        let key = reader.next().map_err(to_error)?;
        Ok(Row { item, key })
    }

    /// The rows that belong to the list, as far as SQL has left that open. What they look at elsewhere is fetched,
    /// also what their places in the order depend on.
    async fn accepted(&mut self, part: &Part<'_>, rows: Vec<Row>, is_streaming: bool) -> Result<Vec<Row>> {
        loop {
            for _ in &rows {
                self.deadline.check()?;
            }
            let mut accepted = Vec::with_capacity(rows.len());
            for (index, row) in rows.iter().enumerate() {
                if accepts(part, self.access, &row.item, &self.lookup) {
                    if !self.query.order.is_empty() {
                        let _ = realnet_core::query::sort_keys(
                            &self.access.registry,
                            &self.query.order,
                            &row.item,
                            &self.lookup,
                        );
                    }
                    accepted.push(index);
                }
            }
            let ask = if is_streaming {
                Ask::Elsewhere(&self.store.shared)
            } else {
                Ask::Here(self.moment.lease())
            };
            if !self.lookup.fetch(ask, self.access).await? {
                let mut wanted = accepted.into_iter().peekable();
                let belongs = |(index, row)| wanted.next_if_eq(&index).map(|_| row);
                return Ok(rows.into_iter().enumerate().filter_map(belongs).collect());
            }
        }
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
                self.scan(part, |_, rows| total += rows.len() as u64).await?;
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

impl<'p, 'a> Walk<'p, 'a> {
    fn new(part: &'p Part<'a>, query: &Query) -> Self {
        // Ranked lists go on by number. A search by words that are rare reads all matches for each statement.
        let is_ranked = query.order.iter().any(|term| term.key == OrderKey::Relevance);
        let walker = Walker::new(part, query.after.as_ref().filter(|_| !is_ranked));
        let at_most = if is_ranked { LARGEST_BATCH } else { FIRST_BATCH };
        Self { part, walker, factor: 1, at_most, is_complete: false }
    }

    /// Whether there are no rows left, or none needed.
    fn is_done(&self) -> bool {
        self.is_complete || self.walker.is_at_end()
    }
}

impl Batch {
    fn push(&mut self, row: Row) {
        self.bytes += row.item.size();
        self.rows.push(row);
    }
}

/// How many rows the next batch may have, given the sizes of those in the last one.
fn fitting(last: &Batch) -> usize {
    let each = last.bytes / last.rows.len().max(1);
    (Query::MAX_PAGE_BYTES / each.max(1)).clamp(2, LARGEST_BATCH)
}
