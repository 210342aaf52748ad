//! Which resource carries out what.

use std::sync::Arc;

use async_trait::async_trait;
use realnet_core::model::Item;
use realnet_core::provider::Access;
use realnet_core::resource::{
    Call, Context, Dispatcher, Intake, ListRequest, Operation, Reply, Request, Resource, Resources, Route,
    TypeList, TypeOperation, Verb, WriteOptions,
};
use realnet_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use crate::world::{World, kind};

/// Refuses every write of a ghost, and answers calls.
struct Ghosts;

fn boo<T>() -> Result<T> {
    Err(Error::forbidden("boo"))
}

#[async_trait]
impl Resource for Ghosts {
    fn name(&self) -> &'static str {
        "ghosts"
    }

    async fn intake(&self, _cx: &Context, intake: &mut Intake<'_>) -> Result<()> {
        let body = intake.change.body_mut();
        if body.is_some_and(|body| body.attributes.contains_key("haunt")) { boo() } else { Ok(()) }
    }

    fn check_edit(&self, _access: &Access, _before: &Item, _after: &mut Item) -> Result<()> {
        boo()
    }

    fn check_delete(&self, _access: &Access, _item: &Item) -> Result<()> {
        boo()
    }

    async fn call(&self, _cx: &Context, route: &Route<'_>, call: Call) -> Result<Reply> {
        Ok(Reply::Document(json!([route.endpoint, call.path])))
    }

    async fn execute(&self, _cx: &Context, _all: &Arc<Resources>, operation: Operation) -> Result<Reply> {
        Ok(Reply::Document(json!(matches!(operation, Operation::Type(TypeOperation::List(_))))))
    }
}

async fn haunted() -> World {
    let mut world = World::new().await;
    world.dispatcher.register("ghosts", Arc::new(Ghosts));
    world
}

fn call(path: &[&str]) -> Operation {
    Operation::Call(Call {
        path: path.iter().map(|part| (*part).to_owned()).collect(),
        verb: Verb::Get,
        body: Value::Null,
        parameters: ListRequest::default(),
        options: WriteOptions::default(),
    })
}

#[tokio::test]
async fn what_is_not_built_in_is_named() {
    let world = World::new().await;
    for endpoint in ["ghost", "items"] {
        let error = world.create(&world.ann, endpoint, json!({"type": "Ghost"})).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{endpoint}");
        assert!(error.message().contains("ghosts"), "{error}");
    }
    assert_eq!(kind(world.list(&world.ann, "ghost", &[]).await), ErrorKind::Unsupported);
    assert_eq!(kind(world.list(&world.ann, "types", &[]).await), ErrorKind::Unsupported);
    assert_eq!(kind(world.call(&world.ann, "", Operation::Drift).await), ErrorKind::Unsupported);
}

#[tokio::test]
async fn every_path_to_an_item_asks_its_own_resource() {
    let world = haunted().await;
    let folder = world.create(&world.ann, "folder", json!({})).await.unwrap();
    let ghost = json!({"type": "Ghost", "parent_id": folder.id});
    let ghost = world.create(&world.ann, "items", ghost).await.unwrap();
    let many = Operation::Create {
        body: json!([{}, {"type": "Ghost", "haunt": 1}]),
        options: WriteOptions::default(),
    };
    let batch = |operation: Value| Operation::Batch {
        body: json!({"operations": [operation]}),
        options: WriteOptions::default(),
    };
    let by_filter = crate::world::parameters_of(&[("parent", &folder.id.to_string())]);
    for (name, endpoint, operation) in [
        ("among others", "items", many),
        (
            "batch create",
            "",
            batch(json!({"operation": "create", "resource": "item", "body": {"type": "Ghost", "haunt": 1}})),
        ),
        (
            "batch patch",
            "",
            batch(json!({"operation": "patch", "resource": "items", "id": ghost.id, "body": {"a": 1}})),
        ),
        ("batch delete", "", batch(json!({"operation": "delete", "resource": "items", "id": ghost.id}))),
        (
            "patch by filter",
            "items",
            Operation::PatchMany { parameters: by_filter.clone(), patch: json!({"a": 1}) },
        ),
        ("delete by filter", "items", Operation::DeleteMany { parameters: by_filter }),
        ("delete", "items", Operation::Delete { id: ghost.id, options: WriteOptions::default() }),
        (
            "delete the parent",
            "folder",
            Operation::Delete { id: folder.id, options: WriteOptions::default() },
        ),
        (
            "replace",
            "items",
            Operation::Replace { id: ghost.id, body: json!({}), options: WriteOptions::default() },
        ),
    ] {
        let error = world.call(&world.ann, endpoint, operation).await.expect_err(name);
        assert_eq!((error.kind(), error.message()), (ErrorKind::Forbidden, "boo"), "{name}");
    }
    assert!(world.get(&world.ann, "ghost", ghost.id).await.is_ok());
}

#[tokio::test]
async fn resources_answer_calls_of_their_own() {
    let world = haunted().await;
    for endpoint in ["ghost", "ghosts"] {
        let reply = world.call(&world.ann, endpoint, call(&["a", "b"])).await.unwrap();
        assert!(matches!(reply, Reply::Document(value) if value == json!([endpoint, ["a", "b"]])));
    }
    assert_eq!(kind(world.call(&world.ann, "note", call(&["a"])).await), ErrorKind::NotFound);
    assert_eq!(kind(world.list(&world.ann, "ghosts", &[]).await), ErrorKind::NotAllowed);
    assert_eq!(kind(world.call(&world.ann, "nowhere", call(&[])).await), ErrorKind::NotFound);
}

#[tokio::test]
async fn operations_on_types_go_to_the_resource_of_types() {
    let mut world = World::new().await;
    world.dispatcher.register("types", Arc::new(Ghosts));
    let reply = world
        .call(&world.ann, "types", Operation::Type(TypeOperation::List(TypeList::default())))
        .await
        .unwrap();
    assert!(matches!(reply, Reply::Document(value) if value == json!(true)));
}

#[tokio::test]
async fn without_types_there_is_nothing() {
    let world = World::new().await;
    let mut services = world.dispatcher.services().clone();
    services.registry =
        realnet_core::registry::RegistryHandle::new(realnet_core::registry::TypeRegistry::default());
    let mut dispatcher = Dispatcher::new(services);
    dispatcher.register("items", Arc::new(realnet_resource_items::Items));
    let cx = Context::new(dispatcher.services(), Arc::clone(&world.admin), Arc::from("x"));
    for endpoint in ["types", "note"] {
        let request =
            Request { endpoint: endpoint.into(), operation: Operation::List(ListRequest::default()) };
        assert_eq!(kind(dispatcher.dispatch(&cx, request).await), ErrorKind::NotFound, "{endpoint}");
    }
}
