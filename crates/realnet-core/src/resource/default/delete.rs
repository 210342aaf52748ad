//! Deleting an item with its descendants.

use std::sync::Arc;

use uuid::Uuid;

use super::get::find;
use super::plan::Plan;
use crate::change::{self, Guard, Version};
use crate::error::{Error, Result};
use crate::resource::dispatcher::own_route;
use crate::resource::{Context, Reply, Route, WriteOptions};

/// Deletes an item with its descendants.
pub async fn delete(cx: &Context, route: &Route<'_>, id: Uuid, options: WriteOptions) -> Result<Reply> {
    let route = own_route(cx, route, id).await?;
    let mut plan = Plan::default();
    plan_delete(cx, &route, id, options.expected_version, &mut plan).await?;
    let done = plan.commit(cx, None).await?;
    Ok(Reply::Deleted(done.results.iter().filter_map(|result| result.deleted).sum()))
}

/// Adds a deletion to a plan. The route leads to a type whose items all have the same resource.
pub(in crate::resource) async fn plan_delete(
    cx: &Context,
    route: &Route<'_>,
    id: Uuid,
    expected_version: Option<Version>,
    plan: &mut Plan,
) -> Result<()> {
    let info = route.info()?;
    let resource = route.resources.of(info)?;
    if resource.looks_before_delete() {
        let item = find(cx, route, id).await?;
        resource.prepare_delete(cx, &item).await?;
    }
    let operation = change::Operation::Delete { id, expected_version, guard: Some(guard(cx, route, id)?) };
    plan.add("delete", operation, Vec::new(), resource);
    Ok(())
}

/// Sees that the item is of the endpoint's types, and asks the resource of every item that would go.
fn guard(cx: &Context, route: &Route<'_>, id: Uuid) -> Result<Guard> {
    let base = route.info()?.id();
    let registry = Arc::clone(&cx.access.registry);
    let ask = route.resources.delete(&cx.access);
    Ok(Arc::new(move |item| {
        if item.id == id && !registry.is_derived_from(item.type_id, base) {
            return Err(Error::not_found(format_args!("item {id}")));
        }
        ask(item)
    }))
}
