//! What the tests within this crate share: a format, and an open folder with a type and an item.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use realnet_core::change::{ChangeSet, Operation};
use realnet_core::clock::{Clock as _, System};
use realnet_core::model::Item;
use realnet_core::provider::{ItemProvider as _, TypeProvider as _};
use realnet_core::registry::{RegistryHandle, TypeRegistry};
use realnet_core::{Result, Uuid};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::codec::{Codec, Fault};
use super::edits::access;
use super::watch::Edit;
use super::{DocumentStore, layout};
use crate::memory::MemoryStore;

/// The simplest form of JSON.
pub(super) struct Json;

impl Codec for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn extension(&self) -> &'static str {
        "json"
    }

    fn encode(&self, value: &Value) -> Result<String> {
        Ok(format!("{value}\n"))
    }

    fn decode(&self, text: &[u8]) -> Result<Value, Fault> {
        serde_json::from_slice(text).map_err(|error| Fault::new(0, 0, error.to_string()))
    }
}

pub(super) const ORG: Uuid = Uuid::from_u128(9);

/// An open folder with the type Item, and one item of it.
pub(super) struct World {
    pub(super) documents: DocumentStore,
    pub(super) store: Arc<MemoryStore>,
    pub(super) registry: RegistryHandle,
    pub(super) item: Item,
    pub(super) folder: TempDir,
}

impl World {
    pub(super) async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        drop(DocumentStore::open(folder.path(), Json).unwrap());
        std::fs::create_dir(folder.path().join("types")).unwrap();
        let id = Uuid::from_u128(1);
        std::fs::write(folder.path().join("types/Item.json"), json!({ "id": id }).to_string()).unwrap();
        let documents = DocumentStore::open(folder.path(), Json).unwrap();
        let store = Arc::clone(documents.store());
        let registry = TypeRegistry::build(store.load_types().await.unwrap()).unwrap();
        let item = Item::new(Uuid::from_u128(7), id, Arc::from("Item"), ORG);
        let world = Self { documents, store, registry: RegistryHandle::new(registry), item, folder };
        world.commit(Operation::Create(Box::new(world.item.clone()))).await.unwrap();
        world.settled();
        world
    }

    pub(super) async fn commit(&self, operation: Operation) -> Result<()> {
        let changes = ChangeSet::new(vec![operation], System.now(), Arc::from("test"));
        self.store.commit(&access(self.registry.current()), changes).await.map(drop)
    }

    pub(super) async fn rename(&self, name: &str) {
        let name = name.to_owned();
        let edit = Arc::new(move |item: &Item| Ok(Item { name: name.clone(), ..item.clone() }));
        self.commit(Operation::Update { id: self.item.id, expected_version: None, edit }).await.unwrap();
    }

    pub(super) fn item(&self) -> Option<Item> {
        self.store.peek(|state| state.items.get(&self.item.id).cloned())
    }

    pub(super) fn document(&self) -> String {
        layout::item(self.item.id, "Item", "json")
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join(self.document())
    }

    /// The file says something.
    pub(super) fn says(&self, words: &str) -> bool {
        std::fs::read_to_string(self.path()).is_ok_and(|text| text.contains(words))
    }

    /// Waits until documents say all that was acknowledged.
    pub(super) fn settled(&self) {
        let private = self.folder.path().join(layout::PRIVATE);
        eventually(|| {
            let names = crate::files::names(&private).unwrap();
            let mut journal = names.iter().filter(|(name, _)| name.starts_with("journal-"));
            // One that goes meanwhile is empty.
            journal.all(|(name, _)| std::fs::metadata(private.join(name)).map_or(0, |file| file.len()) == 0)
        });
    }

    /// Looks until something was done by hand.
    pub(super) fn find(&self) -> Vec<Edit> {
        let mut found = Vec::new();
        eventually(|| {
            found = self.documents.watch.find().unwrap();
            !found.is_empty()
        });
        found
    }

    /// What was put aside.
    pub(super) fn aside(&self) -> Vec<String> {
        let folder = self.folder.path().join(layout::PRIVATE).join("edits");
        let names = crate::files::names(&folder).unwrap();
        names.iter().map(|(name, _)| std::fs::read_to_string(folder.join(name)).unwrap()).collect()
    }
}

/// Waits for something that comes by itself.
pub(super) fn eventually(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_mins(1), "it does not come to that");
        std::thread::sleep(Duration::from_millis(10));
    }
}
