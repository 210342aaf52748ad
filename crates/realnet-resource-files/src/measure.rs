//! What a picture says of itself: its width and height, as far as the type of its item has such attributes.

use std::io::Cursor;

use bytes::Bytes;
use futures::stream::TryStreamExt as _;
use image::metadata::Orientation;
use image::{ImageDecoder as _, ImageFormat, ImageReader, Limits};
use realnet_core::model::{Item, Map};
use realnet_core::provider::{ByteRange, Content};
use realnet_core::resource::Context;
use realnet_core::{Error, Result};
use serde_json::Value;

use crate::picture::format_of;
use crate::upload::store;

/// The type whose items have such attributes, and all below it.
const MEDIA: &str = "Media";
const WIDTH: &str = "width";
const HEIGHT: &str = "height";

/// So many of the first bytes are looked at; what stands before the size, such as a small picture of the camera's, is shorter.
const HEAD: u64 = 1 << 20;
/// What a decoder may take for that.
const MAX_MEMORY: u64 = 16 << 20;

/// The attributes that follow from a content, or from there being none any more. What nobody has measured stays as it was said.
pub(crate) async fn describe(cx: &Context, item: &Item, content: Option<(&Content, &str)>) -> Result<Map> {
    let info = cx.registry().require(item.type_id)?;
    let media = cx.registry().system(MEDIA);
    if !media.is_some_and(|media| cx.registry().is_derived_from(info.id(), media.id())) {
        return Ok(Map::new());
    }
    let size = match content {
        Some((content, media_type)) => measured(cx, content, media_type).await?,
        None => None,
    };
    let known = item.attributes.get("content_type").and_then(Value::as_str);
    let was_measured = item.content.is_some() && known.is_some_and(|known| format_of(known).is_ok());
    let (width, height) = match size {
        Some((width, height)) => (width.into(), height.into()),
        None if was_measured => (Value::Null, Value::Null),
        None => return Ok(Map::new()),
    };
    let is_settled = |name: &str| info.constant(item.instance.as_deref(), name).is_some();
    let pairs = [(WIDTH, width), (HEIGHT, height)].into_iter().filter(|(name, _)| !is_settled(name));
    Ok(pairs.map(|(name, value)| (name.to_owned(), value)).collect())
}

/// The size of a picture that can be told from its beginning.
async fn measured(cx: &Context, content: &Content, media_type: &str) -> Result<Option<(u32, u32)>> {
    let Ok(format) = format_of(media_type) else { return Ok(None) };
    if content.size == 0 {
        return Ok(None);
    }
    let range = ByteRange::Span(0, HEAD - 1);
    let Some(read) = store(cx)?.get(content.id, range).await? else { return Ok(None) };
    let pieces: Vec<Bytes> = read.data.try_collect().await?;
    let measuring = tokio::task::spawn_blocking(move || size_in(pieces.concat(), format));
    measuring.await.map_err(|error| Error::internal("a picture could not be measured").with_source(error))
}

/// The size that the head of a picture says, turned as the camera was held. No pixel is unpacked.
fn size_in(head: Vec<u8>, format: ImageFormat) -> Option<(u32, u32)> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(head), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    let (width, height) = decoder.dimensions();
    let lies = matches!(
        decoder.orientation().unwrap_or(Orientation::NoTransforms),
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    );
    let (width, height) = if lies { (height, width) } else { (width, height) };
    (width > 0 && height > 0).then_some((width, height))
}

#[cfg(test)]
mod tests {
    use image::DynamicImage;

    use super::*;

    fn encoded(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        DynamicImage::new_rgb8(width, height).write_to(&mut out, format).unwrap();
        out.into_inner()
    }

    /// A picture of a camera that was held upright: a segment of EXIF that says so, behind the first mark of a JPEG.
    fn upright(jpeg: &[u8]) -> Vec<u8> {
        let tiff: &[u8] = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        let length = (2 + 6 + tiff.len()) as u16;
        [&jpeg[..2], b"\xff\xe1", &length.to_be_bytes(), b"Exif\0\0", tiff, &jpeg[2..]].concat()
    }

    #[test]
    fn heads_tell_the_size() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
            let picture = encoded(300, 200, format);
            assert_eq!(size_in(picture.clone(), format), Some((300, 200)), "{format:?}");
            assert_eq!(size_in(picture[..8].to_vec(), format), None, "{format:?}");
        }
        // The pixels may be missing.
        let large = encoded(3000, 2000, ImageFormat::Png);
        assert_eq!(size_in(large[..200].to_vec(), ImageFormat::Png), Some((3000, 2000)));
        let jpeg = encoded(300, 200, ImageFormat::Jpeg);
        assert_eq!(size_in(jpeg[..jpeg.len() / 2].to_vec(), ImageFormat::Jpeg), Some((300, 200)));
        assert_eq!(size_in(upright(&jpeg), ImageFormat::Jpeg), Some((200, 300)));
        assert_eq!(size_in(b"nothing".to_vec(), ImageFormat::Png), None);
    }
}
