//! Earlier states of an item.

use std::sync::Arc;

use uuid::Uuid;

use super::get::find;
use crate::acl::Permission;
use crate::change::ChangeRecord;
use crate::error::{Error, Result};
use crate::resource::{AttributeSet, Context, ListRequest, Projection, Rendered, Reply, Route};

/// Changes per page when no limit is given.
const DEFAULT_LIMIT: usize = 50;
/// The most changes per page.
const MAX_LIMIT: usize = 1000;

/// The changes of an item, newest first. A state is shown only if the caller may read the item as it was then.
pub async fn history(cx: &Context, route: &Route<'_>, id: Uuid, request: ListRequest) -> Result<Reply> {
    let (limit, before) = paging(&request)?;
    find(cx, route, id).await?;
    let records = cx.services.items.history(&cx.access, id, before, limit).await?;
    let records: Vec<ChangeRecord> = records.into_iter().map(|record| readable(cx, record)).collect();
    // An earlier state shows what was stored then: today's constants were not part of it.
    let projection = Projection { attributes: AttributeSet::Own, select: Vec::new() };
    Ok(Reply::History(Rendered::with(cx, records, Arc::new(projection), Arc::default())))
}

fn readable(cx: &Context, mut record: ChangeRecord) -> ChangeRecord {
    record.before = record.before.filter(|item| cx.access.allows(item, Permission::Read));
    record.after = record.after.filter(|item| cx.access.allows(item, Permission::Read));
    record
}

fn paging(request: &ListRequest) -> Result<(usize, Option<i64>)> {
    let mut limit = DEFAULT_LIMIT;
    let mut before = None;
    for (name, value) in &request.parameters {
        match name.as_str() {
            "limit" => {
                let wanted = value.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
                limit =
                    wanted.ok_or_else(|| Error::malformed_at("limit", "expected a number from 1 to 1000"))?;
            }
            "before" => {
                let version = value.parse().ok().filter(|version| *version > 0_i64);
                before = Some(version.ok_or_else(|| Error::malformed_at("before", "expected a version"))?);
            }
            other => return Err(Error::malformed_at(other, "has no meaning for a history")),
        }
    }
    Ok((limit, before))
}
