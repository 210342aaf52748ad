//! What of the audit is asked for.

use std::fmt;

use realnet_core::change::{ChangeFilter, ChangeKind};
use realnet_core::clock::Timestamp;
use realnet_core::provider::{EventFilter, EventKind};
use realnet_core::resource::ListRequest;
use realnet_core::{Error, Result, Uuid};

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 1000;

/// The parameters, understood.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) org: Option<String>,
    pub(super) account: Option<Uuid>,
    pub(super) item: Option<Uuid>,
    pub(super) change: Option<ChangeKind>,
    pub(super) event: Option<EventKind>,
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    pub(super) limit: usize,
    pub(super) cursor: Position,
    /// Whether it is read to be kept elsewhere, which is told in the audit itself.
    pub(super) export: bool,
}

/// Up to where both logs have been shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) revision: Option<i64>,
    pub(super) event: Option<Uuid>,
}

impl Wanted {
    pub(super) fn parse(parameters: &ListRequest) -> Result<Self> {
        let mut wanted = Self { limit: DEFAULT_LIMIT, ..Self::default() };
        for (name, value) in &parameters.parameters {
            wanted.set(name, value)?;
        }
        Ok(wanted)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let expected = |what: &str| Error::malformed_at(name.to_owned(), format!("expected {what}"));
        let id = || Uuid::parse_str(value).map_err(|_| expected("an id"));
        let moment =
            || Timestamp::parse(value).ok_or_else(|| expected("a moment such as 2026-01-31T00:00:00Z"));
        match name {
            "org" => self.org = Some(value.to_owned()),
            "account" => self.account = Some(id()?),
            "item" => self.item = Some(id()?),
            "kind" => {
                self.change = ChangeKind::parse(value);
                self.event = EventKind::parse(value);
                if self.change.is_none() && self.event.is_none() {
                    let known = "create, update, grant, delete, or the kind of an event such as sign_in";
                    return Err(expected(known));
                }
            }
            "since" => self.since = Some(moment()?),
            "until" => self.until = Some(moment()?),
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
                self.limit = limit.ok_or_else(|| expected("a number from 1 to 1000"))?;
            }
            "cursor" => {
                self.cursor = Position::parse(value).ok_or_else(|| expected("the next of a page before"))?;
            }
            "export" => self.export = value.parse().map_err(|_| expected("true or false"))?,
            _ => return Err(Error::malformed_at(name.to_owned(), "not a parameter here")),
        }
        Ok(())
    }

    /// Which changes; none when only events are asked for.
    pub(super) fn changes(&self) -> Option<ChangeFilter> {
        let Self { account: actor, item, since, until, .. } = *self;
        (self.event.is_none() || self.change.is_some()).then_some(ChangeFilter {
            actor,
            item,
            kind: self.change,
            since,
            until,
        })
    }

    /// Which events; none when only changes are asked for, or what befell an item.
    pub(super) fn events(&self) -> Option<EventFilter> {
        let Self { account, since, until, .. } = *self;
        let asked = self.item.is_none() && (self.change.is_none() || self.event.is_some());
        asked.then_some(EventFilter { account, kind: self.event, since, until })
    }
}

impl Position {
    fn parse(text: &str) -> Option<Self> {
        let (revision, event) = text.split_once('.')?;
        let revision = (!revision.is_empty()).then(|| revision.parse().ok().filter(|revision| *revision > 0));
        let event = (!event.is_empty()).then(|| Uuid::parse_str(event).ok());
        // What is there must be good.
        Some(Self {
            revision: revision.map_or(Some(None), |revision| revision.map(Some))?,
            event: event.map_or(Some(None), |event| event.map(Some))?,
        })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(revision) = self.revision {
            write!(f, "{revision}")?;
        }
        f.write_str(".")?;
        self.event.map_or(Ok(()), |event| write!(f, "{}", event.simple()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read_as_written() {
        for (revision, event) in
            [(None, None), (Some(7), None), (None, Some(Uuid::from_u128(9))), (Some(1), Some(Uuid::max()))]
        {
            let position = Position { revision, event };
            assert_eq!(Position::parse(&position.to_string()), Some(position));
        }
        for bad in ["", "x.", "-1.", "0.", "1.y", "1", "1.2.3"] {
            assert_eq!(Position::parse(bad), None, "{bad}");
        }
    }
}
