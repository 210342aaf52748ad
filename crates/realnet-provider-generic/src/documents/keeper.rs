//! The two threads behind a document store: one makes changes durable in the journal, as many at once as are waiting, and
//! answers; the other brings the documents in line.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use realnet_core::{Error, Result};

use super::journal::Journal;
use super::layout::PRIVATE;
use super::lines;
use super::scribe::Scribe;
use super::wire;
use crate::memory::{Effect, Entry, MemoryStore, Outbox};

/// After so long without changes, or with so many bytes in the journal, documents are made durable and the journal is cut.
const QUIET: Duration = Duration::from_millis(500);
const MUCH: u64 = 16 << 20;
/// With so many bytes in the journal, documents come before more changes.
const TOO_MUCH: u64 = 128 << 20;
/// How long after documents could not be written they are tried again.
const RETRY: Duration = Duration::from_millis(500);

/// What is between the two threads.
pub(super) struct Desk {
    journal: Journal,
    /// In the journal, and not taken by the scribe.
    pending: Vec<Effect>,
    /// Why documents can not be written at present.
    trouble: Option<String>,
    /// No more will come.
    closing: bool,
}

/// The desk, and what tells that something lies on it or went from it.
pub(super) struct Office {
    desk: Mutex<Desk>,
    filled: Condvar,
    emptied: Condvar,
}

/// The threads; they end when the store is closed.
pub(super) struct Keeper {
    office: Arc<Office>,
    outbox: Arc<Outbox>,
    /// Also for documents that no change has brought along.
    pub(super) scribe: Arc<Mutex<Scribe>>,
    threads: Vec<JoinHandle<()>>,
}

impl Keeper {
    /// Starts the threads. `left`: what an earlier process has left in the journal.
    pub(super) fn start(
        journal: Journal,
        scribe: Scribe,
        outbox: Arc<Outbox>,
        left: Vec<Effect>,
    ) -> Result<Self> {
        let desk = Desk { journal, pending: left, trouble: None, closing: false };
        let office =
            Arc::new(Office { desk: Mutex::new(desk), filled: Condvar::new(), emptied: Condvar::new() });
        let store = scribe.store.clone();
        let scribe = Arc::new(Mutex::new(scribe));
        let mut keeper = Self { office, outbox, scribe, threads: Vec::new() };
        let (office, outbox) = (Arc::clone(&keeper.office), Arc::clone(&keeper.outbox));
        keeper.spawn("journal", move || keep_journal(&office, &outbox, &store))?;
        let (office, scribe) = (Arc::clone(&keeper.office), Arc::clone(&keeper.scribe));
        keeper.spawn("documents", move || write_documents(&office, &scribe))?;
        Ok(keeper)
    }

    fn spawn(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
        let thread = std::thread::Builder::new().name(format!("realnet-{name}")).spawn(work);
        self.threads
            .push(thread.map_err(|error| Error::unavailable("no thread can be started").with_source(error))?);
        Ok(())
    }

    /// Takes no more changes, and waits until the documents say what the journal says.
    pub(super) fn close(&mut self) {
        self.outbox.close("the store is closed");
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the document store has ended by a panic");
            }
        }
    }

    /// Why documents can not be written at present.
    pub(super) fn trouble(&self) -> Option<String> {
        self.office.desk.lock().trouble.clone()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.close();
    }
}

/// Tells, when the thread of the journal ends, that nothing is kept any more; also when it ends by a panic.
struct Ending<'a>(&'a Office, &'a Outbox, &'a MemoryStore);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.1.close("the store is closed");
        self.2.take_back(Vec::new(), "the store is closed");
        self.0.desk.lock().closing = true;
        self.0.filled.notify_all();
    }
}

fn keep_journal(office: &Office, outbox: &Outbox, store: &MemoryStore) {
    let _ending = Ending(office, outbox, store);
    while let Some(entries) = outbox.next(Duration::from_secs(1)) {
        if entries.is_empty() {
            continue;
        }
        if let Err(error) = keep(office, outbox, entries, store) {
            tracing::error!(error = %error.report(), "changes can not be kept, and were taken back");
        }
    }
}

/// Makes changes durable, or takes them back.
fn keep(office: &Office, outbox: &Outbox, mut entries: Vec<Entry>, store: &MemoryStore) -> Result<()> {
    let written = text(&entries).and_then(|text| {
        let mut desk = office.desk.lock();
        while desk.journal.size() > TOO_MUCH && desk.trouble.is_none() {
            office.emptied.wait_for(&mut desk, RETRY);
        }
        if let Some(trouble) = desk.trouble.clone().filter(|_| desk.journal.size() > TOO_MUCH) {
            return Err(Error::unavailable(trouble));
        }
        desk.journal.append(&text)?;
        desk.pending.extend(entries.iter_mut().flat_map(|entry| std::mem::take(&mut entry.effects)));
        Ok(())
    });
    match written {
        Ok(()) => {
            office.filled.notify_one();
            outbox.keep(entries);
        }
        Err(ref error) => {
            store.take_back(entries, error.message());
            if office.desk.lock().journal.is_broken() {
                outbox.close("the journal of the store can not be written: restart the server when its disk is in order");
            }
        }
    }
    written
}

fn text(entries: &[Entry]) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    for entry in entries {
        lines::add(&mut text, &wire::effects_text(&entry.effects)?);
    }
    Ok(text)
}

fn write_documents(office: &Office, scribe: &Mutex<Scribe>) {
    let mut synced = Instant::now();
    loop {
        let (effects, much, closing) = {
            let mut desk = office.desk.lock();
            if desk.pending.is_empty() && !desk.closing {
                let patience = if desk.trouble.is_some() { RETRY } else { QUIET };
                office.filled.wait_for(&mut desk, patience);
            }
            (std::mem::take(&mut desk.pending), desk.journal.size() > MUCH, desk.closing)
        };
        let is_quiet = effects.is_empty() || synced.elapsed() > 4 * QUIET;
        let mut scribe = scribe.lock();
        let done = write(office, &mut scribe, effects, is_quiet || much || closing);
        if scribe.work.is_done() {
            synced = Instant::now();
        }
        drop(scribe);
        tell(office, done);
        let desk = office.desk.lock();
        if closing && (desk.pending.is_empty() || desk.trouble.is_some()) {
            return;
        }
        let wait = desk.trouble.is_some();
        drop(desk);
        if wait {
            std::thread::sleep(RETRY / 5);
        }
    }
}

/// Writes documents, and makes them durable if that is wanted.
fn write(office: &Office, scribe: &mut Scribe, effects: Vec<Effect>, sync: bool) -> Result<()> {
    let extension = scribe.codec.extension();
    scribe.work.add(effects, extension)?;
    if !sync || (scribe.work.is_done() && office.desk.lock().journal.size() == 0) {
        return scribe.write();
    }
    let (last, earlier, folder) = {
        let mut desk = office.desk.lock();
        let pending = std::mem::take(&mut desk.pending);
        scribe.work.add(pending, extension)?;
        (desk.journal.rotate()?, desk.journal.earlier(), folder(scribe))
    };
    scribe.sync()?;
    office.desk.lock().journal.forget(&folder, last, earlier)
}

fn folder(scribe: &Scribe) -> PathBuf {
    scribe.root.join(PRIVATE)
}

fn tell(office: &Office, done: Result<()>) {
    let trouble = done.err().map(|error| {
        tracing::error!(error = %error.report(), "documents can not be written; they are in the journal until then");
        error.message().to_owned()
    });
    office.desk.lock().trouble = trouble;
    office.emptied.notify_all();
}
