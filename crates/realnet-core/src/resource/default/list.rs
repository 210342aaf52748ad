//! Listing items: parameters → query → page.

use std::sync::Arc;

use uuid::Uuid;

use super::expand::expand;
use super::get::find;
use crate::error::{Error, Result};

use crate::query;
use crate::registry::TypeInfo;
use crate::resource::{Context, ListRequest, Rendered, Reply, Route};

/// A page of the items of the endpoint's types.
pub async fn list(cx: &Context, route: &Route<'_>, request: ListRequest) -> Result<Reply> {
    page(cx, Some(route.info()?), &request.parameters).await
}

/// A page of the children of an item, whatever their type.
pub async fn children(cx: &Context, route: &Route<'_>, id: Uuid, request: ListRequest) -> Result<Reply> {
    find(cx, route, id).await?;
    let ListRequest { mut parameters } = request;
    if parameters.iter().any(|(name, _)| name == "parent") {
        return Err(Error::malformed_at("parent", "the parent is named by the path already"));
    }
    parameters.push(("parent".to_owned(), id.to_string()));
    page(cx, cx.registry().root(), &parameters).await
}

async fn page(cx: &Context, base: Option<&TypeInfo>, parameters: &[(String, String)]) -> Result<Reply> {
    let parsed = query::parse(cx.registry(), cx.caller(), base, parameters, cx.now())?;
    let page = cx.services.items.list(&cx.access, &parsed.query).await?;
    let expanded = expand(cx, &page.items, &parsed.projection.select).await?;
    Ok(Reply::Page(Rendered::with(cx, page, Arc::new(parsed.projection), expanded)))
}
