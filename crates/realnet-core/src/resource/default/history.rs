//! Earlier states of an item.

use std::sync::Arc;

use uuid::Uuid;

use super::get::find;
use crate::acl::Permission;
use crate::change::ChangeRecord;
use crate::error::{Error, Result};
use crate::provider::Budget;
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
    let records = completed(cx, id, records).await?;
    let records: Vec<ChangeRecord> = records.into_iter().map(|record| readable(cx, record)).collect();
    // An earlier state shows what was stored then: today's constants were not part of it.
    let projection = Projection { attributes: AttributeSet::Own, select: Vec::new() };
    Ok(Reply::History(Rendered::with(cx, records, Arc::new(projection), Arc::default())))
}

/// Changes with both states also where the log keeps only what was passed down: the newest, as many as one answer may hold then.
async fn completed(cx: &Context, id: Uuid, mut records: Vec<ChangeRecord>) -> Result<Vec<ChangeRecord>> {
    let count = records.len();
    if let Some(last) = records.last().filter(|last| last.passed_down.is_some()) {
        // The states of that are found a little further back.
        let most = usize::try_from(ChangeRecord::WHOLE).unwrap_or(MAX_LIMIT);
        let earlier = cx.services.items.history(&cx.access, id, Some(last.version), most).await?;
        records.extend(earlier);
    }
    let bases = bases(&records);
    let mut budget = Budget::default();
    let mut fitting = 0;
    for (index, base) in bases.into_iter().take(count).enumerate() {
        // None of those behind it is complete yet, or needs to be for this.
        let (complete, older) = records.split_at_mut(index + 1);
        let record = &mut complete[index];
        let base = base.and_then(|base: usize| older[base - index - 1].after.as_ref());
        if !budget.admits(base.map_or_else(|| record.size(), |base| 2 * base.size())) {
            break;
        }
        if let Some(base) = base {
            record.complete(base);
        }
        fitting += 1;
    }
    records.truncate(fitting);
    Ok(records)
}

/// For each change, newest first, of which only what was passed down is kept: the one further back that has left the item as it was
/// then. An id that was given anew has the versions of both items.
fn bases(records: &[ChangeRecord]) -> Vec<Option<usize>> {
    let mut order: Vec<usize> = (0..records.len()).collect();
    order.sort_unstable_by_key(|index| records[*index].revision);
    let mut bases = vec![None; records.len()];
    let mut last = None;
    for index in order {
        let record = &records[index];
        if record.passed_down.is_some() {
            bases[index] = last.filter(|last| *last > index);
        } else {
            last = record.after.as_ref().map(|_| index);
        }
    }
    bases
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::{ChangeKind, PassedDown};
    use crate::clock::Timestamp;
    use crate::model::Item;

    /// A change of a version with its revision: one that is kept whole, or only what was passed down.
    fn change(revision: i64, version: i64, kind: ChangeKind, is_whole: bool) -> ChangeRecord {
        let state = |name: &str| Item {
            name: name.to_owned(),
            version,
            ..Item::new(Uuid::from_u128(1), Uuid::from_u128(2), Arc::from("Note"), Uuid::from_u128(3))
        };
        let after = (is_whole && kind != ChangeKind::Delete).then(|| state(&format!("r{revision}")));
        let passed = PassedDown::between(state(""), state(""));
        ChangeRecord {
            revision,
            org: Uuid::from_u128(3),
            item_id: Uuid::from_u128(1),
            type_id: Uuid::from_u128(2),
            kind,
            version,
            before: None,
            after,
            passed_down: (!is_whole).then_some(passed),
            actor: None,
            at: Timestamp::from_micros(0),
            request_id: Arc::from("r"),
            origin: None,
        }
    }

    #[test]
    fn each_state_is_found_in_the_change_that_made_it() {
        use ChangeKind::{Create, Delete, Grant, Update};
        let records = [
            change(9, 4, Grant, false),
            change(7, 3, Grant, false),
            change(5, 2, Update, true),
            change(2, 1, Create, true),
        ];
        assert_eq!(bases(&records), [Some(2), Some(2), None, None]);
        assert_eq!(bases(&records[..2]), [None, None], "what is not there is not guessed");
        // The id was another item's before, whose changes have the same versions.
        let records = [
            change(8, 3, Grant, false),
            change(3, 3, Delete, true),
            change(7, 2, Grant, false),
            change(2, 2, Update, true),
            change(6, 1, Create, true),
            change(1, 1, Create, true),
        ];
        assert_eq!(bases(&records), [Some(4), None, Some(4), None, None, None]);
    }
}
