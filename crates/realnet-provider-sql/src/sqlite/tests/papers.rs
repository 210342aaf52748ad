//! A store of papers, for what is told of lists.

use realnet_core::provider::Page;
use realnet_core::query::{self, Query};
use realnet_core::{Result, clock};
use serde_json::Value;

use super::*;
use crate::sqlite::list::list;
use crate::sqlite::patience::Budget;

/// Papers have a title, a rank and a state by which they are found, and one that they quote.
pub(super) struct Papers {
    pub(super) store: Arc<SqliteStore>,
    pub(super) access: Access,
    pub(super) ids: Vec<Uuid>,
    _folder: tempfile::TempDir,
}

impl Papers {
    /// So few rows are many in this store that lists walk in small steps.
    pub(super) async fn new(papers: Vec<Value>) -> Self {
        let (folder, path) = folder();
        let store = Arc::new(SqliteStore::open(SqliteConfig { few: 2, ..SqliteConfig::new(&path) }).unwrap());
        let document = json!({
            "id": System.next_id(), "org": null, "name": "Item", "base": null, "attributes": {}, "access": null,
            "instances": [], "version": 1, "fields": [
                {"name": "title", "type": "string"},
                {"name": "rank", "type": "integer", "index": true},
                {"name": "state", "type": "string", "index": true},
                {"name": "quotes", "type": "reference", "reference": "Item"}
            ]
        });
        let definition: TypeDefinition = serde_json::from_value(document).unwrap();
        let (type_id, org) = (definition.id, System.next_id());
        let before = Arc::new(TypeRegistry::build(TypeSnapshot::default()).unwrap());
        let registry = Arc::new(TypeRegistry::build(TypeSnapshot::of(vec![definition.clone()])).unwrap());
        let caller = Arc::new(Caller::system(org));
        let mut changes = set(vec![Operation::PutType(Box::new(definition))]);
        changes.next_registry = Some(Arc::clone(&registry));
        store.commit(&Access { caller: Arc::clone(&caller), registry: before }, changes).await.unwrap();
        let ids: Vec<Uuid> = papers.iter().map(|_| System.next_id()).collect();
        let item = |(index, attributes): (usize, Value)| {
            let mut item = Item::new(ids[index], type_id, "Item".into(), org);
            item.attributes = attributes_of(attributes, &ids);
            Operation::Create(Box::new(item))
        };
        let access = Access { caller, registry };
        store.commit(&access, set(papers.into_iter().enumerate().map(item).collect())).await.unwrap();
        Self { store, access, ids, _folder: folder }
    }

    /// Sets attributes of a paper.
    pub(super) fn setting(&self, index: usize, attributes: Value) -> Operation {
        let edit = move |item: &Item| {
            let mut map = item.attributes.as_map().clone();
            map.extend(attributes.as_object().cloned().unwrap());
            Ok(Item { attributes: Attributes::from_map(map), ..item.clone() })
        };
        Operation::Update { id: self.ids[index], expected_version: None, edit: Arc::new(edit) }
    }

    /// Commits while the thread waits, which may be in the middle of a list.
    pub(super) fn commit_now(&self, operations: Vec<Operation>) {
        let commit = || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(self.store.commit(&self.access, set(operations)))
        };
        std::thread::scope(|scope| scope.spawn(commit).join()).unwrap().unwrap();
    }

    pub(super) fn query(&self, parameters: &[(&str, &str)]) -> Query {
        let parameters: Vec<_> =
            parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let Access { caller, registry } = &self.access;
        let target = registry.find(caller.org, "Item");
        query::parse(registry, caller, target, &parameters, clock::Clock::now(&System)).unwrap().query
    }

    /// The list on this thread.
    pub(super) fn list(&self, query: &Query, budget: Budget) -> Result<Option<Page>> {
        list(&self.store.shared, &self.access, query, budget)
    }
}

/// Attributes; a number for `quotes` stands for the paper of that number.
fn attributes_of(mut value: Value, ids: &[Uuid]) -> Attributes {
    if let Some(quoted) = value.get("quotes").and_then(Value::as_u64) {
        value["quotes"] = json!(ids[quoted as usize].to_string());
    }
    Attributes::from_map(value.as_object().cloned().unwrap())
}
