//! Uploads that are ended more than once: by who has lost the answer, by several at the same moment, by a server that was taken for
//! gone. One item comes of each, and its content is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use realnet_core::clock::{Clock, System, Timestamp};
use realnet_core::model::Item;
use realnet_core::provider::{ContentId, DataProvider as _, Expected, RecordKind, UploadProvider as _};
use realnet_core::resource::{
    Context, Dispatcher, Operation, Reply, Request, ResumableOperation, Services, UploadState, WriteOptions,
};
use realnet_core::{Error, ErrorKind, Result, Uuid};
use realnet_provider_generic::MemoryData;
use realnet_resource_files::Files;
use realnet_resource_items::Items;
use serde_json::{Value, json};

use crate::common::{on, somebody};

/// The system's clock, some seconds later.
#[derive(Default)]
struct Later(AtomicI64);

impl Clock for Later {
    fn now(&self) -> Timestamp {
        System.now().plus_seconds(self.0.load(Ordering::SeqCst))
    }
}

/// A server, as far as uploads go.
struct World {
    dispatcher: Dispatcher,
    services: Services,
    data: MemoryData,
    clock: Arc<Later>,
}

impl World {
    async fn new() -> Self {
        let (data, clock) = (MemoryData::new(), Arc::new(Later::default()));
        let services = Services { clock: clock.clone(), ..on(Arc::new(data.clone())).await };
        let mut dispatcher = Dispatcher::new(services.clone());
        dispatcher.register("items", Arc::new(Items)).register("files", Arc::new(Files::default()));
        Self { dispatcher, services, data, clock }
    }

    async fn call(&self, endpoint: &str, operation: Operation) -> Result<Reply> {
        let cx = Context::new(&self.services, somebody(), Arc::from("test"));
        self.dispatcher.dispatch(&cx, Request { endpoint: endpoint.to_owned(), operation }).await
    }

    async fn step(&self, operation: ResumableOperation) -> Result<UploadState> {
        match self.call("files", Operation::Resumable(operation)).await? {
            Reply::Upload(Some(state)) => Ok(state),
            _ => Err(Error::internal("no state")),
        }
    }

    /// An upload of which all is there, and no item yet.
    async fn whole(&self, said: &[(&str, &str)]) -> Uuid {
        let said = said.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let endpoint = "files".to_owned();
        let begin = ResumableOperation::Begin { endpoint, length: 5, said, data: None };
        let id = self.step(begin).await.unwrap().id;
        let bytes = stream::iter([Ok(Bytes::from_static(b"words"))]).boxed();
        self.data.append_upload(ContentId::new(id), 0, bytes, None).await.unwrap();
        id
    }

    async fn look(&self, id: Uuid) -> Result<Option<Uuid>> {
        self.step(ResumableOperation::Look { id }).await.map(|state| state.item.map(|(_, item)| item))
    }

    /// Puts down that another server has begun to end it, so many seconds ago.
    async fn began_elsewhere(&self, id: Uuid, seconds: i64) {
        let (now, key) = (self.clock.now(), id.to_string());
        let records = &self.services.credentials;
        let mut record = records.record(RecordKind::Upload, &key, now).await.unwrap().unwrap();
        let mut value: Value = serde_json::from_slice(&record.value).unwrap();
        value["ending"] = json!(now.plus_seconds(-seconds));
        record.value = value.to_string().into_bytes();
        assert!(records.put_record(record, Expected::Any, now).await.unwrap());
    }

    async fn has_content(&self, id: Uuid) -> bool {
        self.data.head(ContentId::new(id)).await.unwrap().is_some()
    }

    async fn item(&self, id: Uuid) -> Option<Item> {
        let cx = Context::new(&self.services, somebody(), Arc::from("test"));
        self.services.items.get(&cx.access, id).await.unwrap()
    }

    async fn folder(&self) -> Uuid {
        let (body, options) = (json!({"name": "in"}), WriteOptions::default());
        match self.call("folders", Operation::Create { body, options }).await.unwrap() {
            Reply::Created { items, .. } => items.value[0].id,
            _ => panic!("no folder"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_who_end_it_make_one_item() {
    let world = Arc::new(World::new().await);
    for _ in 0..25 {
        let id = world.whole(&[("filename", "a.txt")]).await;
        let looks = (0..8).map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.look(id).await })
        });
        for look in futures::future::join_all(looks).await {
            match look.unwrap() {
                Ok(item) => assert_eq!(item, Some(id)),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{}", error.report()),
            }
        }
        assert_eq!(world.look(id).await.unwrap(), Some(id));
        assert_eq!(world.item(id).await.unwrap().content, Some(id));
        assert!(world.has_content(id).await);
    }
}

#[tokio::test]
async fn one_that_another_server_ends_is_waited_for() {
    let world = World::new().await;
    let id = world.whole(&[]).await;
    world.began_elsewhere(id, 5).await;
    assert_eq!(world.look(id).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(world.item(id).await.is_none());
    // That server has crashed: whoever asks later makes the item.
    world.clock.0.store(120, Ordering::SeqCst);
    assert_eq!(world.look(id).await.unwrap(), Some(id));
    // What is not kept of it is told by the item.
    let (records, key) = (&world.services.credentials, id.to_string());
    let mut record = records.record(RecordKind::Upload, &key, world.clock.now()).await.unwrap().unwrap();
    let mut value: Value = serde_json::from_slice(&record.value).unwrap();
    value["item"] = Value::Null;
    record.value = value.to_string().into_bytes();
    records.put_record(record, Expected::Any, world.clock.now()).await.unwrap();
    assert_eq!(world.look(id).await.unwrap(), Some(id));
}

#[tokio::test]
async fn an_item_that_was_given_its_id_is_not_what_becomes_of_it() {
    let world = World::new().await;
    let id = world.whole(&[("filename", "a.txt")]).await;
    let (body, options) = (json!({"id": id, "name": "another"}), WriteOptions::default());
    world.call("items", Operation::Create { body, options }).await.unwrap();
    for _ in 0..2 {
        let refused = world.look(id).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Conflict);
        assert!(refused.message().contains("another item has the id of the upload"), "{refused}");
    }
    let item = world.item(id).await.unwrap();
    assert_eq!((item.name.as_str(), item.content, item.version), ("another", None, 1));
    let given_up = ResumableOperation::Abort { id };
    assert!(matches!(world.call("files", Operation::Resumable(given_up)).await, Ok(Reply::Upload(None))));
}

#[tokio::test]
async fn a_refusal_takes_nothing_from_who_may_still_be_at_it() {
    let world = World::new().await;
    let folder = world.folder().await;
    let parent = folder.to_string();
    let said = [("filename", "a.txt"), ("parent_id", parent.as_str())];
    let [alone, contested] = [world.whole(&said).await, world.whole(&said).await];
    world.began_elsewhere(contested, 120).await;
    let options = WriteOptions::default();
    world.call("folders", Operation::Delete { id: folder, options }).await.unwrap();
    for id in [alone, contested] {
        assert_eq!(world.look(id).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert!(world.item(id).await.is_none());
    }
    assert!(!world.has_content(alone).await, "nobody else can name it");
    assert!(world.has_content(contested).await, "the server that began may be about to name it");
    assert_eq!(world.look(alone).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_two_begin_beyond_the_bound_together() {
    let world = Arc::new(World::new().await);
    let begins = (0..120).map(|_| {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            let (endpoint, said) = ("files".to_owned(), Vec::new());
            world.step(ResumableOperation::Begin { endpoint, length: 5, said, data: None }).await
        })
    });
    let begins = futures::future::join_all(begins).await;
    let begun = begins.iter().filter(|begun| begun.as_ref().unwrap().is_ok()).count();
    assert!(begun <= 100, "{begun}");
    let kept = world.services.credentials.records_of(Uuid::from_u128(77), RecordKind::Upload, System.now());
    assert_eq!(kept.await.unwrap().len(), begun);
}

#[tokio::test]
async fn an_upload_chooses_no_id() {
    let world = World::new().await;
    let id = world.whole(&[("id", "018f0000-0000-7000-8000-000000000001")]).await;
    let refused = world.look(id).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{}", refused.report());
    assert!(world.item(id).await.is_none() && !world.has_content(id).await);
}
