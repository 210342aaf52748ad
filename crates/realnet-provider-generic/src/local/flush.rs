//! Writing to the disk while more is coming: a large file does not wait for all of itself at its end, and what else is synced
//! on the same file system (a database, say) does not wait for it either.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::runtime::Handle;

use crate::files;

/// After so many bytes the disk is asked to begin.
const STRIDE: u64 = 32 * 1024 * 1024;

/// Has a growing file synced now and then by another thread.
///
/// Nothing is promised by that: the file is synced once more when it is whole, and that call is told of every error since
/// the file was opened, because what is synced here is an opening of its own. So this is not for uploads in several requests:
/// their files are opened anew by each, which is told of no error that somebody has seen.
#[derive(Default)]
pub(super) struct Flusher {
    waiting: u64,
    running: Arc<AtomicBool>,
}

impl Flusher {
    /// Notes that bytes were written.
    pub(super) fn wrote(&mut self, path: &Path, bytes: u64) {
        self.waiting += bytes;
        if self.waiting < STRIDE || self.running.load(Ordering::Acquire) {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        self.waiting = 0;
        self.running.store(true, Ordering::Release);
        let (path, running) = (path.to_owned(), Arc::clone(&self.running));
        drop(runtime.spawn_blocking(move || {
            if let Ok(Some(file)) = files::open(&path, false) {
                let _ = file.sync_data();
            }
            running.store(false, Ordering::Release);
        }));
    }
}
