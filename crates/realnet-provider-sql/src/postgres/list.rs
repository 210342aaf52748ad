//! Lists: the compiler's statements run on one connection, their rows checked and collected.
//!
//! A list that takes several statements sees one moment of the database through all of them (`REPEATABLE READ`), so that
//! no item comes twice and the total is that of the pages. The transaction begins in the round trip of the first
//! statement and ends behind the answer.

use std::time::Duration;

use futures::TryStreamExt as _;
use realnet_core::model::Item;
use realnet_core::provider::{Access, Page};
use realnet_core::query::{Count, OrgScope, Query};
use realnet_core::{Error, Result, Uuid};

use super::PostgresStore;
use super::dialect::PostgresDialect;
use super::error::{is_lost_connection, to_error};
use super::items::by_ids;
use super::lease::{Lease, RowStream};
use super::lookup::{Ask, Fetched};
use super::row;
use super::run::{Column, PgRow, Reader};
use super::totals::SNAPSHOT;
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
    lease: Lease,
    /// Whether the next statement is the first of a transaction.
    is_opening: bool,
    /// The snapshot of the transaction, where a total is wanted.
    snapshot: Option<String>,
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
            lease: store.shared.pools.read().await?,
            is_opening: false,
            snapshot: None,
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
        let request = Request { access, query, catalog: &pairs };
        let analysis = analyse(request, &PostgresDialect);
        let counts = self.probe(analysis.probes()).await?;
        let plan = analysis.choose(&counts);
        if !self.is_one_statement(&plan) {
            self.open();
        }
        let mut collected = Vec::with_capacity(plan.page.len());
        for part in &plan.page {
            collected.push(self.collect(part, plan.page.len() == 1).await?);
        }
        let total = match query.count {
            Count::None => None,
            Count::Exact | Count::Estimated => Some(self.total(&plan.count).await?),
        };
        let selection = Selection::of(query, collected);
        let missing = self.read_again(&selection.missing()).await?;
        let mut page = selection.page(access, query, missing, &self.lookup);
        page.total = total;
        Ok(page)
    }

    /// Whether the page is the answer to the next statement, which is the only one.
    fn is_one_statement(&self, plan: &Plan<'_>) -> bool {
        let [part] = plan.page.as_slice() else { return false };
        let query = self.query;
        let is_short = query.count == Count::None && query.offset == 0 && query.limit < FIRST_BATCH;
        let is_plain = part.is_exact() && part.counts_in_sql();
        is_short && is_plain && Walker::new(part, query.after.as_ref()).is_straight()
    }

    /// Makes the next statement the first of a transaction, unless it is open already.
    fn open(&mut self) {
        self.is_opening = !self.lease.is_open();
    }

    /// What goes before the next statement.
    fn opening(&mut self) -> Vec<Statement> {
        if !std::mem::take(&mut self.is_opening) {
            return Vec::new();
        }
        self.lease.set_open(true);
        let mut statements = vec![Statement::of("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")];
        if self.query.count != Count::None {
            statements.push(Statement::of(SNAPSHOT));
        }
        statements
    }

    /// Takes note of the answers to [`Self::opening`].
    fn opened(&mut self, answers: &[Vec<PgRow>]) -> Result<()> {
        if let [_begin, snapshot] = answers {
            self.snapshot = Some(first(snapshot)?);
        }
        Ok(())
    }

    /// The answers to statements, in one round trip.
    async fn ask(&mut self, statements: impl IntoIterator<Item = Statement>) -> Result<Vec<Vec<PgRow>>> {
        let mut all = self.opening();
        let before = all.len();
        all.extend(statements);
        let mut answers = self.lease.all(all).await.map_err(to_error)?;
        let wanted = answers.split_off(before);
        self.opened(&answers)?;
        Ok(wanted)
    }

    /// The rows of a statement as they come.
    async fn stream(&mut self, statement: Statement) -> Result<RowStream> {
        let statement = self.store.shared.shapes.sort(statement);
        let opening = self.opening();
        let (answers, rows) = self.lease.stream(opening, statement).await.map_err(to_error)?;
        self.opened(&answers)?;
        Ok(rows)
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
        self.open();
        let rows = self.ask([statement]).await?.pop().unwrap_or_default();
        let mut present = Vec::with_capacity(rows.len());
        for row in &rows {
            present.push(Reader::new(row).next::<Uuid>().map_err(to_error)?);
        }
        present.retain(|id| self.query.types.contains(id));
        Ok((present.len() <= MANY_PAIRS).then(|| of(&present)))
    }

    /// Runs the probes in one round trip.
    async fn probe(&mut self, probes: &[Statement]) -> Result<Vec<i64>> {
        if probes.is_empty() {
            return Ok(Vec::new());
        }
        self.open();
        let shapes = &self.store.shared.shapes;
        let answers = self.ask(probes.iter().map(|probe| shapes.sort(probe.clone()))).await?;
        answers.iter().map(|rows| first(rows)).collect()
    }

    async fn collect(&mut self, part: &Part<'_>, is_only: bool) -> Result<Collected> {
        let mut collector = Collector::new(self.access, self.query, part, is_only);
        if part.is_ordered() {
            self.walk(part, &mut collector).await?;
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

    /// Reads along the order until the page is complete.
    async fn walk(&mut self, part: &Part<'_>, collector: &mut Collector<'_>) -> Result<()> {
        let mut walker = Walker::new(part, self.query.after.as_ref());
        let (mut factor, mut at_most) = (1, FIRST_BATCH);
        loop {
            // One row more than needed shows where a group of equal values ends.
            let needed = collector.missing() + usize::from(!walker.is_straight());
            let Some(statement) = walker.statement((needed * factor).min(at_most)) else { return Ok(()) };
            let batch = self.batch(statement).await?;
            if batch.is_cut {
                walker.shorten(batch.rows.len());
            }
            at_most = fitting(&batch);
            let (read, missing) = (batch.rows.len(), collector.missing());
            for row in self.accepted(part, walker.advance(batch.rows), false).await? {
                if collector.push(row, &self.lookup) {
                    return Ok(());
                }
            }
            // Where not all rows are of use, larger steps cost less.
            if missing < collector.missing() + read {
                factor = (factor * 2).min(64);
            }
        }
    }

    /// The rows of a statement as far as there is room for them.
    async fn batch(&mut self, statement: Statement) -> Result<Batch> {
        let mut stream = self.stream(statement).await?;
        let mut batch = Batch::default();
        while let Some(row) = stream.try_next().await.map_err(to_error)? {
            // Those behind are read as well: before its last row the connection takes no other statement.
            batch.is_cut = batch.bytes > Query::MAX_PAGE_BYTES;
            if !batch.is_cut {
                batch.push(self.read(&row)?);
            }
        }
        self.lease.finished();
        Ok(batch)
    }

    /// Reads all rows of a part as they come, and gives those that belong to the list.
    async fn scan(&mut self, part: &Part<'_>, mut take: impl FnMut(&Self, Vec<Row>) + Send) -> Result<()> {
        let mut stream = self.stream(part.stream_statement()).await?;
        let mut is_end = false;
        while !is_end {
            let mut chunk = Batch::default();
            while chunk.rows.len() < CHUNK && chunk.bytes < Query::MAX_PAGE_BYTES {
                let Some(row) = stream.try_next().await.map_err(to_error)? else {
                    self.lease.finished();
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
        for _ in &rows {
            self.deadline.check()?;
        }
        loop {
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
            let ask =
                if is_streaming { Ask::Elsewhere(&self.store.shared) } else { Ask::Here(&mut self.lease) };
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
        let rows = self.ask([by_ids(ids)]).await?.pop().unwrap_or_default();
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
        let snapshot = self.snapshot.clone().unwrap_or_default();
        if let Some(total) = shared.totals.known(&statement, &snapshot) {
            return Ok(total);
        }
        let answers = self.ask([shared.shapes.sort(statement.clone())]).await?;
        let count: i64 = first(answers.first().map_or(&[], Vec::as_slice))?;
        let total = u64::try_from(count).unwrap_or(0);
        if !snapshot.is_empty() {
            shared.totals.remember(statement, &snapshot, total);
        }
        Ok(total)
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

/// The first column of the first row.
fn first<T: Column>(rows: &[PgRow]) -> Result<T> {
    let row = rows.first().ok_or_else(|| Error::internal("a statement that gives one row gave none"))?;
    Reader::new(row).next().map_err(to_error)
}
