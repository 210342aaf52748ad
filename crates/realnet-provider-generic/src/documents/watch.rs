//! Looking for what was done by hand: documents whose files are not as this process has left or read them.
//!
//! The stamps of all files are looked at again and again, more slowly the longer that takes. Notices of the operating system would
//! come sooner, but are lost where too much happens at once, do not come from file systems of other machines, and leave what
//! happened while nobody listened to a look like this one all the same.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use realnet_core::Result;
use realnet_core::clock::{Clock as _, System};
use serde_json::Value;

use super::codec::Codec;
use super::home::Home;
use super::layout::Place;
use super::load;
use super::problem::Problem;
use super::scan::{Found, scan};
use super::scribe::Scribe;
use super::shelf::{Shelf, Stamp};
use super::{index, layout, wire};
use crate::memory::{Effect, MemoryStore, Touch};

/// Whoever is writing a file is given so much time to finish.
const SETTLING: Duration = Duration::from_millis(200);

/// A document that is not as it was.
#[derive(Clone)]
pub(super) struct Edit {
    pub(super) document: String,
    pub(super) place: Place,
    /// The stamp of the file now; none when it is gone.
    pub(super) stamp: Option<Stamp>,
    /// The stamp that it had.
    before: Option<Stamp>,
    /// What it says now.
    pub(super) value: Option<Value>,
}

/// What the look through the folder works with.
pub(super) struct Watch {
    pub(super) root: PathBuf,
    pub(super) home: Home,
    pub(super) codec: Arc<dyn Codec>,
    pub(super) store: MemoryStore,
    pub(super) shelf: Arc<Mutex<Shelf>>,
    pub(super) scribe: Arc<Mutex<Scribe>>,
    /// What was refused, with the stamps of the files that say it.
    pub(super) refused: Mutex<HashMap<String, (Option<Stamp>, Problem)>>,
}

impl Watch {
    /// Everything that was done by hand since the last look. What can not be read is noted as refused.
    ///
    /// # Errors
    /// Unavailable when the folder is not there, or was not all the time: what is missing was not removed then.
    pub(super) fn find(&self) -> Result<Vec<Edit>> {
        self.home.check()?;
        let scan = scan(&self.root, self.codec.extension())?;
        self.home.check()?;
        for problem in scan.foreign {
            self.refuse(None, &problem);
        }
        let mut changed = self.changed(&scan.found)?;
        changed.extend(self.gone(&scan.found)?);
        self.forget_refused(&changed);
        let changed = changed.into_iter().filter(|edit| !self.is_refused(edit));
        Ok(changed.filter_map(|edit| self.read(edit)).collect())
    }

    fn changed(&self, found: &[Found]) -> Result<Vec<Edit>> {
        let mut edits = Vec::new();
        let now = Duration::from_micros(u64::try_from(System.now().as_micros()).unwrap_or_default());
        for found in found {
            // Asked for one by one, so that documents are written meanwhile.
            if self.shelf.lock().known(&found.document) == Some(found.stamp) {
                continue;
            }
            let shelf = self.shelf.lock();
            let stamp = Stamp::of(&shelf.path(&found.document))?;
            let before = shelf.known(&found.document);
            let is_settled = stamp
                .is_some_and(|stamp| now.saturating_sub(Duration::from_nanos(stamp.modified)) >= SETTLING);
            if stamp != before && is_settled {
                let (document, place) = (found.document.clone(), found.place.clone());
                edits.push(Edit { document, place, stamp, before, value: None });
            }
        }
        Ok(edits)
    }

    fn gone(&self, found: &[Found]) -> Result<Vec<Edit>> {
        let present: HashSet<&str> = found.iter().map(|found| found.document.as_str()).collect();
        let shelf = self.shelf.lock();
        self.home.check_tops(shelf.documents().map(|(document, _)| document.as_str()))?;
        let missing = shelf.documents().filter(|(document, _)| !present.contains(document.as_str()));
        let mut edits = Vec::new();
        for (document, before) in missing {
            // One that was made since the folder was looked through is not missing.
            if Stamp::of(&shelf.path(document))?.is_some() {
                continue;
            }
            if let Ok(place) = layout::place(document, self.codec.extension()) {
                let document = document.clone();
                edits.push(Edit { document, place, stamp: None, before: Some(*before), value: None });
            }
        }
        Ok(edits)
    }

    /// What a document says; it is refused when it says nothing.
    fn read(&self, edit: Edit) -> Option<Edit> {
        if edit.stamp.is_none() {
            return Some(edit);
        }
        match load::value(&self.root.join(&edit.document), &edit.document, &*self.codec) {
            Ok(value) => value.map(|value| Edit { value: Some(value), ..edit }),
            Err(problem) => {
                self.refuse(edit.stamp, &problem);
                None
            }
        }
    }

    /// Takes edits for known, so that what the change writes replaces them.
    pub(super) fn accept(&self, edits: &[&Edit]) {
        let mut shelf = self.shelf.lock();
        for edit in edits {
            shelf.note(&edit.document, edit.stamp);
        }
    }

    /// Takes back that edits are known.
    pub(super) fn give_back(&self, edits: &[&Edit]) {
        let mut shelf = self.shelf.lock();
        for edit in edits {
            shelf.note(&edit.document, edit.before);
        }
    }

    /// Notes that an edit is refused, and says so once.
    pub(super) fn refuse(&self, stamp: Option<Stamp>, problem: &Problem) {
        let mut refused = self.refused.lock();
        let before = refused.insert(problem.document.clone(), (stamp, problem.clone()));
        if before.is_none_or(|(_, before)| before != *problem) {
            tracing::warn!(%problem, "a change by hand is refused: the store keeps what it has");
        }
    }

    fn is_refused(&self, edit: &Edit) -> bool {
        self.refused.lock().get(&edit.document).is_some_and(|(stamp, _)| *stamp == edit.stamp)
    }

    /// What is in order again, or was changed again, is refused no more.
    fn forget_refused(&self, changed: &[Edit]) {
        let changed: HashMap<&str, Option<Stamp>> =
            changed.iter().map(|edit| (edit.document.as_str(), edit.stamp)).collect();
        let extension = self.codec.extension();
        self.refused.lock().retain(|document, (stamp, _)| match changed.get(document.as_str()) {
            Some(present) => present == stamp,
            None => layout::place(document, extension).is_err() && self.root.join(document).exists(),
        });
    }

    /// Enters into the index that a document says what the store has.
    pub(super) fn note_unchanged(&self, edits: &[Edit]) -> Result<()> {
        let mut scribe = self.scribe.lock();
        for edit in edits {
            let (Place::Item(id), Some(stamp)) = (&edit.place, edit.stamp) else { continue };
            if let Some(item) = self.store.peek(|state| state.items.get(id).cloned()) {
                scribe.note(edit.document.clone(), index::entry(stamp, &wire::item_text(&item)?));
            }
        }
        Ok(())
    }

    /// Puts a document back that was removed by hand and is needed.
    pub(super) fn restore(&self, edit: &Edit) -> Result<()> {
        let Place::Item(id) = &edit.place else { return Ok(()) };
        let Some(item) = self.store.peek(|state| state.items.get(id).cloned()) else { return Ok(()) };
        let touch = Touch::Item(item.id, Arc::clone(&item.type_name));
        debug_assert_eq!(layout::document(&touch, self.codec.extension()).as_deref(), Some(&*edit.document));
        let record = realnet_core::provider::StoreRecord::Item(Box::new(item));
        let mut scribe = self.scribe.lock();
        let extension = self.codec.extension();
        scribe.work.add(vec![Effect::Put(record)], extension)?;
        scribe.write()
    }
}
