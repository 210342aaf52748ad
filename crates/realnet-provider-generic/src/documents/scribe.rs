//! Writes what the journal says into documents and logs, behind the answers, and then forgets the journal.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use realnet_core::provider::StoreRecord;
use realnet_core::{Result, Uuid};

use super::changes::{self, Tail};
use super::codec::Codec;
use super::layout;
use super::log::Ledger;
use super::shelf::{Shelf, Stamp};
use super::{index, parallel, shape, wire};
use crate::files;
use crate::memory::{Effect, MemoryStore};

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
            && self.unsynced.is_empty()
            && self.changes.is_empty()
            && self.private.is_empty()
            && self.index.is_empty()
    }

    /// Takes in what was done, each value as it was last.
    pub(super) fn add(&mut self, effects: Vec<Effect>, extension: &str) -> Result<()> {
        for effect in effects {
            if let Effect::Put(StoreRecord::Change(change)) = &effect {
                let line = wire::change_line(change)?;
                self.changes.entry(change.org).or_default().insert(change.revision, line);
            } else if let Some((name, value)) = wire::private_line(&effect)? {
                self.private.insert(name, value);
            } else if let Some(document) =
                effect.touch().and_then(|touch| layout::document(&touch, extension))
            {
                self.documents.insert(document, effect);
            }
        }
        Ok(())
    }
}

impl Scribe {
    /// Writes the documents that wait. Those that could not be written wait on.
    pub(super) fn write(&mut self) -> Result<()> {
        while let Some((document, effect)) = self.work.documents.first_key_value() {
            let stamp = write_one(&self.shelf, &*self.codec, document, effect)?;
            let entry = match (stamp, effect) {
                (Some(stamp), Effect::Put(StoreRecord::Item(item))) => {
                    Some(index::entry(stamp, &wire::item_text(item)?))
                }
                (None, _) => Some(String::new()),
                _ => None,
            };
            let document = document.clone();
            if let Some(entry) = entry {
                self.work.index.insert(document.clone(), entry);
            }
            self.work.documents.remove(&document);
            self.work.unsynced.insert(document);
        }
        Ok(())
    }

    /// Takes a document that somebody else has written for what the store has, too.
    pub(super) fn note(&mut self, document: String, entry: String) {
        self.work.index.insert(document, entry);
    }

    /// Makes durable all that was written, and writes the logs. The journal up to there says nothing new then.
    pub(super) fn sync(&mut self) -> Result<()> {
        self.write()?;
        self.write_changes()?;
        self.sync_documents()?;
        self.private_log.append(borrowed(&self.work.private))?;
        self.work.private.clear();
        if let Some(index_log) = &mut self.index_log {
            let entries = self.work.index.iter();
            index_log.append(entries.map(|(name, value)| (name.as_str(), value.as_str())))?;
        }
        self.work.index.clear();
        Ok(())
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
