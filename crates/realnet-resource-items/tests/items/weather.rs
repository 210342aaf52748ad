//! The resource that the README shows, on a store in memory: a rule of its own holds at every endpoint.

use std::sync::Arc;

use async_trait::async_trait;
use realnet_core::acl::Caller;
use realnet_core::change::{ChangeSet, Operation as Change};
use realnet_core::model::{Item, TypeDefinition};
use realnet_core::provider::Access;
use realnet_core::registry::{TypeRegistry, TypeSnapshot};
use realnet_core::resource::{
    Context, Dispatcher, Operation, PatchDocument, Reply, Request, Resource, Services, WriteOptions,
};
use realnet_core::{Error, Result, Uuid, Violation};
use realnet_provider_generic::MemoryStore;
use realnet_resource_items::Items;
use serde_json::json;

struct Weather;

#[async_trait]
impl Resource for Weather {
    fn name(&self) -> &'static str {
        "weather"
    }

    async fn prepare_create(&self, _cx: &Context, item: &mut Item) -> Result<()> {
        let celsius = item.attributes.get("celsius").and_then(serde_json::Value::as_f64);
        item.status = Some(if celsius.unwrap_or_default() < 0.0 { "frost" } else { "mild" }.to_owned());
        Ok(())
    }

    fn check_edit(&self, _access: &Access, before: &Item, after: &mut Item) -> Result<()> {
        if before.status == after.status {
            return Ok(());
        }
        Err(Error::invalid(vec![Violation::new("/status", "follows from the temperature")]))
    }
}

async fn example(services: Services, caller: Arc<Caller>) -> Result<()> {
    let mut dispatcher = Dispatcher::new(services);
    dispatcher.register("items", Arc::new(Items)).register("weather", Arc::new(Weather));

    let cx = Context::new(dispatcher.services(), caller, "request-1".into());
    let create =
        Operation::Create { body: json!({"name": "Bern", "celsius": -3}), options: WriteOptions::default() };
    let reply = dispatcher.dispatch(&cx, Request { endpoint: "weather".into(), operation: create }).await?;
    let Reply::Created { items, .. } = reply else { panic!("not created") };
    assert_eq!(items.value[0].status.as_deref(), Some("frost"));

    // The rule holds at every endpoint that reaches the item.
    let patch = PatchDocument::Merge(json!({"status": "sunny"}));
    let patch = Operation::Patch { id: items.value[0].id, patch, options: WriteOptions::default() };
    let error =
        dispatcher.dispatch(&cx, Request { endpoint: "items".into(), operation: patch }).await.unwrap_err();
    assert_eq!(error.violations()[0].pointer, "/status");
    Ok(())
}

fn definition(id: u128, name: &str, base: Option<&str>, module: &str) -> TypeDefinition {
    let document = json!({"id": Uuid::from_u128(id), "name": name, "base": base, "attributes": {"module": module},
        "fields": [], "instances": [], "version": 1});
    serde_json::from_value(document).unwrap()
}

#[tokio::test]
async fn the_example_of_the_readme_runs() {
    let definitions =
        vec![definition(1, "Item", None, "items"), definition(2, "Weather", Some("Item"), "weather")];
    let services = Services::on(Arc::new(MemoryStore::new()));
    let caller = Arc::new(Caller::system(Uuid::from_u128(9)));
    let access = Access { caller: Arc::clone(&caller), registry: services.registry.current() };
    let operations =
        definitions.iter().map(|definition| Change::PutType(Box::new(definition.clone()))).collect();
    let mut changes = ChangeSet::new(operations, services.clock.now(), "doc".into());
    let snapshot = TypeSnapshot::of(definitions);
    changes.next_registry = Some(Arc::new(TypeRegistry::build(snapshot).unwrap()));
    services.items.commit(&access, changes).await.unwrap();
    services.reload_types().await.unwrap();
    example(services, caller).await.unwrap();
}
