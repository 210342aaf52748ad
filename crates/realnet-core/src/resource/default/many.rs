//! Patching and deleting everything that matches a filter, as one change set.
//!
//! The matches are collected page by page and pinned at the versions that were seen, so that what is changed is exactly what
//! matched; when somebody else is faster, the matches are collected again. With `dry_run=true` all that is done and taken back: what
//! would be refused is refused.

use serde_json::Value;
use uuid::Uuid;

use super::delete::plan_delete;
use super::edit::{Edited, plan_edit};
use super::plan::Plan;
use crate::change::{ChangeSet, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::limit::Room;
use crate::model::Item;
use crate::query::{self, Query};
use crate::resource::{Body, Change, Context, ListRequest, Reply, Route};

/// The most items that one request changes.
const MAX_ITEMS: usize = 10_000;
/// How often matches are collected again.
const ATTEMPTS: usize = 5;
/// The parameter that says that a change is only to be tried.
const DRY_RUN: &str = "dry_run";
/// Parameters that choose a part of a list or show it: ignoring one would change more than was meant.
const NOT_FILTERS: [&str; 7] = ["select", "order", "limit", "offset", "cursor", "count", "attributes"];

/// Merge-patches all items that match.
pub async fn patch_many(
    cx: &Context,
    route: &Route<'_>,
    mut parameters: ListRequest,
    patch: Value,
) -> Result<Reply> {
    let body = Body::parse(patch)?;
    let dry_run = take_dry_run(&mut parameters)?;
    check_filter(&parameters)?;
    for _ in 0..ATTEMPTS {
        let (items, _room) = matches(cx, route, &parameters).await?;
        let mut plan = Plan::default();
        for item in &items {
            let route = route_of(cx, route, item)?;
            let edited =
                Edited { id: item.id, name: "patch", expected_version: Some(Version::of(item)), bulk: true };
            plan_edit(cx, &route, edited, Change::Merge(body.clone()), &mut plan).await?;
        }
        match plan.carry_out(cx, dry_run).await {
            Ok(changed) => return Ok(Reply::Affected(changed)),
            Err(error) if has_moved(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::conflict("the items keep changing: try again"))
}

/// Deletes all items that match, with their descendants.
pub async fn delete_many(cx: &Context, route: &Route<'_>, mut parameters: ListRequest) -> Result<Reply> {
    let dry_run = take_dry_run(&mut parameters)?;
    check_filter(&parameters)?;
    for _ in 0..ATTEMPTS {
        let (mut items, _room) = matches(cx, route, &parameters).await?;
        children_first(&mut items);
        // A match may go along with another one, by the tree or by a reference: it is then left out and the rest tried again.
        for _ in 0..=items.len().min(100) {
            let mut plan = Plan::default();
            for item in &items {
                let route = route_of(cx, route, item)?;
                plan_delete(cx, &route, item.id, Some(Version::of(item)), &mut plan).await?;
            }
            match plan.carry_out(cx, dry_run).await {
                Ok(deleted) => return Ok(Reply::Affected(deleted)),
                Err(error) if error.kind() == ErrorKind::NotFound => match error.operation_index() {
                    Some(index) if index < items.len() => {
                        items.remove(index);
                    }
                    _ => return Err(error),
                },
                Err(error) if has_moved(&error) => break,
                Err(error) => return Err(error),
            }
        }
    }
    Err(Error::conflict("the items keep changing: try again"))
}

fn has_moved(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::PreconditionFailed | ErrorKind::NotFound)
}

/// Takes out whether the change is only tried; a field of that name is `attributes.dry_run`.
fn take_dry_run(request: &mut ListRequest) -> Result<bool> {
    let given = request.parameters.iter().position(|(name, _)| name == DRY_RUN);
    let Some(index) = given else { return Ok(false) };
    let (_, given) = request.parameters.remove(index);
    // The first would decide, against what another one says.
    if request.parameters.iter().any(|(name, _)| name == DRY_RUN) {
        return Err(Error::malformed_at(DRY_RUN, "is given more than once"));
    }
    match given.as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(Error::malformed_at(DRY_RUN, format!("'{other}' is neither true nor false"))),
    }
}

/// What would be ignored is refused.
fn check_filter(request: &ListRequest) -> Result<()> {
    let mut names = request.parameters.iter().map(|(name, _)| name.as_str());
    match names.find(|name| NOT_FILTERS.contains(name)) {
        Some(name) => Err(Error::malformed_at(name, "has no meaning for a change of all matches")),
        None => Ok(()),
    }
}

/// All matches that the caller can read, and the room that they take while they are kept. More bytes than a change set may have
/// could not be changed anyway.
async fn matches(
    cx: &Context,
    route: &Route<'_>,
    request: &ListRequest,
) -> Result<(Vec<Item>, Option<Room>)> {
    let (registry, caller) = (cx.registry(), cx.caller());
    let parsed =
        query::parse_for_change(registry, caller, Some(route.info()?), &request.parameters, cx.now())?;
    if !parsed.is_filtered {
        return Err(Error::malformed("a filter is required to change or delete many items"));
    }
    let mut query = Query { limit: Query::MAX_LIMIT, ..parsed.query };
    let mut items: Vec<Item> = Vec::new();
    let room = cx.room.as_ref().map(|room| room.beside());
    let mut bytes = 0;
    loop {
        let page = cx.services.items.list(&cx.access, &query).await?;
        bytes += page.items.iter().map(Item::size).sum::<usize>();
        room.as_ref().map_or(Ok(()), |room| room.reach(bytes))?;
        if bytes > ChangeSet::MAX_BYTES {
            let most = ChangeSet::MAX_BYTES >> 20;
            let message = format!("the matches take more than {most} MiB: narrow the filter");
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        items.extend(page.items);
        if items.len() > MAX_ITEMS {
            let message = format!("more than {MAX_ITEMS} items match: narrow the filter");
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok((items, room)),
        }
    }
}

/// The route to the item's own type.
fn route_of<'a>(cx: &'a Context, route: &Route<'a>, item: &Item) -> Result<Route<'a>> {
    Ok(Route { info: Some(cx.registry().require(item.type_id)?), ..*route })
}

/// Deepest first, as far as the matches themselves tell.
fn children_first(items: &mut Vec<Item>) {
    let parents: std::collections::HashMap<Uuid, Option<Uuid>> =
        items.iter().map(|item| (item.id, item.parent_id)).collect();
    let depth = |item: &Item| {
        let mut depth = 0;
        let mut parent = item.parent_id;
        while let Some(found) = parent.and_then(|id| parents.get(&id)) {
            depth += 1;
            parent = *found;
        }
        depth
    };
    let mut sorted: Vec<(usize, Item)> = items.drain(..).map(|item| (depth(&item), item)).collect();
    sorted.sort_by_key(|(depth, _)| std::cmp::Reverse(*depth));
    items.extend(sorted.into_iter().map(|(_, item)| item));
}
