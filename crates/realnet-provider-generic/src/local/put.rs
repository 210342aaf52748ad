//! A content on its way into the store: written in the staging folder, then moved to its place.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use realnet_core::provider::{Content, ContentId, DataStream, Expectation, Meter};
use realnet_core::{Error, Result};
use tokio::runtime::Handle;

use super::Shared;
use super::flush::Flusher;
use super::pump::{Fed, Sink, blocking, pump};
use crate::files;
use crate::quota::Reservation;

/// Stores a stream as a content.
pub(super) async fn put(
    shared: &Arc<Shared>,
    id: ContentId,
    data: DataStream,
    expected: Expectation,
) -> Result<Content> {
    let staged = Staged::new(shared, id, expected);
    let Fed { mut sink, mut meter, rest, end } = pump(data, staged, Meter::new()).await?;
    blocking(move || {
        let stored = end.and_then(|()| {
            sink.write(&rest)?;
            meter.update(&rest);
            sink.publish(meter)
        });
        // Before the answer: a failure leaves nothing.
        sink.discard();
        stored
    })
    .await
}

/// A file in the staging folder, which goes with this value unless it is published.
struct Staged {
    shared: Arc<Shared>,
    id: ContentId,
    expected: Expectation,
    length: u64,
    reservation: Option<Reservation>,
    file: Option<(File, PathBuf)>,
    flusher: Flusher,
}

impl Staged {
    fn new(shared: &Arc<Shared>, id: ContentId, expected: Expectation) -> Self {
        let reservation = Some(Reservation::new(&shared.quota));
        let flusher = Flusher::default();
        Self { shared: Arc::clone(shared), id, expected, length: 0, reservation, file: None, flusher }
    }

    /// The file, which is made when it is first needed. Its name is its own: another may be storing under the same id.
    fn file(&mut self) -> Result<&mut (File, PathBuf)> {
        match &mut self.file {
            Some(file) => Ok(file),
            empty => Ok(empty.insert(self.shared.stage(self.id)?)),
        }
    }

    /// Makes a content of it.
    fn publish(&mut self, meter: Meter) -> Result<Content> {
        let (size, checksum) = (meter.size(), meter.checksum());
        self.expected.check(size, checksum)?;
        let content = Content { id: self.id, size, checksum };
        let (file, path) = self.file()?;
        files::sync(file, path)?;
        let path = path.clone();
        self.shared.tree.publish(&path, &content)?;
        self.file = None;
        if let Some(reservation) = &mut self.reservation {
            reservation.keep();
        }
        Ok(content)
    }

    /// Removes the file, if there is one still, and then gives its bytes back. What can not be removed goes with the next start.
    fn discard(&mut self) {
        if let Some((file, path)) = self.file.take() {
            drop(file);
            let _ = files::remove(&path);
        }
        self.reservation = None;
    }
}

impl Sink for Staged {
    fn write(&mut self, block: &[u8]) -> Result<()> {
        self.expected.admit(self.length + block.len() as u64)?;
        match &mut self.reservation {
            Some(reservation) => reservation.grow(block.len() as u64)?,
            None => return Err(Error::internal("a discarded file was written to")),
        }
        let (file, path) = self.file()?;
        file.write_all(block).map_err(|error| files::failed("written", path, error))?;
        self.length += block.len() as u64;
        if let Some((_, path)) = &self.file {
            self.flusher.wrote(path, block.len() as u64);
        }
        Ok(())
    }
}

impl Drop for Staged {
    /// An upload that was given up: large files take their time to be removed, which is not the runtime's.
    fn drop(&mut self) {
        let Some((file, path)) = self.file.take() else { return };
        let reservation = self.reservation.take();
        let remove = move || {
            drop(file);
            let _ = files::remove(&path);
            drop(reservation);
        };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}
