//! Figures of items: parameters → aggregate → a document.

use crate::error::Result;
use crate::query;
use crate::resource::{Context, ListRequest, Reply, Route};

/// Figures of the items of the endpoint's types, by group.
pub async fn aggregate(cx: &Context, route: &Route<'_>, request: ListRequest) -> Result<Reply> {
    let base = Some(route.info()?);
    let aggregate = query::parse_aggregate(cx.registry(), cx.caller(), base, &request.parameters, cx.now())?;
    let rows = cx.services.items.aggregate(&cx.access, &aggregate).await?;
    if let Some(room) = &cx.room {
        room.reach(rows.iter().map(|row| aggregate.row_size(row)).sum())?;
    }
    Ok(Reply::Document(aggregate.document(rows)))
}
