//! Opening a folder: what is read of it becomes a store, and the threads begin that keep the two together. Or it is looked at, and
//! nothing in it changes.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use realnet_core::provider::Capabilities;
use realnet_core::{Error, ErrorKind, Result};

use super::codec::Codec;
use super::folder;
use super::home::Home;
use super::index;
use super::journal::{self, Journal, Left};
use super::keeper::Keeper;
use super::layout::PRIVATE;
use super::load::{self, Extent, Loaded};
use super::log::{self, Ledger};
use super::private::PRIVATE_LOG;
use super::problem::refusal;
use super::scribe::{Scribe, Work};
use super::shelf::Shelf;
use crate::files;
use crate::memory::MemoryStore;

/// So many bytes of old values may stand in the private log beyond what counts, and in the index.
const PRIVATE_SLACK: u64 = 1 << 20;
const INDEX_SLACK: u64 = 16 << 20;

/// What becomes of documents that were changed by hand, and that no server has made changes of yet, when a folder is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edits {
    /// The store is as it was before them.
    PassedOver,
    /// The folder is refused: what is read would not be what is in the documents.
    Refused,
}

/// What is open.
pub(super) struct Opened {
    pub(super) root: PathBuf,
    pub(super) store: MemoryStore,
    pub(super) shelf: Arc<Mutex<Shelf>>,
    pub(super) keeper: Keeper,
    pub(super) home: Home,
    /// The files that are passed over, which was told.
    pub(super) others: BTreeSet<String>,
    /// Locked as long as the store is open. The system releases it when the process ends, however it ends.
    pub(super) lock: File,
}

/// The error with the folder in its message: it is for who runs the server.
pub(super) fn named(folder: &Path, error: &Error) -> Error {
    let message = format!("the store {}: {}", folder.display(), error.message());
    Error::new(error.kind(), message).with_internal(error.report())
}

fn capabilities(codec: &dyn Codec) -> Capabilities {
    Capabilities {
        name: codec.name(),
        search: true,
        geography: true,
        durable: true,
        shared: false,
        builds_behind: false,
    }
}

/// Opens a folder, or makes a store of one that holds none.
pub(super) fn open(folder: &Path, codec: Arc<dyn Codec>) -> Result<Opened> {
    let root = folder::make(folder)?;
    folder::check_mark(&root, &*codec)?;
    let (private, lock) = folder::take(&root, &*codec)?;
    let left = journal::read(&private)?;
    let loaded = load::load(&root, &*codec, &left)?;
    start(root, codec, left, loaded, lock)
}

fn start(root: PathBuf, codec: Arc<dyn Codec>, left: Left, loaded: Loaded, lock: File) -> Result<Opened> {
    let Loaded { state, known, tails, new_index, index, private, notes, retired, others, .. } = loaded;
    let folder = root.join(PRIVATE);
    keep_cut(&folder, &private.cut);
    let Extent { good, live } = private.extent;
    let mut private_log = Ledger::open(&folder.join(PRIVATE_LOG), good, live, PRIVATE_SLACK)?;
    private_log.tidy();
    let mut index_log = open_index(&index::path(&root), new_index, index)?;
    index_log.iter_mut().for_each(Ledger::tidy);
    let home = Home::of(&root, folder::mark_of(&*codec), &lock)?;
    let (store, outbox) = MemoryStore::kept(state, capabilities(&*codec));
    let shelf = Arc::new(Mutex::new(Shelf::new(&root, known)));
    let scribe = Scribe {
        root: root.clone(),
        codec,
        shelf: Arc::clone(&shelf),
        store: store.clone(),
        tails,
        private_log,
        index_log,
        work: Work::of_lines(notes),
    };
    let journal = Journal::begin(&folder, &left)?;
    let waiting = left.effects.into_iter().chain(retired).collect();
    let keeper = Keeper::start(journal, scribe, outbox, waiting)?;
    Ok(Opened { root, store, shelf, keeper, home, others, lock })
}

/// Opens the index to go on with it, or makes it anew. Where there is no room for that, it goes: documents say the same, and one
/// that is not whole would hide those that it does not know.
fn open_index(
    path: &Path,
    entries: Option<Vec<(String, String)>>,
    Extent { good, live }: Extent,
) -> Result<Option<Ledger>> {
    let Some(entries) = entries else { return Ledger::open(path, good, live, INDEX_SLACK).map(Some) };
    match log::rewrite(path, borrowed(&entries)) {
        Ok(length) => Ledger::open(path, length, length, INDEX_SLACK).map(Some),
        Err(error) if error.kind() == ErrorKind::Unavailable => {
            tracing::warn!(error = %error.report(), "the index can not be written: the next start reads all documents");
            files::remove(path)?;
            path.parent().map_or(Ok(()), files::sync_folder)?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Keeps what was cut short at the end of the private log, in case that it was more than what was being written.
fn keep_cut(private: &Path, cut: &[u8]) {
    if cut.is_empty() {
        return;
    }
    let path = private.join("private.log.bad");
    match files::replace(&private.join("bad.new"), &path, cut) {
        Ok(()) => {
            let path = path.display();
            tracing::warn!(
                bytes = cut.len(),
                "the log of private values was cut short; what stood there is in {path}"
            );
        }
        Err(error) => tracing::warn!(error = %error.report(), "what was cut short can not be kept"),
    }
}

fn borrowed(values: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}

/// Reads a folder without changing anything in it; one that another process has is not looked at. No server gets it as long as
/// the store that is answered is there; others may look meanwhile.
pub(super) fn look(folder: &Path, codec: &dyn Codec, edits: Edits) -> Result<MemoryStore> {
    folder::check_mark(folder, codec)?;
    let lock = folder::share(folder)?;
    let left = journal::read(&folder.join(PRIVATE))?;
    let Loaded { state, unseen, refused, .. } = load::load(folder, codec, &left)?;
    // A server starts with them, and goes on with what it has in their places.
    if !refused.is_empty() {
        return Err(refusal(refused));
    }
    match unseen.first() {
        Some(first) if edits == Edits::Refused => Err(refused_edits(first, unseen.len())),
        _ => Ok(MemoryStore::of(state).holding(lock)),
    }
}

fn refused_edits(first: &str, count: usize) -> Error {
    let (documents, them) = match count {
        1 => ("a document was".to_owned(), "it"),
        _ => (format!("{count} documents were"), "them"),
    };
    Error::conflict(format!(
        "{documents} changed by hand, and no server has taken {them} over yet ({first}): start one on the folder first, for some seconds"
    ))
}

#[cfg(test)]
mod tests {
    use realnet_core::Uuid;
    use realnet_core::provider::TypeProvider as _;
    use realnet_core::registry::{RegistryHandle, TypeRegistry};

    use serde_json::json;

    use super::super::testing::{Json, ORG, World};
    use super::*;
    use crate::documents::DocumentStore;

    #[test]
    fn an_index_that_can_not_be_made_anew_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.log");
        std::fs::write(&path, "of before").unwrap();
        // As good as a disk without room: a name that no file can take.
        std::fs::create_dir(folder.path().join("index.new")).unwrap();
        let none = Extent { good: 0, live: 0 };
        assert!(open_index(&path, Some(Vec::new()), none).unwrap().is_none());
        assert!(!path.exists());
        assert!(open_index(&path, None, none).unwrap().is_some());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn what_is_in_a_folder_that_is_away_was_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (root, id) = (folder.path().join("shop"), Uuid::from_u128(1));
        drop(DocumentStore::open(&root, Json).unwrap());
        std::fs::create_dir(root.join("types")).unwrap();
        std::fs::write(root.join("types/Item.json"), format!("{{\"id\": \"{id}\"}}")).unwrap();
        let documents = DocumentStore::open(&root, Json).unwrap();
        let store = Arc::clone(documents.store());
        let registry = TypeRegistry::build(store.load_types().await.unwrap()).unwrap();
        let registry = RegistryHandle::new(registry);
        let away = folder.path().join("away");
        for moved in [root.clone(), root.join("types")] {
            std::fs::rename(&moved, &away).unwrap();
            let looked = documents.look_through(&*store, &registry).await;
            assert_eq!(looked.unwrap_err().kind(), ErrorKind::Unavailable);
            std::fs::rename(&away, &moved).unwrap();
            documents.look_through(&*store, &registry).await.unwrap();
        }
        assert!(store.peek(|state| state.types.contains_key(&id)));
    }

    #[tokio::test]
    async fn edits_that_no_server_has_seen_are_refused_where_they_would_be_missing() {
        let world = World::open().await;
        let folder = world.folder.path();
        world.documents.close();
        let look = |edits| look(folder, &Json, edits).map(|store| store.peek(|state| state.items.len()));
        assert_eq!(look(Edits::Refused).unwrap(), 1);

        let text = std::fs::read_to_string(world.path()).unwrap();
        std::fs::write(world.path(), format!("{text} ")).unwrap();
        let refused = look(Edits::Refused).unwrap_err();
        assert!(refused.message().contains("a document was changed by hand"), "{refused}");
        let new = folder.join(format!("items/Item/{}.json", Uuid::from_u128(8)));
        std::fs::write(&new, json!({"type": "Item", "org": ORG}).to_string()).unwrap();
        std::fs::remove_file(world.path()).unwrap();
        let refused = look(Edits::Refused).unwrap_err();
        assert!(refused.message().contains("2 documents were changed by hand"), "{refused}");
        assert_eq!(look(Edits::PassedOver).unwrap(), 1);

        // A server takes them over.
        let documents = DocumentStore::open(folder, Json).unwrap();
        let store = Arc::clone(documents.store());
        let present = || store.peek(|state| state.items.keys().copied().collect::<Vec<_>>());
        let begun = std::time::Instant::now();
        while present() != [Uuid::from_u128(8)] {
            assert!(begun.elapsed().as_secs() < 60);
            documents.look_through(&*store, &world.registry).await.unwrap();
        }
        documents.close();
        assert_eq!(look(Edits::Refused).unwrap(), 1);
    }

    #[tokio::test]
    async fn a_folder_is_locked_as_long_as_somebody_reads_what_was_in_it() {
        let world = World::open().await;
        let folder = world.folder.path();
        world.documents.close();
        let (first, second) =
            (look(folder, &Json, Edits::Refused).unwrap(), look(folder, &Json, Edits::Refused));
        drop((first, second.unwrap().clone()));
        let third = look(folder, &Json, Edits::Refused).unwrap();
        let refused = DocumentStore::open(folder, Json).unwrap_err();
        assert!(refused.message().contains("by a command that reads it"), "{refused}");
        drop(third);
        drop(DocumentStore::open(folder, Json).unwrap());
    }
}
