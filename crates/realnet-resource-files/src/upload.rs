//! Files that come as they are: each is stored under an id of its own, and then all become items in one change set.

use futures::TryStreamExt as _;
use realnet_core::change::ChangeSet;
use realnet_core::limit::Room;
use realnet_core::provider::{Content, ContentId, DataProvider, Expectation};
use realnet_core::resource::default::{NewFile, check_new_file, create_files, forget_content};
use realnet_core::resource::{Context, FilePart, Files, Part, Reply, Route};
use realnet_core::{Error, ErrorKind, Result};

use crate::documents::{Extent, Said};
use crate::peek::peek;
use crate::{kind, name};

/// The most files of one request.
const MAX_FILES: usize = 100;
/// How long they may take to come, in seconds: contents that no item names go in two days.
const LONGEST: i64 = 24 * 3600;

/// A file that was stored, and is to become an item.
struct Taken {
    name: String,
    type_name: Option<&'static str>,
    /// How much of what is said is said of it.
    extent: Extent,
    content: Content,
    content_type: String,
}

/// The store of contents.
pub(crate) fn store(cx: &Context) -> Result<&dyn DataProvider> {
    let missing = || Error::new(ErrorKind::Unsupported, "this server has no storage for contents");
    cx.services.data.as_deref().ok_or_else(missing)
}

/// Creates an item of each file that comes.
pub(crate) async fn upload(cx: &Context, route: &Route<'_>, files: Files) -> Result<Reply> {
    let store = store(cx)?;
    let mut made = Vec::new();
    match take_all(cx, route, store, files, &mut made).await {
        Ok(_) if made.is_empty() => Err(Error::malformed("there is no file in the body")),
        // The room is held until the items are there.
        Ok((said, _room)) => {
            let contents: Vec<ContentId> = made.iter().map(|file| file.content.id).collect();
            let created = create(cx, route, &said, made).await;
            if let Err(error) = &created {
                for content in contents {
                    forget_content(cx, content, error).await;
                }
            }
            created
        }
        Err(error) => {
            for file in made {
                remove(store, file.content.id).await;
            }
            Err(error)
        }
    }
}

/// Creates the items.
async fn create(cx: &Context, route: &Route<'_>, said: &Said, made: Vec<Taken>) -> Result<Reply> {
    let single = made.len() == 1;
    let files = made.into_iter().map(|file| {
        let Taken { name, type_name, extent, content, content_type } = file;
        NewFile { id: None, document: said.document(extent, &name, type_name), content, content_type }
    });
    create_files(cx, route, files, single).await
}

/// Takes room for what a request keeps until it is committed, beside what the commit takes.
///
/// # Errors
/// Too large for more than a change set may have; those of [`Room::reach`].
pub(crate) fn take_room(room: Option<&Room>, bytes: usize, what: &str) -> Result<()> {
    if bytes > ChangeSet::MAX_BYTES {
        let message = format!("{what} takes more than {} MiB: do less at once", ChangeSet::MAX_BYTES >> 20);
        return Err(Error::new(ErrorKind::TooLarge, message));
    }
    room.map_or(Ok(()), |room| room.reach(bytes))
}

/// Removes a content that is of no use. What can not be removed now, a sweep finds.
pub(crate) async fn remove(store: &dyn DataProvider, content: ContentId) {
    if let Err(error) = store.delete(content).await {
        tracing::warn!(error = %error.report(), %content, "a content that nothing names is left");
    }
}

async fn take_all(
    cx: &Context,
    route: &Route<'_>,
    store: &dyn DataProvider,
    files: Files,
    made: &mut Vec<Taken>,
) -> Result<(Said, Option<Room>)> {
    let Files { mut parts, parameters } = files;
    let mut said = Said::default();
    let begun = cx.now();
    for (name, value) in parameters {
        said.add(&name, value)?;
    }
    while let Some(part) = parts.try_next().await? {
        match part {
            Part::Text { name, value } => said.add(&name, value)?,
            Part::File(_) if made.len() == MAX_FILES => {
                return Err(Error::new(ErrorKind::TooLarge, format!("at most {MAX_FILES} files at once")));
            }
            Part::File(file) => {
                // Of strangers all files together have the bound of one.
                let sum: u64 = made.iter().map(|file| file.content.size).sum();
                let taken = if cx.caller().role.is_none() { sum } else { 0 };
                let limit = cx.max_content().saturating_sub(taken);
                made.extend(take(cx, route, store, (&mut said, limit), file).await?);
            }
        }
    }
    if begun.plus_seconds(LONGEST) < cx.now() {
        return Err(Error::new(ErrorKind::Timeout, "the files took longer than a day to come"));
    }
    // What is said of several files is there once for each of them, as text, when they become items.
    let bytes = made.iter().map(|file| file.extent.bytes).sum();
    let room = cx.room.as_ref().map(|room| room.beside());
    take_room(room.as_ref(), bytes, "what is said of the files")?;
    Ok((said, room))
}

/// Stores one file. `None` for what a form sends where no file was chosen.
async fn take(
    cx: &Context,
    route: &Route<'_>,
    store: &dyn DataProvider,
    (said, limit): (&mut Said, u64),
    file: FilePart,
) -> Result<Option<Taken>> {
    let FilePart { name: given, content_type, expected, data } = file;
    let name = name::of(said.name.take().as_deref().or(given.as_deref()));
    // Before a byte is taken: whether the caller may do it at all.
    check_new_file(cx, route, &said.outline(&name, None)).await?;
    expected
        .size
        .map_or(Ok(()), |size| Expectation { limit: Some(limit), ..Expectation::default() }.admit(size))?;
    let (first, data) = peek(data).await?;
    if first.is_empty() && given.as_deref() == Some("") {
        return Ok(None);
    }
    let content_type = kind::media_type(&first, content_type.as_deref(), &name);
    let type_name = type_to_be(cx, route, said, &name, &content_type).await;
    let id = ContentId::new(cx.services.ids.next_id());
    let content = store.put(id, data, Expectation { limit: Some(limit), ..expected }).await?;
    Ok(Some(Taken { name, type_name, extent: said.note_file(), content, content_type }))
}

/// The type of item that a file of this name and media type becomes; `None`: the one that was asked for.
pub(crate) async fn type_to_be(
    cx: &Context,
    route: &Route<'_>,
    said: &Said,
    name: &str,
    content_type: &str,
) -> Option<&'static str> {
    let type_name = type_for(cx, route, content_type).filter(|_| !said.has_type)?;
    // What may not be made as this is made as what was asked for.
    let checked = check_new_file(cx, route, &said.outline(name, Some(type_name))).await;
    checked.is_ok().then_some(type_name)
}

/// The type of item for a media type, if it is one of the endpoint's.
fn type_for(cx: &Context, route: &Route<'_>, media_type: &str) -> Option<&'static str> {
    let name = kind::type_name(media_type)?;
    let info = cx.registry().system(name)?;
    let base = route.info().ok()?;
    let is_same = cx.registry().find(cx.caller().org, name).is_some_and(|found| found.id() == info.id());
    (is_same && cx.registry().is_derived_from(info.id(), base.id())).then_some(name)
}
