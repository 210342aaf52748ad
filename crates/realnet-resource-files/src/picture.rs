//! Pictures made small: a thumbnail of the bytes of a file, for [`crate::thumb`].
//!
//! A picture says how large it is before it is unpacked, and what says too much is refused: what it takes to unpack it is bounded,
//! by what its format keeps beside the pixels as well.

use std::io::Cursor;

use bytes::Bytes;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};
use realnet_core::{Error, ErrorKind, Result};

/// The largest picture that is unpacked: its file, its edges, its pixels, and what the decoder may take for it.
pub(crate) const MAX_FILE: u64 = 32 << 20;
const MAX_EDGE: u32 = 20_000;
const MAX_PIXELS: u64 = 40_000_000;
const MAX_MEMORY: u64 = 192 << 20;

/// A picture as a file.
pub(crate) struct Picture {
    /// The bytes of the file.
    pub(crate) bytes: Bytes,
    /// What they are.
    pub(crate) media_type: &'static str,
}

/// The format of a media type.
pub(crate) fn format_of(content_type: &str) -> Result<ImageFormat> {
    match content_type.split(';').next().unwrap_or_default().trim() {
        "image/png" => Ok(ImageFormat::Png),
        "image/jpeg" => Ok(ImageFormat::Jpeg),
        "image/gif" => Ok(ImageFormat::Gif),
        "image/webp" => Ok(ImageFormat::WebP),
        other => {
            let message =
                format!("there are no thumbnails of {other}, but of PNG, JPEG, GIF and WebP images");
            Err(Error::new(ErrorKind::UnsupportedMediaType, message))
        }
    }
}

/// What a kept thumbnail is: there are two kinds.
pub(crate) fn media_type_of(bytes: &[u8]) -> &'static str {
    if bytes.starts_with(b"\x89PNG") { "image/png" } else { "image/jpeg" }
}

/// The refusal of what is beyond the bounds.
pub(crate) fn too_large() -> Error {
    let message = format!(
        "the picture is too large for a thumbnail: at most {} MiB, {MAX_EDGE} pixels along an edge and {} million in all",
        MAX_FILE >> 20,
        MAX_PIXELS / 1_000_000
    );
    Error::new(ErrorKind::TooLarge, message)
}

/// Unpacks a picture within its bounds, and makes it fit. One that is smaller stays as large as it is.
pub(crate) fn shrink(bytes: &[u8], format: ImageFormat, (width, height): (u32, u32)) -> Result<Picture> {
    let broken = |error: image::ImageError| match error {
        image::ImageError::Limits(_) => too_large(),
        error => Error::new(ErrorKind::InvalidInput, "the picture can not be read").with_source(error),
    };
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_EDGE);
    limits.max_image_height = Some(MAX_EDGE);
    limits.max_alloc = Some(MAX_MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (own_width, own_height) = decoder.dimensions();
    let pixels = u64::from(own_width) * u64::from(own_height);
    let unpacked = decoder.total_bytes().max(pixels * bytes_of_pixel(bytes, format));
    if pixels > MAX_PIXELS || unpacked > MAX_MEMORY {
        return Err(too_large());
    }
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(broken)?;
    if own_width > width.max(height) || own_height > width.max(height) {
        // First to the larger edge, so that turning it moves little.
        let edge = width.max(height);
        picture = picture.thumbnail(edge, edge);
    }
    picture.apply_orientation(orientation);
    if picture.width() > width || picture.height() > height {
        picture = picture.thumbnail(width, height);
    }
    let mut out = Cursor::new(Vec::new());
    let has_alpha = picture.color().has_alpha();
    let (picture, kind, media_type) = if has_alpha {
        (DynamicImage::ImageRgba8(picture.into_rgba8()), ImageFormat::Png, "image/png")
    } else {
        (DynamicImage::ImageRgb8(picture.into_rgb8()), ImageFormat::Jpeg, "image/jpeg")
    };
    let written = picture.write_to(&mut out, kind);
    written.map_err(|error| Error::internal("a thumbnail can not be written").with_source(error))?;
    Ok(Picture { bytes: Bytes::from(out.into_inner()), media_type })
}

/// What a decoder takes for a pixel at least, beside what the picture itself says: these keep more than one of them.
fn bytes_of_pixel(bytes: &[u8], format: ImageFormat) -> u64 {
    match format {
        // Three or four coefficients of two bytes, and the picture.
        ImageFormat::Jpeg if is_progressive(bytes) => 9,
        // The frame and the screen, and the copy of it.
        ImageFormat::WebP
            if bytes.get(12..16) == Some(&b"VP8X"[..])
                && bytes.get(20).is_some_and(|flags| flags & 2 != 0) =>
        {
            12
        }
        ImageFormat::WebP => 8,
        _ => 0,
    }
}

/// Whether a JPEG file keeps all coefficients until its end: the marker of its frame says so. What can not be followed does.
fn is_progressive(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[0xff, marker]) = bytes.get(at..at + 2) {
        match marker {
            // Baseline and extended sequential.
            0xc0 | 0xc1 => return false,
            // Fill bytes, and markers that stand alone.
            0xff => at += 1,
            0x01 | 0xd0..=0xd8 => at += 2,
            0xc2..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => return true,
            _ => match bytes.get(at + 2..at + 4) {
                Some(&[high, low]) => at += 2 + usize::from(u16::from_be_bytes([high, low])),
                _ => return true,
            },
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        picture.write_to(&mut out, format).unwrap();
        out.into_inner()
    }

    fn size(picture: &Picture) -> (u32, u32) {
        let read = image::load_from_memory(&picture.bytes).unwrap();
        (read.width(), read.height())
    }

    #[test]
    fn pictures_are_made_to_fit() {
        let picture = DynamicImage::new_rgb8(400, 100);
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
            let made = shrink(&encoded(&picture, format), format, (64, 64)).unwrap();
            assert_eq!(size(&made), (64, 16), "{format:?}");
            assert_eq!(media_type_of(&made.bytes), made.media_type);
        }
        let small = shrink(&encoded(&picture, ImageFormat::Png), ImageFormat::Png, (1000, 1000)).unwrap();
        assert_eq!(size(&small), (400, 100), "none grows");
        let clear = DynamicImage::new_rgba8(10, 10);
        assert_eq!(
            shrink(&encoded(&clear, ImageFormat::Png), ImageFormat::Png, (5, 5)).unwrap().media_type,
            "image/png"
        );
    }

    /// A PNG that says how large it is and has hardly anything in it.
    fn claiming(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = encoded(&DynamicImage::new_rgb8(1, 1), ImageFormat::Png);
        bytes[16..20].copy_from_slice(&width.to_be_bytes());
        bytes[20..24].copy_from_slice(&height.to_be_bytes());
        let mut crc = 0xffff_ffff_u32;
        for byte in &bytes[12..29] {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
            }
        }
        bytes[29..33].copy_from_slice(&(!crc).to_be_bytes());
        bytes
    }

    #[test]
    fn bombs_are_not_unpacked() {
        for (width, height) in
            [(60_000, 60_000), (100_000, 1), (1, 100_000), (19_999, 19_999), (6_400, 6_400)]
        {
            let error = shrink(&claiming(width, height), ImageFormat::Png, (64, 64)).map(drop).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TooLarge, "{width}x{height}: {error}");
        }
        // A small file of many pixels, within the bounds: it is unpacked, and no more.
        let flat = encoded(&DynamicImage::new_luma8(6_000, 6_000), ImageFormat::Png);
        assert!(flat.len() < 200_000, "{}", flat.len());
        assert_eq!(size(&shrink(&flat, ImageFormat::Png, (64, 64)).unwrap()), (64, 64));
    }

    #[test]
    fn pictures_that_are_kept_several_times_count_so() {
        let picture = DynamicImage::new_rgb8(40, 20);
        let jpeg = encoded(&picture, ImageFormat::Jpeg);
        assert!(!is_progressive(&jpeg) && bytes_of_pixel(&jpeg, ImageFormat::Jpeg) == 0);
        let frame = jpeg.windows(2).position(|bytes| bytes == [0xff, 0xc0]).unwrap();
        let mut progressive = jpeg.clone();
        progressive[frame + 1] = 0xc2;
        assert!(is_progressive(&progressive) && is_progressive(b"\xff\xd8") && is_progressive(b""));
        // 6300 x 6300: within the pixels, and not within the memory.
        progressive[frame + 5..frame + 9].copy_from_slice(&[0x18, 0x9c, 0x18, 0x9c]);
        let error = shrink(&progressive, ImageFormat::Jpeg, (33, 33)).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        let still = encoded(&picture, ImageFormat::WebP);
        assert_eq!(bytes_of_pixel(&still, ImageFormat::WebP), 8);
        let mut moving = still.clone();
        moving[12..16].copy_from_slice(b"VP8X");
        moving[20] = 2;
        assert_eq!(bytes_of_pixel(&moving, ImageFormat::WebP), 12);
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let good = encoded(&DynamicImage::new_rgb8(50, 50), ImageFormat::Png);
        for (bytes, format) in [
            (&b""[..], ImageFormat::Png),
            (b"nothing", ImageFormat::Jpeg),
            (&good[..good.len() / 2], ImageFormat::Png),
            (&good, ImageFormat::Gif),
            (&claiming(50, 50), ImageFormat::Png),
        ] {
            let error = shrink(bytes, format, (10, 10)).map(drop).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{format:?} {error}");
        }
    }
}
