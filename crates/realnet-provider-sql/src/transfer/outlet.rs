//! The way from who reads the rows to who wants the records: a few records at a time, and no more than are taken.

use std::ops::ControlFlow;

use futures::StreamExt as _;
use futures::stream;
use realnet_core::provider::{RecordStream, StoreRecord};
use realnet_core::{Error, Result};
use tokio::sync::mpsc;

/// So many records, or bytes, are handed over at a time.
const CHUNK: usize = 256;
const CHUNK_BYTES: usize = 1024 * 1024;
/// So many of these may wait.
const WAITING: usize = 2;

/// Where records are put. The stream ends well only after [`Self::end`] (or [`Self::end_blocking`]): a reader that is gone
/// before has not read everything.
pub(crate) struct Outlet {
    sender: mpsc::Sender<Message>,
    chunk: Vec<StoreRecord>,
    bytes: usize,
}

enum Message {
    Records(Vec<StoreRecord>),
    End(Result<()>),
}

impl Outlet {
    /// An outlet, and the stream that comes out of it.
    pub(crate) fn new() -> (Self, RecordStream) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let messages = stream::unfold(Some(receiver), |receiver| async move {
            let mut receiver = receiver?;
            match receiver.recv().await {
                Some(Message::Records(records)) => {
                    Some((records.into_iter().map(Ok).collect::<Vec<_>>(), Some(receiver)))
                }
                Some(Message::End(Ok(()))) => None,
                Some(Message::End(Err(error))) => Some((vec![Err(error)], None)),
                None => Some((vec![Err(Error::internal("a dump has ended before its time"))], None)),
            }
        });
        (Self { sender, chunk: Vec::new(), bytes: 0 }, messages.flat_map(stream::iter).boxed())
    }

    /// Hands a record over; breaks when nobody wants any more.
    pub(crate) async fn put(&mut self, record: StoreRecord) -> ControlFlow<()> {
        match self.add(record) {
            Some(chunk) => of(self.sender.send(Message::Records(chunk)).await.is_ok()),
            None => ControlFlow::Continue(()),
        }
    }

    /// As [`Self::put`], on a thread that may wait.
    pub(crate) fn put_blocking(&mut self, record: StoreRecord) -> ControlFlow<()> {
        match self.add(record) {
            Some(chunk) => of(self.sender.blocking_send(Message::Records(chunk)).is_ok()),
            None => ControlFlow::Continue(()),
        }
    }

    /// Says how it has ended.
    pub(crate) async fn end(mut self, result: Result<()>) {
        let rest = std::mem::take(&mut self.chunk);
        // Nobody may want it any more.
        let _ = self.sender.send(Message::Records(rest)).await;
        let _ = self.sender.send(Message::End(result)).await;
    }

    /// As [`Self::end`], on a thread that may wait.
    pub(crate) fn end_blocking(mut self, result: Result<()>) {
        let rest = std::mem::take(&mut self.chunk);
        let _ = self.sender.blocking_send(Message::Records(rest));
        let _ = self.sender.blocking_send(Message::End(result));
    }

    /// Adds a record; gives the chunk when it is full.
    fn add(&mut self, record: StoreRecord) -> Option<Vec<StoreRecord>> {
        self.bytes += record.size();
        self.chunk.push(record);
        if self.chunk.len() < CHUNK && self.bytes < CHUNK_BYTES {
            return None;
        }
        self.bytes = 0;
        Some(std::mem::take(&mut self.chunk))
    }
}

fn of(goes_on: bool) -> ControlFlow<()> {
    if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt as _;

    use super::*;

    fn setting(number: usize) -> StoreRecord {
        StoreRecord::Setting { name: format!("{number}"), value: vec![0; 10_000] }
    }

    #[tokio::test]
    async fn records_come_out_as_they_go_in() {
        let (mut outlet, stream) = Outlet::new();
        let reader = tokio::spawn(async move { stream.try_collect::<Vec<_>>().await });
        for number in 0..1000 {
            assert!(outlet.put(setting(number)).await.is_continue());
        }
        outlet.end(Ok(())).await;
        let records = reader.await.unwrap().unwrap();
        assert!(records.iter().enumerate().all(|(number, record)| *record == setting(number)));
        assert_eq!(records.len(), 1000);
    }

    #[tokio::test]
    async fn what_is_not_ended_fails() {
        let (mut outlet, stream) = Outlet::new();
        assert!(outlet.put(setting(1)).await.is_continue());
        drop(outlet);
        assert!(stream.try_collect::<Vec<_>>().await.is_err());
        let (outlet, stream) = Outlet::new();
        outlet.end(Err(Error::unavailable("gone"))).await;
        assert_eq!(stream.try_collect::<Vec<_>>().await.unwrap_err().message(), "gone");
    }

    #[tokio::test]
    async fn who_reads_no_more_ends_it() {
        let (mut outlet, stream) = Outlet::new();
        drop(stream);
        let mut number = 0;
        while outlet.put(setting(number)).await.is_continue() {
            number += 1;
            assert!(number < 1000, "nobody has said that nobody reads");
        }
    }
}
