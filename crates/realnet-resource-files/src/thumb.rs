//! Thumbnails: small pictures of images, made when they are asked for and kept in the storage as contents that no item names, so
//! that a sweep takes those that have not been made lately.
//!
//! Few pictures are unpacked at a time, each within the bounds of [`crate::picture`], on threads for blocking work.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use image::ImageFormat;
use realnet_core::provider::{ByteRange, Content, ContentId, DataProvider, Expectation, Meter};
use realnet_core::resource::{Context, DataReply, DataRequest, Delivery, Reply};
use realnet_core::{Error, ErrorKind, Result};
use sha2::{Digest as _, Sha256};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use crate::picture::{self, MAX_FILE, Picture};
use crate::upload::store;

/// So many are unpacked at a time.
const AT_ONCE: usize = 2;
/// How long one waits for a place, and for its picture.
const PATIENCE: Duration = Duration::from_secs(15);
/// Edges of squares for which thumbnails are kept; others are made each time.
const KEPT: [u32; 10] = [32, 64, 96, 128, 192, 256, 384, 512, 768, 1024];

/// Makes thumbnails.
#[derive(Debug)]
pub(crate) struct Thumbs {
    places: Arc<Semaphore>,
    /// Those that may be taken by who is not signed in: never all.
    of_strangers: Arc<Semaphore>,
}

/// Leave to unpack a picture.
type Place = (Option<OwnedSemaphorePermit>, OwnedSemaphorePermit);

impl Default for Thumbs {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(AT_ONCE)),
            of_strangers: Arc::new(Semaphore::new(AT_ONCE - 1)),
        }
    }
}

impl Thumbs {
    /// The thumbnail of a content that the caller may read.
    pub(crate) async fn of(
        &self,
        cx: &Context,
        data: DataReply,
        (width, height): (u32, u32),
        wanted: &DataRequest,
    ) -> Result<Reply> {
        let store = store(cx)?;
        let format = picture::format_of(&data.content_type)?;
        let is_kept = width == height && KEPT.contains(&width);
        let id = id_of(data.content.id, width, height);
        let kept = if is_kept { read(store, id, MAX_FILE).await? } else { None };
        let picture = if let Some(bytes) = kept {
            Picture { media_type: picture::media_type_of(&bytes), bytes }
        } else {
            let place = self.place(cx.caller().role.is_none()).await?;
            let made = make(store, data.content, format, (width, height), place).await?;
            if is_kept {
                keep(store, id, made.bytes.clone()).await;
            }
            made
        };
        let mut meter = Meter::new();
        meter.update(&picture.bytes);
        let content = Content { id, size: meter.size(), checksum: meter.checksum() };
        if wanted.conditions.only.as_ref().is_some_and(|only| !only.names(content.checksum)) {
            let message = "the picture is another by now: read it again and retry";
            return Err(Error::new(ErrorKind::PreconditionFailed, message));
        }
        let is_known = wanted.conditions.unless.as_ref().is_some_and(|known| known.names(content.checksum));
        let delivery = match (is_known, wanted.is_head) {
            (true, _) => Delivery::Known,
            (false, true) => Delivery::Head,
            (false, false) => part_of(picture.bytes, &content, wanted)?,
        };
        let (name, content_type) = (named(&data.name, picture.media_type), picture.media_type.to_owned());
        Ok(Reply::Data(DataReply { content, content_type, name, delivery }))
    }

    /// Waits for a place.
    async fn place(&self, is_stranger: bool) -> Result<Place> {
        let places = async {
            let own =
                if is_stranger { Some(Arc::clone(&self.of_strangers).acquire_owned().await?) } else { None };
            Ok::<_, AcquireError>((own, Arc::clone(&self.places).acquire_owned().await?))
        };
        let place = tokio::time::timeout(PATIENCE, places).await;
        place.map_err(|_| busy())?.map_err(|_| busy())
    }
}

fn busy() -> Error {
    Error::unavailable("too many pictures are being made: try again")
}

/// Makes a thumbnail.
async fn make(
    store: &dyn DataProvider,
    content: Content,
    format: ImageFormat,
    size: (u32, u32),
    place: Place,
) -> Result<Picture> {
    if content.size > MAX_FILE {
        return Err(picture::too_large());
    }
    // Who reads slowly does not keep others from their places.
    let reading = tokio::time::timeout(PATIENCE, read(store, content.id, MAX_FILE)).await;
    let bytes = reading.map_err(|_| busy())??;
    let bytes = bytes.ok_or_else(|| Error::conflict("the file was changed meanwhile: try again"))?;
    let making = tokio::task::spawn_blocking(move || {
        // The place is free when the thread is, whether or not anybody waits any more.
        let _place = place;
        picture::shrink(&bytes, format, size)
    });
    let made = tokio::time::timeout(PATIENCE, making).await.map_err(|_| busy())?;
    made.map_err(|error| Error::internal("a thumbnail broke off").with_source(error))?
}

/// So much of a thumbnail as is wanted.
fn part_of(bytes: Bytes, content: &Content, wanted: &DataRequest) -> Result<Delivery> {
    let is_same = wanted.part_of.as_ref().is_none_or(|named| named.names(content.checksum));
    let range = if is_same { wanted.range } else { ByteRange::All };
    let data = |bytes: Bytes| stream::iter([Ok(bytes)]).boxed();
    match range.resolve(content.size) {
        _ if range == ByteRange::All => Ok(Delivery::Whole(data(bytes))),
        Ok(part) => {
            let bytes = bytes.slice(part.start as usize..part.end as usize);
            Ok(Delivery::Part(part, data(bytes)))
        }
        Err(error) if error.kind() == ErrorKind::RangeNotSatisfiable => Ok(Delivery::OutOfRange),
        Err(error) => Err(error),
    }
}

/// The name of a thumbnail: that of the picture, with the ending of its own format.
fn named(name: &str, media_type: &str) -> String {
    let ending = if media_type == "image/png" { "png" } else { "jpg" };
    let stem = match name.rsplit_once('.') {
        Some((stem, old)) if !stem.is_empty() && old.len() <= 4 => stem,
        _ => name,
    };
    format!("{stem}.{ending}")
}

/// The id of a thumbnail, which follows from the content and the size.
fn id_of(content: ContentId, width: u32, height: u32) -> ContentId {
    let digest = Sha256::digest(format!("thumbnail of {content} {width}x{height}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    ContentId::new(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

async fn read(store: &dyn DataProvider, id: ContentId, most: u64) -> Result<Option<Bytes>> {
    let Some(read) = store.get(id, ByteRange::All).await? else { return Ok(None) };
    if read.content.size > most {
        return Err(picture::too_large());
    }
    let pieces: Vec<Bytes> = read.data.try_collect().await?;
    Ok(Some(Bytes::from(pieces.concat())))
}

/// Keeps a thumbnail. Whoever can not, makes it again the next time; another may have kept it just now.
async fn keep(store: &dyn DataProvider, id: ContentId, bytes: Bytes) {
    let kept = store.put(id, stream::iter([Ok(bytes)]).boxed(), Expectation::default()).await;
    if let Err(error) = kept
        && error.kind() != ErrorKind::Conflict
    {
        tracing::debug!(error = %error.report(), "a thumbnail is not kept");
    }
}

#[cfg(test)]
mod tests {
    use realnet_core::Uuid;

    use super::*;

    #[test]
    fn thumbnails_have_names_of_their_own() {
        for (name, expected) in
            [("a.png", "a.jpg"), ("a", "a.jpg"), (".png", ".png.jpg"), ("v1.holiday", "v1.holiday.jpg")]
        {
            assert_eq!(named(name, "image/jpeg"), expected);
        }
        assert_eq!(named("a.gif", "image/png"), "a.png");
    }

    #[tokio::test]
    async fn strangers_leave_a_place_to_others() {
        let thumbs = Thumbs::default();
        let _first = thumbs.place(true).await.unwrap();
        let second = tokio::time::timeout(Duration::from_millis(50), thumbs.place(true)).await;
        assert!(second.is_err(), "another stranger waits");
        let own = tokio::time::timeout(Duration::from_secs(5), thumbs.place(false)).await;
        assert!(own.is_ok_and(|own| own.is_ok()));
    }

    #[test]
    fn ids_of_thumbnails_are_their_own() {
        let content = ContentId::new(Uuid::from_u128(7));
        assert_eq!(id_of(content, 1, 2), id_of(content, 1, 2));
        assert_ne!(id_of(content, 1, 2), id_of(content, 2, 1));
        // Ids of contents are made of times: none is of this version.
        assert_eq!(id_of(content, 1, 2).as_uuid().get_version_num(), 8);
    }
}
