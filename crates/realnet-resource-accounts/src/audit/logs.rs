//! Reading the two logs backwards, a bounded piece of them per request.

use std::ops::Range;
use std::time::Duration;

use realnet_core::acl::Caller;
use realnet_core::change::{ChangeFilter, ChangeRecord};
use realnet_core::clock::Timestamp;
use realnet_core::query::Query;
use realnet_core::resource::Services;
use realnet_core::{Result, Uuid};
use std::time::Instant;

use super::entry::Entry;
use super::request::Wanted;

/// So many revisions are looked at first, when little is asked for, and at most at a time.
const FIRST_SPAN: i64 = 1_000;
const LONGEST_SPAN: i64 = 20_000;
/// So many changes are held at a time: each may have two states of an item with it.
const AT_A_TIME: usize = 100;
/// After this time a page ends, however full it is.
const PATIENCE: Duration = Duration::from_secs(2);
/// By so much the clocks of replicas may differ, in seconds.
const SKEW: i64 = 60;

/// The logs of an org.
pub(super) struct Logs<'a> {
    pub(super) services: &'a Services,
    pub(super) caller: &'a Caller,
    pub(super) org: Uuid,
    pub(super) wanted: &'a Wanted,
}

/// What was found in a log, newest first, each with its place in the log.
pub(super) struct Found<P> {
    pub(super) entries: Vec<(P, Entry)>,
    /// The place above everything that was there.
    pub(super) top: Option<P>,
    /// Whether there is more behind, or may be.
    pub(super) is_more: bool,
    /// Nothing that is left lies above.
    pub(super) looked_down_to: Option<i64>,
    /// What lies before this moment was not looked at.
    pub(super) not_before: Option<Timestamp>,
}

impl<P> Found<P> {
    const fn nothing() -> Self {
        Self { entries: Vec::new(), top: None, is_more: false, looked_down_to: None, not_before: None }
    }
}

impl Logs<'_> {
    /// The changes that are asked for.
    pub(super) async fn changes(&self) -> Result<Found<i64>> {
        let Some(filter) = self.wanted.changes() else { return Ok(Found::nothing()) };
        let Range { start, end } = self.span().await?;
        let began = Instant::now();
        let registry = self.services.registry.current();
        let mut found = Found { looked_down_to: Some(end), top: Some(end), ..Found::nothing() };
        let (mut end, mut length) = (end, FIRST_SPAN);
        while end > start && found.entries.len() < self.wanted.limit {
            if began.elapsed() > PATIENCE {
                found.not_before = self.record(end).await?.map(|record| record.at);
                break;
            }
            let begin = start.max(end.saturating_sub(length));
            let most = AT_A_TIME.min(self.wanted.limit - found.entries.len());
            let records = self.within(begin..end, &filter, most).await?;
            // A full answer may have left something in the span, and one of many bytes.
            let bytes: usize = records.iter().map(ChangeRecord::size).sum();
            let is_full = records.len() == most || bytes > Query::MAX_PAGE_BYTES / 4;
            end = if is_full { records.last().map_or(begin, |record| record.revision) } else { begin };
            length = LONGEST_SPAN.min(length * 2);
            let entry = |record: &ChangeRecord| Entry::of_change(&registry, self.caller, record);
            let entries = records.iter().map(|record| (record.revision, entry(record)));
            found.entries.extend(entries);
        }
        found.looked_down_to = Some(end);
        found.is_more = end > start;
        Ok(found)
    }

    /// The events that are asked for, not looking further back than the changes were.
    pub(super) async fn events(&self, not_before: Option<Timestamp>) -> Result<Found<Uuid>> {
        let Some(mut filter) = self.wanted.events() else { return Ok(Found::nothing()) };
        filter.since = filter.since.max(not_before);
        let (limit, before) = (self.wanted.limit, self.wanted.cursor.event);
        let events = self.services.credentials.events(self.org, &filter, before, limit).await?;
        let is_more = events.len() == limit || not_before.is_some();
        let entries = events.iter().map(|event| (event.id, Entry::of_event(event))).collect();
        // The newest is the first of what is left of it.
        let top = events.first().map(|event| Uuid::from_u128(event.id.as_u128().saturating_add(1)));
        Ok(Found { entries, top, is_more, ..Found::nothing() })
    }

    /// The revisions that may hold something of the time that is asked for.
    async fn span(&self) -> Result<Range<i64>> {
        let newest = self.within(1..i64::MAX, &ChangeFilter::default(), 1).await?;
        let behind = newest.first().map_or(1, |record| record.revision + 1);
        let end = self.wanted.cursor.revision.unwrap_or(behind).min(behind);
        let start = match self.wanted.since {
            Some(since) => self.first_at(since.plus_seconds(-SKEW), end).await?,
            None => 1,
        };
        let end = match self.wanted.until {
            Some(until) => self.first_at(until.plus_seconds(SKEW), end).await?,
            None => end,
        };
        Ok(start..end)
    }

    /// The first revision of a moment or later, below `end`: revisions are (nearly) in the order of time and without gaps.
    async fn first_at(&self, at: Timestamp, end: i64) -> Result<i64> {
        let (mut low, mut high) = (1, end);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.record(middle).await? {
                Some(record) if record.at >= at => high = middle,
                _ => low = middle + 1,
            }
        }
        Ok(low)
    }

    async fn record(&self, revision: i64) -> Result<Option<ChangeRecord>> {
        let records = self.within(revision..revision.saturating_add(1), &ChangeFilter::default(), 1).await?;
        Ok(records.into_iter().next())
    }

    async fn within(
        &self,
        span: Range<i64>,
        filter: &ChangeFilter,
        limit: usize,
    ) -> Result<Vec<ChangeRecord>> {
        self.services.items.changes_within(self.org, span, filter, limit).await
    }
}
