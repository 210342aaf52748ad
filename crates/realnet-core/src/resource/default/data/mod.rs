//! The content of an item: which items have one, and where it is.
//!
//! An item names its content by an id ([`Item::content`]), and says its size, its checksum and its media type in attributes.
//! Only what stands here sets these: a content is written under a new id, the commit of the item makes it the item's, and the
//! one before it goes.

mod create;
mod delete;
mod read;
mod write;

use std::sync::Arc;

use uuid::Uuid;

pub use create::{NewFile, check_new_file, check_parent, create_files};
pub use delete::delete_data;
pub use read::read_data;
pub use write::write_data;

use crate::acl::{Caller, Permission};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Item, Map};
use crate::provider::{Access, Content, ContentId, DataProvider};
use crate::registry::TypeInfo;
use crate::resource::{Conditions, Context, Route, WriteOptions};

/// The type whose items have contents, and all derived from it.
const FILE: &str = "File";
/// What an item says of its content.
const SIZE: &str = "size";
const CHECKSUM: &str = "checksum";
const CONTENT_TYPE: &str = "content_type";

/// The store of contents.
fn store(cx: &Context) -> Result<&Arc<dyn DataProvider>> {
    let missing = || Error::new(ErrorKind::Unsupported, "this server has no storage for contents");
    cx.services.data.as_ref().ok_or_else(missing)
}

/// Refuses items that have no contents by their type.
fn check_type(cx: &Context, item: &Item) -> Result<()> {
    let file = cx.registry().system(FILE);
    if file.is_some_and(|file| cx.registry().is_derived_from(item.type_id, file.id())) {
        return Ok(());
    }
    let message =
        format!("items of type {} have no content: those of {FILE} and its types have", item.type_name);
    Err(Error::new(ErrorKind::NotAllowed, message))
}

/// Refuses new items with a content whose type has none.
pub(super) fn check_has_content(cx: &Context, info: &TypeInfo) -> Result<()> {
    let file = cx.registry().system(FILE);
    if file.is_some_and(|file| cx.registry().is_derived_from(info.id(), file.id())) {
        return Ok(());
    }
    let detail = format!("items of type {} have no content", info.name());
    Err(Error::new(ErrorKind::UnsupportedMediaType, detail))
}

/// An item whose content the caller may change, as it is now: asked before a byte of a new one is taken.
async fn find_writable(
    cx: &Context,
    route: &Route<'_>,
    id: Uuid,
    conditions: &Conditions,
    options: &WriteOptions,
) -> Result<Item> {
    let missing = || Error::not_found(format_args!("item {id}"));
    // Who may write without reading is told no more than by other writes.
    let system = Access {
        caller: Arc::new(Caller::system(cx.caller().org)),
        registry: Arc::clone(&cx.access.registry),
    };
    let found = cx.services.items.get(&system, id).await?.ok_or_else(missing)?;
    let is_readable = cx.access.allows(&found, Permission::Read);
    let is_writable = cx.access.allows(&found, Permission::Write);
    let is_of_route = cx.registry().is_derived_from(found.type_id, route.info()?.id());
    if !is_of_route || !(is_readable || is_writable) {
        return Err(missing());
    }
    check_type(cx, &found)?;
    if !is_writable {
        return Err(Error::forbidden("you may not write this item"));
    }
    if !is_readable && !conditions.is_empty() {
        return Err(Error::forbidden("you may not read the content that the condition is about"));
    }
    options.expected_version.map_or(Ok(()), |version| version.check(&found, 0))?;
    Ok(found)
}

/// Sees that the content of an item is as it must be.
async fn check_conditions(store: &dyn DataProvider, item: &Item, conditions: &Conditions) -> Result<()> {
    if conditions.is_empty() {
        return Ok(());
    }
    let present = match item.content {
        Some(id) => store.head(ContentId::new(id)).await?,
        None => None,
    };
    if conditions.hold(present.map(|content| content.checksum)) { Ok(()) } else { Err(changed()) }
}

/// The item has no content.
fn absent(id: Uuid) -> Error {
    Error::new(ErrorKind::NotFound, format!("item {id} has no content"))
}

/// The content is not the one that the caller knows.
fn changed() -> Error {
    Error::new(ErrorKind::PreconditionFailed, "the content is another by now: read it again and retry")
}

/// A content that an item is about to name, with its media type.
pub(in crate::resource) struct NewContent {
    /// The id that the item gets; a new one when absent.
    item: Option<Uuid>,
    content: Content,
    content_type: String,
}

impl NewContent {
    /// The content's id.
    pub(super) fn id(&self) -> Uuid {
        self.content.id.as_uuid()
    }

    /// The id that the item gets, if that is settled.
    pub(super) const fn item(&self) -> Option<Uuid> {
        self.item
    }

    /// What it is, and its media type.
    pub(super) fn described(&self) -> (&Content, &str) {
        (&self.content, &self.content_type)
    }

    /// Says in attributes what it is.
    pub(super) fn note(&self, attributes: &mut Map) {
        note(attributes, &self.content, Some(&self.content_type));
    }
}

fn note(attributes: &mut Map, content: &Content, content_type: Option<&str>) {
    attributes.insert(SIZE.to_owned(), content.size.into());
    attributes.insert(CHECKSUM.to_owned(), content.checksum.to_string().into());
    if let Some(content_type) = content_type {
        attributes.insert(CONTENT_TYPE.to_owned(), content_type.into());
    }
}

/// Says in attributes what follows from a content; null takes one away.
pub(super) fn describe(attributes: &mut Map, described: &Map) {
    for (name, value) in described {
        if value.is_null() {
            attributes.remove(name);
        } else {
            attributes.insert(name.clone(), value.clone());
        }
    }
}

/// An item that names another content, or none, and says what it is.
fn with_content(item: &Item, content: Option<&Content>, content_type: Option<&str>) -> (Option<Uuid>, Map) {
    let mut attributes = item.attributes.as_map().clone();
    match content {
        Some(content) => note(&mut attributes, content, content_type),
        None => [SIZE, CHECKSUM, CONTENT_TYPE].into_iter().for_each(|name| drop(attributes.remove(name))),
    }
    (content.map(|content| content.id.as_uuid()), attributes)
}

/// Removes a content which no item has come to name, because of this error. Where it is not clear whether one does, it stays. What is
/// left, the sweep of the store finds.
pub async fn forget_content(cx: &Context, content: ContentId, why: &Error) {
    if matches!(why.kind(), ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Internal) {
        return;
    }
    let removed = async {
        if cx.services.items.contents_in_use(&[content.as_uuid()]).await?.is_empty() {
            store(cx)?.delete(content).await?;
        }
        Ok::<(), Error>(())
    };
    if let Err(error) = removed.await {
        tracing::warn!(error = %error.report(), %content, "a content that nothing names is left");
    }
}
