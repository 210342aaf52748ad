//! Types by name, changes that stored items stand against, and who may do what.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::sync::Arc;

use common::{World, document_of};
use realnet_core::ErrorKind;
use realnet_core::acl::Caller;
use realnet_core::acl::OrgRole::{Admin, Superuser, User};
use realnet_core::change::{ChangeSet, Operation, Version};
use realnet_core::load::Document;
use realnet_core::model::{Item, TypeDefinition};
use realnet_core::provider::Access;
use realnet_core::registry::TypeRegistry;
use realnet_core::resource::{Reply, TypeList, TypeOperation, WriteOptions};
use realnet_resource_types::Initializer;
use serde_json::{Value, json};

fn base() -> Value {
    json!({
        "types": [
            {"name": "Item", "access": [{"subject": {"type": "role", "id": "user"}, "permissions": ["create"]}]},
            {"name": "Note", "fields": [{"name": "body", "type": "text"}]}
        ],
        "items": [
            {"name": "One", "type": "Note", "body": "long enough"},
            {"name": "Two", "type": "Note", "body": "x"}
        ]
    })
}

async fn loaded() -> World {
    let world = World::new();
    let reply = world.load(Superuser, base(), true).await.unwrap();
    assert_eq!(reply["summary"]["create"], 4, "{reply}");
    world
}

fn with_fields(fields: Value) -> Value {
    let mut document = base();
    document["types"][1]["fields"] = fields;
    document
}

#[tokio::test]
async fn a_plan_changes_nothing_and_an_apply_does_it_once() {
    let world = World::new();
    let plan = world.load(Superuser, base(), false).await.unwrap();
    assert_eq!((&plan["applied"], &plan["summary"]["create"]), (&json!(false), &json!(4)));
    assert_eq!(world.services.registry.current().types().count(), 0);
    world.load(Superuser, base(), true).await.unwrap();
    let again = world.load(Superuser, base(), true).await.unwrap();
    assert_eq!(again["entries"], json!([]));
    assert_eq!(world.items("Note").await.len(), 2);
}

#[tokio::test]
async fn types_change_only_when_stored_items_stay_valid() {
    let world = loaded().await;
    let shorter = json!([{"name": "body", "type": "text", "min_length": 3}]);
    for apply in [false, true] {
        let error = world.load(Superuser, with_fields(shorter.clone()), apply).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(error.violations().len(), 1, "{error:?}");
        assert!(error.message().contains("(Two): /attributes/body: must have at least 3"), "{error}");
    }
    assert!(
        world
            .services
            .registry
            .current()
            .find(world.org, "Note")
            .unwrap()
            .field("body")
            .unwrap()
            .field
            .min_length
            .is_none()
    );
    let required =
        json!([{"name": "body", "type": "text"}, {"name": "kind", "type": "string", "required": true}]);
    let error = world.load(Superuser, with_fields(required), true).await.unwrap_err();
    assert!(error.message().ends_with("or give the field a default"), "{error}");
    let healed = json!([{"name": "body", "type": "text"},
        {"name": "kind", "type": "string", "required": true, "default": "memo", "index": true}]);
    world.load(Superuser, with_fields(healed.clone()), true).await.unwrap();
    for item in world.items("Note").await {
        assert_eq!((item.attributes.get("kind"), item.version), (Some(&json!("memo")), 2));
    }
    let again = world.load(Superuser, with_fields(healed), true).await.unwrap();
    assert_eq!(again["entries"], json!([]), "what was healed is no change by hand");
}

#[tokio::test]
async fn types_by_name() {
    let world = loaded().await;
    let body =
        json!({"name": "Memo", "base": "Note", "icon": "edit", "fields": [{"name": "due", "type": "date"}]});
    let created =
        document_of(world.on_type(Superuser, TypeOperation::Create { body: body.clone() }).await.unwrap());
    assert_eq!(
        (&created["name"], &created["version"], &created["layer"]),
        (&json!("Memo"), &json!(1), &json!("system"))
    );
    assert_eq!(created["effective"]["chain"], json!(["Memo", "Note", "Item"]));
    assert_eq!(created["schema"]["properties"]["due"]["format"], "date");
    let twice = world.on_type(Superuser, TypeOperation::Create { body }).await.unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::Conflict);

    let replace = |body: Value, version: Option<i64>| TypeOperation::Replace {
        name: "memo".to_owned(),
        body,
        options: WriteOptions { expected_version: version.map(Version::from), ..WriteOptions::default() },
    };
    let stale = world.on_type(Superuser, replace(json!({"icon": "x"}), Some(7))).await.unwrap_err();
    assert_eq!(stale.kind(), ErrorKind::PreconditionFailed);
    let replaced =
        document_of(world.on_type(Superuser, replace(json!({"icon": "x"}), Some(1))).await.unwrap());
    assert_eq!(
        (&replaced["fields"], &replaced["version"], &replaced["base"]),
        (&json!([]), &json!(2), &json!("Note"))
    );
    let same = document_of(world.on_type(Superuser, replace(replaced, None)).await.unwrap());
    assert_eq!(same["version"], 2, "sent back as it came, it is unchanged");

    let bad = json!({"name": "Bad", "fields": [{"name": "f", "type": "string", "min_length": "a"}]});
    let bad = world.on_type(Superuser, TypeOperation::Create { body: bad }).await.unwrap_err();
    assert_eq!(bad.violations()[0].pointer, "/fields/0", "{bad:?}");

    let delete =
        |name: &str| TypeOperation::Delete { name: name.to_owned(), options: WriteOptions::default() };
    let used = world.on_type(Superuser, delete("Note")).await.unwrap_err();
    assert_eq!(used.kind(), ErrorKind::Conflict);
    assert!(used.message().contains("Memo"), "names what uses it: {used}");
    assert!(matches!(world.on_type(Superuser, delete("Memo")).await.unwrap(), Reply::Deleted(1)));
    let gone = world.on_type(Superuser, TypeOperation::Get { name: "Memo".to_owned() }).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
    let items = world.on_type(Superuser, delete("Note")).await.unwrap_err();
    assert!(items.message().contains("items"), "{items}");
}

#[tokio::test]
async fn each_writes_its_own_layer() {
    let world = loaded().await;
    let own = json!({"name": "Own", "base": "Note"});
    let user = world.on_type(User, TypeOperation::Create { body: own.clone() }).await.unwrap_err();
    assert_eq!(user.kind(), ErrorKind::Forbidden);
    let created = document_of(world.on_type(Admin, TypeOperation::Create { body: own }).await.unwrap());
    assert_eq!(created["layer"], "org");
    let system = TypeOperation::Delete { name: "Note".to_owned(), options: WriteOptions::default() };
    assert_eq!(world.on_type(Admin, system).await.unwrap_err().kind(), ErrorKind::Forbidden);
    assert_eq!(world.load(User, base(), false).await.unwrap_err().kind(), ErrorKind::Forbidden);
    let redefine = world.load(Admin, base(), false).await.unwrap_err();
    assert!(redefine.message().contains("can not redefine"), "{redefine}");
    let listed = document_of(world.on_type(User, TypeOperation::List(TypeList::default())).await.unwrap());
    assert_eq!(listed.as_array().unwrap().len(), 3);
    assert!(!listed.to_string().contains("\"access\""), "grants are shown to administrators");
}

#[tokio::test]
async fn grants_on_types() {
    let world = loaded().await;
    let set = |grants: Option<Value>| TypeOperation::SetGrants {
        name: "Note".to_owned(),
        instance: None,
        grants: grants.map(|grants| serde_json::from_value(grants).unwrap()),
    };
    let read = json!([{"subject": {"type": "role", "id": "user"}, "permissions": ["read"]}]);
    assert_eq!(world.on_type(User, set(Some(read.clone()))).await.unwrap_err().kind(), ErrorKind::Forbidden);
    let shown = |reply: Reply| match reply {
        Reply::Grants(grants) => json!(grants),
        other => panic!("{other:?}"),
    };
    assert_eq!(shown(world.on_type(Admin, set(Some(read.clone()))).await.unwrap()), read);
    let get = TypeOperation::GetGrants { name: "Note".to_owned(), instance: None };
    assert_eq!(shown(world.on_type(Admin, get).await.unwrap()), read);
    let declared = shown(world.on_type(Admin, set(None)).await.unwrap());
    assert_eq!(declared[0]["permissions"], json!(["create"]));
}

#[tokio::test]
async fn what_becomes_secret_is_sealed_and_nothing_is_planted() {
    let world = World::sealing().await;
    world.load(Superuser, base(), true).await.unwrap();
    let access = || {
        let caller = Arc::new(Caller::system(world.org));
        Access { caller, registry: world.services.registry.current() }
    };
    let commit = async |operation| {
        let changes = ChangeSet::new(vec![operation], world.services.clock.now(), Arc::from("test"));
        world.services.items.commit(&access(), changes).await.unwrap();
    };
    let create = async |token: Value| {
        let access = access();
        let info = access.registry.find(world.org, "Note").unwrap();
        let id = world.services.ids.next_id();
        let attributes = json!({"body": "b", "token": token}).as_object().unwrap().clone().into();
        let item = Item { attributes, ..Item::new(id, info.id(), Arc::clone(info.name()), world.org) };
        commit(Operation::Create(Box::new(item))).await;
        id
    };
    let kept = create(json!("TOPSECRET")).await;
    let body = json!({"name": "body", "type": "text"});
    let secret = with_fields(json!([body, {"name": "token", "type": "secret"}]));
    for planted in [json!({"$sealed": "nokey:AAAA"}), json!({"$sealed": 5}), json!({"$plain": "x"}), json!(5)]
    {
        let id = create(planted).await;
        for apply in [false, true] {
            let error = world.load(Superuser, secret.clone(), apply).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert!(error.message().contains("/attributes/token"), "{error}");
        }
        commit(Operation::Delete { id, expected_version: None, guard: None }).await;
    }
    world.load(Superuser, secret.clone(), true).await.unwrap();
    let item = async || world.services.items.get(&access(), kept).await.unwrap().unwrap();
    let sealed = item().await;
    assert!(sealed.attributes.get("token").unwrap()["$sealed"].is_string(), "{sealed:?}");
    assert_eq!(sealed.version, 1);
    assert_eq!(world.services.secrets.open(&sealed, "token").unwrap(), Some(json!("TOPSECRET")));
    // One that was secret, is no field for a while, and is one again has stored forms that are none of anybody's making.
    world.load(Superuser, base(), true).await.unwrap();
    world.load(Superuser, secret, true).await.unwrap();
    assert_eq!(item().await, sealed);
}

#[tokio::test]
async fn what_a_server_did_not_come_to_seal_is_sealed_at_the_next_start() {
    let world = World::sealing().await;
    world.load(Superuser, base(), true).await.unwrap();
    let registry = world.services.registry.current();
    let access = Access { caller: Arc::new(Caller::system(world.org)), registry: Arc::clone(&registry) };
    let commit = async |operation: Operation, next: Option<Arc<TypeRegistry>>| {
        let mut changes = ChangeSet::new(vec![operation], world.services.clock.now(), Arc::from("test"));
        changes.next_registry = next;
        world.services.items.commit(&access, changes).await.unwrap();
    };
    let (info, id) = (registry.find(world.org, "Note").unwrap(), world.services.ids.next_id());
    let attributes = json!({"body": "b", "token": "TOPSECRET"}).as_object().unwrap().clone().into();
    let item = Item { attributes, ..Item::new(id, info.id(), Arc::clone(info.name()), world.org) };
    commit(Operation::Create(Box::new(item)), None).await;
    // The server ends between the commit that makes it a secret and the sealing of what is there.
    let mut definition = TypeDefinition::clone(info.definition());
    definition.fields.push(serde_json::from_value(json!({"name": "token", "type": "secret"})).unwrap());
    let mut snapshot = registry.snapshot();
    snapshot.definitions.retain(|other| other.id != definition.id);
    snapshot.definitions.push(definition.clone());
    snapshot.revision += 1;
    let next = Arc::new(TypeRegistry::build(snapshot).unwrap());
    let store = &world.services.credentials;
    let note = serde_json::to_vec(&[info.id()]).unwrap();
    store.setting_or_insert("secrets.to_seal", note).await.unwrap();
    commit(Operation::PutType(Box::new(definition)), Some(next)).await;
    for _ in 0..2 {
        Initializer::new(world.services.clone(), Vec::<Document>::new()).types().await.unwrap();
        let noted = store.setting("secrets.to_seal").await.unwrap();
        assert_eq!(noted.as_deref(), Some("[]".as_bytes()));
    }
    let now = Access { registry: world.services.registry.current(), ..access.clone() };
    let sealed = world.services.items.get(&now, id).await.unwrap().unwrap();
    assert!(sealed.attributes.get("token").unwrap()["$sealed"].is_string(), "{sealed:?}");
    assert_eq!(world.services.secrets.open(&sealed, "token").unwrap(), Some(json!("TOPSECRET")));
}
