//! The two threads behind a document store: one makes changes durable in the journal, as many at once as are waiting, and
//! answers; the other brings the documents in line.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use realnet_core::{Error, Result};

use super::journal::Journal;
use super::layout::{self, PRIVATE};
use super::lines;
use super::scribe::Scribe;
use super::wire;
use crate::memory::{Effect, Entry, MemoryStore, Outbox};

/// After so long without changes, or with so many bytes in the journal, documents are made durable and the journal is cut.
const QUIET: Duration = Duration::from_millis(500);
const MUCH: u64 = 16 << 20;
/// With so many bytes in the journal, documents come before more changes.
const TOO_MUCH: u64 = 128 << 20;
/// So much is carried on of documents that can not be written.
const MAX_CARRIED: usize = 1 << 20;
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
    let (text, refusal) = text(&entries);
    // From the first on that has no text: those behind it may stand on it.
    let behind = refusal.as_ref().map_or_else(Vec::new, |(index, _)| entries.split_off(*index));
    let written = if entries.is_empty() { Ok(()) } else { put(office, &text, &mut entries) };
    if let Err(error) = written {
        entries.extend(behind);
        store.take_back(entries, error.message());
        if office.desk.lock().journal.is_broken() {
            outbox.close(
                "the journal of the store can not be written: restart the server when its disk is in order",
            );
        }
        return Err(error);
    }
    office.filled.notify_one();
    outbox.keep(entries);
    let Some((_, error)) = refusal else { return Ok(()) };
    store.take_back(behind, error.message());
    Err(error)
}

/// Puts changes into the journal, and on the desk.
fn put(office: &Office, text: &[u8], entries: &mut [Entry]) -> Result<()> {
    let mut desk = office.desk.lock();
    while desk.journal.size() > TOO_MUCH && desk.trouble.is_none() {
        office.emptied.wait_for(&mut desk, RETRY);
    }
    if let Some(trouble) = desk.trouble.clone().filter(|_| desk.journal.size() > TOO_MUCH) {
        return Err(Error::unavailable(trouble));
    }
    desk.journal.append(text)?;
    desk.pending.extend(entries.iter_mut().flat_map(|entry| std::mem::take(&mut entry.effects)));
    Ok(())
}

/// The lines of changes, up to the first that has none.
fn text(entries: &[Entry]) -> (Vec<u8>, Option<(usize, Error)>) {
    let mut text = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        match wire::effects_text(&entry.effects) {
            Ok(line) => lines::add(&mut text, &line),
            Err(error) => return (text, Some((index, error))),
        }
    }
    (text, None)
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
    let (last, earlier, carried) = {
        let mut desk = office.desk.lock();
        let pending = std::mem::take(&mut desk.pending);
        scribe.work.add(pending, extension)?;
        let (last, earlier) = (desk.journal.rotate()?, desk.journal.earlier());
        (last, earlier, carry(&mut desk.journal, scribe)?)
    };
    let trouble = scribe.sync(&carried)?;
    office.desk.lock().journal.forget(&folder(scribe), last, earlier)?;
    trouble.map_or(Ok(()), Err)
}

/// Says once more, in the new file of the journal, what a few documents are to say that could not be written the last time: the
/// file before it can go then, and does not grow for their sake. Nothing newer of them is in the new file, since no change has
/// come into it yet.
fn carry(journal: &mut Journal, scribe: &Scribe) -> Result<BTreeSet<String>> {
    let stuck = scribe.work.stuck();
    let text = wire::effects_text(&stuck)?;
    if stuck.is_empty() || text.len() > MAX_CARRIED {
        return Ok(BTreeSet::new());
    }
    let mut line = Vec::new();
    lines::add(&mut line, &text);
    journal.append(&line)?;
    let extension = scribe.codec.extension();
    let documents = stuck.iter().filter_map(Effect::touch);
    Ok(documents.filter_map(|touch| layout::document(&touch, extension)).collect())
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

#[cfg(test)]
mod tests {
    use realnet_core::change::{ChangeKind, ChangeRecord};
    use realnet_core::clock::Timestamp;
    use realnet_core::model::{Attributes, Item};
    use realnet_core::provider::{Capabilities, CredentialProvider as _, RestoreProvider as _, StoreRecord};
    use realnet_core::registry::TypeRegistry;
    use realnet_core::{ErrorKind, Uuid};

    use super::super::journal::{self, Left};
    use super::super::scribe::Work;
    use super::*;
    use crate::memory::{State, Touch};

    /// A change that no line can be made of, which no store is known to make.
    fn untold() -> StoreRecord {
        let id = Uuid::from_u128(1);
        let attributes = Attributes::from_stored("{");
        let item = Item { attributes, ..Item::new(id, id, Arc::from("Item"), id) };
        StoreRecord::Change(Box::new(ChangeRecord {
            revision: 1,
            org: id,
            item_id: id,
            type_id: id,
            kind: ChangeKind::Create,
            version: 1,
            before: None,
            after: Some(item),
            actor: None,
            at: Timestamp::from_micros(1),
            request_id: Arc::from("test"),
            origin: None,
            passed_down: None,
        }))
    }

    #[tokio::test]
    async fn what_has_no_text_is_refused_and_not_what_came_before() {
        let folder = tempfile::tempdir().unwrap();
        let capabilities = Capabilities {
            name: "test",
            search: true,
            geography: true,
            durable: true,
            shared: false,
            builds_behind: false,
        };
        let (store, outbox) = MemoryStore::kept(State::default(), capabilities);
        let journal = Journal::begin(folder.path(), &Left::default()).unwrap();
        let desk = Desk { journal, pending: Vec::new(), trouble: None, closing: false };
        let office = Office { desk: Mutex::new(desk), filled: Condvar::new(), emptied: Condvar::new() };
        let types = Arc::new(TypeRegistry::default());
        let (first, second, third, kept) = futures::future::join4(
            store.setting_or_insert("a", vec![1]),
            store.restore(&types, vec![untold()], None),
            store.setting_or_insert("b", vec![2]),
            async { keep(&office, &outbox, outbox.next(Duration::ZERO).unwrap(), &store) },
        )
        .await;
        assert_eq!(first.unwrap(), [1]);
        assert!(second.is_err() && kept.is_err());
        assert_eq!(third.unwrap_err().kind(), ErrorKind::Unavailable);
        let held = store.peek(|state| (state.settings.len(), state.changes.values().flatten().count()));
        assert_eq!(held, (1, 0), "what came behind was taken back");
        let touched: Vec<_> =
            journal::read(folder.path()).unwrap().effects.iter().map(Effect::touch).collect();
        assert_eq!(touched, [Some(Touch::Setting("a".to_owned()))]);
    }

    #[test]
    fn what_has_no_text_is_not_taken_for_done() {
        let mut work = Work::default();
        let setting = Effect::Put(StoreRecord::Setting { name: "a".to_owned(), value: vec![1] });
        for effects in [vec![Effect::Put(untold()), setting], Vec::new()] {
            assert!(work.add(effects, "json").is_err());
            assert!(!work.is_done());
        }
    }
}
