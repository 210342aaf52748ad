//! Aggregates: the parts that would count a list, reckoned by SQL where it can, else row by row.

use futures::TryStreamExt as _;
use realnet_core::Result;
use realnet_core::provider::Access;
use realnet_core::query::Aggregate;
use realnet_core::query::aggregate::{GroupRow, Partial, Summary, Tally};
use realnet_core::registry::TypeRegistry;

use super::super::PostgresStore;
use super::super::dialect::PostgresDialect;
use super::super::error::to_error;
use super::super::run::{PgRow, Reader};
use super::super::summary::summary;
use super::steering::Pairs;
use super::{List, once_more};
use crate::compile::{ByKey, Grouping, Groupings, Part, Plan, Request, Way, analyse, requests};
use crate::page::{TIME_LIMIT, timeout};

/// The figures of an aggregate, of one moment. It may take as long as any list; the server ends the statement of one that has
/// been given up.
pub(in crate::postgres) async fn aggregate(
    store: &PostgresStore,
    access: &Access,
    aggregate: &Aggregate,
) -> Result<Vec<GroupRow>> {
    once_more(|| async {
        let list = List::begin(store, access, &aggregate.query).await?;
        tokio::time::timeout(TIME_LIMIT, list.figures(aggregate)).await.unwrap_or_else(|_| Err(timeout()))
    })
    .await
}

impl List<'_> {
    async fn figures(mut self, aggregate: &Aggregate) -> Result<Vec<GroupRow>> {
        let access = self.access;
        if self.query.types.is_empty() {
            return Tally::new(aggregate, &access.registry).finish();
        }
        let shared = &self.store.shared;
        let pairs = Pairs { found: self.pairs().await?, few: shared.config.few, numbers: &shared.numbers };
        let requests = requests(Request::new(access, self.query, &pairs)).into_iter();
        let analyses: Vec<_> = requests.map(|request| analyse(request, &PostgresDialect)).collect();
        let plan = self.choose(&analyses).await?;
        let mut groupings = Groupings::of(aggregate, &PostgresDialect);
        self.moment.open();
        let mut tally = Tally::new(aggregate, &access.registry);
        if !self.take_parts(&plan, &groupings, &mut tally).await? {
            groupings.forget_keys();
            tally = Tally::new(aggregate, &access.registry);
            self.take_parts(&plan, &groupings, &mut tally).await?;
        }
        tally.finish()
    }

    /// Answers whether every value could be told.
    async fn take_parts(
        &mut self,
        plan: &Plan<'_>,
        groupings: &Groupings<'_>,
        tally: &mut Tally<'_>,
    ) -> Result<bool> {
        let mut is_told = true;
        for part in groupings.parts(plan) {
            match groupings.way(part) {
                Way::ByKey => is_told &= self.take_keys(part, tally).await?,
                Way::Columns(grouping) => self.take_groups(part, grouping, tally).await?,
                Way::Items => self.take_items(part, tally).await?,
            }
        }
        Ok(is_told)
    }

    /// Answers whether every key has told its value.
    async fn take_keys(&mut self, part: &Part<'_>, tally: &mut Tally<'_>) -> Result<bool> {
        let mut is_told = true;
        let statement = self.store.shared.shapes.sort(part.key_statement());
        let mut rows = self.moment.stream(statement).await?;
        // Read to the end in any case: another statement may follow.
        while let Some(row) = rows.try_next().await.map_err(to_error)? {
            let mut reader = Reader::new(&row);
            let key: Vec<u8> = reader.next().map_err(to_error)?;
            match ByKey::read(&key, reader.next().map_err(to_error)?) {
                Some(partial) => tally.partial(partial)?,
                None => is_told = false,
            }
        }
        self.moment.lease().finished();
        Ok(is_told)
    }

    async fn take_groups(
        &mut self,
        part: &Part<'_>,
        grouping: &Grouping<'_>,
        tally: &mut Tally<'_>,
    ) -> Result<()> {
        for statement in part.group_statements(grouping, summary) {
            let mut rows = self.moment.stream(self.store.shared.shapes.sort(statement)).await?;
            while let Some(row) = rows.try_next().await.map_err(to_error)? {
                tally.partial(group_of(&self.access.registry, grouping, &row)?)?;
            }
            self.moment.lease().finished();
        }
        Ok(())
    }

    async fn take_items(&mut self, part: &Part<'_>, tally: &mut Tally<'_>) -> Result<()> {
        self.scan(part, |list, rows| rows.iter().try_for_each(|row| tally.item(&row.item, &list.lookup)))
            .await
    }
}

/// What a row says of a group.
fn group_of(registry: &TypeRegistry, grouping: &Grouping<'_>, row: &PgRow) -> Result<Partial> {
    let mut reader = Reader::new(row);
    let columns: Result<_> = (0..grouping.grouped()).map(|_| reader.next().map_err(to_error)).collect();
    let count: i64 = reader.next().map_err(to_error)?;
    let summaries: Result<_> = grouping
        .measures()
        .iter()
        .map(|_| Summary::parse(&reader.next::<String>().map_err(to_error)?))
        .collect();
    grouping.read(registry, columns?, u64::try_from(count).unwrap_or_default(), summaries?)
}
