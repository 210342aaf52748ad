//! Large things: attributes of a megabyte, ten thousand children, sixty-four levels, deletions of too much.

use std::sync::Arc;

use realnet_core::change::{ChangeFilter, ChangeRecord, ChangeSet, Operation, Outcome};
use realnet_core::limit::Memory;
use realnet_core::model::Item;
use realnet_core::query::Query;
use realnet_core::{ErrorKind, Uuid};
use serde_json::json;

use crate::conformance::{World, delete, eventually, expect_kind, item};

/// Attributes of a megabyte are kept, changed, listed and logged; far larger ones and overlong names are refused.
pub async fn a_megabyte_of_attributes(world: World) {
    let alice = world.acme.alice.clone();
    // Not compressible to nothing, and with characters of several bytes.
    let text: String =
        (0..350_000_u32).map(|index| char::from_u32(0x4E00 + index * 7919 % 20_000).unwrap()).collect();
    assert!(text.len() > 1024 * 1024);
    let created =
        world.create(&alice, item("Note").name("large").attr("blob", text.as_str()).attr("rank", 1)).await;
    assert!(world.item(created.id).await == created, "read back differently");
    let changed = world.set(&alice, created.id, json!({"rank": 2})).await.unwrap();
    assert!(world.find("Note").with("rank", "2").all().await == vec![changed.clone()], "listed differently");
    let log = world.log(world.acme.id, World::SETTLED + 2).await;
    assert!(log.last().unwrap().after.as_ref() == Some(&changed), "logged differently");
    let huge = item("Note").attr("blob", "x".repeat(Item::MAX_ATTRIBUTES + 1));
    expect_kind(world.try_create(&alice, huge).await.map(|item| item.id), ErrorKind::InvalidInput);
    world.create(&alice, item("Note").name("é".repeat(Item::MAX_NAME / 2))).await;
    let long = item("Note").name("é".repeat(Item::MAX_NAME / 2) + "x");
    expect_kind(world.try_create(&alice, long).await.map(|item| item.id), ErrorKind::InvalidInput);
}

/// Forty items of a megabyte each take several pages, whatever the limit, and none is lost between them.
pub async fn a_page_is_bounded_in_bytes(world: World) {
    let alice = world.acme.alice.clone();
    let draft = |index: usize| {
        let kind = if index.is_multiple_of(3) { "PrivatePaper" } else { "OpenPaper" };
        item(kind)
            .name(format!("heavy p{index:02}"))
            .attr("rank", index * 7 % 13)
            .attr("mood", format!("m{}", index % 4))
            .attr("blob", format!("{index}").repeat(1 << (20 - usize::from(index > 9))))
    };
    for start in (0..40).step_by(8) {
        world.create_all(&alice, (start..start + 8).map(draft).collect()).await;
    }
    let snapshot = world.snapshot().await;
    let papers = |order: &str| world.find("Paper").by(&alice).order(order).limit(Query::MAX_LIMIT);
    for order in ["id", "id.desc", "rank.desc", "mood", "name.desc"] {
        let found = papers(order).check_against(&snapshot).await;
        assert_eq!(found.len(), 40, "by {order}");
    }
    let found = papers("rank").with("offset", 5).all().await;
    assert!(found == papers("rank").all().await[5..], "an offset leaves out what lies before");
    let found = world.find("Paper").by(&alice).with("search", "heavy").check_against(&snapshot).await;
    assert_eq!(found.len(), 40);
    let page = papers("rank").with("count", "exact").page().await;
    assert!(page.next.is_some() && page.total == Some(40));
    let bytes: usize = page.items.iter().map(Item::size).sum();
    assert!(bytes > Query::MAX_PAGE_BYTES / 2 && bytes <= Query::MAX_PAGE_BYTES, "a page of {bytes} bytes");
}

/// What is larger than a page is not read by id at once, but in parts; what the caller may not read does not count.
pub async fn many_reads_are_bounded_in_bytes(world: World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let mut ids = Vec::new();
    for part in 0..3 {
        let draft = |index: usize| {
            let kind = if part == 0 && index == 0 { "OpenPaper" } else { "PrivatePaper" };
            item(kind).name("heavy").attr("blob", format!("{index}").repeat(1 << 20))
        };
        let created = world.create_all(&alice, (0..6).map(draft).collect()).await;
        ids.extend(created.iter().map(|item| item.id));
    }
    let items = &world.stores.items;
    let (alice, bob) = (world.access(&alice), world.access(&bob));
    let refused = items.get_many(&alice, &ids).await.map(|items| items.len());
    expect_kind(refused, ErrorKind::TooLarge);
    assert_eq!(items.get_many(&alice, &ids[4..16]).await.unwrap().len(), 12);
    assert_eq!(items.get_many(&alice, &ids[..1]).await.unwrap().len(), 1);
    let mut all = items.get_all(&alice, &ids).await.unwrap();
    all.sort_by_key(|item| item.id);
    ids.sort_unstable();
    assert!(all.iter().map(|item| item.id).eq(ids.iter().copied()), "{} of {}", all.len(), ids.len());
    assert_eq!(items.get_many(&bob, &ids).await.unwrap().len(), 1);
}

/// History and change log come in pages of bounded size, whatever the limit, and nothing is lost between them.
pub async fn the_change_log_is_read_in_bounded_pages(world: World) {
    let alice = world.acme.alice.clone();
    let large = item("Note").name("large").attr("blob", "x".repeat(1 << 20)).attr("rank", 0);
    let note = world.create(&alice, large).await;
    for rank in 1..=12 {
        world.set(&alice, note.id, json!({"rank": rank})).await.unwrap();
    }
    let bounded = |page: &[ChangeRecord], is_last: bool| {
        let bytes: usize = page.iter().map(ChangeRecord::size).sum();
        let is_full = bytes > Query::MAX_PAGE_BYTES / 2;
        assert!(bytes <= Query::MAX_PAGE_BYTES && (is_full || is_last), "a page of {bytes} bytes");
    };
    let settled = World::SETTLED as i64;
    let last = || async { world.changes(world.acme.id, settled + 12, 100).await.pop() };
    eventually("all is in the log", last).await;
    let mut revisions = Vec::new();
    while revisions.last().is_none_or(|last| *last < settled + 13) {
        let since = revisions.last().copied().unwrap_or(settled);
        let page = world.changes(world.acme.id, since, 100).await;
        bounded(&page, page.last().is_some_and(|last| last.version == 13));
        revisions.extend(page.iter().map(|record| record.revision));
    }
    assert!(revisions.iter().copied().eq(settled + 1..=settled + 13), "{revisions:?}");
    let mut versions: Vec<i64> = Vec::new();
    while versions.last() != Some(&1) {
        let before = versions.last().copied();
        let page = world.stores.items.history(&world.access(&alice), note.id, before, 100).await.unwrap();
        bounded(&page, page.last().is_some_and(|last| last.version == 1));
        versions.extend(page.iter().map(|record| record.version));
    }
    assert!(versions.iter().copied().eq((1..=13).rev()), "{versions:?}");
    let (mut span, filter) = (settled + 1..settled + 14, ChangeFilter::default());
    while !span.is_empty() {
        let items = &world.stores.items;
        let page = items.changes_within(world.acme.id, span.clone(), &filter, 100).await.unwrap();
        let last = page.last().expect("at least one").revision;
        bounded(&page, last == span.start);
        assert!(page.iter().map(|record| record.revision).eq((last..span.end).rev()));
        span.end = last;
    }
}

/// Ten thousand children are listed in pages, counted, and deleted with their parent.
pub async fn ten_thousand_children(world: World) {
    let alice = world.acme.alice.clone();
    let parent = world.create(&alice, item("Note").name("parent")).await.id;
    for batch in 0..10 {
        let child =
            |index: usize| item("Note").name("child").attr("rank", batch * 1000 + index).parent(parent);
        world.create_all(&alice, (0..1000).map(child).collect()).await;
    }
    let children = || world.find("Note").by(&alice).with("parent", parent);
    let page = children().order("rank.desc").limit(3).with("count", "exact").page().await;
    let ranks: Vec<_> = page.items.iter().map(|item| item.attributes.get("rank").cloned()).collect();
    assert_eq!(ranks, [9999, 9998, 9997].map(|rank| Some(json!(rank))));
    assert_eq!(page.total, Some(10_000));
    let all = children().limit(1000).all().await;
    assert!(all.is_sorted_by_key(|item| item.id) && all.len() == 10_000);
    assert_eq!(world.delete(&alice, parent).await.unwrap(), 10_001);
    let left = world.find("Note").with("count", "exact").page().await;
    assert_eq!((left.items.len(), left.total), (0, Some(0)));
    let log = world.changes(world.acme.id, World::SETTLED as i64 + 1, 3).await;
    assert_eq!(log.len(), 3);
}

/// A chain of sixty-four levels is walked downwards and deleted from its top.
pub async fn sixty_four_levels(world: World) {
    let alice = world.acme.alice.clone();
    let mut operations = Vec::new();
    let mut ids = Vec::new();
    for level in 0..64 {
        let draft = item("Note").name(format!("l{level:02}")).attr("rank", level);
        let draft = ids.last().map_or(draft.clone(), |parent| draft.parent(*parent));
        let built = world.build(&alice, draft);
        ids.push(built.id);
        operations.push(Operation::Create(Box::new(built)));
    }
    world.commit(&alice, operations).await.unwrap();
    let below = |id| world.find("Note").with("parent", id).with("any_level", true);
    assert_eq!(below(ids[0]).limit(10).check().await.len(), 63);
    assert_eq!(below(ids[60]).check().await.len(), 3);
    below(ids[31]).with("rank", "gte.62").order("rank.desc").gives(&["l63", "l62"]).await;
    let (top, bottom) = (ids[0], ids[63]);
    let moved = world.update(&alice, top, move |item| item.parent_id = Some(bottom)).await;
    expect_kind(moved, ErrorKind::Conflict);
    assert_eq!(world.delete(&alice, ids[0]).await.unwrap(), 64);
}

/// A deletion that would take along or look at more than a change set allows is refused whole, whichever way it grows.
pub async fn a_deletion_has_a_limit(world: World) {
    let alice = world.acme.alice.clone();
    let note = || item("Note").name("below");
    let root = world.create(&alice, note()).await.id;
    let middle = world.create(&alice, note().parent(root)).await.id;
    world.create_all(&alice, (0..5).map(|_| note().parent(root)).collect()).await;
    world.create_all(&alice, (0..6).map(|_| note().parent(middle)).collect()).await;
    let refused = expect_kind(delete_within(&world, 12, root).await, ErrorKind::TooLarge);
    assert!(refused.message().contains("more than 12 items"), "{refused:?}");
    expect_kind(delete_within(&world, 5, root).await, ErrorKind::TooLarge);
    assert_eq!(world.find("Note").all().await.len(), 13);
    delete_within(&world, 13, root).await.unwrap();
    assert_eq!(world.find("Note").all().await.len(), 0);
    for (field, gone) in [("clear", 1), ("restrict", 0), ("cascade", 5)] {
        let target = world.create(&alice, item("Target").name("referred to")).await.id;
        let referring = || item("Referrer").name(field).attr(field, target.to_string());
        let referrers = world.create_all(&alice, (0..4).map(|_| referring()).collect()).await;
        expect_kind(delete_within(&world, 3, target).await, ErrorKind::TooLarge);
        assert_eq!(
            world.item(referrers[3].id).await,
            referrers[3],
            "{field}: a refused deletion does nothing"
        );
        match delete_within(&world, 5, target).await {
            Ok(count) => assert_eq!(count, gone, "{field}"),
            Err(error) => assert_eq!((error.kind(), field), (ErrorKind::Conflict, "restrict")),
        }
    }
}

/// A change set holds the states of what it changes until it is committed, so these are bounded in bytes together.
pub async fn changes_of_many_bytes_are_refused_together(world: World) {
    let alice = world.acme.alice.clone();
    let text = "x".repeat(4000);
    let large = world.create(&alice, item("Note").name("large").attr("text", text.as_str())).await;
    let commit = async |count: usize, max_bytes: usize| {
        let patches = (0..count).map(|round| world.setting(large.id, None, json!({"rank": round}))).collect();
        let changes = ChangeSet::new(patches, world.now(), Arc::from("suite"));
        world.commit_set(&alice, ChangeSet { max_bytes, ..changes }).await
    };
    let error = commit(20, 100_000).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "each patch has the item before and after: {error}");
    assert_eq!(world.item(large.id).await, large, "nothing of it is done");
    commit(5, 100_000).await.unwrap();
    commit(20, 1_000_000).await.unwrap();
    assert_eq!(world.item(large.id).await.version, large.version + 25);
}

/// What change sets hold together is bounded for all requests: one that finds no room is refused and does nothing, and what one
/// has held is there again when it is over, however it ended.
pub async fn change_sets_find_room_or_are_refused(world: World) {
    let alice = world.acme.alice.clone();
    let memory = Memory::new(1 << 20);
    let text = "x".repeat(20_000);
    let large = world.create(&alice, item("Note").name("large").attr("text", text.as_str())).await;
    let commit = async |patch: serde_json::Value, count: usize| {
        let patches = (0..count).map(|_| world.setting(large.id, None, patch.clone())).collect();
        let changes = ChangeSet::new(patches, world.now(), Arc::from("suite"));
        let room = Some(Arc::new(memory.room(false)));
        world.commit_set(&alice, ChangeSet { room, ..changes }).await.map(|_| ())
    };
    let others = memory.room(false);
    others.add(600_000).unwrap();
    let error = commit(json!({"rank": 1}), 20).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.retry_after().is_some(), "it may come again");
    assert_eq!(world.item(large.id).await, large, "nothing of it is done");
    // What changes nothing is held as well.
    expect_kind(commit(json!({}), 20).await, ErrorKind::Unavailable);
    used(&memory, 600_000).await;
    commit(json!({"rank": 1}), 1).await.unwrap();
    drop(others);
    commit(json!({}), 20).await.unwrap();
    expect_kind(commit(json!({}), 60).await, ErrorKind::TooLarge);
    used(&memory, 0).await;
}

/// So do deletions, which hold all that goes along.
pub async fn deletions_find_room_or_are_refused(world: World) {
    let alice = world.acme.alice.clone();
    let memory = Memory::new(1 << 20);
    let root = world.create(&alice, item("Note").name("root")).await.id;
    let below = || item("Note").parent(root).attr("text", "x".repeat(20_000));
    world.create_all(&alice, (0..20).map(|_| below()).collect()).await;
    let commit = async || {
        let changes = ChangeSet::new(vec![delete(root)], world.now(), Arc::from("suite"));
        let room = Some(Arc::new(memory.room(false)));
        world.commit_set(&alice, ChangeSet { room, ..changes }).await
    };
    let others = memory.room(false);
    others.add(600_000).unwrap();
    expect_kind(commit().await, ErrorKind::Unavailable);
    assert_eq!(world.find("Note").all().await.len(), 21, "nothing of it is done");
    drop(others);
    assert_eq!(commit().await.unwrap(), [Outcome::Deleted(21)]);
    used(&memory, 0).await;
}

/// However large the items are that refer to what is deleted: their references are cleared or followed in parts, and looked at where
/// they go along.
pub async fn large_referrers_are_no_burden(world: World) {
    let alice = world.acme.alice.clone();
    let memory = Memory::new(18 << 20);
    let remove = async |id| {
        let changes = ChangeSet::new(vec![delete(id)], world.now(), Arc::from("suite"));
        let changes = changes.with_room(Some(Arc::new(memory.room(false))));
        world.commit_set(&alice, changes).await
    };
    let text = "x".repeat(Item::MAX_ATTRIBUTES - 200);
    for (field, gone) in [("clear", 1), ("restrict", 7), ("cascade", 7)] {
        let target = world.create(&alice, item("Target").name("referred to")).await.id;
        for _ in 0..6 {
            let held = json!({"text": text});
            let referrer = item("Referrer").name(field).attr(field, target.to_string()).attr("held", held);
            let referrer = if field == "restrict" { referrer.parent(target) } else { referrer };
            world.create(&alice, referrer).await;
        }
        assert_eq!(remove(target).await.unwrap(), [Outcome::Deleted(gone)], "{field}");
    }
    used(&memory, 0).await;
    let cleared = world.find("Referrer").limit(1000).all().await;
    assert_eq!(cleared.len(), 6);
    for item in cleared {
        let attributes = item.attributes.as_map();
        assert_eq!((item.version, attributes.contains_key("clear")), (2, false));
        assert!(item.attributes.size() > text.len(), "nothing else is gone");
    }
    let target = world.create(&alice, item("Target").name("referred to")).await.id;
    let held = json!({"text": text});
    let referrer = item("Referrer").attr("restrict_list", json!([target])).attr("held", held);
    let referrer = world.create(&alice, referrer).await.id;
    let refused = expect_kind(remove(target).await, ErrorKind::Conflict);
    assert!(refused.message().contains(&referrer.to_string()), "{refused}");
}

/// Waits until so much is taken: a store may still hold what it has answered.
async fn used(memory: &Memory, bytes: usize) {
    eventually("the room is given back", || std::future::ready((memory.used() == bytes).then_some(()))).await;
}

async fn delete_within(world: &World, most: usize, id: Uuid) -> realnet_core::Result<usize> {
    let changes = ChangeSet::new(vec![delete(id)], world.now(), Arc::from("suite"));
    let changes = ChangeSet { max_deleted: most, ..changes };
    match world.commit_set(&world.acme.alice.clone(), changes).await?.as_slice() {
        [Outcome::Deleted(count)] => Ok(*count),
        other => panic!("a deletion gives a count, not {other:?}"),
    }
}
