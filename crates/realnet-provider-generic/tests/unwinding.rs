//! An edit that panics in the middle of a change set leaves no trace: the store goes on with what was there before.

use std::sync::Arc;

use realnet_core::Uuid;
use realnet_core::acl::Caller;
use realnet_core::change::{ChangeSet, Operation};
use realnet_core::clock::Timestamp;
use realnet_core::model::{Item, TypeDefinition};
use realnet_core::provider::{Access, ItemProvider, TypeProvider};
use realnet_core::registry::{TypeRegistry, TypeSnapshot};
use realnet_provider_generic::MemoryStore;

const ORG: Uuid = Uuid::from_u128(1);

fn root() -> TypeDefinition {
    TypeDefinition {
        id: Uuid::from_u128(2),
        org: None,
        name: "Item".to_owned(),
        base: None,
        attributes: realnet_core::model::Map::new(),
        fields: Vec::new(),
        access: None,
        instances: Vec::new(),
        version: 1,
        retired: Vec::new(),
    }
}

fn item(number: u128) -> Item {
    let name = "before".to_owned();
    Item { name, ..Item::new(Uuid::from_u128(number), root().id, Arc::from("Item"), ORG) }
}

fn set(operations: Vec<Operation>) -> ChangeSet {
    ChangeSet::new(operations, Timestamp::from_micros(1), Arc::from("test"))
}

#[tokio::test]
async fn a_panic_takes_everything_back() {
    let store = MemoryStore::new();
    let caller = Arc::new(Caller::system(ORG));
    let snapshot = TypeSnapshot::of(vec![root()]);
    let registry = Arc::new(TypeRegistry::build(snapshot).unwrap());
    let empty = Access { caller: Arc::clone(&caller), registry: Arc::default() };
    let mut types = set(vec![Operation::PutType(Box::new(root()))]);
    types.next_registry = Some(Arc::clone(&registry));
    store.commit(&empty, types).await.unwrap();
    assert_eq!(store.load_types().await.unwrap().revision, 1);

    let access = Access { caller, registry };
    store.commit(&access, set(vec![Operation::Create(Box::new(item(10)))])).await.unwrap();
    let update = |edit: realnet_core::change::Edit| Operation::Update {
        id: item(10).id,
        expected_version: None,
        edit,
    };
    let failing = set(vec![
        Operation::Create(Box::new(item(11))),
        update(Arc::new(|item| Ok(Item { name: "after".to_owned(), ..item.clone() }))),
        update(Arc::new(|_| panic!("a faulty edit"))),
    ]);
    let (other, on_behalf) = (store.clone(), access.clone());
    let panicked = tokio::spawn(async move { other.commit(&on_behalf, failing).await }).await;
    assert!(panicked.unwrap_err().is_panic());

    let kept = store.get(&access, item(10).id).await.unwrap().unwrap();
    assert_eq!((kept.name.as_str(), kept.version), ("before", 1));
    assert_eq!(store.get(&access, item(11).id).await.unwrap(), None);
    assert_eq!(store.changes(ORG, 0, 10).await.unwrap().len(), 1);
    store.commit(&access, set(vec![Operation::Create(Box::new(item(11)))])).await.unwrap();
    assert_eq!(store.changes(ORG, 0, 10).await.unwrap()[1].revision, 2);
}
