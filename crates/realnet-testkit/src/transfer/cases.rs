//! The cases. Each takes a pair of stores and panics when they fail it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a case fails by panicking")]

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use realnet_core::change::{ChangeRecord, Operation};
use realnet_core::model::Item;
use realnet_core::provider::{
    AuthEvent, AuthRecord, Expected, MARK_SETTING, RecordClass, RecordKind, RecordStream, StoreRecord,
};
use realnet_core::registry::TypeRegistry;
use realnet_core::transfer::Filling;
use realnet_core::{Error, ErrorKind, Uuid};
use serde_json::json;

use super::Pair;
use super::fixture::{records, reply_key, session, summary};
use crate::conformance::{World, expect_kind, item};

/// Everything of a store is in the other one afterwards, and works there: reads, searches, unique values, sessions, the log.
pub async fn everything_moves(pair: Pair) {
    pair.fill().await;
    let now = pair.world.now();
    let classes: BTreeSet<RecordClass> =
        records(&*pair.from, now).await.iter().map(StoreRecord::class).collect();
    assert_eq!(classes.len(), RecordClass::ALL.len(), "the case has something of every class: {classes:?}");
    let moved = pair.moved().await;
    assert_eq!(summary(&*pair.to, now).await, summary(&*pair.from, now).await);
    assert_eq!(pair.to.census(now).await.unwrap(), pair.from.census(now).await.unwrap());
    assert_eq!(moved.stores.credentials.setting(MARK_SETTING).await.unwrap(), None);
    let snapshot = pair.world.snapshot().await;
    assert_eq!(moved.snapshot().await.items, snapshot.items);
    for (name, value) in
        [("string_i", "ilike.%a%"), ("integer_i", "7"), ("search", "sample"), ("status", "open")]
    {
        moved.find("Sample").with(name, value).check_against(&snapshot).await;
    }
    for kind in ["Stored", "Paper", "Note", "Place"] {
        for caller in moved.acme.callers() {
            moved.find(kind).by(caller).order("name").check_against(&snapshot).await;
        }
    }
    same_history(&pair.world, &moved).await;
    same_sign_ins(&pair.world, &moved).await;
    moves_on(&moved).await;
}

async fn same_history(world: &World, moved: &World) {
    for org in [&world.acme, &world.umbrella] {
        let ours = all_changes(world, org.id).await;
        assert_eq!(all_changes(moved, org.id).await, ours);
        assert!(ours.len() >= World::SETTLED);
    }
    let key = reply_key(world);
    let ours = world.stores.items.stored_reply(&key).await.unwrap();
    assert!(ours.is_some() && moved.stores.items.stored_reply(&key).await.unwrap() == ours);
}

async fn all_changes(world: &World, org: Uuid) -> Vec<ChangeRecord> {
    let mut all = Vec::new();
    loop {
        let since = all.last().map_or(0, |change: &ChangeRecord| change.revision);
        let more = world.changes(org, since, 100).await;
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

async fn same_sign_ins(world: &World, moved: &World) {
    let now = world.now();
    for caller in [&world.acme.alice, &world.acme.bob, &world.acme.admin] {
        let account = caller.account.unwrap();
        let (ours, theirs) = (&world.stores.credentials, &moved.stores.credentials);
        assert!(ours.credential(account).await.unwrap() == theirs.credential(account).await.unwrap());
        assert!(
            ours.sessions_of(account, now).await.unwrap() == theirs.sessions_of(account, now).await.unwrap()
        );
        for kind in RecordKind::ALL {
            let [ours, theirs] = [ours, theirs].map(|of| of.records_of(account, kind, now));
            assert!(ours.await.unwrap() == theirs.await.unwrap(), "{kind:?}");
        }
    }
    let alice = world.acme.alice.account.unwrap();
    assert_eq!(moved.stores.credentials.sessions_of(alice, now).await.unwrap().len(), 1);
}

/// The second store is one like any other: what is unique is taken, children are below, revisions follow.
async fn moves_on(moved: &World) {
    let alice = moved.acme.alice.clone();
    expect_kind(moved.try_create(&alice, item("Coded").attr("code", "unique")).await, ErrorKind::Conflict);
    let last = all_changes(moved, moved.acme.id).await.last().unwrap().revision;
    let middle = moved.find("Tome").with("name", "middle").all().await.remove(0);
    let child = moved.create(&alice, item("Tome").name("new").parent(middle.id)).await;
    assert_eq!(child.inherited.len(), 2, "it inherits of what has moved");
    let log = moved.log(moved.acme.id, last as usize + 1).await;
    assert_eq!(log.last().unwrap().revision, last + 1);
    assert_eq!(moved.delete(&alice, middle.id).await.unwrap(), 3, "with what is below");
}

/// Attributes of a megabyte, sixty-four levels, many changes of one item.
pub async fn large_things_move(pair: Pair) {
    let alice = pair.world.acme.alice.clone();
    let text: String =
        (0..350_000_u32).map(|index| char::from_u32(0x4E00 + index * 7919 % 20_000).unwrap()).collect();
    let large = pair.world.create(&alice, item("Note").name("large").attr("blob", text.as_str())).await;
    pair.world.set(&alice, large.id, json!({"rank": 2})).await.unwrap();
    let mut parent = pair.world.create(&alice, item("Note").name("level 0")).await.id;
    for level in 1..64 {
        parent =
            pair.world.create(&alice, item("Note").name(format!("level {level}")).parent(parent)).await.id;
    }
    for rank in 0..50 {
        pair.world.set(&alice, parent, json!({ "rank": rank })).await.unwrap();
    }
    let moved = pair.moved().await;
    assert!(moved.item(large.id).await == pair.world.item(large.id).await, "the large one differs");
    let snapshot = pair.world.snapshot().await;
    let top = moved.find("Note").with("name", "level 0").check_against(&snapshot).await.remove(0);
    let below = moved
        .find("Note")
        .with("parent", top.id)
        .with("any_level", true)
        .limit(100)
        .check_against(&snapshot)
        .await;
    assert_eq!(below.len(), 63);
    let history = moved.stores.items.history(&moved.access(&alice), parent, None, 100).await.unwrap();
    assert_eq!(history.len(), 51);
}

/// Ten thousand children of one parent, in several batches.
pub async fn ten_thousand_children_move(pair: Pair) {
    let alice = pair.world.acme.alice.clone();
    let parent = pair.world.create(&alice, item("Note").name("parent")).await.id;
    for start in (0..10_000).step_by(2000) {
        let drafts = (start..start + 2000).map(|index| item("Note").attr("rank", index).parent(parent));
        pair.world.create_all(&alice, drafts.collect()).await;
    }
    let moved = pair.moved().await;
    let page = moved.find("Note").with("parent", parent).with("count", "exact").limit(10).page().await;
    assert_eq!(page.total, Some(10_000));
    let ranked = moved.find("Note").with("rank", "gte.9990").order("rank").all().await;
    assert_eq!(ranked.len(), 10);
}

/// The JSON form of every record says all of it.
pub async fn records_have_json(pair: Pair) {
    pair.fill().await;
    let now = pair.world.now();
    let all = records(&*pair.from, now).await;
    assert!(all.windows(2).all(|two| two[0].sort_key() < two[1].sort_key()), "out of order");
    for record in all {
        let json = record.to_json().unwrap();
        let read = StoreRecord::from_json(json.clone()).unwrap();
        assert_eq!(read.to_json().unwrap(), json);
        let same = match (&read, &record) {
            // The name of the type is no part of it.
            (StoreRecord::Item(read), StoreRecord::Item(item)) => {
                **read == Item { type_name: Arc::clone(&read.type_name), ..(**item).clone() }
            }
            // Nor in which case an instance is written.
            (StoreRecord::TypeGrants(read), StoreRecord::TypeGrants(grants)) => read.grants == grants.grants,
            _ => read == record,
        };
        assert!(same, "{record:?} is read differently");
    }
}

/// What is written while a dump is read is not in it, and needs not wait.
pub async fn a_dump_is_of_one_moment(pair: Pair) {
    let alice = pair.world.acme.alice.clone();
    let drafts = |from: usize| (from..from + 2000).map(|index| item("Note").attr("rank", index)).collect();
    let notes = pair.world.create_all(&alice, drafts(0)).await;
    let now = pair.world.now();
    let before = summary(&*pair.from, now).await;
    let dump = pair.from.dump(now).await.unwrap();
    let deletions = notes[..500].iter().map(|note| crate::conformance::delete(note.id)).collect();
    pair.world.commit(&alice, deletions).await.unwrap();
    pair.world.create_all(&alice, drafts(5000)).await;
    pair.world.set(&alice, notes[1999].id, json!({"rank": -1})).await.unwrap();
    let credentials = &pair.world.stores.credentials;
    credentials.setting_or_insert("new", vec![1]).await.unwrap();
    let mut filling = Filling::begin(&*pair.to, now, false).await.unwrap();
    let read = filling.write(dump, &mut |_| {}).await.unwrap();
    assert_eq!(read, before);
    filling.compare(&before, &mut |_| {}).await.unwrap();
    assert_ne!(summary(&*pair.from, now).await, before);
}

/// Records and sessions that have expired, sessions that are void, and old events and replies are in no dump.
pub async fn what_has_had_its_time_stays_behind(pair: Pair) {
    pair.fill().await;
    let world = &pair.world;
    let (credentials, account) = (&world.stores.credentials, world.acme.alice.account.unwrap());
    credentials.open_session(session(world, account, 1)).await.unwrap();
    let now = world.now();
    let record = AuthRecord::new(RecordKind::Key, "short", vec![1], now).until(now.plus_seconds(60));
    assert!(credentials.put_record(record, Expected::Absent, now).await.unwrap());
    let census = |seconds: i64| pair.from.census(now.plus_seconds(seconds));
    let [soon, later] = [census(0).await.unwrap(), census(2 * 86_400).await.unwrap()];
    assert_eq!((soon.get(RecordClass::Session), later.get(RecordClass::Session)), (1, 0), "one is void");
    assert_eq!((soon.get(RecordClass::Reply), later.get(RecordClass::Reply)), (1, 0));
    // One of each kind, of which every second one lasts, and the short one.
    let kinds = RecordKind::ALL.len() as u64;
    let kept = (soon.get(RecordClass::Record), later.get(RecordClass::Record));
    assert_eq!(kept, (kinds + 1, kinds / 2));
    assert_eq!((soon.get(RecordClass::Event), later.get(RecordClass::Event)), (2, 2));
    let years = census((AuthEvent::RETENTION_DAYS + 2) * 86_400).await.unwrap();
    assert_eq!(years.get(RecordClass::Event), 0);
    for (seconds, census) in [(0, soon), (2 * 86_400, later)] {
        let all = records(&*pair.from, now.plus_seconds(seconds)).await;
        assert_eq!(
            all.iter().map(|record| (record.class(), 1)).collect::<realnet_core::provider::Census>(),
            census
        );
    }
}

fn setting(name: &str) -> StoreRecord {
    StoreRecord::Setting { name: name.to_owned(), value: vec![7] }
}

/// A batch with a key that is taken leaves nothing of itself, whatever its class.
pub async fn a_taken_key_leaves_nothing(pair: Pair) {
    pair.fill().await;
    let now = pair.world.now();
    let before = summary(&*pair.from, now).await;
    let types = pair.world.registry.current();
    for record in records(&*pair.from, now).await {
        if record.class() == RecordClass::Item
            && !matches!(&record, StoreRecord::Item(item) if item.name == "whole")
        {
            continue;
        }
        let shown = format!("{record:?}");
        let batch = vec![setting("first"), record, setting("last")];
        let refused = pair.from.restore(&types, batch, Some(vec![1])).await;
        assert!(refused.is_err(), "{shown} was taken twice");
    }
    let first =
        records(&*pair.from, now).await.into_iter().find(|record| record.class() == RecordClass::Item);
    expect_kind(pair.from.restore(&types, vec![first.unwrap()], Some(vec![1])).await, ErrorKind::Conflict);
    assert_eq!(summary(&*pair.from, now).await, before);
    assert_eq!(pair.world.stores.credentials.setting(MARK_SETTING).await.unwrap(), None);
    assert_eq!(pair.world.load().await.revision, types.revision(), "no types have changed");
}

/// Changes of an org follow one another.
pub async fn a_gap_in_the_log_is_refused(pair: Pair) {
    let now = pair.world.now();
    let changes = records(&*pair.from, now).await;
    let mut changes = changes.into_iter().filter(|record| record.class() == RecordClass::Change);
    let (first, second, third) = (changes.next().unwrap(), changes.next().unwrap(), changes.next().unwrap());
    let none = Arc::new(TypeRegistry::default());
    let gap = pair.to.restore(&none, vec![first.clone(), third.clone()], None).await;
    expect_kind(gap, ErrorKind::Conflict);
    assert_eq!(pair.to.census(now).await.unwrap().total(), 0);
    pair.to.restore(&none, vec![first], None).await.unwrap();
    expect_kind(pair.to.restore(&none, vec![third.clone()], None).await, ErrorKind::Conflict);
    pair.to.restore(&none, vec![second, third], None).await.unwrap();
    assert_eq!(pair.to.census(now).await.unwrap().get(RecordClass::Change), 3);
}

/// Items that come with other types than the store has now are refused.
pub async fn other_types_are_refused(pair: Pair) {
    let types = pair.world.registry.current();
    let note = pair.world.build(&pair.world.acme.alice, item("Note"));
    let renamed = pair.world.load().await.definitions.into_iter().find(|known| known.name == "Note").unwrap();
    let renamed = realnet_core::model::TypeDefinition { version: renamed.version + 1, ..renamed };
    let operations = vec![Operation::PutType(Box::new(renamed))];
    pair.world.change_types(&pair.world.system(), operations).await.unwrap();
    let batch = vec![StoreRecord::Item(Box::new(note))];
    let refused = pair.from.restore(&types, batch.clone(), None).await.unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::Unavailable | ErrorKind::Conflict), "{refused:?}");
    pair.from.restore(&pair.world.registry.current(), batch, None).await.unwrap();
}

/// A stream that breaks leaves a store that says so, and that is gone on with by the same source only.
pub async fn what_was_broken_off_goes_on(pair: Pair) {
    let alice = pair.world.acme.alice.clone();
    let drafts = (0..3000).map(|index| item("Note").attr("rank", index)).collect();
    pair.world.create_all(&alice, drafts).await;
    let now = pair.world.now();
    let from = &pair.from;
    let broken = |count: usize| async move {
        let good = from.dump(now).await.unwrap().take(count);
        let break_off = stream::iter([Err(Error::unavailable("broken off"))]);
        good.chain(break_off).boxed() as RecordStream
    };
    // Nothing has come yet, and it is no new store all the same.
    let mut filling = Filling::begin(&*pair.to, now, false).await.unwrap();
    filling.write(broken(0).await, &mut |_| {}).await.unwrap_err();
    assert!(pair.to.setting(MARK_SETTING).await.unwrap().is_some());
    let mut filling = Filling::begin(&*pair.to, now, true).await.unwrap();
    assert_eq!(filling.present(), 0);
    let error = filling.write(broken(2500).await, &mut |_| {}).await.unwrap_err();
    assert_eq!(error.message(), "broken off");
    assert!(pair.to.setting(MARK_SETTING).await.unwrap().is_some());
    expect_kind(pair.try_move(false).await, ErrorKind::Conflict);
    // Another source.
    let other: Vec<StoreRecord> = records(&*pair.from, now).await.into_iter().skip(1).collect();
    let mut filling = Filling::begin(&*pair.to, now, true).await.unwrap();
    let present = filling.present();
    assert!((1000..2500).contains(&present), "{present} of 2500 are there");
    let other = stream::iter(other.into_iter().map(Ok)).boxed();
    expect_kind(filling.write(other, &mut |_| {}).await, ErrorKind::Conflict);
    let short: Vec<_> = pair.from.dump(now).await.unwrap().take(10).try_collect().await.unwrap();
    let mut filling = Filling::begin(&*pair.to, now, true).await.unwrap();
    expect_kind(
        filling.write(stream::iter(short.into_iter().map(Ok)).boxed(), &mut |_| {}).await,
        ErrorKind::Conflict,
    );
    // Broken off once more, and gone on with.
    let mut filling = Filling::begin(&*pair.to, now, true).await.unwrap();
    filling.write(broken(4500).await, &mut |_| {}).await.unwrap_err();
    assert!(filling.present() > present);
    pair.try_move(true).await.unwrap();
    assert_eq!(summary(&*pair.to, now).await, summary(&*pair.from, now).await);
    let moved = pair.world.moved_to(pair.stores.clone()).await;
    assert_eq!(moved.find("Note").with("rank", "gte.2990").all().await.len(), 10);
}

/// A store that holds anything is left alone.
pub async fn a_store_that_holds_something_is_not_filled(pair: Pair) {
    pair.to.setting_or_insert("a setting", vec![1]).await.unwrap();
    for resume in [false, true] {
        let error = expect_kind(pair.try_move(resume).await, ErrorKind::Conflict);
        assert!(error.message().contains("1 settings"), "{error}");
    }
}
