//! The document store: items, types and the rest as documents in a folder that people read, edit and keep in git.
//!
//! The state is in memory ([`MemoryStore`]), which answers. A change is made there, written to a journal, and acknowledged when
//! that is on the disk; documents follow, and the journal is cut. What is done by hand in the folder is made a change.

mod blame;
mod changes;
mod codec;
mod edits;
mod folder;
mod home;
mod index;
mod items;
mod journal;
mod keeper;
mod known;
mod layout;
mod lines;
mod load;
mod log;
#[cfg(test)]
mod look_tests;
mod noted;
mod open;
mod parallel;
mod private;
mod problem;
mod restore;
mod scan;
mod scribe;
mod shape;
mod shelf;
#[cfg(test)]
mod testing;
mod type_edits;
mod watch;
mod wire;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use realnet_core::Result;
use realnet_core::provider::ItemProvider;
use realnet_core::registry::RegistryHandle;

pub use self::codec::{Codec, Fault, Ordered, ordered};
pub use self::open::Edits;
pub use self::problem::Problem;

use self::keeper::Keeper;
use self::layout::Place;
use self::watch::{Edit, Watch};
use crate::memory::MemoryStore;

/// So often the folder is looked through, as long as that is quick.
const INTERVAL: Duration = Duration::from_secs(1);
/// Of all time, one part in so many is for looking.
const SHARE: u32 = 20;

/// Documents in a folder, which one process uses at a time. Ends with [`Self::close`], or when it is dropped.
pub struct DocumentStore {
    root: PathBuf,
    name: &'static str,
    store: Arc<MemoryStore>,
    watch: Arc<Watch>,
    keeper: Mutex<Option<Keeper>>,
    lock: Mutex<Option<File>>,
    closed: AtomicBool,
}

impl DocumentStore {
    /// Opens a folder, which is made if it is not there. Blocks the thread for as long as it takes to read what is in it.
    ///
    /// # Errors
    /// Conflict when another process has it, when it holds something else, or when documents in it are not in order: the message
    /// names each with line and column. Unavailable when it can not be read and written.
    pub fn open(folder: impl AsRef<Path>, codec: impl Codec) -> Result<Self> {
        let folder = folder.as_ref();
        let name = codec.name();
        let codec: Arc<dyn Codec> = Arc::new(codec);
        let opened = open::open(folder, Arc::clone(&codec)).map_err(|error| open::named(folder, &error))?;
        let watch = Watch {
            root: opened.root.clone(),
            home: opened.home,
            codec,
            store: opened.store.clone(),
            shelf: opened.shelf,
            scribe: Arc::clone(&opened.keeper.scribe),
            refused: Mutex::default(),
            missed: Mutex::default(),
            others: Mutex::new(opened.others),
        };
        Ok(Self {
            root: opened.root,
            name,
            store: Arc::new(opened.store),
            watch: Arc::new(watch),
            keeper: Mutex::new(Some(opened.keeper)),
            lock: Mutex::new(Some(opened.lock)),
            closed: AtomicBool::new(false),
        })
    }

    /// What a folder holds, as a store in memory: nothing in the folder is changed, and nothing that is changed in the store is
    /// kept. As long as the store is there, no process opens the folder, and others may look at it.
    ///
    /// # Errors
    /// As [`Self::open`]; conflict when there are edits by hand that no server will take, and when there are any and `edits`
    /// refuses them.
    pub fn look(folder: impl AsRef<Path>, codec: &dyn Codec, edits: Edits) -> Result<MemoryStore> {
        let folder = folder.as_ref();
        open::look(folder, codec, edits).map_err(|error| open::named(folder, &error))
    }

    /// Whether a folder holds a document store, of whatever format.
    pub fn holds(folder: impl AsRef<Path>) -> bool {
        folder::holds(folder.as_ref())
    }

    /// The store of what is in the folder, with all that stores do. What is changed in it is kept in the folder before that is
    /// answered; when the folder is closed, it changes nothing more.
    pub fn store(&self) -> &Arc<MemoryStore> {
        &self.store
    }

    /// Makes changes of what is done by hand in the folder, until the store is closed. `items` is the store as others write to it,
    /// with secrets sealed; `registry` the types that everybody works with.
    pub async fn follow(&self, items: &dyn ItemProvider, registry: &RegistryHandle) {
        while !self.closed.load(Ordering::SeqCst) {
            let begun = Instant::now();
            let looked = self.find().await;
            // What is made of it is work for somebody, however long it takes.
            let took = begun.elapsed();
            let done = match looked {
                Ok(found) => self.take_over(found, items, registry).await,
                Err(error) => Err(error),
            };
            if let Err(error) = done {
                tracing::warn!(error = %error.report(), "the documents can not be looked through, trying again");
            }
            tokio::time::sleep(INTERVAL.max(took * SHARE)).await;
        }
    }

    /// Looks through the folder once, and makes changes of what was done by hand since the last time: documents that are new,
    /// changed or gone. They are checked like any other change, and have a record in the change log. What is not in order is
    /// among [`Self::problems`], and the store keeps what it has.
    ///
    /// # Errors
    /// Unavailable when the folder can not be read or is not there, or the store takes no changes.
    pub async fn look_through(&self, items: &dyn ItemProvider, registry: &RegistryHandle) -> Result<()> {
        let found = self.find().await?;
        self.take_over(found, items, registry).await
    }

    async fn find(&self) -> Result<Vec<Edit>> {
        let watch = Arc::clone(&self.watch);
        restore::blocking(move || watch.find()).await
    }

    async fn take_over(
        &self,
        found: Vec<Edit>,
        items: &dyn ItemProvider,
        registry: &RegistryHandle,
    ) -> Result<()> {
        let (types, others): (Vec<Edit>, Vec<Edit>) =
            found.into_iter().partition(|edit| matches!(edit.place, Place::Type(..)));
        let (gone, types): (Vec<Edit>, Vec<Edit>) = types.into_iter().partition(|edit| edit.value.is_none());
        self.watch.change_types(types, items, registry).await?;
        self.watch.change_items(others, items, registry).await?;
        // A type goes when its items have gone.
        self.watch.change_types(gone, items, registry).await
    }

    /// What was done by hand and is refused at present.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> =
            self.watch.refused.lock().values().map(|(_, problem)| problem.clone()).collect();
        problems.sort_by(|a, b| a.document.cmp(&b.document));
        problems
    }

    /// Why documents are behind, when they can not be written at present. What they are to say is in the journal.
    pub fn trouble(&self) -> Option<String> {
        self.keeper.lock().as_ref().and_then(Keeper::trouble)
    }

    /// Finishes what is under way and lets go of the folder. Blocks the thread.
    pub fn close(&self) {
        if !self.closed.swap(true, Ordering::SeqCst) {
            for problem in self.problems() {
                tracing::warn!(%problem, "a document that was refused stays in the folder, and the store has another");
            }
        }
        drop(self.keeper.lock().take());
        drop(self.lock.lock().take());
    }
}

impl Drop for DocumentStore {
    fn drop(&mut self) {
        self.close();
    }
}

impl std::fmt::Debug for DocumentStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DocumentStore({}, {})", self.name, self.root.display())
    }
}
