//! Reading one item.

use std::sync::Arc;

use uuid::Uuid;

use super::expand::expand;
use crate::error::{Error, Result};
use crate::model::Item;
use crate::query;

use crate::resource::{Context, ListRequest, Projection, Rendered, Reply, Route};

/// One item of the endpoint's types that the caller may read.
pub async fn get(cx: &Context, route: &Route<'_>, id: Uuid, request: ListRequest) -> Result<Reply> {
    let projection = projection(cx, route, &request)?;
    let item = find(cx, route, id).await?;
    let expanded = expand(cx, std::slice::from_ref(&item), &projection.select).await?;
    Ok(Reply::Item(Rendered::with(cx, item, projection, expanded)))
}

/// An item that the caller may read, if it is of the endpoint's types.
pub(super) async fn find(cx: &Context, route: &Route<'_>, id: Uuid) -> Result<Item> {
    let base = route.info()?.id();
    let found = cx.services.items.get(&cx.access, id).await?;
    found
        .filter(|item| cx.registry().is_derived_from(item.type_id, base))
        .ok_or_else(|| Error::not_found(format_args!("item {id}")))
}

/// Which parts are wanted.
fn projection(cx: &Context, route: &Route<'_>, request: &ListRequest) -> Result<Arc<Projection>> {
    if request.parameters.is_empty() {
        return Ok(Arc::default());
    }
    query::parse_projection(cx.registry(), cx.caller(), route.info, &request.parameters).map(Arc::new)
}
