//! From a stream to a file: bytes are gathered into blocks, and each block is written by a thread for blocking work while
//! the next is being gathered. An upload holds two blocks at most, and a thread only while it writes: slow clients hold none.

use futures::StreamExt as _;
use realnet_core::provider::DataStream;
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

/// Writes a stream into a sink. When the sink fails, it is dropped, and its error is answered.
pub(super) async fn pump<S: Sink>(mut data: DataStream, sink: S) -> Result<Fed<S>> {
    let mut writer = Writer::Idle(sink, Vec::new());
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
    let (sink, _) = writer.settle().await?;
    Ok(Fed { sink, rest: block, end })
}

/// A sink, and a buffer that has been written and can be filled again.
enum Writer<S> {
    Idle(S, Vec<u8>),
    Busy(JoinHandle<(S, Vec<u8>, Result<()>)>),
}

impl<S: Sink> Writer<S> {
    /// Waits until nothing is being written.
    async fn settle(self) -> Result<(S, Vec<u8>)> {
        match self {
            Self::Idle(sink, spare) => Ok((sink, spare)),
            Self::Busy(task) => match task.await {
                Ok((sink, spare, result)) => result.map(|()| (sink, spare)),
                Err(error) => Err(Error::internal("the writing of a file did not end").with_source(error)),
            },
        }
    }

    /// Begins to write a block, when the one before is written; answers an empty buffer.
    async fn write(self, block: Vec<u8>) -> Result<(Self, Vec<u8>)> {
        let (mut sink, spare) = self.settle().await?;
        let task = tokio::task::spawn_blocking(move || {
            let mut block = block;
            let result = sink.write(&block);
            block.clear();
            (sink, block, result)
        });
        Ok((Self::Busy(task), spare))
    }
}
