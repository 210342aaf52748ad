//! Sweeps: what no item names goes, what one names stays, and only in the storage of this database.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use realnet_core::acl::Caller;
use realnet_core::change::{ChangeSet, Operation};
use realnet_core::clock::{Clock as _, IdSource as _, System};
use realnet_core::model::Item;
use realnet_core::provider::{Access, ContentId, DataProvider as _, Expectation, UploadProvider as _};
use realnet_core::resource::Services;
use realnet_core::{ErrorKind, Uuid};
use realnet_provider_generic::MemoryData;
use realnet_resource_files::{claim, sweep, take_over};

use crate::common::on;

async fn put(data: &MemoryData) -> Uuid {
    let id = System.next_id();
    let bytes = stream::iter([Ok(Bytes::from_static(b"bytes"))]).boxed();
    data.put(ContentId::new(id), bytes, Expectation::default()).await.unwrap();
    id
}

async fn name(services: &Services, content: Uuid) {
    let registry = services.registry.current();
    let caller = Arc::new(Caller::system(System.next_id()));
    let info = registry.root().unwrap();
    let item = Item { content: Some(content), ..info.item(System.next_id(), caller.org) };
    let create = Operation::Create(Box::new(item));
    let changes = ChangeSet::new(vec![create], System.now(), Arc::from("test"));
    services.items.commit(&Access { caller, registry }, changes).await.unwrap();
}

#[tokio::test]
async fn what_no_item_names_goes_in_its_time() {
    let data = MemoryData::new();
    let services = on(Arc::new(data.clone())).await;
    claim(&services).await.unwrap();
    let mut contents = Vec::new();
    for number in 0..1200 {
        contents.push(put(&data).await);
        if number % 3 == 0 {
            name(&services, contents[number]).await;
        }
    }
    let upload = ContentId::new(System.next_id());
    data.begin_upload(upload).await.unwrap();
    let past = System.now().plus_seconds(-60);
    let swept = sweep(&services, past, past).await.unwrap();
    assert_eq!((swept.seen, swept.removed, swept.uploads), (1201, 0, 0), "all of it is new");
    let soon = System.now().plus_seconds(60);
    let swept = sweep(&services, soon, past).await.unwrap();
    assert_eq!((swept.removed, swept.uploads), (800, 0));
    for (number, content) in contents.iter().enumerate() {
        let is_there = data.head(ContentId::new(*content)).await.unwrap().is_some();
        assert_eq!(is_there, number % 3 == 0, "{number}");
    }
    let swept = sweep(&services, soon, soon).await.unwrap();
    assert_eq!((swept.seen, swept.removed, swept.uploads), (401, 0, 1));
    assert_eq!(data.upload_offset(upload).await.unwrap(), None);
}

#[tokio::test]
async fn a_storage_has_one_database() {
    let data = MemoryData::new();
    let own = on(Arc::new(data.clone())).await;
    claim(&own).await.unwrap();
    claim(&own).await.unwrap();
    let content = put(&data).await;
    let other = on(Arc::new(data.clone())).await;
    assert_eq!(claim(&other).await.unwrap_err().kind(), ErrorKind::Conflict);
    let soon = System.now().plus_seconds(60);
    assert_eq!(sweep(&other, soon, soon).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert!(data.head(ContentId::new(content)).await.unwrap().is_some(), "what is another's stays");
    assert_eq!(sweep(&own, soon, soon).await.unwrap().removed, 1);
    // It is handed over on purpose.
    take_over(&other).await.unwrap();
    claim(&other).await.unwrap();
    assert_eq!(claim(&own).await.unwrap_err().kind(), ErrorKind::Conflict);
}
