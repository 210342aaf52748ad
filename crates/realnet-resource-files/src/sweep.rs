//! Contents that no item names: what a crash has left between two steps, or a storage that was away.
//!
//! A sweep trusts the items to know all contents, so the storage must be that of this database: it holds a mark of it, which is
//! looked at before anything is swept. One that several servers share says more; see [`crate::Keeper`].

use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use realnet_core::clock::Timestamp;
use realnet_core::provider::{
    ByteRange, ContentId, ContentRead, ContentSource, CredentialProvider, DataProvider, Expectation,
};
use realnet_core::resource::Services;
use realnet_core::{Error, Result, Uuid};

use crate::keeper;

/// Contents of one page of a list.
const PAGE: usize = 500;
/// The mark's id, which no content gets: those are made of times.
const MARK: ContentId = ContentId::new(Uuid::from_u128(1));
/// The setting that names the database, of one that has had a storage.
pub const DATABASE_SETTING: &str = "files.database";
/// The longest mark, in bytes.
const MAX_MARK: u64 = 100;

/// What a sweep has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Contents that were looked at.
    pub seen: u64,
    /// Contents that no item named, and that are gone.
    pub removed: u64,
    /// Uploads that nobody has gone on with, and that are gone.
    pub uploads: u64,
}

/// Sees that the storage is that of the database, and marks a new one.
///
/// # Errors
/// Conflict when it belongs to another database, or to another copy of this one.
pub async fn claim(services: &Services) -> Result<()> {
    let Some(store) = &services.data else { return Ok(()) };
    if store.capabilities().shared {
        return keeper::check(services, &**store).await;
    }
    let (own, is_new) = own_mark(services).await?;
    if claim_by(&**store, &own).await? && !is_new {
        warn_of_new_storage();
    }
    Ok(())
}

/// Sees that a storage that contents are copied into is nobody else's, for a database that has had one before. A new one is
/// marked, unless it is shared: then a server of the database does that when it starts. Answers whether another copy of the database
/// has it, as [`check_shared`] does.
///
/// # Errors
/// Conflict when it belongs to another database.
pub async fn claim_for(credentials: &dyn CredentialProvider, store: &dyn DataProvider) -> Result<bool> {
    let Some(own) = credentials.setting(DATABASE_SETTING).await? else { return Ok(false) };
    if store.capabilities().shared {
        return check_shared(&own, store).await;
    }
    claim_by(store, &own).await.map(|_| false)
}

/// Sees that a storage that several servers share is no other database's. Answers whether one of the database's name has turns on it:
/// that is another copy, where no server has been started on this one yet, and may live.
///
/// # Errors
/// Conflict when it belongs to another database.
pub async fn check_shared(own: &[u8], store: &dyn DataProvider) -> Result<bool> {
    match store.mark().await? {
        Some(turn) if turn.starts_with(own) => Ok(true),
        // Before there were turns, a content was the mark.
        None if mark(store).await?.is_none_or(|mark| mark == own) => Ok(false),
        _ => Err(foreign()),
    }
}

/// Sees that a storage of one server has this mark, or none, and marks it then: whether it did.
async fn claim_by(store: &dyn DataProvider, own: &[u8]) -> Result<bool> {
    match mark(store).await? {
        Some(mark) if mark == own => Ok(false),
        Some(_) => Err(foreign()),
        None => {
            let bytes = stream::iter([Ok(Bytes::from(own.to_vec()))]).boxed();
            store.put(MARK, bytes, Expectation::default()).await.map(|_| true)
        }
    }
}

/// Sees that a storage of one server that is only looked at is no other database's.
///
/// # Errors
/// Conflict when it is.
pub async fn check_owner(credentials: &dyn CredentialProvider, storage: &dyn ContentSource) -> Result<()> {
    check_owned(credentials.setting(DATABASE_SETTING).await?.as_deref(), storage).await
}

/// The same for a database of that name, if it has one.
///
/// # Errors
/// Conflict when it is another's.
pub async fn check_owned(own: Option<&[u8]>, storage: &dyn ContentSource) -> Result<()> {
    let Some(read) = storage.content(MARK).await? else { return Ok(()) };
    let mark = text_of(read).await?;
    if own == Some(&*mark) { Ok(()) } else { Err(foreign()) }
}

/// Makes the storage that of the database, whosever it was: what items of another database name in it is swept from there on.
///
/// # Errors
/// Those of the stores.
pub async fn take_over(services: &Services) -> Result<()> {
    let Some(store) = &services.data else { return Ok(()) };
    if store.capabilities().shared {
        return keeper::take(services, &**store).await;
    }
    store.delete(MARK).await?;
    claim(services).await
}

/// What the database is called in marks, and whether it has just got that name.
async fn own_mark(services: &Services) -> Result<(Vec<u8>, bool)> {
    let fresh = format!("RealNet database {}\n", services.ids.next_id()).into_bytes();
    let own = services.credentials.setting_or_insert(DATABASE_SETTING, fresh.clone()).await?;
    let is_new = own == fresh;
    Ok((own, is_new))
}

/// What the database is called in marks.
pub(crate) async fn database(services: &Services) -> Result<Vec<u8>> {
    own_mark(services).await.map(|(own, _)| own)
}

pub(crate) fn warn_of_new_storage() {
    tracing::warn!(
        "the storage has not been used with this database before: contents that are kept elsewhere will not be found"
    );
}

pub(crate) fn foreign() -> Error {
    Error::conflict("the storage belongs to another database")
}

/// The mark of a storage that one server has.
pub(crate) async fn mark(store: &dyn DataProvider) -> Result<Option<Vec<u8>>> {
    match store.get(MARK, ByteRange::All).await? {
        Some(read) => text_of(read).await.map(Some),
        None => Ok(None),
    }
}

async fn text_of(read: ContentRead) -> Result<Vec<u8>> {
    if read.content.size > MAX_MARK {
        return Err(foreign());
    }
    let bytes: Vec<Bytes> = read.data.try_collect().await?;
    Ok(bytes.concat())
}

/// Removes contents that no item names, and uploads that nobody goes on with. Contents since `contents_before` may be about to be
/// named; uploads are given up after that of `uploads_before`.
///
/// # Errors
/// Those of the stores; what was removed until then is gone, and another sweep goes on.
pub async fn sweep(
    services: &Services,
    contents_before: Timestamp,
    uploads_before: Timestamp,
) -> Result<Swept> {
    let mut swept = Swept::default();
    let Some(store) = &services.data else { return Ok(swept) };
    claim(services).await?;
    swept.uploads = store.expire_uploads(uploads_before).await?;
    let mut after = None;
    loop {
        let page = store.list(after, PAGE).await?;
        swept.seen += page.contents.len() as u64;
        let old = page.contents.iter().filter(|entry| entry.stored_at < contents_before && entry.id != MARK);
        let old: Vec<Uuid> = old.map(|entry| entry.id.as_uuid()).collect();
        let named = if old.is_empty() { Vec::new() } else { services.items.contents_in_use(&old).await? };
        for orphan in old.into_iter().filter(|content| !named.contains(content)) {
            swept.removed += u64::from(store.delete(ContentId::new(orphan)).await?);
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(swept),
        }
    }
}
