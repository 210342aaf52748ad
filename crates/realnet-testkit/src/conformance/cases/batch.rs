//! Change sets: in order, all or nothing.

use realnet_core::ErrorKind;
use realnet_core::acl::{Permission, Subject};
use realnet_core::change::{
    ChangeKind, ChangeSet, IdempotencyKey, Operation, Outcome, SourceKind, SourceRecord, StoredReply, Trial,
};
use realnet_core::clock::Timestamp;
use serde_json::json;
use std::sync::Arc;

use crate::conformance::{World, delete, expect_kind, grant, item, race};

/// Later operations see what earlier ones did.
pub async fn later_operations_see_earlier_ones(world: World) {
    let alice = world.acme.alice.clone();
    let parent = world.build(&alice, item("Note").name("parent"));
    let target = world.build(&alice, item("Target").name("target"));
    let (parent_id, target_id) = (parent.id, target.id);
    let operations = vec![
        Operation::Create(Box::new(parent)),
        Operation::Create(Box::new(target)),
        world.creation(&alice, item("Note").name("child").parent(parent_id)),
        world.creation(&alice, item("Referrer").name("referrer").attr("restrict", target_id.to_string())),
        world.setting(parent_id, Some(1), json!({"rank": 1})),
        world.setting(parent_id, Some(2), json!({"rank": 2})),
    ];
    let outcomes = world.commit(&alice, operations).await.unwrap();
    assert_eq!(outcomes[5].item().unwrap().version, 3);
    world.find("Note").with("parent", parent_id).gives(&["child"]).await;
    world.find("Note").with("rank", "2").gives(&["parent"]).await;
    expect_kind(world.delete(&alice, target_id).await, ErrorKind::Conflict);
}

/// An item created, changed, shared and deleted in one set leaves only its history.
pub async fn a_whole_life_in_one_set(world: World) {
    let alice = world.acme.alice.clone();
    let brief = world.build(&alice, item("Coded").name("brief").attr("code", "x"));
    let id = brief.id;
    let operations = vec![
        Operation::Create(Box::new(brief)),
        world.setting(id, None, json!({"code": "y"})),
        Operation::SetGrants {
            id,
            expected_version: None,
            grants: vec![grant(Subject::Public, &[Permission::Read])],
        },
        delete(id),
        world.creation(&alice, item("Coded").name("next").attr("code", "y")),
        world.creation(&alice, item("Coded").name("other").attr("code", "x")),
    ];
    let outcomes = world.commit(&alice, operations).await.unwrap();
    assert_eq!(outcomes[3], Outcome::Deleted(1));
    world.find("Coded").order("name").gives(&["next", "other"]).await;
    let log = world.log(world.acme.id, World::SETTLED + 6).await;
    let kinds: Vec<ChangeKind> = log[World::SETTLED..].iter().map(|record| record.kind).collect();
    let [create, update, delete] = [ChangeKind::Create, ChangeKind::Update, ChangeKind::Delete];
    assert_eq!(kinds, [create, update, ChangeKind::Grant, delete, create, create]);
}

/// A failing operation names its index and leaves nothing of the others: no item, key, grant, word, place, source,
/// reply, password or log record.
pub async fn a_failing_operation_leaves_nothing(world: World) {
    let alice = world.acme.alice.clone();
    let account = alice.account.unwrap();
    let kept = world.create(&alice, item("Coded").name("kept").attr("code", "kept")).await;
    let doomed = world.create(&alice, item("Note").name("survivor").attr("rank", 3).at(5.0, 5.0)).await;
    let draft = item("Coded").name("never").attr("code", "free").at(1.0, 1.0).public();
    let source = SourceRecord {
        org: Some(world.acme.id),
        kind: SourceKind::Item,
        object: kept.id,
        source: "a.json".to_owned(),
        applied: json!({}),
    };
    let operations = vec![
        world.creation(&alice, draft.clone()),
        world.setting(kept.id, None, json!({"code": "changed"})),
        Operation::SetGrants {
            id: kept.id,
            expected_version: None,
            grants: vec![grant(Subject::Public, &[Permission::Read])],
        },
        delete(doomed.id),
        Operation::SetPassword { account, password_hash: "hash".to_owned() },
        Operation::Source { record: source, remove: false },
        delete(world.next_id()),
    ];
    let mut changes = ChangeSet::new(operations, world.now(), Arc::from("failing"));
    let key = IdempotencyKey {
        account: Some(account),
        scope: "POST /api/batch".to_owned(),
        key: "k".to_owned(),
        not_before: Timestamp::from_micros(0),
    };
    let at = world.now();
    let reply = move |_: &[Outcome]| StoredReply { body_hash: vec![1], reply: vec![2], created_at: at };
    changes.reply = Some((key.clone(), Arc::new(reply)));
    let error = expect_kind(world.commit_set(&alice, changes).await, ErrorKind::NotFound);
    assert_eq!(error.operation_index(), Some(6));

    assert_eq!(world.item(kept.id).await, kept);
    assert_eq!(world.item(doomed.id).await, doomed);
    world.find("Coded").gives(&["kept"]).await;
    world.find("Coded").with("code", "kept").gives(&["kept"]).await;
    world.find("Coded").with("code", "in.(free,changed)").gives(&[]).await;
    world.find("Coded").by(&world.acme.anonymous).gives(&[]).await;
    world.find("Note").with("rank", "3").gives(&["survivor"]).await;
    if world.stores.items.capabilities().geography {
        world.find("Note").with("near", "5,5,10").gives(&["survivor"]).await;
        world.find("Coded").with("near", "1,1,10").gives(&[]).await;
    }
    if world.stores.items.capabilities().search {
        world.find("Note").with("search", "survivor").gives(&["survivor"]).await;
        world.find("Coded").with("search", "never").gives(&[]).await;
    }
    assert_eq!(world.stores.items.stored_reply(&key).await.unwrap(), None);
    assert_eq!(world.stores.credentials.credential(account).await.unwrap(), None);
    assert_eq!(world.stores.sources.sources(Some(world.acme.id)).await.unwrap(), vec![]);
    world.create(&alice, draft).await;
    world.log(world.acme.id, World::SETTLED + 3).await;
}

/// A set without operations is done at once.
pub async fn an_empty_set_does_nothing(world: World) {
    assert_eq!(world.commit(&world.acme.alice, vec![]).await.unwrap(), vec![]);
    world.log(world.acme.id, World::SETTLED).await;
}

/// One set may write to several orgs when the caller may; each org's log gets its part.
pub async fn a_set_may_span_orgs(world: World) {
    let system = world.system();
    let drafts =
        vec![item("Note").name("here").org(world.acme.id), item("Note").name("there").org(world.umbrella.id)];
    world.create_all(&system, drafts).await;
    for (org, name) in [(&world.acme, "here"), (&world.umbrella, "there")] {
        world.find("Note").by(&org.admin).gives(&[name]).await;
        let log = world.log(org.id, World::SETTLED + 1).await;
        assert_eq!(log.last().unwrap().after.as_ref().unwrap().name, name);
    }
}

/// A set of a thousand operations works.
pub async fn a_large_set_is_applied(world: World) {
    let alice = world.acme.alice.clone();
    let drafts: Vec<_> = (0..1000).map(|index| item("Note").name("n").attr("rank", index)).collect();
    let items = world.create_all(&alice, drafts).await;
    let changes = items.iter().map(|item| world.setting(item.id, Some(1), json!({"label": "x"}))).collect();
    world.commit(&alice, changes).await.unwrap();
    let found = world.find("Note").with("label", "x").with("count", "exact").page().await;
    assert_eq!(found.total, Some(1000));
    let removals = items.iter().take(999).map(|item| delete(item.id)).collect();
    world.commit(&alice, removals).await.unwrap();
    let found = world.find("Note").all().await;
    assert_eq!(found.iter().map(|item| item.id).collect::<Vec<_>>(), [items[999].id]);
}

/// A set that is only tried is refused for what would refuse it, the store's own reasons too; nothing of it is kept or logged.
pub async fn a_set_that_is_only_tried_leaves_nothing(world: World) {
    let alice = world.acme.alice.clone();
    let taken = world.create(&alice, item("Coded").name("taken").attr("code", "x")).await;
    let other = world.create(&alice, item("Coded").name("other").attr("code", "y")).await;
    let attempt = async |operations: Vec<Operation>| {
        let trial = Arc::new(Trial::default());
        let changes = ChangeSet::new(operations, world.now(), Arc::from("suite"));
        let changes = ChangeSet { trial: Some(Arc::clone(&trial)), ..changes };
        let refused = world.stores.items.commit(&world.access(&alice), changes).await.unwrap_err();
        (trial.deleted(), refused)
    };
    let new = || world.creation(&alice, item("Coded").name("new").attr("code", "z"));
    let (deleted, _) =
        attempt(vec![new(), world.setting(other.id, Some(1), json!({"code": "w"})), delete(taken.id)]).await;
    assert_eq!(deleted, Some(1));
    let (deleted, _) =
        attempt(vec![delete(taken.id), world.setting(other.id, None, json!({"code": "x"}))]).await;
    assert_eq!(deleted, Some(1), "what is given up is free");
    for (operations, kind) in [
        (vec![world.setting(other.id, None, json!({"code": "x"}))], ErrorKind::Conflict),
        (vec![new(), new()], ErrorKind::Conflict),
        (vec![world.setting(other.id, Some(2), json!({}))], ErrorKind::PreconditionFailed),
        (vec![new(), delete(world.next_id())], ErrorKind::NotFound),
    ] {
        let (deleted, refused) = attempt(operations).await;
        assert_eq!((deleted, refused.kind()), (None, kind), "{refused}");
    }
    assert_eq!([world.item(taken.id).await, world.item(other.id).await], [taken, other]);
    world.find("Coded").order("name").gives(&["other", "taken"]).await;
    world.log(world.acme.id, World::SETTLED + 2).await;
    // Others are not in its way, nor it in theirs.
    let created = race(6, |index| {
        let (world, alice) = (world.clone(), alice.clone());
        async move {
            let draft = item("Coded").name("raced").attr("code", format!("raced {}", index / 2));
            let changes =
                ChangeSet::new(vec![world.creation(&alice, draft)], world.now(), Arc::from("suite"));
            let trial = (index % 2 == 0).then(Arc::<Trial>::default);
            let changes = ChangeSet { trial, ..changes };
            world.stores.items.commit(&world.access(&alice), changes).await.is_ok()
        }
    });
    assert_eq!(created.await.into_iter().filter(|created| *created).count(), 3);
    assert_eq!(world.find("Coded").all().await.len(), 5);
}
