//! Writes what the journal says into documents and logs, behind the answers, and then forgets the journal.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use realnet_core::provider::StoreRecord;
use realnet_core::{Error, Result, Uuid};

use super::changes::{self, Tail};
use super::codec::Codec;
use super::layout;
use super::log::Ledger;
use super::shelf::{Shelf, Stamp};
use super::{index, parallel, shape, wire};
use crate::files;
use crate::memory::{Effect, MemoryStore};

/// So many documents that can not be written are tried at a time: it may be the disk that is in the way, and not each of them.
const MAX_STUCK: usize = 100;
/// So many of them are carried on from one file of the journal to the next.
const MAX_CARRIED: usize = 16;

/// What is to be written, and was written and is not durable yet.
pub(super) struct Scribe {
    pub(super) root: PathBuf,
    pub(super) codec: Arc<dyn Codec>,
    pub(super) shelf: Arc<Mutex<Shelf>>,
    pub(super) store: MemoryStore,
    pub(super) tails: HashMap<Uuid, Tail>,
    pub(super) private_log: Ledger,
    /// None where the index could not be made anew: one that knows of some documents only would be wrong.
    pub(super) index_log: Option<Ledger>,
    pub(super) work: Work,
}

/// What is under way, each thing once.
#[derive(Default)]
pub(super) struct Work {
    /// Documents to be written or removed.
    documents: BTreeMap<String, Effect>,
    /// Those of them that could not be, the last time.
    stuck: BTreeSet<String>,
    /// What has no text.
    untold: Vec<Effect>,
    /// Documents that were written or removed since files were synced last.
    unsynced: BTreeSet<String>,
    /// Lines for the change logs.
    changes: HashMap<Uuid, BTreeMap<i64, String>>,
    /// Values for the private log.
    private: HashMap<String, String>,
    /// Values for the index.
    index: BTreeMap<String, String>,
}

impl Work {
    /// Whether nothing is to be done.
    pub(super) fn is_done(&self) -> bool {
        self.documents.is_empty()
            && self.untold.is_empty()
            && self.unsynced.is_empty()
            && self.changes.is_empty()
            && self.private.is_empty()
            && self.index.is_empty()
    }

    /// Takes in what was done, each value as it was last. What has no text is tried again with the next, so that it is not taken
    /// for done.
    pub(super) fn add(&mut self, effects: Vec<Effect>, extension: &str) -> Result<()> {
        let mut taken = Ok(());
        for effect in std::mem::take(&mut self.untold).into_iter().chain(effects) {
            match self.add_line(&effect) {
                Ok(()) => {
                    let document = effect.touch().and_then(|touch| layout::document(&touch, extension));
                    if let Some(document) = document {
                        self.documents.insert(document, effect);
                    }
                }
                Err(error) => {
                    self.untold.push(effect);
                    taken = Err(error);
                }
            }
        }
        taken
    }

    /// Takes in what of it is a line of a log.
    fn add_line(&mut self, effect: &Effect) -> Result<()> {
        if let Effect::Put(StoreRecord::Change(change)) = effect {
            let line = wire::change_line(change)?;
            self.changes.entry(change.org).or_default().insert(change.revision, line);
        }
        self.private.extend(wire::private_line(effect)?);
        Ok(())
    }

    /// Nothing but lines for the private log.
    pub(super) fn of_lines(private: Vec<(String, String)>) -> Self {
        Self { private: private.into_iter().collect(), ..Self::default() }
    }

    /// What the documents are to say that could not be written the last time, when they are few.
    pub(super) fn stuck(&self) -> Vec<Effect> {
        let effects = self.stuck.iter().filter_map(|document| self.documents.get(document));
        if self.stuck.len() > MAX_CARRIED { Vec::new() } else { effects.cloned().collect() }
    }
}

impl Scribe {
    /// Writes the documents that wait. Those that can not be written wait on, and hold up no others; the first error is answered.
    pub(super) fn write(&mut self) -> Result<()> {
        let mut first = None;
        self.work.stuck.clear();
        let documents: Vec<String> = self.work.documents.keys().cloned().collect();
        for document in documents {
            if let Err(error) = self.write_document(&document) {
                self.work.stuck.insert(document);
                first.get_or_insert(error);
                if self.work.stuck.len() >= MAX_STUCK {
                    break;
                }
            }
        }
        first.map_or(Ok(()), Err)
    }

    fn write_document(&mut self, document: &str) -> Result<()> {
        let Some(effect) = self.work.documents.get(document) else { return Ok(()) };
        let stamp = write_one(&self.shelf, &*self.codec, document, effect)?;
        let entry = match (stamp, effect) {
            (Some(stamp), Effect::Put(StoreRecord::Item(item))) => {
                Some(index::entry(stamp, &wire::item_text(item)?))
            }
            (None, _) => Some(String::new()),
            _ => None,
        };
        let document = document.to_owned();
        if let Some(entry) = entry {
            self.work.index.insert(document.clone(), entry);
        }
        self.work.documents.remove(&document);
        self.work.unsynced.insert(document);
        Ok(())
    }

    /// Takes a document that somebody else has written for what the store has, too.
    pub(super) fn note(&mut self, document: String, stamp: Stamp, entry: String) {
        // It may have been written since: then the index knows that.
        if self.shelf.lock().known(&document) == Some(stamp) {
            self.work.index.insert(document, entry);
        }
    }

    /// Makes durable all that was written, and writes the logs. The journal up to there says nothing new then, but of documents
    /// that can not be written and are among those `carried` on: why is answered.
    pub(super) fn sync(&mut self, carried: &BTreeSet<String>) -> Result<Option<Error>> {
        let written = self.write();
        let is_carried = self.work.documents.keys().all(|document| carried.contains(document));
        let trouble = match written {
            Err(error) if !is_carried => return Err(error),
            written => written.err(),
        };
        self.write_changes()?;
        self.sync_documents()?;
        self.private_log.append(borrowed(&self.work.private))?;
        self.work.private.clear();
        self.private_log.tidy();
        if let Some(index_log) = &mut self.index_log {
            let entries = self.work.index.iter();
            index_log.append(entries.map(|(name, value)| (name.as_str(), value.as_str())))?;
            index_log.tidy();
        }
        self.work.index.clear();
        Ok(trouble)
    }

    fn write_changes(&mut self) -> Result<()> {
        let orgs: Vec<Uuid> = self.work.changes.keys().copied().collect();
        for org in orgs {
            let Some(lines) = self.work.changes.get(&org) else { continue };
            let tail = self.tails.get(&org).copied().unwrap_or_default();
            let whole = |from, to| self.store.peek(|state| changes::text_of(state.changes_of(org), from, to));
            let (tail, stamps) = changes::append(&self.root, org, tail, lines, whole)?;
            self.tails.insert(org, tail);
            self.work.changes.remove(&org);
            for (document, stamp) in stamps {
                self.work.index.insert(document, index::entry(stamp, ""));
            }
        }
        Ok(())
    }

    fn sync_documents(&mut self) -> Result<()> {
        let documents: Vec<&String> = self.work.unsynced.iter().collect();
        let synced = parallel::waiting(&documents, |document| {
            let path = self.root.join(document);
            files::open(&path, true)?.map_or(Ok(()), |file| files::sync(&file, &path))
        });
        synced.into_iter().collect::<Result<()>>()?;
        let above = documents.iter().flat_map(|document| Path::new(document).ancestors().skip(1));
        let folders: BTreeSet<&Path> = above.collect();
        for folder in &folders {
            let path = self.root.join(folder);
            if files::is_folder(&path)? {
                files::sync_folder(&path)?;
            }
        }
        self.work.unsynced.clear();
        Ok(())
    }
}

fn borrowed(values: &HashMap<String, String>) -> impl Iterator<Item = (&str, &str)> {
    values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}

/// Writes or removes one document; answers its stamp when it is there then.
fn write_one(
    shelf: &Mutex<Shelf>,
    codec: &dyn Codec,
    document: &str,
    effect: &Effect,
) -> Result<Option<Stamp>> {
    let is_gone = match effect {
        Effect::Gone(_) => true,
        Effect::Grants(_, grants) => grants.is_empty(),
        _ => false,
    };
    if is_gone {
        return shelf.lock().remove(document).map(|()| None);
    }
    let text = codec.encode(&shape::document(effect)?)?;
    let mut shelf = shelf.lock();
    let written = shelf.put(document, text.as_bytes());
    if written.is_err() {
        // Somebody may have removed a folder.
        shelf.forget_folders();
        return shelf.put(document, text.as_bytes()).map(Some);
    }
    written.map(Some)
}
