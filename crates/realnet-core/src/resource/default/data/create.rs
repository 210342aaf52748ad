//! Creating items of contents that have been stored: one change set for all of them.

use serde_json::Value;
use uuid::Uuid;

use super::{NewContent, check_has_content};
use crate::acl::{self, Permission};
use crate::error::{Error, Result, Violation};
use crate::provider::Content;
use crate::resource::default::create::{created, plan_create, type_of};
use crate::resource::default::plan::Plan;
use crate::resource::{Body, Context, Reply, Route};

/// An item to be made of a content.
#[derive(Debug)]
pub struct NewFile {
    /// The id that the item gets; a new one when absent.
    pub id: Option<Uuid>,
    /// Properties and attributes, as for a creation.
    pub document: Value,
    /// The content, which no item names yet.
    pub content: Content,
    /// Its media type.
    pub content_type: String,
}

/// Creates an item for each content, all or none; the files are asked for one after the other, and kept as text. `single`: answer
/// with an object. What becomes of contents that are refused is up to who has stored them, see
/// [`forget_content`](super::forget_content).
pub async fn create_files(
    cx: &Context,
    route: &Route<'_>,
    files: impl Iterator<Item = NewFile> + Send,
    single: bool,
) -> Result<Reply> {
    let mut plan = Plan::default();
    for (index, NewFile { id, document, content, content_type }) in files.enumerate() {
        let content = NewContent { item: id, content, content_type };
        let planned = plan_create(cx, route, document, Some(&content), &mut plan).await;
        planned.map_err(|error| if single { error } else { error.at_operation(index) })?;
    }
    Ok(created(cx, plan.commit(cx, None).await?.items(), single, false))
}

/// Sees that the caller may create such an item, before its content is taken.
///
/// # Errors
/// Those of the creation, as far as they are clear by now.
pub async fn check_new_file(cx: &Context, route: &Route<'_>, document: &Value) -> Result<()> {
    let body = Body::parse(document.clone())?;
    let info = type_of(cx, route, &body)?;
    check_has_content(cx, info)?;
    let instance = body.property("instance").and_then(Value::as_str);
    acl::may_create(cx.registry(), cx.caller(), info, instance, cx.caller().org)?;
    let Some(parent) = body.property("parent_id") else { return Ok(()) };
    let parent = parent.as_str().and_then(|text| Uuid::parse_str(text).ok()).ok_or_else(no_parent)?;
    check_parent(cx, parent).await
}

fn no_parent() -> Error {
    Error::invalid(vec![Violation::new("/parent_id", "refers to no item that you can see")])
}

/// Sees that the caller may put items below a parent.
///
/// # Errors
/// Invalid input when the caller does not see it, forbidden when it may not write it.
pub async fn check_parent(cx: &Context, parent: Uuid) -> Result<()> {
    let parent = cx.services.items.get(&cx.access, parent).await?.ok_or_else(no_parent)?;
    if cx.access.allows(&parent, Permission::Write) {
        Ok(())
    } else {
        Err(Error::forbidden("you may not attach children to this parent"))
    }
}
