//! A store in a folder of its own with a few types, and the test program started again as another process.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use realnet_core::acl::Caller;
use realnet_core::change::{ChangeSet, Operation, Outcome};
use realnet_core::clock::{Clock as _, IdSource as _, System};
use realnet_core::model::{Attributes, Item, TypeDefinition};
use realnet_core::provider::{Access, ItemProvider as _, TypeProvider as _};
use realnet_core::registry::{RegistryHandle, TypeRegistry, TypeSnapshot};
use realnet_core::{Result, Uuid};
use realnet_provider_generic::{DocumentStore, MemoryStore};
use serde_json::{Value, json};

pub const ORG: Uuid = Uuid::from_u128(0x0a);
pub const ROOT: Uuid = Uuid::from_u128(1);
pub const TASK: Uuid = Uuid::from_u128(2);
pub const SAFE: Uuid = Uuid::from_u128(3);

/// What comes by itself comes within that time, however busy the machine is.
const PATIENCE: Duration = Duration::from_mins(1);

/// An open store with what its users work with.
pub struct World {
    pub documents: DocumentStore,
    pub store: Arc<MemoryStore>,
    pub registry: RegistryHandle,
    pub folder: PathBuf,
}

fn definition(id: Uuid, document: &Value) -> TypeDefinition {
    let mut whole = json!({"id": id, "org": null, "base": "Item", "attributes": {}, "fields": [],
                           "access": null, "instances": [], "version": 1});
    whole.as_object_mut().unwrap().extend(document.as_object().unwrap().clone());
    serde_json::from_value(whole).unwrap()
}

fn types() -> Vec<TypeDefinition> {
    let fields = json!([
        {"name": "email", "type": "email", "unique": true},
        {"name": "size", "type": "integer", "index": true},
        {"name": "after", "type": "reference", "reference": "Task"},
    ]);
    vec![
        definition(ROOT, &json!({"name": "Item", "base": null})),
        definition(TASK, &json!({"name": "Task", "fields": fields})),
        // What stands in one may be read by who may read the one around it.
        definition(
            SAFE,
            &json!({"name": "Safe", "attributes": {"inherits_access": true},
                    "fields": [{"name": "code", "type": "secret"},
                               {"name": "opened", "type": "integer", "readonly": true}]}),
        ),
    ]
}

/// Opens a store, with the types put into an empty one.
pub async fn open(folder: &Path) -> World {
    let documents = realnet_provider_json::open(folder).unwrap();
    let store = Arc::clone(documents.store());
    if store.load_types().await.unwrap().revision == 0 {
        let operations = types().into_iter().map(|info| Operation::PutType(Box::new(info))).collect();
        let mut changes = change_set(operations);
        changes.next_registry = Some(Arc::new(TypeRegistry::build(TypeSnapshot::of(types())).unwrap()));
        let access = Access { caller: Arc::new(Caller::system(ORG)), registry: Arc::default() };
        store.commit(&access, changes).await.unwrap();
    }
    let registry = TypeRegistry::build(store.load_types().await.unwrap()).unwrap();
    World { documents, store, registry: RegistryHandle::new(registry), folder: folder.to_owned() }
}

fn change_set(operations: Vec<Operation>) -> ChangeSet {
    ChangeSet::new(operations, System.now(), Arc::from("test"))
}

/// A task of that name, with these attributes.
pub fn task(name: &str, attributes: Value) -> Item {
    let item = Item::new(System.next_id(), TASK, Arc::from("Task"), ORG);
    let Value::Object(attributes) = attributes else { panic!("attributes are an object") };
    Item { name: name.to_owned(), attributes: Attributes::from_map(attributes), ..item }
}

pub fn create(item: &Item) -> Operation {
    Operation::Create(Box::new(item.clone()))
}

impl World {
    pub fn access(&self) -> Access {
        Access { caller: Arc::new(Caller::system(ORG)), registry: self.registry.current() }
    }

    pub async fn commit(&self, operations: Vec<Operation>) -> Result<Vec<Outcome>> {
        self.store.commit(&self.access(), change_set(operations)).await
    }

    pub async fn put(&self, name: &str, attributes: Value) -> Item {
        let outcomes = self.commit(vec![create(&task(name, attributes))]).await.unwrap();
        outcomes[0].item().unwrap().clone()
    }

    pub async fn rename(&self, id: Uuid, name: &str) -> Result<Vec<Outcome>> {
        let name = name.to_owned();
        let edit = Arc::new(move |item: &Item| Ok(Item { name: name.clone(), ..item.clone() }));
        self.commit(vec![Operation::Update { id, expected_version: None, edit }]).await
    }

    pub async fn get(&self, id: Uuid) -> Option<Item> {
        self.store.get(&self.access(), id).await.unwrap()
    }

    /// The file of a task.
    pub fn file(&self, id: Uuid) -> PathBuf {
        file(&self.folder, id)
    }

    /// Waits until a file says something.
    pub fn expect_file(&self, id: Uuid, words: &str) {
        let file = self.file(id);
        eventually(|| std::fs::read_to_string(&file).is_ok_and(|text| text.contains(words)));
    }

    /// Looks through the folder, when what was written has come to rest.
    pub async fn look(&self) {
        tokio::time::sleep(Duration::from_millis(250)).await;
        self.documents.look_through(&*self.store, &self.registry).await.unwrap();
    }

    /// Looks through the folder until something is so.
    pub async fn look_until(&self, is_so: impl AsyncFn() -> bool) {
        let begun = Instant::now();
        while !is_so().await {
            assert!(begun.elapsed() < PATIENCE, "it does not come to that");
            self.look().await;
        }
    }

    /// Waits until documents say all that was acknowledged: the server writes none of them by itself then.
    pub fn settled(&self) {
        eventually(|| journal(&self.folder) == 0);
    }

    /// What is refused, in lines.
    pub fn problems(&self) -> Vec<String> {
        self.documents.problems().iter().map(ToString::to_string).collect()
    }

    pub fn close(self) -> PathBuf {
        self.documents.close();
        self.folder
    }
}

pub fn file(folder: &Path, id: Uuid) -> PathBuf {
    folder.join("items/Task").join(format!("{id}.json"))
}

/// How much the journal holds of what documents do not say yet.
pub fn journal(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder.join(".realnet")).unwrap().flatten();
    let files = files.filter(|file| file.file_name().to_string_lossy().starts_with("journal-"));
    // One that goes meanwhile is empty.
    files.map(|file| file.metadata().map_or(0, |file| file.len())).sum()
}

/// The texts that were put aside.
pub fn aside(folder: &Path) -> Vec<String> {
    let Ok(files) = std::fs::read_dir(folder.join(".realnet/edits")) else { return Vec::new() };
    files.flatten().map(|file| std::fs::read_to_string(file.path()).unwrap()).collect()
}

pub fn eventually(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "it does not come to that");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Changes the text of a file.
pub fn replace(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(file, text.replace(from, to)).unwrap();
}

/// This test once more, in a process of its own that finds the folder in the environment.
pub fn again(program: &str, test: &str, variable: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(variable, folder);
    command
}
