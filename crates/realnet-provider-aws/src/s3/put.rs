//! A content in one call: small ones as one request, large ones in parts, whose number is not known before they end.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::stream::TryStreamExt as _;
use realnet_core::Result;
use realnet_core::clock::{IdSource as _, System};
use realnet_core::provider::{Content, ContentId, DataStream, Expectation, Meter};

use super::content::{data_key, find};
use super::multipart::{Multipart, part_size};
use super::room::{FREE, Gathered, Room};
use super::{Store, publish, taken};

/// Stores a stream as a content.
pub(super) async fn put(
    store: &Arc<Store>,
    id: ContentId,
    data: DataStream,
    expected: Expectation,
) -> Result<Content> {
    let mut source = Source::new(store.room.clone(), data, expected);
    let first = source.part(part_size(0)).await?;
    let put = System.next_id().to_string();
    if source.has_ended {
        let content = source.content(id)?;
        // The room is kept until all is stored.
        let Gathered { bytes, room: _room } = first;
        return publish::small(store, content, &put, bytes).await;
    }
    // Before much is sent; whether the id is free then counts at the end only.
    if find(&store.bucket, id).await?.is_some() {
        return Err(taken(id));
    }
    let mut parts = Multipart::begin(store, data_key(&store.bucket, id, &put)).await?;
    match send(&mut parts, &mut source, first).await.and_then(|()| source.content(id)) {
        Ok(content) => {
            parts.complete(content.size).await?;
            publish::large(store, content, &put).await
        }
        Err(error) => {
            // Before the answer: a failure leaves nothing. What can not be taken back now, is swept.
            if let Err(fault) = parts.abort().await {
                tracing::warn!(error = %fault.report(), "parts of a failed upload are left to the sweep");
            }
            Err(error)
        }
    }
}

/// Sends the first part and all that follow.
async fn send(parts: &mut Multipart, source: &mut Source, first: Gathered) -> Result<()> {
    let mut part = first;
    while !part.bytes.is_empty() {
        parts.send(part).await?;
        if source.has_ended {
            break;
        }
        part = source.part(part_size(parts.sent())).await?;
    }
    Ok(())
}

/// What is stored, cut into parts.
struct Source {
    room: Room,
    data: DataStream,
    /// What came beyond the last part.
    rest: Bytes,
    meter: Meter,
    expected: Expectation,
    has_ended: bool,
}

impl Source {
    fn new(room: Room, data: DataStream, expected: Expectation) -> Self {
        Self { room, data, rest: Bytes::new(), meter: Meter::new(), expected, has_ended: false }
    }

    /// The next bytes, `size` of them unless the stream ends before.
    async fn part(&mut self, size: usize) -> Result<Gathered> {
        let mut part = BytesMut::with_capacity(FREE.min(size));
        let (mut room, mut deadline) = (None, None);
        loop {
            let taken = self.rest.split_to(self.rest.len().min(size - part.len()));
            if part.len() + taken.len() > part.capacity() {
                let largest = self.largest(size).max(part.len() + taken.len());
                if room.is_none() {
                    room = Some(self.room.take(largest).await?);
                    deadline = Some(Room::deadline(largest));
                }
                // All at once: blocks of one size are used again, while growing ones leave holes behind, and what nothing has
                // come for yet takes no memory.
                part.reserve(largest - part.len());
            }
            part.extend_from_slice(&taken);
            if part.len() == size && !self.rest.is_empty() {
                return Ok(Gathered { bytes: part.freeze(), room });
            }
            let next = self.data.try_next();
            let piece = match deadline {
                Some(deadline) => self.room.piece(deadline, next).await??,
                None => next.await?,
            };
            let Some(piece) = piece else {
                self.has_ended = true;
                return Ok(Gathered { bytes: part.freeze(), room });
            };
            self.expected.admit(self.meter.size() + piece.len() as u64)?;
            self.meter.update(&piece);
            self.rest = piece;
        }
    }

    /// How many bytes a part can have at most: a content of announced size may be smaller than one.
    fn largest(&self, size: usize) -> usize {
        let announced = self.expected.size.and_then(|whole| usize::try_from(whole).ok());
        announced.map_or(size, |whole| whole.min(size))
    }

    /// What all of it was, when it is what was expected.
    fn content(&self, id: ContentId) -> Result<Content> {
        let (size, checksum) = (self.meter.size(), self.meter.clone().checksum());
        self.expected.check(size, checksum)?;
        Ok(Content { id, size, checksum })
    }
}

#[cfg(test)]
mod tests {
    use futures::stream::{self, StreamExt as _};

    use super::*;

    #[tokio::test]
    async fn parts_are_cut_where_they_end() {
        let pieces = [0, 3, 0, 10, 1, 2, 0].map(|length| Ok(Bytes::from(vec![length as u8; length])));
        let expected = Expectation::default();
        let data = stream::iter(pieces).boxed();
        let mut source = Source::new(Room::default(), data, expected);
        let mut parts = Vec::new();
        while !source.has_ended {
            parts.push(source.part(4).await.unwrap().bytes.len());
        }
        assert_eq!(parts, [4, 4, 4, 4]);
        assert_eq!(source.meter.size(), 16);
    }
}
