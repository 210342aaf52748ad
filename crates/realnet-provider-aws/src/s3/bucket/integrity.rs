//! What a server compares a body with, so that bytes that change on their way do not get into the store.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use md5::{Digest as _, Md5};
use realnet_core::provider::{Checksum, Meter};

use crate::dispatch::chain;
use crate::s3::fault::Fault;

/// Larger bodies are digested by threads for blocking work.
const INLINE: usize = 64 * 1024;

/// Which digest goes with a body.
#[derive(Clone, Copy)]
pub(super) enum Integrity {
    /// SHA-256, for objects; the checksum where it is known.
    Sha256(Option<Checksum>),
    /// MD5, for parts: Amazon refuses any other for those of a multipart upload that was begun without naming it, and not all
    /// servers know how to name one. It finds accidents; the content as a whole has its SHA-256.
    Md5,
}

impl Integrity {
    /// The header with the digest of a body.
    pub(super) async fn header(self, body: &Bytes) -> Result<(&'static str, String), Fault> {
        let body = body.clone();
        Ok(match self {
            Self::Sha256(Some(checksum)) => sha256(checksum),
            Self::Sha256(None) => sha256(digest(body, checksum_of).await?),
            Self::Md5 => ("content-md5", digest(body, |body| STANDARD.encode(Md5::digest(body))).await?),
        })
    }
}

fn sha256(checksum: Checksum) -> (&'static str, String) {
    ("x-amz-checksum-sha256", STANDARD.encode(checksum.as_bytes()))
}

fn checksum_of(body: &[u8]) -> Checksum {
    let mut meter = Meter::new();
    meter.update(body);
    meter.checksum()
}

/// The digest of a body; of a large one, computed where that holds nobody up.
async fn digest<T: Send + 'static>(
    body: Bytes,
    compute: impl FnOnce(&[u8]) -> T + Send + 'static,
) -> Result<T, Fault> {
    if body.len() <= INLINE {
        return Ok(compute(&body));
    }
    let computed = tokio::task::spawn_blocking(move || compute(&body)).await;
    computed.map_err(|error| Fault::Nonsense(format!("a digest was not computed: {}", chain(&error))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn digests_are_those_that_servers_compute() {
        let body = Bytes::from_static(b"hello world");
        let md5 = Integrity::Md5.header(&body).await.unwrap();
        assert_eq!(md5, ("content-md5", "XrY7u+Ae7tCTyyK7j1rNww==".to_owned()));
        let sha = Integrity::Sha256(None).header(&body).await.unwrap();
        assert_eq!(sha, ("x-amz-checksum-sha256", "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=".to_owned()));
        assert_eq!(Integrity::Sha256(Some(checksum_of(&body))).header(&body).await.unwrap(), sha);
        // A large one is digested elsewhere, to the same end.
        let large = Bytes::from(vec![b'x'; INLINE + 1]);
        let elsewhere = Integrity::Md5.header(&large).await.unwrap().1;
        assert_eq!(elsewhere, STANDARD.encode(Md5::digest(&large)));
    }
}
