//! From a stream to a file: bytes are gathered into blocks, and each block is written by one thread for blocking work and
//! summed by another while the next is being gathered. An upload holds two blocks at most, and threads only while it writes: slow
//! clients hold none.

use std::sync::Arc;

use futures::StreamExt as _;
use realnet_core::provider::{DataStream, Meter};
use realnet_core::{Error, Result};
use tokio::task::JoinHandle;

/// The size of a block, for reading and writing.
pub(super) const BLOCK: usize = 256 * 1024;

/// Where blocks go.
pub(super) trait Sink: Send + 'static {
    /// Takes the next block; may block the thread.
    fn write(&mut self, block: &[u8]) -> Result<()>;
}

/// What is left when a stream has ended.
pub(super) struct Fed<S> {
    /// The sink, which has all but the rest.
    pub(super) sink: S,
    /// What sums all but the rest, too.
    pub(super) meter: Meter,
    /// The last bytes, fewer than a block: for who has the sink to write, together with what comes after.
    pub(super) rest: Vec<u8>,
    /// How the stream has ended.
    pub(super) end: Result<()>,
}

/// Runs what blocks on a thread for that.
pub(super) async fn blocking<T, F>(work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::internal("the work on a file did not end").with_source(error)),
    }
}

/// Writes a stream into a sink, and sums it. When the sink fails, it is dropped, and its error is answered.
pub(super) async fn pump<S: Sink>(mut data: DataStream, sink: S, meter: Meter) -> Result<Fed<S>> {
    let mut writer = Writer::Idle(sink, Box::new(meter), Vec::new());
    let mut block = Vec::new();
    let end = loop {
        match data.next().await {
            None => break Ok(()),
            Some(Err(error)) => break Err(error),
            Some(Ok(mut bytes)) => {
                while !bytes.is_empty() {
                    let part = bytes.split_to(bytes.len().min(BLOCK - block.len()));
                    block.extend_from_slice(&part);
                    if block.len() == BLOCK {
                        (writer, block) = writer.write(block).await?;
                    }
                }
            }
        }
    };
    let (sink, meter, _) = writer.settle().await?;
    Ok(Fed { sink, meter: *meter, rest: block, end })
}

/// A sink and a sum, and a buffer that both are done with and that can be filled again.
enum Writer<S> {
    Idle(S, Box<Meter>, Vec<u8>),
    Busy { writing: JoinHandle<(S, Result<()>)>, summing: JoinHandle<Box<Meter>>, block: Arc<Vec<u8>> },
}

impl<S: Sink> Writer<S> {
    /// Waits until nothing is being written.
    async fn settle(self) -> Result<(S, Box<Meter>, Vec<u8>)> {
        let (writing, summing, block) = match self {
            Self::Idle(sink, meter, spare) => return Ok((sink, meter, spare)),
            Self::Busy { writing, summing, block } => (writing, summing, block),
        };
        let did_not_end = |error| Error::internal("the writing of a file did not end").with_source(error);
        let (sink, result) = writing.await.map_err(did_not_end)?;
        let meter = summing.await.map_err(did_not_end)?;
        let mut spare = Arc::try_unwrap(block).unwrap_or_default();
        spare.clear();
        result.map(|()| (sink, meter, spare))
    }

    /// Begins to write a block, when the one before is written; answers an empty buffer.
    async fn write(self, block: Vec<u8>) -> Result<(Self, Vec<u8>)> {
        let (mut sink, mut meter, spare) = self.settle().await?;
        let block = Arc::new(block);
        let [to_write, to_sum] = [&block, &block].map(Arc::clone);
        let writing = tokio::task::spawn_blocking(move || {
            let result = sink.write(&to_write);
            drop(to_write);
            (sink, result)
        });
        let summing = tokio::task::spawn_blocking(move || {
            meter.update(&to_sum);
            drop(to_sum);
            meter
        });
        Ok((Self::Busy { writing, summing, block }, spare))
    }
}
