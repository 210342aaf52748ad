//! Rows as they come, and what of them belongs to the list.

use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use realnet_core::Result;
use realnet_core::query::{Query, sort_keys};

use super::super::error::to_error;
use super::super::lookup::Ask;
use super::super::row;
use super::super::run::{PgRow, Reader};
use super::List;
use crate::compile::Part;
use crate::page::accepts;
use crate::row::Row;

/// After so long, others that wait for the same thread have their turn: a row may hold megabytes.
const TURN: Duration = Duration::from_millis(5);
/// Rows that are checked at once when they come in no order.
const CHUNK: usize = 256;

/// Rows that were read together.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) rows: Vec<Row>,
    pub(super) bytes: usize,
    /// Whether there were more, too large to be kept.
    pub(super) is_cut: bool,
}

impl Batch {
    pub(super) fn push(&mut self, row: Row) {
        self.bytes += row.item.size();
        self.rows.push(row);
    }
}

impl List<'_> {
    /// Reads the rows of a part as they come, and gives those that belong to the list: all of them, or until one is refused.
    pub(super) async fn scan(
        &mut self,
        part: &Part<'_>,
        mut take: impl FnMut(&Self, Vec<Row>) -> Result<()> + Send,
    ) -> Result<()> {
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
            take(self, rows)?;
        }
        Ok(())
    }

    pub(super) fn read(&self, row: &PgRow) -> Result<Row> {
        let mut reader = Reader::new(row);
        let item = Box::new(row::read_item(&self.access.registry, &mut reader)?);
        let key = reader.next().map_err(to_error)?;
        Ok(Row { item, key })
    }

    /// The rows that belong to the list, as far as SQL has left that open. What they look at elsewhere is fetched,
    /// also what their places in the order depend on.
    pub(super) async fn accepted(
        &mut self,
        part: &Part<'_>,
        rows: Vec<Row>,
        is_streaming: bool,
    ) -> Result<Vec<Row>> {
        let looks_elsewhere = part.looks_elsewhere();
        self.lookup.make_room(self.store.shared.config.looked_up);
        loop {
            self.deadline.check()?;
            if part.counts_in_sql() && !looks_elsewhere {
                return Ok(rows);
            }
            let mut accepted = Vec::with_capacity(rows.len());
            let mut turn = Instant::now();
            for (index, row) in rows.iter().enumerate() {
                self.deadline.check()?;
                if turn.elapsed() > TURN {
                    tokio::task::yield_now().await;
                    turn = Instant::now();
                }
                if accepts(part, self.access, &row.item, &self.lookup) {
                    if looks_elsewhere {
                        let (registry, order) = (&self.access.registry, &self.query.order);
                        let _ = sort_keys(registry, order, &row.item, &self.lookup);
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
}
