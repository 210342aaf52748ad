//! Uploads in several requests. Whole parts go into a multipart upload, whose id is kept with what is too little for one.
//!
//! An append is done by a task of its own, which goes on when the call is given up: it stores what has come.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::stream::TryStreamExt as _;
use realnet_core::clock::{IdSource as _, System};
use realnet_core::provider::{Content, ContentId, DataStream, Expectation};
use realnet_core::{Error, Result};
use tokio::sync::mpsc;

use super::content::{Found, data_key, find};
use super::hash::Hash;
use super::hold::Held;
use super::multipart::{Multipart, part_size, part_size_at};
use super::read::Reader;
use super::record::{Parts, Record, UPLOADS};
use super::room::{Gathered, Room, Taken};
use super::{Store, publish, put, taken};

/// The folder of what clients send by themselves.
pub(super) const INCOMING: &str = "incoming";
/// After so many parts it is noted that they are there, for the case that the process ends.
const NOTED: usize = 8;
/// How many pieces wait for the task that stores them.
const WAITING: usize = 2;

/// Begins an upload.
pub(super) async fn begin(store: &Arc<Store>, id: ContentId) -> Result<()> {
    let _held = store.holders.hold(id)?;
    if find(&store.bucket, id).await?.is_some() {
        return Err(taken(id));
    }
    let saved = Record::default().save(store, id).await;
    saved.map_err(|error| if error.kind() == realnet_core::ErrorKind::Conflict { taken(id) } else { error })
}

/// The length of an upload.
pub(super) async fn offset(store: &Store, id: ContentId) -> Result<Option<u64>> {
    Record::look(store, id).await
}

/// Adds a stream to the end of an upload.
pub(super) async fn append(
    store: &Arc<Store>,
    id: ContentId,
    offset: u64,
    mut data: DataStream,
    limit: Option<u64>,
) -> Result<u64> {
    let held = store.holders.hold(id)?;
    // The last bytes of the upload, up to a part, are in memory from here on.
    let room = store.room.take(part_size_at(offset)).await?;
    let record = Record::load(store, id).await?.ok_or_else(|| unknown(id))?;
    let mut length = record.length();
    if length != offset {
        return Err(Error::conflict(format!("the upload is at {length}, not at {offset}")));
    }
    let (pieces, waiting) = mpsc::channel(WAITING);
    let appending = Appending::new(store, id, record, room, held);
    let storing = tokio::spawn(appending.run(waiting));
    let expected = Expectation { limit, ..Expectation::default() };
    let end = async {
        while let Some(piece) = data.try_next().await? {
            length += piece.len() as u64;
            expected.admit(length)?;
            if pieces.send(piece).await.is_err() {
                // The task has failed, and says why.
                break;
            }
        }
        Ok(())
    }
    .await;
    drop(pieces);
    let stored =
        storing.await.map_err(|error| Error::internal("an upload did not end").with_source(error))?;
    end.and(stored)
}

/// An upload that is being added to.
struct Appending {
    store: Arc<Store>,
    id: ContentId,
    record: Record,
    /// The bytes behind the last part.
    tail: BytesMut,
    /// What the tail takes of the memory; goes with the part that it becomes.
    room: Option<Taken>,
    multipart: Option<(Multipart, String)>,
    _held: Held,
}

impl Appending {
    fn new(store: &Arc<Store>, id: ContentId, mut record: Record, room: Taken, held: Held) -> Self {
        let tail = BytesMut::from(&std::mem::take(&mut record.tail)[..]);
        let multipart = record.parts.as_ref().map(|parts| {
            let key = data_key(&store.bucket, id, &parts.put);
            let resumed = Multipart::resume(store, key, parts.upload.clone(), parts.stored.clone());
            (resumed, parts.put.clone())
        });
        Self { store: Arc::clone(store), id, record, tail, room: Some(room), multipart, _held: held }
    }

    /// Stores pieces until there are no more; answers the length of the upload.
    async fn run(mut self, mut pieces: mpsc::Receiver<Bytes>) -> Result<u64> {
        let before = self.length();
        let busy = self.take_all(&mut pieces).await?;
        // What has come stays, also when others needed the room.
        if before != self.length() {
            self.note().await?;
        }
        busy.map_or_else(|| Ok(self.length()), Err)
    }

    /// Takes in pieces until there are no more, or until there is no room for them: answers why, then.
    async fn take_all(&mut self, pieces: &mut mpsc::Receiver<Bytes>) -> Result<Option<Error>> {
        let mut deadline = Room::deadline(part_size(self.sent()));
        loop {
            let next = self.store.room.piece(deadline, pieces.recv()).await;
            let mut piece = match next {
                Ok(Some(piece)) => piece,
                Ok(None) => return Ok(None),
                Err(busy) => return Ok(Some(busy)),
            };
            while !piece.is_empty() {
                let size = part_size(self.sent());
                if self.room.is_none() {
                    match self.store.room.take(size).await {
                        Ok(room) => self.room = Some(room),
                        Err(busy) => return Ok(Some(busy)),
                    }
                    deadline = Room::deadline(size);
                }
                let taken = piece.split_to(piece.len().min(size - self.tail.len()));
                self.tail.extend_from_slice(&taken);
                if self.tail.len() == size {
                    self.send().await?;
                }
            }
        }
    }

    fn sent(&self) -> usize {
        self.multipart.as_ref().map_or(0, |(multipart, _)| multipart.sent())
    }

    fn length(&self) -> u64 {
        self.record.hash.length() + self.tail.len() as u64
    }

    /// Sends what has become a part.
    async fn send(&mut self) -> Result<()> {
        let (part, room) = (self.tail.split().freeze(), self.room.take());
        let (hash, body) = (self.record.hash.clone(), part.clone());
        let digested = tokio::task::spawn_blocking(move || digest(hash, &body)).await;
        self.record.hash =
            digested.map_err(|error| Error::internal("a part was not digested").with_source(error))?;
        let (multipart, _) = match &mut self.multipart {
            Some(multipart) => multipart,
            none => {
                let put = System.next_id().to_string();
                let key = data_key(&self.store.bucket, self.id, &put);
                none.insert((Multipart::begin(&self.store, key).await?, put))
            }
        };
        multipart.send(Gathered { bytes: part, room }).await?;
        if multipart.sent().is_multiple_of(NOTED) { self.note().await } else { Ok(()) }
    }

    /// Keeps what has come so far: then the upload is there up to here, whatever happens.
    async fn note(&mut self) -> Result<()> {
        if let Some((multipart, put)) = &mut self.multipart {
            let stored = multipart.settle().await?;
            self.record.parts =
                Some(Parts { upload: multipart.upload().to_owned(), put: put.clone(), stored });
        }
        self.record.tail = Bytes::copy_from_slice(&self.tail);
        self.record.save(&self.store, self.id).await?;
        if let Some((multipart, _)) = &mut self.multipart {
            // The record names it now.
            multipart.keep();
        }
        Ok(())
    }
}

fn digest(mut hash: Hash, part: &[u8]) -> Hash {
    hash.update(part);
    hash
}

/// Makes a content of an upload or of what a client has sent by itself, or finds the one that has been made of it.
pub(super) async fn finish(store: &Arc<Store>, id: ContentId, expected: Expectation) -> Result<Content> {
    let _held = store.holders.hold(id)?;
    let record = Record::load(store, id).await?;
    let is_empty = record.as_ref().is_none_or(|record| record.length() == 0);
    if is_empty && let Some(content) = arrived(store, id, expected).await? {
        return Ok(content);
    }
    let Some(record) = record else {
        let found = find(&store.bucket, id).await?.ok_or_else(|| unknown(id))?;
        let content = found.content;
        return expected.check(content.size, content.checksum).map(|()| content);
    };
    let content = Content { id, size: record.length(), checksum: record.checksum() };
    expected.check(content.size, content.checksum)?;
    match record.parts {
        None => {
            let put = id.to_string();
            publish::small(store, content, &put, record.tail).await?;
        }
        Some(Parts { upload, put, stored }) => {
            let key = data_key(&store.bucket, id, &put);
            // When it is finished once more, after a crash, the content or its object may be there already.
            if !is_published(store, id, &put).await? {
                let mut multipart = Multipart::resume(store, key, upload, stored);
                if !record.tail.is_empty() {
                    multipart.send(Gathered { bytes: record.tail, room: None }).await?;
                }
                multipart.complete(content.size).await?;
                publish::large(store, content, &put).await?;
            }
        }
    }
    store.bucket.delete(&store.bucket.key(UPLOADS, id)).await?;
    Ok(content)
}

async fn is_published(store: &Store, id: ContentId, put: &str) -> Result<bool> {
    Ok(find(&store.bucket, id).await?.is_some_and(|found: Found| found.put == put))
}

/// Makes a content of what a client has sent by itself. The client may go on sending until its leave ends, so the bytes are taken
/// into an object that it can not write to, while they are compared.
async fn arrived(store: &Arc<Store>, id: ContentId, expected: Expectation) -> Result<Option<Content>> {
    let key = store.bucket.key(INCOMING, id);
    let Some(head) = store.bucket.head(&key).await? else { return Ok(None) };
    expected.admit_whole(head.size)?;
    let data = Reader::of(store, key.clone(), head.etag, head.size).stream();
    let content = match put::put(store, id, data, expected).await {
        Ok(content) => content,
        // It was finished before, and only what had arrived was not removed.
        Err(error) if error.kind() == realnet_core::ErrorKind::Conflict => {
            let Some(found) = find(&store.bucket, id).await? else { return Err(error) };
            expected.check(found.content.size, found.content.checksum)?;
            found.content
        }
        Err(error) => return Err(error),
    };
    store.bucket.delete(&key).await?;
    store.bucket.delete(&store.bucket.key(UPLOADS, id)).await?;
    Ok(Some(content))
}

/// Removes an upload and what a client has sent for it.
pub(super) async fn abort(store: &Arc<Store>, id: ContentId) -> Result<bool> {
    let _held = store.holders.hold(id)?;
    let key = store.bucket.key(INCOMING, id);
    let arrived = store.bucket.head(&key).await?.is_some();
    if arrived {
        store.bucket.delete(&key).await?;
    }
    let Some(record) = Record::load(store, id).await? else { return Ok(arrived) };
    // Of a finished upload the record alone is left over.
    let published = match &record.parts {
        Some(parts) => is_published(store, id, &parts.put).await?,
        None => find(&store.bucket, id).await?.is_some(),
    };
    store.bucket.delete(&store.bucket.key(UPLOADS, id)).await?;
    if let Some(parts) = record.parts.filter(|_| !published) {
        let key = data_key(&store.bucket, id, &parts.put);
        store.bucket.abort_parts(&key, &parts.upload).await?;
        store.bucket.delete(&key).await?;
    }
    Ok(!published)
}

fn unknown(id: ContentId) -> Error {
    Error::not_found(format!("upload {id}"))
}
