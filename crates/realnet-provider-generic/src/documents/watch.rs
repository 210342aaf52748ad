//! Looking for what was done by hand: documents whose files are not as this process has left or read them.
//!
//! The stamps of all files are looked at again and again, more slowly the longer that takes. Notices of the operating system would
//! come sooner, but are lost where too much happens at once, do not come from file systems of other machines, and leave what
//! happened while nobody listened to a look like this one all the same.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use realnet_core::clock::{Clock as _, System};
use realnet_core::{Result, Uuid};
use serde_json::Value;

use super::codec::Codec;
use super::home::Home;
use super::layout::Place;
use super::problem::Problem;
use super::scan::{Found, Scan, scan};
use super::scribe::Scribe;
use super::shelf::{Shelf, Stamp};
use super::{layout, load};
use crate::memory::MemoryStore;

/// Whoever is writing a file is given so much time to finish.
pub(super) const SETTLING: Duration = Duration::from_millis(200);
/// A document that is missing for so long was removed. Tools that put other states of many files in their places remove them
/// for a moment.
pub(super) const ABSENCE: Duration = Duration::from_secs(2);

/// A document that is not as it was.
pub(super) struct Edit {
    pub(super) document: String,
    pub(super) place: Place,
    /// The stamp of the file now; none when it is gone.
    pub(super) stamp: Option<Stamp>,
    /// The stamp that it had.
    before: Option<Stamp>,
    /// What it says now.
    pub(super) value: Option<Value>,
    /// Its text, to be put aside when the server writes over it.
    text: Arc<[u8]>,
    /// The version that the item had when its document was missed first.
    pub(super) version: Option<i64>,
}

/// A document that is not there.
#[derive(Clone, Copy)]
pub(super) struct Missed {
    since: Instant,
    version: Option<i64>,
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
    /// What was missing in the last look.
    pub(super) missed: Mutex<HashMap<String, Missed>>,
    /// What was passed over in the last look, and told of.
    pub(super) others: Mutex<BTreeSet<String>>,
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
        scan.tell_of_others(&self.others.lock());
        for problem in &scan.foreign {
            self.refuse(None, problem);
        }
        let mut changed = self.changed(&scan.found)?;
        changed.extend(self.gone(&scan)?);
        self.forget_refused(&changed, &scan);
        *self.others.lock() = scan.others;
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
            // Times that are yet to come are somebody else's clock, or somebody's wish.
            let is_settled =
                stamp.is_some_and(|stamp| now.abs_diff(Duration::from_nanos(stamp.modified)) >= SETTLING);
            if stamp != before && is_settled {
                edits.push(Edit::of(&found.document, found.place.clone(), stamp, before));
            }
        }
        Ok(edits)
    }

    fn gone(&self, scan: &Scan) -> Result<Vec<Edit>> {
        let found = &scan.found;
        let present: HashSet<&str> = found.iter().map(|found| found.document.as_str()).collect();
        let shelf = self.shelf.lock();
        self.home.check_tops(shelf.documents().map(|(document, _)| document.as_str()))?;
        let missing = shelf.documents().filter(|(document, _)| !present.contains(document.as_str()));
        // In a wrong place they are refused, and not removed.
        let items: HashSet<Uuid> = found.iter().filter_map(|found| found.place.item()).collect();
        let (mut edits, mut missed) = (Vec::new(), HashMap::new());
        let before = std::mem::take(&mut *self.missed.lock());
        for (document, stamp) in missing {
            if let Some(link) = scan.link_above(document) {
                let why = "is a link now: documents are neither read nor written behind one";
                self.refuse(None, &Problem::new(link, why));
                continue;
            }
            // One that was made since the folder was looked through is not missing.
            if Stamp::of(&shelf.path(document))?.is_some() {
                continue;
            }
            let Ok(place) = layout::place(document, self.codec.extension()) else { continue };
            if place.item().is_some_and(|id| items.contains(&id)) {
                continue;
            }
            let known = before.get(document).copied();
            let first = known.unwrap_or_else(|| self.missed_now(&place));
            missed.insert(document.clone(), first);
            if first.since.elapsed() >= ABSENCE {
                let edit = Edit::of(document, place, None, Some(*stamp));
                edits.push(Edit { version: first.version, ..edit });
            }
        }
        *self.missed.lock() = missed;
        Ok(edits)
    }

    /// What is missed from now on. When the item has another version by the time that it would go, its document was not removed
    /// by somebody who knew that.
    fn missed_now(&self, place: &Place) -> Missed {
        let version = match place {
            Place::Item(id) => self.store.peek(|state| state.items.get(id).map(|item| item.version)),
            _ => None,
        };
        Missed { since: Instant::now(), version }
    }

    /// What a document says; it is refused when it says nothing.
    fn read(&self, edit: Edit) -> Option<Edit> {
        if edit.stamp.is_none() {
            return Some(edit);
        }
        let path = self.root.join(&edit.document);
        let read = load::text(&path, &edit.document);
        let is_as_seen = Stamp::of(&path).is_ok_and(|stamp| stamp == edit.stamp);
        // What was written meanwhile may be half of it: the next look sees it whole.
        let text = read.map(|text| text.filter(|_| is_as_seen));
        let found = text.and_then(|text| match text {
            Some(text) => load::value(&text, &edit.document, &*self.codec).map(|value| Some((text, value))),
            None => Ok(None),
        });
        match found {
            Ok(found) => found.map(|(text, value)| Edit { value: Some(value), text: text.into(), ..edit }),
            Err(problem) => {
                self.refuse(edit.stamp, &problem);
                None
            }
        }
    }

    /// Takes edits for known, so that what the change writes replaces them; answers those that are there as they were seen. What
    /// the server has written meanwhile is no edit, and the edit was put aside.
    pub(super) fn accept<'e>(&self, edits: &[&'e Edit]) -> Vec<&'e Edit> {
        let mut shelf = self.shelf.lock();
        let as_seen = |edit: &&&Edit| shelf.known(&edit.document) == edit.before;
        let accepted: Vec<&Edit> = edits.iter().filter(as_seen).copied().collect();
        for edit in &accepted {
            shelf.note(&edit.document, edit.stamp);
        }
        accepted
    }

    /// Takes back that edits are known. What the server has written over since then is put aside.
    pub(super) fn give_back(&self, edits: &[&Edit]) {
        let mut shelf = self.shelf.lock();
        for edit in edits {
            if shelf.known(&edit.document) == edit.stamp {
                shelf.note(&edit.document, edit.before);
            } else if edit.value.is_some()
                && let Err(error) = shelf.put_aside(&edit.document, edit.stamp, &edit.text)
            {
                let document = &edit.document;
                tracing::error!(document, error = %error.report(), "an edit that was written over can not be put aside");
            }
        }
    }

    /// Notes that an edit is refused, and says so once for each text that is.
    pub(super) fn refuse(&self, stamp: Option<Stamp>, problem: &Problem) {
        let now = (stamp, problem.clone());
        let before = self.refused.lock().insert(problem.document.clone(), now.clone());
        if before != Some(now) {
            tracing::warn!(%problem, "a change by hand is refused: the store keeps what it has");
        }
    }

    fn is_refused(&self, edit: &Edit) -> bool {
        self.refused.lock().get(&edit.document).is_some_and(|(stamp, _)| *stamp == edit.stamp)
    }

    /// What is in order again, or was changed again, is refused no more.
    fn forget_refused(&self, changed: &[Edit], scan: &Scan) {
        let changed: HashMap<&str, Option<Stamp>> =
            changed.iter().map(|edit| (edit.document.as_str(), edit.stamp)).collect();
        self.refused.lock().retain(|document, (stamp, _)| match changed.get(document.as_str()) {
            Some(present) => present == stamp,
            None => scan.is_foreign(document),
        });
    }
}

impl Edit {
    fn of(document: &str, place: Place, stamp: Option<Stamp>, before: Option<Stamp>) -> Self {
        let (document, text) = (document.to_owned(), Arc::default());
        Self { document, place, stamp, before, value: None, text, version: None }
    }

    /// The item that the document is of.
    pub(super) fn item(&self) -> Option<Uuid> {
        self.place.item()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{World, eventually};
    use super::*;

    fn write(world: &World, text: &str) {
        std::fs::write(world.path(), text).unwrap();
    }

    fn by_hand(world: &World) -> String {
        let text = std::fs::read_to_string(world.path()).unwrap();
        // In no form that the server writes.
        text.replacen('{', "{ \"name\" :   \"by hand\",", 1)
    }

    #[tokio::test]
    async fn what_the_server_writes_over_an_edit_that_is_under_way_puts_it_aside() {
        let world = World::open().await;
        let watch = &world.documents.watch;
        let text = by_hand(&world);
        write(&world, &text);
        let edits = world.find();
        let accepted = watch.accept(&edits.iter().collect::<Vec<_>>());
        assert_eq!(accepted.len(), 1);
        world.rename("by the server").await;
        eventually(|| world.says("by the server"));
        assert!(world.aside().is_empty());
        watch.give_back(&accepted);
        assert_eq!(world.aside(), [text]);
        world.settled();
        assert!(watch.find().unwrap().is_empty(), "what the server wrote is no edit");
    }

    #[tokio::test]
    async fn what_was_put_aside_before_it_is_taken_is_no_edit_any_more() {
        let world = World::open().await;
        let watch = &world.documents.watch;
        let text = by_hand(&world);
        write(&world, &text);
        let edits = world.find();
        world.rename("by the server").await;
        eventually(|| world.says("by the server"));
        assert_eq!(world.aside(), [text]);
        let accepted = watch.accept(&edits.iter().collect::<Vec<_>>());
        assert!(accepted.is_empty());
        watch.give_back(&accepted);
        world.rename("again").await;
        world.settled();
        assert_eq!(world.aside().len(), 1, "the server's own document is not put aside");
        assert!(watch.find().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_refused_edit_that_nobody_has_written_over_stays() {
        let world = World::open().await;
        let text = by_hand(&world).replace("\"version\":1", "\"version\":5");
        write(&world, &text);
        eventually(|| !world.documents.watch.find().unwrap().is_empty());
        for _ in 0..2 {
            world.documents.look_through(&*world.store, &world.registry).await.unwrap();
            assert_eq!(world.documents.problems().len(), 1);
        }
        assert!(world.aside().is_empty() && world.says("by hand"));
    }

    #[tokio::test]
    async fn a_document_that_is_written_while_it_is_read_is_left_for_the_next_look() {
        let world = World::open().await;
        let watch = &world.documents.watch;
        write(&world, "{\"type\":\"Item\",");
        let stamp = Stamp::of(&world.path()).unwrap();
        let edit = || Edit::of(&world.document(), Place::Item(world.item.id), stamp, None);
        write(&world, "{\"type\":\"Item\"}   ");
        assert!(watch.read(edit()).is_none());
        assert!(watch.refused.lock().is_empty(), "half of a document is no problem yet");
        let stamp = Stamp::of(&world.path()).unwrap();
        assert!(watch.read(Edit { stamp, ..edit() }).is_some_and(|edit| edit.value.is_some()));
    }

    #[tokio::test]
    async fn a_document_of_a_time_to_come_is_read() {
        let world = World::open().await;
        write(&world, &by_hand(&world));
        let to_come = std::time::UNIX_EPOCH + Duration::from_hours(24 * 365 * 200);
        std::fs::File::options().write(true).open(world.path()).unwrap().set_modified(to_come).unwrap();
        assert_eq!(world.documents.watch.find().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn what_was_changed_since_its_document_was_removed_stays() {
        let world = World::open().await;
        let watch = Arc::clone(&world.documents.watch);
        std::fs::remove_file(world.path()).unwrap();
        assert!(watch.find().unwrap().is_empty(), "it may be gone for a moment");
        let edits = {
            // Its document does not come while this is held.
            let _held = watch.scribe.lock();
            futures::executor::block_on(world.rename("by the server"));
            world.find()
        };
        assert_eq!((edits.len(), edits[0].version), (1, Some(1)));
        let (items, registry) = (&*world.store, &world.registry);
        watch.change_items(edits, items, registry).await.unwrap();
        world.settled();
        assert_eq!(world.item().unwrap().name, "by the server");
        assert!(world.says("by the server"));
        assert!(watch.refused.lock().is_empty());
    }

    #[tokio::test]
    async fn a_removal_counts_when_it_lasts_and_comes_back_when_it_is_refused() {
        let world = World::open().await;
        let watch = &world.documents.watch;
        std::fs::remove_file(world.path()).unwrap();
        let edits = world.find();
        assert_eq!((edits.len(), edits[0].stamp, edits[0].version), (1, None, Some(1)));
        watch.come_back(&edits[0], &realnet_core::Error::conflict("needed")).await.unwrap();
        world.settled();
        assert!(world.says(&world.item.id.to_string()));
        assert!(watch.find().unwrap().is_empty());
    }
}
