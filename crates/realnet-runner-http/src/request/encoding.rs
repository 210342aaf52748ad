//! Content codings of bodies: gzip, brotli, zstd, unpacked within a limit whatever they claim to be.

use std::io::Read;

use bytes::Bytes;
use realnet_core::limit::Room;
use realnet_core::{Error, ErrorKind};
use tokio::sync::Semaphore;

use super::body::too_large;
use crate::problem::Problem;

/// Bodies above this size are unpacked away from the worker, since it takes a millisecond and more.
const INLINE: usize = 32 * 1024;

/// The largest window of zstd that is taken: 8 MiB, as RFC 8878 recommends.
const ZSTD_WINDOW_LOG: u32 = 23;

/// How much is unpacked at a time.
const STEP: usize = 16 * 1024;

/// Large bodies that are unpacked at a time: each has a window besides, of 16 MiB at most (brotli).
static UNPACKING: Semaphore = Semaphore::const_new(8);

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

/// Unpacks a body of at most `limit` bytes. What comes out is reserved before it is there.
pub(crate) async fn unpack(
    coding: Coding,
    packed: Bytes,
    limit: usize,
    room: Room,
) -> Result<(Bytes, Room), Problem> {
    let is_small = packed.len() <= INLINE && limit <= 16 * INLINE;
    let work = move || {
        let unpacked = unpack_now(coding, &packed, limit, |bytes| room.add(bytes).map_err(Problem::from))?;
        Ok((unpacked, room))
    };
    if is_small {
        return work();
    }
    let place = UNPACKING.acquire().await.map_err(|_| Problem::internal("bodies are unpacked no more"))?;
    // It goes on when the request is given up: the place is its own.
    let done = actix_web::web::block(move || {
        let _place = place;
        work()
    });
    done.await.unwrap_or_else(|_| Err(Problem::internal("unpacking a body broke off")))
}

/// Unpacks a body, and asks `reserve` for room before memory is taken.
fn unpack_now(
    coding: Coding,
    packed: &[u8],
    limit: usize,
    reserve: impl FnMut(usize) -> Result<(), Problem>,
) -> Result<Bytes, Problem> {
    match coding {
        Coding::Gzip => read_all(flate2::read::MultiGzDecoder::new(packed), limit, reserve),
        Coding::Brotli => read_all(brotli::Decompressor::new(packed, 4096), limit, reserve),
        Coding::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(packed).map_err(garbled)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(garbled)?;
            read_all(decoder, limit, reserve)
        }
    }
}

fn read_all(
    mut source: impl Read,
    limit: usize,
    mut reserve: impl FnMut(usize) -> Result<(), Problem>,
) -> Result<Bytes, Problem> {
    let mut part = vec![0; STEP];
    let mut unpacked = Vec::new();
    loop {
        let count = source.read(&mut part).map_err(garbled)?;
        if count == 0 {
            return Ok(Bytes::from(unpacked));
        }
        let left = limit - unpacked.len();
        if count > left {
            return Err(too_large(limit));
        }
        if unpacked.capacity() - unpacked.len() < count {
            // Twice as much as there is, so that little is copied; never more than may come.
            let more = unpacked.capacity().min(left).max(count);
            reserve(more)?;
            unpacked.reserve_exact(more);
        }
        unpacked.extend_from_slice(&part[..count]);
    }
}

fn garbled(error: std::io::Error) -> Problem {
    Error::malformed("the body can not be unpacked: it is not what Content-Encoding says")
        .with_source(error)
        .into()
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
        let unpack_now = |coding, packed: &[u8], limit| unpack_now(coding, packed, limit, |_| Ok(()));
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
    fn room_is_taken_before_memory_is() {
        const SIZE: usize = 5_000_000;
        for coding in [Coding::Gzip, Coding::Brotli, Coding::Zstd] {
            let packed = pack(coding, &vec![b'a'; SIZE]);
            let mut room = 0;
            let mut ask = |bytes| {
                room += bytes;
                Ok(())
            };
            let unpacked = unpack_now(coding, &packed, 2 * SIZE, &mut ask).unwrap();
            assert_eq!(unpacked.len(), SIZE, "{coding:?}");
            assert!((SIZE..=2 * SIZE).contains(&room), "{coding:?}: {room}");
            // It ends where there is no more room, however much would come.
            let mut room = 0;
            let ask = |bytes| {
                room += bytes;
                if room <= 100_000 { Ok(()) } else { Err(Error::unavailable("full").into()) }
            };
            assert_eq!(unpack_now(coding, &packed, 2 * SIZE, ask).unwrap_err().status(), 503, "{coding:?}");
            assert!(room <= 300_000, "{coding:?}: {room}");
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
