//! A list reads one state of the store, however many statements it takes, while others write.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use realnet_core::acl::Caller;
use realnet_core::change::{ChangeSet, Operation};
use realnet_core::clock::{Clock as _, IdSource as _, System};
use realnet_core::model::{Attributes, Item, TypeDefinition};
use realnet_core::provider::{Access, ItemProvider as _};
use realnet_core::query::{self, Query};
use realnet_core::registry::{TypeRegistry, TypeSnapshot};
use realnet_core::{Result, Uuid};
use realnet_provider_sql::{SqliteConfig, SqliteStore};
use serde_json::json;

/// How many papers there are, and how many lists are made of them.
const PAPERS: usize = 60;
const LISTS: usize = 300;

struct World {
    store: SqliteStore,
    access: Access,
    papers: Vec<Uuid>,
}

impl World {
    async fn new(folder: &tempfile::TempDir) -> Self {
        // Few rows are many, so that lists walk in small batches.
        let config = SqliteConfig { few: 2, ..SqliteConfig::new(folder.path().join("store.db")) };
        let store = SqliteStore::open(config).unwrap();
        let definition: TypeDefinition = serde_json::from_value(json!({
            "id": System.next_id(), "org": null, "name": "Item", "base": null, "attributes": {}, "access": null,
            "instances": [], "version": 1, "fields": [
                {"name": "title", "type": "string"}, {"name": "rank", "type": "integer", "index": true}
            ]
        }))
        .unwrap();
        let (type_id, org) = (definition.id, System.next_id());
        let before = Arc::new(TypeRegistry::build(TypeSnapshot::default()).unwrap());
        let snapshot = TypeSnapshot::of(vec![definition.clone()]);
        let registry = Arc::new(TypeRegistry::build(snapshot).unwrap());
        let caller = Arc::new(Caller::system(org));
        let mut changes = set(vec![Operation::PutType(Box::new(definition))]);
        changes.next_registry = Some(Arc::clone(&registry));
        store.commit(&Access { caller: Arc::clone(&caller), registry: before }, changes).await.unwrap();
        let access = Access { caller, registry };
        let papers: Vec<Uuid> = (0..PAPERS).map(|_| System.next_id()).collect();
        let creates = papers.iter().enumerate().map(|(rank, id)| {
            let mut item = Item::new(*id, type_id, "Item".into(), org);
            item.attributes = attributes(rank);
            Operation::Create(Box::new(item))
        });
        store.commit(&access, set(creates.collect())).await.unwrap();
        Self { store, access, papers }
    }

    /// All papers by rank; what they are filtered by is in no index.
    fn query(&self) -> Query {
        let parameters = [("title", "like.*aper*"), ("order", "rank"), ("limit", "1000"), ("count", "exact")];
        let parameters: Vec<_> =
            parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let Access { caller, registry } = &self.access;
        query::parse(registry, caller, registry.find(caller.org, "Item"), &parameters, System.now())
            .unwrap()
            .query
    }

    /// Gives a paper another place, far from the one it has.
    async fn move_one(&self, round: usize) -> Result<()> {
        let rank = (round * 37) % (2 * PAPERS);
        let edit = move |item: &Item| Ok(Item { attributes: attributes(rank), ..item.clone() });
        let id = self.papers[round % PAPERS];
        let operation = Operation::Update { id, expected_version: None, edit: Arc::new(edit) };
        self.store.commit(&self.access, set(vec![operation])).await.map(drop)
    }
}

fn attributes(rank: usize) -> Attributes {
    let map = json!({"title": "A paper", "rank": rank});
    Attributes::from_map(map.as_object().cloned().unwrap_or_default())
}

fn set(operations: Vec<Operation>) -> ChangeSet {
    ChangeSet::new(operations, System.now(), Arc::from("test"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_many_statements_is_of_one_moment() {
    let folder = tempfile::tempdir().unwrap();
    let world = Arc::new(World::new(&folder).await);
    let ends = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn({
        let (world, ends) = (Arc::clone(&world), Arc::clone(&ends));
        async move {
            let mut round = 0;
            while !ends.load(Ordering::Relaxed) {
                world.move_one(round).await?;
                round += 1;
            }
            Ok::<usize, realnet_core::Error>(round)
        }
    });
    let query = world.query();
    for _ in 0..LISTS {
        let page = world.store.list(&world.access, &query).await.unwrap();
        let ranks: Vec<_> =
            page.items.iter().map(|item| item.attributes.get("rank").unwrap().as_u64()).collect();
        assert!(ranks.is_sorted(), "{ranks:?}");
        let distinct: BTreeSet<Uuid> = page.items.iter().map(|item| item.id).collect();
        assert_eq!((page.items.len(), distinct.len()), (PAPERS, PAPERS), "each paper stands once");
        assert_eq!(page.total, Some(PAPERS as u64));
    }
    ends.store(true, Ordering::Relaxed);
    assert!(writing.await.unwrap().unwrap() > 0, "nothing was written meanwhile");
    world.store.close().await.unwrap();
}
