//! The beginning of a stream, looked at before all of it is read.

use bytes::{Bytes, BytesMut};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use realnet_core::Result;
use realnet_core::provider::DataStream;

/// So many bytes tell what kind of file it is: the mark of archives of the kind `tar` stands at 257, that of ISO images beyond all
/// that is worth while.
pub(crate) const ENOUGH: usize = 8 * 1024;

/// The first bytes, and the whole stream.
pub(crate) async fn peek(mut data: DataStream) -> Result<(Bytes, DataStream)> {
    let mut first = BytesMut::new();
    while first.len() < ENOUGH
        && let Some(bytes) = data.try_next().await?
    {
        first.extend_from_slice(&bytes);
    }
    let first = first.freeze();
    let whole = stream::iter([Ok(first.clone())]).chain(data).boxed();
    Ok((first, whole))
}
