//! Types in the store: revisions, layers, changes that reach items and indexes, and their signals.

use std::collections::HashSet;
use std::sync::Arc;

use futures::StreamExt;
use realnet_core::change::{ChangeSet, Operation};
use realnet_core::clock::Timestamp;
use realnet_core::model::TypeDefinition;
use realnet_core::provider::Access;
use realnet_core::registry::{TypeInfo, TypeRegistry};
use realnet_core::{Error, ErrorKind};
use serde_json::{Value, json};

use crate::conformance::fixture::definition;
use crate::conformance::{World, expect_kind, item, race};

pub(super) fn put(definition: TypeDefinition) -> Vec<Operation> {
    vec![Operation::PutType(Box::new(definition))]
}

/// The definition of a type with other fields.
pub(super) fn with_fields(world: &World, name: &str, fields: Value) -> TypeDefinition {
    let registry = world.registry.current();
    let info = registry.by_id(world.type_id(name)).expect("the type is there");
    let mut changed = TypeDefinition::clone(info.definition());
    changed.fields = serde_json::from_value(fields).expect("the fields are well formed");
    changed.version += 1;
    changed
}

/// Definitions come back as they were put, and every change raises the revision.
pub async fn definitions_are_read_back(world: World) {
    let before = world.load().await;
    assert!(before.revision > 0);
    let full = definition(
        world.next_id(),
        None,
        json!({
            "name": "Fully-Described_1", "base": "Note",
            "attributes": {"icon": "bulb", "nested": {"a": [1, 2.5, null]}, "strict": true},
            "fields": [
                {"name": "size", "type": "decimal", "precision": 9, "scale": 2, "min": "0", "index": true,
                 "description": "how \"large\" \u{1F4A1}", "label": "Size", "default": "1.5"},
                {"name": "kin", "type": "reference", "reference": "Note", "multiple": true, "on_delete": "cascade"},
            ],
            "access": [{"subject": {"type": "public"}, "permissions": ["read"]},
                       {"subject": {"type": "group", "id": "team"}, "permissions": ["write", "share"]}],
            "instances": [{"name": "Tiny", "attributes": {"size": "0.5"}, "access": []}],
        }),
    );
    world.change_types(&world.system(), put(full.clone())).await.unwrap();
    let after = world.load().await;
    assert!(after.revision > before.revision, "{} > {}", after.revision, before.revision);
    let stored = after.definitions.iter().find(|other| other.id == full.id);
    assert_eq!(stored, Some(&full));
    assert_eq!(after.definitions.len(), before.definitions.len() + 1);
    let changed = TypeDefinition { access: None, version: 2, ..full };
    world.change_types(&world.system(), put(changed.clone())).await.unwrap();
    let last = world.load().await;
    assert!(last.revision > after.revision);
    assert_eq!(last.definitions.iter().find(|other| other.id == changed.id), Some(&changed));
    assert_eq!(last.definitions.len(), after.definitions.len());
}

/// The system layer belongs to superusers, an org's layer to its administrators.
pub async fn layers_have_owners(world: World) {
    let acme = world.acme.clone();
    let own = definition(world.next_id(), Some(acme.id), json!({"name": "Own", "base": "Note"}));
    for caller in [&acme.alice, &world.umbrella.admin, &acme.anonymous] {
        expect_kind(world.change_types(caller, put(own.clone())).await, ErrorKind::Forbidden);
    }
    let system = definition(world.next_id(), None, json!({"name": "System"}));
    expect_kind(world.change_types(&acme.admin, put(system)).await, ErrorKind::Forbidden);
    world.change_types(&acme.admin, put(own.clone())).await.unwrap();
    world.create(&acme.alice, item("Own").name("own")).await;
    world.find("Note").gives(&["own"]).await;
    world.find("Own").gives(&["own"]).await;
    assert!(world.registry.current().find(world.umbrella.id, "Own").is_none());
    let same_name =
        definition(world.next_id(), Some(world.umbrella.id), json!({"name": "own", "base": "Place"}));
    world.change_types(&world.umbrella.admin.clone(), put(same_name)).await.unwrap();
    expect_kind(
        world.change_types(&world.umbrella.admin, vec![Operation::RemoveType(own.id)]).await,
        ErrorKind::Forbidden,
    );
}

/// A change that was planned against older types is refused, whole.
pub async fn stale_types_are_a_conflict(world: World) {
    let system = world.system();
    let stale = world.registry.current();
    let [first, second] =
        ["First", "Second"].map(|name| definition(world.next_id(), None, json!({"name": name})));
    world.change_types(&system, put(first)).await.unwrap();
    let mut planned = world.load().await;
    planned.definitions.push(second.clone());
    let next = TypeRegistry::build(planned).unwrap();
    let result = world.change_types_from(&system, put(second), stale, next).await;
    expect_kind(result, ErrorKind::Conflict);
    let names: HashSet<String> = world.load().await.definitions.into_iter().map(|other| other.name).collect();
    assert!(names.contains("First") && !names.contains("Second"));
}

/// Who writes an item by older types comes again: nothing is wrong with what it asks for.
pub async fn stale_writers_come_again(world: World) {
    let alice = world.acme.alice.clone();
    let stale = Access { caller: Arc::clone(&alice), registry: world.registry.current() };
    let new = definition(world.next_id(), None, json!({"name": "New"}));
    world.change_types(&world.system(), put(new)).await.unwrap();
    let set = || {
        let create = vec![world.creation(&alice, item("Note").name("patient"))];
        ChangeSet::new(create, world.now(), Arc::from("suite"))
    };
    let refused = world.stores.items.commit(&stale, set()).await.unwrap_err();
    assert!(refused.is_retryable() && refused.retry_after().is_some(), "{refused:?}");
    world.find("Note").gives(&[]).await;
    world.commit_set(&alice, set()).await.unwrap();
    world.find("Note").gives(&["patient"]).await;
}

/// Of several who change types at the same moment, none overwrites another's change unseen.
pub async fn concurrent_type_changes_do_not_get_lost(world: World) {
    let results = race(8, |index| {
        let world = world.clone();
        async move {
            let new = definition(world.next_id(), None, json!({"name": format!("New{index}")}));
            for _ in 0..100 {
                match world.change_types(&world.system(), put(new.clone())).await {
                    Ok(()) => return true,
                    Err(error) if error.kind() == ErrorKind::Conflict || error.is_retryable() => {
                        tokio::time::sleep(std::time::Duration::from_millis(3)).await;
                    }
                    Err(error) => panic!("{error:?}"),
                }
            }
            false
        }
    })
    .await;
    assert!(results.into_iter().all(|done| done), "a writer never came through");
    let names: HashSet<String> = world.load().await.definitions.into_iter().map(|other| other.name).collect();
    assert!((0..8).all(|index| names.contains(&format!("New{index}"))), "{names:?}");
}

/// A change of types is signalled with its revision.
pub async fn changes_are_signalled(world: World) {
    let mut signals = world.stores.types.type_changes();
    let new = definition(world.next_id(), None, json!({"name": "Signalled"}));
    world.change_types(&world.system(), put(new)).await.unwrap();
    let revision = world.load().await.revision;
    let wait = async {
        while let Some(signal) = signals.next().await {
            if signal >= revision {
                return signal;
            }
        }
        panic!("the stream of type changes ended");
    };
    let signal = tokio::time::timeout(std::time::Duration::from_secs(10), wait).await;
    assert_eq!(signal.expect("a signal comes within ten seconds"), revision);
}

/// A type goes when it has neither items nor derived types; what was granted on it goes along.
pub async fn a_type_in_use_stays(world: World) {
    let system = world.system();
    let new = definition(world.next_id(), None, json!({"name": "Passing", "base": "Note"}));
    world.change_types(&system, put(new.clone())).await.unwrap();
    let note = world.create(&world.acme.alice, item("Passing").name("in the way")).await;
    expect_kind(world.change_types(&system, vec![Operation::RemoveType(new.id)]).await, ErrorKind::Conflict);
    assert_eq!(world.item(note.id).await, note);
    world.delete(&system, note.id).await.unwrap();
    world.change_types(&system, vec![Operation::RemoveType(new.id)]).await.unwrap();
    assert!(world.load().await.definitions.iter().all(|other| other.id != new.id));
    let base = world.type_id("Target");
    assert!(
        world.change_types(&system, vec![Operation::RemoveType(base)]).await.is_err(),
        "SubTarget derives from it"
    );
    assert!(world.registry.current().by_id(base).is_some());
}

/// Types and items change together or not at all.
pub async fn types_and_items_change_together(world: World) {
    let system = world.system();
    let new = definition(
        world.next_id(),
        None,
        json!({
            "name": "Fresh", "fields": [{"name": "rank", "type": "integer", "index": true}],
        }),
    );
    let mut next = world.load().await;
    next.revision += 1;
    next.definitions.push(new.clone());
    let next = TypeRegistry::build(next).unwrap();
    let fresh =
        item("Fresh").name("fresh").attr("rank", 1).build(&next, &world.acme.alice, world.next_id()).unwrap();
    let mut operations = put(new.clone());
    operations.push(Operation::Create(Box::new(fresh)));
    let mut failing = operations.clone();
    failing.push(crate::conformance::delete(world.next_id()));
    let previous = world.registry.current();
    let before = world.load().await;
    let rebuilt = || {
        TypeRegistry::build({
            let mut next = before.clone();
            next.revision += 1;
            next.definitions.push(new.clone());
            next
        })
    };
    let result = world.change_types_from(&system, failing, Arc::clone(&previous), rebuilt().unwrap()).await;
    expect_kind(result, ErrorKind::NotFound);
    assert_eq!(world.load().await, before);
    world.change_types_from(&system, operations, previous, next).await.unwrap();
    let found = world.find("Fresh").with("rank", "1").all().await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].name, "fresh");
}

/// A change of constants is seen in filters, order and search at once.
pub async fn constants_are_live(world: World) {
    let alice = world.acme.alice.clone();
    world.create(&alice, item("LeafSample").name("leaf")).await;
    world.create(&alice, item("MiddleSample").name("middle")).await;
    world.find("Sample").with("integer_i", "5").order("name").gives(&["leaf", "middle"]).await;
    let registry = world.registry.current();
    let info = registry.by_id(world.type_id("LeafSample")).unwrap();
    let mut changed = TypeDefinition::clone(info.definition());
    changed.attributes.insert("integer_i".to_owned(), json!(9));
    changed.attributes.insert("colour".to_owned(), json!("violet"));
    world.change_types(&world.system(), put(changed)).await.unwrap();
    world.find("Sample").with("integer_i", "5").gives(&["middle"]).await;
    world.find("Sample").with("integer_i", "9").gives(&["leaf"]).await;
    world.find("Sample").with("colour", "violet").gives(&["leaf"]).await;
    world.find("Sample").order("integer_i.desc").gives(&["leaf", "middle"]).await;
}

/// Words of a field are found as long as everybody who reads the item may read them.
pub async fn words_follow_their_field(world: World) {
    if !world.stores.items.capabilities().search {
        return;
    }
    let alice = world.acme.alice.clone();
    let drafts = ["sesame", "poppy"].map(|word| item("Note").name(word).attr("label", format!("{word}word")));
    world.create_all(&alice, drafts.into()).await;
    let find = || world.find("Note").with("search", "sesameword");
    find().gives(&["sesame"]).await;
    for closed in [json!({"hidden": true}), json!({"read": ["admin"]})] {
        let mut field = json!({"name": "label", "type": "string"});
        field
            .as_object_mut()
            .expect("it is an object")
            .extend(closed.as_object().cloned().unwrap_or_default());
        world.change_types(&world.system(), put(with_fields(&world, "Note", json!([field])))).await.unwrap();
        find().gives(&[]).await;
        find().by(&world.acme.admin).gives(&[]).await;
        world.find("Note").with("search", "sesame").gives(&["sesame"]).await;
        let open = json!([{"name": "label", "type": "string"}]);
        world.change_types(&world.system(), put(with_fields(&world, "Note", open))).await.unwrap();
        find().gives(&["sesame"]).await;
    }
}

/// A change of types looks again at what was written since somebody looked at the items.
pub async fn what_was_written_meanwhile_is_looked_at(world: World) {
    let alice = world.acme.alice.clone();
    world.create(&alice, item("Note").name("old")).await;
    world.create(&alice, item("Place").name("place")).await;
    let since = world.now();
    let new = world.create(&alice, item("Note").name("new")).await;
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let look = |refuse: bool, since| {
        let seen = Arc::clone(&seen);
        Operation::Recheck {
            types: vec![world.type_id("Note")],
            since,
            guard: Arc::new(move |item| {
                seen.lock().expect("no holder panics").push(item.name.clone());
                if refuse { Err(Error::conflict("no")) } else { Ok(()) }
            }),
        }
    };
    let plain = || with_fields(&world, "Note", json!([]));
    let change = |look| vec![Operation::PutType(Box::new(plain())), look];
    // A store may ask more than once.
    let looked_at = || {
        let mut all = std::mem::take(&mut *seen.lock().unwrap());
        all.sort();
        all.dedup();
        all
    };
    expect_kind(world.change_types(&world.system(), change(look(true, since))).await, ErrorKind::Conflict);
    assert_eq!(looked_at(), ["new"]);
    world.change_types(&world.system(), change(look(false, since))).await.unwrap();
    assert_eq!(looked_at(), ["new"]);
    world.change_types(&world.system(), change(look(false, Timestamp::default()))).await.unwrap();
    assert_eq!(looked_at(), ["new", "old"]);
    assert_eq!(world.item(new.id).await.version, 1);
}

/// What an org called so first keeps its name there when the system takes it; but no org takes a name of the system.
pub async fn an_org_keeps_the_names_of_its_types(world: World) {
    let acme = world.acme.clone();
    let own = definition(world.next_id(), Some(acme.id), json!({"name": "Later", "base": "Note"}));
    let below = definition(world.next_id(), Some(acme.id), json!({"name": "Below", "base": "Later"}));
    world.change_types(&acme.admin, put(own.clone())).await.unwrap();
    world.change_types(&acme.admin, put(below)).await.unwrap();
    world.create_all(&acme.alice, vec![item("Later").name("own"), item("Below").name("below")]).await;
    let later = definition(world.next_id(), None, json!({"name": "Later", "base": "Place"}));
    world.change_types(&world.system(), put(later.clone())).await.unwrap();
    world.create(&acme.alice, item("Later").name("still own")).await;
    world.create(&world.umbrella.alice, item("Later").name("of the system")).await;
    world.find("Later").order("name").gives(&["below", "own", "still own"]).await;
    world.find("Place").gives(&[]).await;
    let changed = TypeDefinition { version: 2, access: Some(Vec::new()), ..own };
    world.change_types(&acme.admin, put(changed.clone())).await.unwrap();
    let redefined =
        definition(world.next_id(), Some(world.umbrella.id), json!({"name": "later", "base": "Note"}));
    let refused = world.change_types(&world.umbrella.admin, put(redefined)).await;
    expect_kind(refused, ErrorKind::InvalidInput);
    let renamed = TypeDefinition { name: "Place".to_owned(), version: 3, ..changed };
    expect_kind(world.change_types(&acme.admin, put(renamed)).await, ErrorKind::InvalidInput);
    assert_eq!(world.registry.current().system("later").map(TypeInfo::id), Some(later.id));
}

/// An org does not grow without end.
pub async fn an_org_has_bounds(world: World) {
    let fields: Vec<Value> = (0..500)
        .map(|index| json!({"name": format!("f{index}"), "type": "reference", "reference": "Note"}))
        .collect();
    let referring = |index: usize| {
        let value = json!({"name": format!("Wide{index}"), "base": "Item", "fields": fields});
        Operation::PutType(Box::new(definition(world.next_id(), Some(world.acme.id), value)))
    };
    let all: Vec<Operation> = (0..11).map(referring).collect();
    let admin = world.acme.admin.clone();
    let before = world.load().await;
    expect_kind(world.change_types(&admin, all.clone()).await, ErrorKind::TooLarge);
    assert_eq!(world.load().await, before);
    world.change_types(&admin, all[..10].to_vec()).await.unwrap();
    expect_kind(world.change_types(&admin, all[10..].to_vec()).await, ErrorKind::TooLarge);
}

/// A protected field that goes leaves a note with the types, also of types that the change does not put; its values get
/// into no index.
pub async fn what_was_protected_stays_noted(world: World) {
    let acme = world.acme.clone();
    let fields = json!([{"name": "note", "type": "string", "read": ["hr"]}]);
    let own = definition(
        world.next_id(),
        Some(acme.id),
        json!({"name": "Vault", "base": "Note", "fields": fields}),
    );
    let below = definition(world.next_id(), Some(acme.id), json!({"name": "Below", "base": "Vault"}));
    world.change_types(&acme.admin, put(own.clone())).await.unwrap();
    world.change_types(&acme.admin, put(below.clone())).await.unwrap();
    let of_system = definition(world.next_id(), None, json!({"name": "Vault", "base": "Note"}));
    world.change_types(&world.system(), put(of_system)).await.unwrap();
    let draft = item("Below").name("b").attr("note", "zebraword");
    world.create(&acme.admin, draft).await;
    let searches = world.stores.items.capabilities().search;
    let find = |name: &str| world.find("Below").with(name, "zebraword");
    if searches {
        find("search").gives(&[]).await;
    }

    let dropped = with_fields(&world, "Vault", json!([]));
    world.change_types(&acme.admin, put(dropped.clone())).await.unwrap();
    let noted = |snapshot: &realnet_core::registry::TypeSnapshot, id| {
        let found = snapshot.definitions.iter().find(|other| other.id == id).expect("the type is there");
        found.retired.iter().map(|retired| retired.name.clone()).collect::<Vec<String>>()
    };
    let stored = world.load().await;
    assert_eq!((noted(&stored, own.id), noted(&stored, below.id)), (vec!["note".to_owned()], Vec::new()));
    if searches {
        find("search").gives(&[]).await;
    }
    let open = json!([{"name": "note", "type": "string"}]);
    let opened = TypeDefinition { fields: serde_json::from_value(open).unwrap(), version: 9, ..dropped };
    expect_kind(world.change_types(&acme.admin, put(opened)).await, ErrorKind::InvalidInput);

    // The base goes, so that the type of the system takes its place: the note has to go over without the type being put.
    world.change_types(&acme.admin, vec![Operation::RemoveType(own.id)]).await.unwrap();
    assert_eq!(noted(&world.load().await, below.id), ["note"]);
    if searches {
        find("search").gives(&[]).await;
    }
    find("note").gives(&[]).await;
}
