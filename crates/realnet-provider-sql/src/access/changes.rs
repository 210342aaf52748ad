//! What both stores say of the change log in SQL: who asks for a span of it, and how an origin is written.

use std::ops::Range;

use realnet_core::change::{ChangeFilter, ChangeRecord};
use realnet_core::{Error, Result, Uuid};

use crate::statement::Statement;

/// Conditions and order of the changes of an org within a span; the table is called `c`.
pub(crate) fn push_within(statement: &mut Statement, org: Uuid, span: &Range<i64>, filter: &ChangeFilter) {
    statement.push("c.org = ").bind(org.into());
    statement.push(" AND c.revision >= ").bind(span.start.into());
    statement.push(" AND c.revision < ").bind(span.end.into());
    if let Some(actor) = filter.actor {
        statement.push(" AND c.actor = ").bind(actor.into());
    }
    if let Some(item) = filter.item {
        statement.push(" AND c.item = ").bind(item.into());
    }
    if let Some(kind) = filter.kind {
        statement.push(" AND c.kind = ").bind(kind.as_str().into());
    }
    if let Some(since) = filter.since {
        statement.push(" AND c.at >= ").bind(since.as_micros().into());
    }
    if let Some(until) = filter.until {
        statement.push(" AND c.at < ").bind(until.as_micros().into());
    }
    statement.push(" ORDER BY c.revision DESC");
}

/// The origin of a change as it is stored.
pub(crate) fn origin_text(record: &ChangeRecord) -> Result<Option<String>> {
    let text = record.origin.as_deref().map(serde_json::to_string).transpose();
    text.map_err(|error| Error::internal("the origin of a change has no JSON").with_source(error))
}

/// What is kept of a change that has only passed grants down, as it is stored.
pub(crate) fn passed_down_text(record: &ChangeRecord) -> Result<Option<String>> {
    let text = record.passed_down.as_ref().map(serde_json::to_string).transpose();
    text.map_err(|error| Error::internal("what was passed down has no JSON").with_source(error))
}
