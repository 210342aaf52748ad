//! Rows along the order of a list: batch by batch, until the page is full.

use futures::TryStreamExt as _;
use realnet_core::Result;
use realnet_core::query::{OrderKey, Query};

use super::super::error::to_error;
use super::List;
use super::rows::Batch;
use crate::compile::{Part, Walker};
use crate::page::Collector;
use crate::statement::Statement;

/// Rows of later ones at most.
const LARGEST_BATCH: usize = 4_096;

/// A way along the order of a part.
pub(super) struct Walk<'p, 'a> {
    part: &'p Part<'a>,
    walker: Walker<'p, 'a>,
    /// How many times the missing rows are read at once.
    factor: usize,
    /// The most rows that there is room for.
    at_most: usize,
    is_complete: bool,
}

impl<'p, 'a> Walk<'p, 'a> {
    /// Rows of the first statement of a walk at most: nothing is known of their size yet.
    pub(super) const FIRST_BATCH: usize = 128;

    pub(super) fn new(part: &'p Part<'a>, query: &Query) -> Self {
        // Ranked lists go on by number. A search by words that are rare reads all matches for each statement.
        let is_ranked = query.order.iter().any(|term| term.key == OrderKey::Relevance);
        let walker = Walker::new(part, query.after.as_ref().filter(|_| !is_ranked));
        let at_most = if is_ranked { LARGEST_BATCH } else { Self::FIRST_BATCH };
        Self { part, walker, factor: 1, at_most, is_complete: false }
    }

    /// Whether there are no rows left, or none needed.
    pub(super) fn is_done(&self) -> bool {
        self.is_complete || self.walker.is_at_end()
    }
}

impl List<'_> {
    /// Reads the next rows along the order.
    pub(super) async fn step(
        &mut self,
        walk: &mut Walk<'_, '_>,
        collector: &mut Collector<'_>,
    ) -> Result<()> {
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
}

/// How many rows the next batch may have, given the sizes of those in the last one.
fn fitting(last: &Batch) -> usize {
    let each = last.bytes / last.rows.len().max(1);
    (Query::MAX_PAGE_BYTES / each.max(1)).clamp(2, LARGEST_BATCH)
}
