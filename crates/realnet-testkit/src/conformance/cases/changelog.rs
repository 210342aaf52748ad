//! The change log: consecutive revisions per org in commit order, with what was before and after.

use std::collections::HashMap;
use std::sync::Arc;

use realnet_core::Uuid;
use realnet_core::acl::{Origin, Permission, Subject};
use realnet_core::change::{ChangeFilter, ChangeKind, ChangeRecord, ChangeSet, Operation};
use realnet_core::model::Item;
use serde_json::{Value, json};

use crate::conformance::{World, delete, eventually, grant, item, race};

/// Every kind of change is logged with what was before and after, who did it, when and in which request.
pub async fn each_change_has_its_record(world: World) {
    let alice = world.acme.alice.clone();
    let created =
        world.create(&alice, item("Note").name("logged").attr("rank", 1).tags(&["t"]).at(1.0, 2.0)).await;
    let updated = world.set(&alice, created.id, json!({"rank": 2})).await.unwrap();
    let shared =
        world.share(&alice, created.id, vec![grant(Subject::Public, &[Permission::Read])]).await.unwrap();
    world.delete(&world.acme.admin.clone(), created.id).await.unwrap();
    let log = world.log(world.acme.id, World::SETTLED + 4).await;
    let log = &log[World::SETTLED..];
    let states = [(None, Some(&created)), (Some(&created), Some(&updated)), (Some(&updated), Some(&shared))];
    let kinds = [ChangeKind::Create, ChangeKind::Update, ChangeKind::Grant];
    for ((record, (before, after)), kind) in log.iter().zip(states).zip(kinds) {
        assert_eq!((record.kind, record.before.as_ref(), record.after.as_ref()), (kind, before, after));
        let after = after.unwrap();
        assert_eq!(
            (record.version, record.at, record.actor),
            (after.version, after.updated_at, alice.account)
        );
        assert_eq!((record.org, record.item_id, record.type_id), (after.org, after.id, after.type_id));
        assert_eq!(&*record.request_id, "suite");
    }
    let deletion = &log[3];
    assert_eq!((deletion.kind, deletion.after.as_ref()), (ChangeKind::Delete, None));
    let last = deletion.before.as_ref().unwrap();
    assert_eq!((last.id, last.name.as_str(), &last.grants), (created.id, "logged", &shared.grants));
    assert_eq!(deletion.actor, world.acme.admin.account);
}

/// Where a request came from is kept with each of its changes, deletions included; what came from nowhere has no origin.
pub async fn changes_know_their_origin(world: World) {
    let alice = world.acme.alice.clone();
    let origin =
        Origin::new("http").with_address("2001:db8::7".parse().ok()).with_agent(Some("a \"client\" 💬"));
    let origin = Arc::new(origin.with_token(Some(world.next_id())));
    let from_there = |operation: Operation| {
        ChangeSet::new(vec![operation], world.now(), Arc::from("suite"))
            .with_origin(Some(Arc::clone(&origin)))
    };
    let creation = world.creation(&alice, item("Note").name("from there"));
    let Operation::Create(made) = &creation else { panic!("a creation creates") };
    let id = made.id;
    world.commit_set(&alice, from_there(creation)).await.unwrap();
    world.set(&alice, id, json!({"rank": 2})).await.unwrap();
    world.commit_set(&alice, from_there(delete(id))).await.unwrap();
    let log = world.log(world.acme.id, World::SETTLED + 3).await;
    let origins: Vec<_> = log[World::SETTLED..].iter().map(|record| record.origin.as_deref()).collect();
    assert_eq!(origins, [Some(&*origin), None, Some(&*origin)]);
}

/// A span of the log comes newest first, with what fulfils the filter only, and never more than asked for.
pub async fn a_span_of_the_log_is_read_backwards(world: World) {
    let (alice, admin) = (world.acme.alice.clone(), world.acme.admin.clone());
    let own = world.create(&alice, item("Note").name("own")).await;
    for rank in 0..3 {
        world.set(&alice, own.id, json!({"rank": rank})).await.unwrap();
        world.create(&admin, item("Note").name(format!("other {rank}"))).await;
    }
    let log = world.log(world.acme.id, World::SETTLED + 7).await;
    let newest = log.len() as i64;
    let filters = [
        ChangeFilter::default(),
        ChangeFilter { actor: alice.account, ..ChangeFilter::default() },
        ChangeFilter { item: Some(own.id), kind: Some(ChangeKind::Update), ..ChangeFilter::default() },
        ChangeFilter { item: Some(own.id), ..ChangeFilter::default() },
        ChangeFilter { since: Some(log[9].at), until: Some(log[12].at), ..ChangeFilter::default() },
        ChangeFilter { actor: Some(world.next_id()), ..ChangeFilter::default() },
    ];
    for filter in &filters {
        for span in [0..newest + 1, 9..12, newest..9, newest + 1..i64::MAX, 1..i64::MAX] {
            for limit in [0, 2, 100] {
                let of_span = log.iter().rev().filter(|record| span.contains(&record.revision));
                let expected: Vec<_> =
                    of_span.filter(|record| filter.matches(record)).take(limit).cloned().collect();
                let read =
                    world.stores.items.changes_within(world.acme.id, span.clone(), filter, limit).await;
                assert_eq!(read.unwrap(), expected, "{filter:?} {span:?} {limit}");
            }
        }
    }
    let nobody = world.stores.items.changes_within(world.next_id(), 0..100, &filters[0], 10).await.unwrap();
    assert_eq!(nobody, vec![]);
}

/// Each org counts for itself, from one, without gaps.
pub async fn revisions_are_consecutive_per_org(world: World) {
    for index in 0..5 {
        world.create(&world.acme.alice, item("Note").name(format!("a{index}"))).await;
        world.create(&world.umbrella.alice, item("Note").name(format!("u{index}"))).await;
    }
    for org in [world.acme.id, world.umbrella.id] {
        let log = world.log(org, World::SETTLED + 5).await;
        assert_consecutive(&log, 0);
        assert!(log.iter().all(|record| record.org == org));
        let mut read = Vec::new();
        while let Some(page) =
            Some(world.changes(org, read.len() as i64, 5).await).filter(|page| !page.is_empty())
        {
            assert!(page.len() <= 5);
            read.extend(page);
        }
        assert_eq!(read, log);
    }
    assert_eq!(world.changes(world.next_id(), 0, 10).await, vec![]);
}

fn assert_consecutive(log: &[ChangeRecord], since: i64) {
    let revisions: Vec<i64> = log.iter().map(|record| record.revision).collect();
    let expected: Vec<i64> = (since + 1..=since + log.len() as i64).collect();
    assert_eq!(revisions, expected);
}

const WRITERS: usize = 16;
const ROUNDS: usize = 12;

/// One writer's work: items of its own, and increments of one that all share.
async fn work(world: World, writer: usize, shared: Uuid) {
    let caller = if writer.is_multiple_of(2) { world.acme.alice.clone() } else { world.acme.admin.clone() };
    for round in 0..ROUNDS {
        let draft = item("Note").name(format!("w{writer} r{round}")).attr("rank", round);
        let Operation::Create(mut own) = world.creation(&caller, draft) else { continue };
        own.owner = world.acme.alice.account;
        let id = own.id;
        let create = vec![Operation::Create(own), increment(&world, shared)];
        commit_until_done(&world, &caller, create).await;
        commit_until_done(&world, &caller, vec![world.setting(id, None, json!({"label": "changed"}))]).await;
        if round % 3 == 0 {
            commit_until_done(&world, &caller, vec![delete(id)]).await;
        }
    }
}

fn increment(world: &World, id: Uuid) -> Operation {
    world.edit(id, None, |item| {
        let mut attributes = item.attributes.as_map().clone();
        let rank = attributes.get("rank").and_then(Value::as_i64).unwrap_or_default();
        attributes.insert("rank".to_owned(), json!(rank + 1));
        item.attributes = attributes.into();
    })
}

async fn commit_until_done(
    world: &World,
    caller: &std::sync::Arc<realnet_core::acl::Caller>,
    operations: Vec<Operation>,
) {
    for attempt in 0.. {
        match world.commit(caller, operations.clone()).await {
            Ok(_) => return,
            Err(error) if error.is_retryable() && attempt < 50 => {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            Err(error) => panic!("{operations:?}: {error:?}"),
        }
    }
}

/// Sixteen writers at once: the log, read while they write and afterwards, is in commit order, and replaying it
/// gives exactly the final state.
pub async fn order_holds_under_concurrency(world: World) {
    let alice = world.acme.alice.clone();
    let shared = world.create(&alice, item("Note").name("shared").attr("rank", 0)).await.id;
    let deletions = ROUNDS.div_ceil(3);
    let total = World::SETTLED + 1 + WRITERS * (ROUNDS * 3 + deletions);
    let reader = tokio::spawn(follow(world.clone(), total));
    race(WRITERS, |writer| work(world.clone(), writer, shared)).await;
    let followed = reader.await.expect("the reader's own message stands above");
    let log = world.log(world.acme.id, total).await;
    assert!(followed == log, "what was read while it was written differs from what stands there afterwards");
    assert_consecutive(&log, 0);
    let state = replay(&log);
    let snapshot = world.snapshot().await;
    let mut expected: HashMap<Uuid, Item> = (*snapshot.items).clone();
    expected.retain(|_, item| item.org == world.acme.id);
    assert_eq!(state.len(), expected.len());
    for (id, item) in &expected {
        assert_eq!(state.get(id), Some(item), "replaying the log gives another state");
    }
    let rank = expected[&shared].attributes.get("rank").cloned();
    assert_eq!(rank, Some(json!(WRITERS * ROUNDS)));
}

/// Reads the log by `since` while others write; a record that appears behind the reader would be missed.
async fn follow(world: World, total: usize) -> Vec<ChangeRecord> {
    let mut read: Vec<ChangeRecord> = Vec::new();
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while read.len() < total && std::time::Instant::now() < deadline {
        let since = read.last().map_or(0, |record| record.revision);
        let page = world.changes(world.acme.id, since, 50).await;
        assert_consecutive(&page, since);
        if page.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        read.extend(page);
    }
    read
}

/// The state that a log leads to; checks on the way that each record continues the one before.
fn replay(log: &[ChangeRecord]) -> HashMap<Uuid, Item> {
    let mut state: HashMap<Uuid, Item> = HashMap::new();
    for record in log {
        let present = state.remove(&record.item_id);
        match record.kind {
            // A deletion counts as a version: that of the item as it went.
            ChangeKind::Delete => assert!(present.is_some(), "deleted, but not there: {record:?}"),
            _ => assert_eq!(present, record.before, "revision {} does not continue", record.revision),
        }
        if let Some(after) = &record.after {
            state.insert(record.item_id, after.clone());
        }
    }
    state
}

/// The history of an item: newest first, in pages, for those who may read it.
pub async fn the_history_of_an_item(world: World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let note = world.create(&alice, item("Note").name("v1")).await;
    for version in 2..=6 {
        world.update(&alice, note.id, move |item| item.name = format!("v{version}")).await.unwrap();
    }
    world.create(&alice, item("Note").name("another")).await;
    let history = |caller: &std::sync::Arc<realnet_core::acl::Caller>, before: Option<i64>, limit: usize| {
        let (world, access) = (world.clone(), world.access(caller));
        async move { world.stores.items.history(&access, note.id, before, limit).await }
    };
    let all = eventually("the history holds all six versions", || async {
        history(&alice, None, 100).await.ok().filter(|all| all.len() == 6)
    })
    .await;
    let versions = |records: &[ChangeRecord]| records.iter().map(|record| record.version).collect::<Vec<_>>();
    assert_eq!(versions(&all), [6, 5, 4, 3, 2, 1]);
    assert_eq!(all[0].after.as_ref().unwrap().name, "v6");
    assert_eq!(all[0].before.as_ref().unwrap().name, "v5");
    assert_eq!(versions(&history(&alice, None, 2).await.unwrap()), [6, 5]);
    assert_eq!(versions(&history(&alice, Some(5), 2).await.unwrap()), [4, 3]);
    assert_eq!(versions(&history(&alice, Some(1), 2).await.unwrap()), Vec::<i64>::new());
    for stranger in [&bob, &world.umbrella.admin, &world.acme.anonymous] {
        let seen = history(stranger, None, 100).await;
        assert!(seen.as_ref().map_or(true, Vec::is_empty), "{}: {seen:?}", stranger.username);
    }
}

/// An id may come back after a deletion: its history is that of the item that has it now.
pub async fn the_history_of_an_id_that_came_back(world: World) {
    let alice = world.acme.alice.clone();
    let note = world.create(&alice, item("Note").name("old")).await;
    for version in 2..=4 {
        world.update(&alice, note.id, move |item| item.name = format!("old {version}")).await.unwrap();
    }
    world.commit(&alice, vec![delete(note.id)]).await.unwrap();
    let again = world.create(&alice, item("Note").name("new").id(note.id)).await;
    assert_eq!((again.id, again.version), (note.id, 1));
    world.update(&alice, note.id, |item| "newer".clone_into(&mut item.name)).await.unwrap();
    let access = world.access(&alice);
    let history = async |before| world.stores.items.history(&access, note.id, before, 100).await;
    let names = |records: &[ChangeRecord]| -> Vec<String> {
        records.iter().filter_map(|record| record.after.as_ref()).map(|item| item.name.clone()).collect()
    };
    let all = eventually("the history holds both versions", || async {
        history(None).await.ok().filter(|all| all.len() == 2)
    })
    .await;
    assert_eq!(names(&all), ["newer", "new"]);
    assert_eq!(names(&history(Some(2)).await.unwrap()), ["new"]);
}
