//! Taking the content of an item away.

use std::sync::Arc;

use uuid::Uuid;

use super::write::{Change, Present, commit};
use super::{absent, check_conditions, find_writable, store};
use crate::error::Result;
use crate::resource::{Conditions, Context, Reply, Route, WriteOptions};

/// Takes the content of an item away. The item stays, and says nothing of a content any more.
pub async fn delete_data(
    cx: &Context,
    route: &Route<'_>,
    id: Uuid,
    conditions: &Conditions,
    options: WriteOptions,
) -> Result<Reply> {
    let store = &**store(cx)?;
    let seen = find_writable(cx, route, id, conditions, &options).await?;
    check_conditions(store, &seen, conditions).await?;
    if seen.content.is_none() {
        return Err(absent(id));
    }
    let present = Present::of(&seen, conditions);
    let resource = Arc::clone(route.resources.of(cx.registry().require(seen.type_id)?)?);
    let described = resource.describe_content(cx, &seen, None).await?;
    let change = Change { content: None, content_type: None, described, present };
    commit(cx, route, id, change, &options).await?;
    Ok(Reply::Deleted(0))
}
