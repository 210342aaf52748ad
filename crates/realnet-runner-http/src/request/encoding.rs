//! Content codings of bodies: gzip, brotli, zstd, unpacked within a limit whatever they claim to be.

use std::io::Read;

use bytes::Bytes;
use realnet_core::{Error, ErrorKind};

use crate::problem::Problem;

/// Bodies above this size are unpacked away from the worker, since it takes a millisecond and more.
const INLINE: usize = 32 * 1024;

/// The largest window of zstd that is taken: 8 MiB, as RFC 8878 recommends.
const ZSTD_WINDOW_LOG: u32 = 23;

/// A coding that is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// RFC 1952.
    Gzip,
    /// RFC 7932.
    Brotli,
    /// RFC 8878.
    Zstd,
}

/// Reads a `Content-Encoding`; `None` when the body is as it is.
pub(crate) fn parse(text: &str) -> Result<Option<Coding>, Problem> {
    match text.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(None),
        "gzip" | "x-gzip" => Ok(Some(Coding::Gzip)),
        "br" => Ok(Some(Coding::Brotli)),
        "zstd" => Ok(Some(Coding::Zstd)),
        _ => Err(Error::new(
            ErrorKind::UnsupportedMediaType,
            "the Content-Encoding is not understood; one of gzip, br and zstd is",
        )
        .into()),
    }
}

/// Unpacks a body of at most `limit` bytes.
pub(crate) async fn unpack(coding: Coding, packed: Bytes, limit: usize) -> Result<Bytes, Problem> {
    if packed.len() <= INLINE && limit <= 16 * INLINE {
        return unpack_now(coding, &packed, limit);
    }
    actix_web::web::block(move || unpack_now(coding, &packed, limit))
        .await
        .unwrap_or_else(|_| Err(Problem::internal("unpacking a body broke off")))
}

fn unpack_now(coding: Coding, packed: &[u8], limit: usize) -> Result<Bytes, Problem> {
    let mut unpacked = Vec::new();
    let ceiling = limit as u64 + 1;
    let outcome = match coding {
        Coding::Gzip => flate2::read::MultiGzDecoder::new(packed).take(ceiling).read_to_end(&mut unpacked),
        Coding::Brotli => brotli::Decompressor::new(packed, 4096).take(ceiling).read_to_end(&mut unpacked),
        Coding::Zstd => zstd::stream::read::Decoder::with_buffer(packed).and_then(|mut decoder| {
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            decoder.take(ceiling).read_to_end(&mut unpacked)
        }),
    };
    match outcome {
        Ok(_) if unpacked.len() > limit => Err(super::body::too_large(limit)),
        Ok(_) => Ok(Bytes::from(unpacked)),
        Err(error) => {
            let detail = "the body can not be unpacked: it is not what Content-Encoding says";
            Err(Error::malformed(detail).with_source(error).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn pack(coding: Coding, text: &[u8]) -> Vec<u8> {
        match coding {
            Coding::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
            Coding::Brotli => {
                let mut packed = Vec::new();
                let mut encoder = brotli::CompressorWriter::new(&mut packed, 4096, 9, 22);
                encoder.write_all(text).unwrap();
                drop(encoder);
                packed
            }
            Coding::Zstd => zstd::stream::encode_all(text, 19).unwrap(),
        }
    }

    #[test]
    fn bodies_are_unpacked_and_bombs_are_not() {
        for coding in [Coding::Gzip, Coding::Brotli, Coding::Zstd] {
            let packed = pack(coding, b"{\"name\":\"x\"}");
            assert_eq!(&unpack_now(coding, &packed, 100).unwrap()[..], b"{\"name\":\"x\"}", "{coding:?}");
            let bomb = pack(coding, &vec![b'a'; 20_000_000]);
            assert!(bomb.len() < 30_000, "{coding:?}");
            assert_eq!(unpack_now(coding, &bomb, 1000).unwrap_err().status(), 413, "{coding:?}");
            assert_eq!(unpack_now(coding, b"plain text", 1000).unwrap_err().status(), 400, "{coding:?}");
            let cut = &packed[..packed.len() - 3];
            assert_eq!(unpack_now(coding, cut, 1000).unwrap_err().status(), 400, "{coding:?}");
        }
    }

    #[test]
    fn only_known_codings_are_taken() {
        assert_eq!(parse("GZip").unwrap(), Some(Coding::Gzip));
        assert_eq!(parse("identity").unwrap(), None);
        assert_eq!(parse("gzip, br").unwrap_err().status(), 415);
        assert_eq!(parse("deflate").unwrap_err().status(), 415);
    }
}
