//! The initialization files load, and a second load changes nothing.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use common::{World, documents};
use realnet_core::Uuid;
use realnet_core::acl::{Caller, OrgRole};
use realnet_core::change::{ChangeSet, Operation};
use realnet_core::load::{Action, OrgTemplate};
use realnet_core::provider::Access;
use realnet_core::resource::Operation as Request;
use realnet_resource_types::Initializer;
use serde_json::json;
use std::sync::Arc;

/// The types, and an org with the items of the files.
async fn initialized() -> (World, Initializer) {
    let world = World::new();
    let initializer = Initializer::new(world.services.clone(), documents());
    initializer.types().await.unwrap();
    let registry = world.services.registry.current();
    let org = realnet_core::load::parse_json(
        "org.json",
        &json!({"items": [{"name": "Acme", "type": "Org"}]}).to_string(),
    )
    .unwrap();
    let mut operations = OrgTemplate::new(vec![org])
        .operations(&registry, world.org, &*world.services.ids, &world.services.secrets)
        .unwrap();
    operations.retain(|operation| matches!(operation, Operation::Create(_)));
    for operation in &mut operations {
        if let Operation::Create(item) = operation {
            item.id = world.org;
        }
    }
    let access = Access { caller: Arc::new(Caller::system(world.org)), registry };
    let now = world.services.clock.now();
    world.services.items.commit(&access, ChangeSet::new(operations, now, Arc::from("test"))).await.unwrap();
    (world, initializer)
}

#[tokio::test]
async fn the_second_load_changes_nothing() {
    let (world, initializer) = initialized().await;
    assert_eq!(initializer.orgs().await.unwrap(), 1);
    let again = initializer.types().await.unwrap();
    assert!(again.is_empty() && again.entries.is_empty(), "{again:?}");
    assert_eq!(initializer.orgs().await.unwrap(), 0);
    let registry = world.services.registry.current();
    assert_eq!(registry.types().count(), 167);
    assert_eq!(world.items("App").await.len(), 12);
    assert_eq!(world.items("Role").await.len(), 3);
    let apps = world.items("App").await;
    for link in world.items("RoleApp").await {
        let app = link.attributes.get("app").and_then(|id| Uuid::parse_str(id.as_str()?).ok()).unwrap();
        assert!(apps.iter().any(|item| item.id == app), "{}", link.name);
    }
    let drift = world.call(world.caller(OrgRole::Superuser), Request::Drift).await.unwrap();
    assert_eq!(common::document_of(drift), json!({"drifted": false, "entries": []}));
}

#[tokio::test]
async fn the_template_of_new_orgs_is_what_a_load_makes() {
    let (world, initializer) = initialized().await;
    let registry = world.services.registry.current();
    let operations = initializer
        .template()
        .operations(&registry, world.org, &*world.services.ids, &world.services.secrets)
        .unwrap();
    let access = Access { caller: Arc::new(Caller::system(world.org)), registry };
    let changes = ChangeSet::new(operations, world.services.clock.now(), Arc::from("test"));
    world.services.items.commit(&access, changes).await.unwrap();
    assert_eq!(initializer.orgs().await.unwrap(), 0, "there is nothing left to do");
    assert_eq!(world.items("RoleApp").await.len(), 23);
}

#[tokio::test]
async fn an_upgrade_changes_what_nobody_has_changed() {
    let (world, _) = initialized().await;
    let mut files = documents();
    let crm = files.iter().position(|file| file.source() == "crm.json").unwrap();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../static/initialization/crm.json");
    let text = std::fs::read_to_string(folder).unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    value["types"][0]["icon"] = json!("new_icon");
    value["types"][0]["fields"].as_array_mut().unwrap().push(json!({"name": "novelty", "type": "string"}));
    let name = value["types"][0]["name"].as_str().unwrap().to_owned();
    files[crm] = realnet_core::load::parse_json("crm.json", &value.to_string()).unwrap();
    let plan = Initializer::new(world.services.clone(), files).types().await.unwrap();
    assert_eq!((plan.count(Action::Change), plan.entries.len()), (1, 1), "{plan:?}");
    let registry = world.services.registry.current();
    let info = registry.find(world.org, &name).unwrap();
    assert_eq!(info.attributes()["icon"], "new_icon");
    assert!(info.field("novelty").is_some());
}
