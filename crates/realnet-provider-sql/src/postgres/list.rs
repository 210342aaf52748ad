//! Lists: the compiler's statements run on one connection, their rows checked and collected.

use std::time::Duration;

use diesel_async::{AsyncConnectionCore as _, AsyncPgConnection};
use futures::StreamExt as _;
use futures::future::try_join_all;
use realnet_core::provider::{Access, Page};
use realnet_core::query::{Count, OrgScope, Query};
use realnet_core::registry::TypeRegistry;
use realnet_core::{Error, Result, Uuid};

use super::PostgresStore;
use super::dialect::PostgresDialect;
use super::error::{is_lost_connection, to_error};
use super::lookup::Fetched;
use super::pool::{self, Connection};
use super::row::read_item;
use super::run::{PgRow, Reader, Run as _};
use crate::compile::{Catalog, Part, Request, Walker, analyse};
use crate::page::{Collected, Collector, Deadline, accepts, merge};
use crate::row::Row;
use crate::statement::Statement;

/// Up to so many types each gets a branch of its own without asking which of them have items.
const FEW_TYPES: usize = 4;
/// More branches than this are not worth it.
const MANY_PAIRS: usize = 200;
/// Rows that are checked at once when they come in no order.
const CHUNK: usize = 256;

/// A page of the readable items that match. A list whose connection turns out to be broken is read once more.
pub(super) async fn list(store: &PostgresStore, access: &Access, query: &Query) -> Result<Page> {
    let whole = store.shared.patience();
    match List::begin(store, access, query).await?.within(whole).await {
        Err(error) if is_lost_connection(&error) => {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
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
    /// Empty only after a scan was left in the middle.
    connection: Option<Connection>,
    lookup: Fetched,
    deadline: Deadline,
}

/// A connection in the middle of a scan. Left there, it is closed: that ends the scan on the server too, while in the pool
/// the next one would have to wait for all its rows.
struct Scanning(Option<Connection>);

impl Scanning {
    fn connection(&self) -> &AsyncPgConnection {
        self.0.as_ref().expect("the connection is only taken at the end")
    }

    fn end(mut self) -> Option<Connection> {
        self.0.take()
    }
}

impl Drop for Scanning {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            pool::discard(connection);
        }
    }
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
            connection: Some(store.shared.pools.read().await?),
            lookup: Fetched::default(),
            deadline: Deadline::start(),
        })
    }

    /// The page, or an error when the server does not answer in time; the connection is closed then.
    async fn within(self, patience: Duration) -> Result<Page> {
        match tokio::time::timeout(patience, self.page()).await {
            Ok(result) => result,
            Err(_) => Err(Error::unavailable("the database does not answer")),
        }
    }

    async fn connection(&mut self) -> Result<&Connection> {
        if self.connection.is_none() {
            self.connection = Some(self.store.shared.pools.read().await?);
        }
        Ok(self.connection.as_ref().expect("it was opened above if it was missing"))
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
        let mut collected = Vec::with_capacity(plan.page.len());
        for part in &plan.page {
            collected.push(self.collect(part, plan.page.len() == 1).await?);
        }
        let total = match query.count {
            Count::None => None,
            Count::Exact | Count::Estimated => Some(self.total(&plan.count).await?),
        };
        let mut page = merge(access, query, collected, &self.lookup);
        page.total = total;
        Ok(page)
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
        let rows = self.connection().await?.rows(statement).await.map_err(to_error)?;
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
        let shapes = &self.store.shared.shapes;
        let connection = self.connection().await?;
        let counts = probes.iter().map(|probe| connection.one::<i64>(shapes.sort(probe.clone())));
        try_join_all(counts).await
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
                Ok(())
            })
            .await?;
        }
        Ok(collector.finish())
    }

    /// Reads along the order until the page is complete.
    async fn walk(&mut self, part: &Part<'_>, collector: &mut Collector<'_>) -> Result<()> {
        let mut walker = Walker::new(part, self.query.after.as_ref());
        let mut factor = 1;
        while let Some(statement) = walker.statement((collector.missing() * factor).min(4_096)) {
            let statement = self.store.shared.shapes.sort(statement);
            let rows = self.connection().await?.rows(statement).await.map_err(to_error)?;
            let rows = rows_of(&self.access.registry, &rows)?;
            for row in self.accepted(part, walker.advance(rows)).await? {
                if collector.push(row, &self.lookup) {
                    return Ok(());
                }
            }
            // Where few rows are accepted, larger steps cost less.
            factor = (factor * 2).min(64);
        }
        Ok(())
    }

    /// Reads all rows of a part as they come.
    async fn scan(
        &mut self,
        part: &Part<'_>,
        mut take: impl FnMut(&Self, Vec<Row>) -> Result<()> + Send,
    ) -> Result<()> {
        self.connection().await?;
        let Some(connection) = self.connection.take() else { return Ok(()) };
        let scanning = Scanning(Some(connection));
        self.scan_on(scanning.connection(), part, &mut take).await?;
        self.connection = scanning.end();
        Ok(())
    }

    async fn scan_on(
        &mut self,
        connection: &AsyncPgConnection,
        part: &Part<'_>,
        take: &mut (impl FnMut(&Self, Vec<Row>) -> Result<()> + Send),
    ) -> Result<()> {
        let mut shared = connection;
        let statement = self.store.shared.shapes.sort(part.stream_statement());
        let stream = shared.load(statement).await.map_err(to_error)?;
        let mut chunks = stream.chunks(CHUNK);
        while let Some(chunk) = chunks.next().await {
            let rows: Vec<PgRow> = chunk.into_iter().collect::<Result<_, _>>().map_err(to_error)?;
            let rows = rows_of(&self.access.registry, &rows)?;
            let rows = self.accepted(part, rows).await?;
            take(self, rows)?;
        }
        Ok(())
    }

    /// The rows that belong to the list, as far as SQL has left that open. What they look at elsewhere is fetched,
    /// also what their places in the order depend on.
    async fn accepted(&mut self, part: &Part<'_>, rows: Vec<Row>) -> Result<Vec<Row>> {
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
            if !self.lookup.fetch(self.store, self.access).await? {
                let mut wanted = accepted.into_iter().peekable();
                let belongs = |(index, row)| wanted.next_if_eq(&index).map(|_| row);
                return Ok(rows.into_iter().enumerate().filter_map(belongs).collect());
            }
        }
    }

    async fn total(&mut self, parts: &[Part<'_>]) -> Result<u64> {
        let mut total: u64 = 0;
        for part in parts {
            if part.counts_in_sql() {
                let statement = self.store.shared.shapes.sort(part.count_statement());
                let count: i64 = self.connection().await?.one(statement).await?;
                total += u64::try_from(count).unwrap_or(0);
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
}

fn rows_of(registry: &TypeRegistry, rows: &[PgRow]) -> Result<Vec<Row>> {
    let read = |row| {
        let mut reader = Reader::new(row);
        let item = read_item(registry, &mut reader)?;
        let key = reader.next().map_err(to_error)?;
        Ok(Row { item, key })
    };
    rows.iter().map(read).collect()
}
