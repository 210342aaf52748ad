//! The initialization files load, and a second load changes nothing.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use common::{World, documents};
use realnet_core::Uuid;
use realnet_core::acl::{Caller, Grant, OrgRole, Permission, Permissions, Subject};
use realnet_core::change::{ChangeSet, Operation};
use realnet_core::load::{Action, OrgTemplate};
use realnet_core::model::Item;
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

/// More than a change set of a request may hold: the upgrade is carried out, since no server could start otherwise.
#[tokio::test]
async fn an_upgrade_passes_down_whatever_there_is() {
    let world = World::new();
    let mut old = documents();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../static/initialization/core.json");
    let text = std::fs::read_to_string(folder).unwrap();
    assert!(text.contains("\"inherits_access\": true"));
    let text = text.replace("\"inherits_access\": true", "\"inherits_access\": false");
    old[0] = realnet_core::load::parse_json("core.json", &text).unwrap();
    Initializer::new(world.services.clone(), old).types().await.unwrap();

    let registry = world.services.registry.current();
    let folder = registry.find(world.org, "Folder").unwrap();
    let item = || Item::new(world.services.ids.next_id(), folder.id(), Arc::clone(folder.name()), world.org);
    let reads = Permissions::of(&[Permission::Read]);
    let mut top = item();
    top.grants.push(Grant { subject: Subject::Public, permissions: reads });
    let access = Access { caller: Arc::new(Caller::system(world.org)), registry: Arc::clone(&registry) };
    let create = async |item: Item| {
        let changes = vec![Operation::Create(Box::new(item))];
        let changes = ChangeSet::new(changes, world.services.clock.now(), Arc::from("test"));
        world.services.items.commit(&access, changes).await.unwrap();
    };
    let parent_id = Some(top.id);
    create(top).await;
    let mut ids = Vec::new();
    for _ in 0..17 {
        let text = json!({"held": {"text": "x".repeat(Item::MAX_ATTRIBUTES - 100)}});
        let attributes = text.as_object().unwrap().clone().into();
        let item = Item { parent_id, attributes, ..item() };
        ids.push(item.id);
        create(item).await;
    }
    let initializer = Initializer::new(world.services.clone(), documents());
    assert!(!initializer.check().await.unwrap().is_empty());
    initializer.types().await.unwrap();
    assert!(initializer.check().await.unwrap().is_empty());
    for id in ids {
        let item = world.services.items.get(&access, id).await.unwrap().unwrap();
        assert_eq!((item.version, item.inherited.len()), (2, 1));
    }
}
