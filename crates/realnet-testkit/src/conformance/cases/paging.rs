//! Pages: full under access control, right in number, and stable while others write.

use std::collections::HashMap;

use realnet_core::Uuid;
use realnet_core::change::Outcome;
use realnet_core::query::{Count, Query};
use serde_json::json;

use crate::conformance::{Draft, Find, World, delete, item};

/// Ninety papers of which alice can read every third, in no regular pattern.
async fn papers(world: &World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let draft = |index: usize| -> Draft {
        let kinds = ["PrivatePaper", "TeamPaper", "OpenPaper", "UserPaper"];
        let owner = if index.is_multiple_of(5) { alice.account } else { bob.account };
        let kind = if index.is_multiple_of(4) { kinds[index % 3 + 1] } else { "PrivatePaper" };
        item(kind)
            .name(format!("p{index:02}"))
            .attr("rank", index * 7 % 13)
            .attr("mood", format!("m{}", index % 4))
            .owner(owner)
    };
    let drafts = (0..90).map(|index| draft(index).org(world.acme.id)).collect();
    world.create_all(&world.system(), drafts).await;
}

/// Whatever the access of the caller, the order and the filter: pages are full, and totals count what is readable.
pub async fn pages_are_full_under_access_control(world: World) {
    papers(&world).await;
    let snapshot = world.snapshot().await;
    for caller in world.acme.callers() {
        for order in ["created_at", "rank.desc", "name", "mood,rank"] {
            for limit in [1, 4, 89, 1000] {
                world.find("Paper").by(caller).order(order).limit(limit).check_against(&snapshot).await;
            }
        }
        world
            .find("Paper")
            .by(caller)
            .with("rank", "gte.6")
            .order("rank")
            .limit(2)
            .check_against(&snapshot)
            .await;
        world.find("Item").by(caller).limit(3).check_against(&snapshot).await;
    }
}

/// Totals: exact ones are, with filters, on every page, whatever the limit; none when not asked for.
pub async fn totals_are_exact(world: World) {
    papers(&world).await;
    let alice = world.acme.alice.clone();
    let all = world.find("Paper").by(&alice).all().await.len() as u64;
    assert!(all > 10 && all < 90);
    let page = world.find("Paper").by(&alice).with("count", "exact").limit(1).page().await;
    assert_eq!((page.items.len(), page.total), (1, Some(all)));
    let page = world.find("Paper").by(&alice).with("count", "exact").with("offset", all + 5).page().await;
    assert_eq!((page.items.len(), page.total, page.next), (0, Some(all), None));
    let page = world.find("Paper").by(&alice).limit(1).page().await;
    assert_eq!(page.total, None);
    let page = world.find("Paper").by(&alice).with("count", "estimated").limit(1).page().await;
    assert!(page.total.is_some());
    let none = world.find("Paper").by(&alice).with("rank", "gt.99").with("count", "exact").page().await;
    assert_eq!((none.items.len(), none.total, none.next), (0, Some(0), None));
}

/// Offsets skip matches of the same list.
pub async fn offsets_skip_matches(world: World) {
    papers(&world).await;
    let alice = world.acme.alice.clone();
    for order in ["created_at", "rank.desc,name", "mood"] {
        let all = world.find("Paper").by(&alice).order(order).check().await;
        for offset in [0, 1, 7, all.len() - 1, all.len(), all.len() + 10] {
            let find = world.find("Paper").by(&alice).order(order).limit(5).with("offset", offset);
            let page = find.page().await;
            let expected: Vec<_> = all.iter().skip(offset).take(5).cloned().collect();
            assert_eq!(page.items, expected, "{find}");
            assert_eq!(page.next.is_some(), offset + 5 < all.len(), "{find}");
        }
    }
}

/// A page that ends exactly at the end is the last; its cursor is absent.
pub async fn the_last_page_says_so(world: World) {
    let alice = world.acme.alice.clone();
    world.create_all(&alice, (0..6).map(|index| item("Note").attr("rank", index)).collect()).await;
    for order in ["created_at", "rank.desc", "label"] {
        for (limit, pages) in [(6, 1), (3, 2), (7, 1), (2, 3)] {
            let find = world.find("Note").order(order).limit(limit);
            let mut query = find.query();
            let mut count = 0;
            loop {
                count += 1;
                let page = find.run(&query).await;
                match page.next {
                    Some(next) => query = Query { after: Some(next), ..query },
                    None => break,
                }
            }
            assert_eq!(count, pages, "{find}");
        }
    }
    let empty = world.find("Place").page().await;
    assert_eq!((empty.items.len(), empty.next), (0, None));
}

/// A cursor survives its text form, and the deletion or change of the item that it was made from.
pub async fn a_cursor_outlives_its_item(world: World) {
    let alice = world.acme.alice.clone();
    world
        .create_all(
            &alice,
            (0..9).map(|index| item("Note").name(format!("n{index}")).attr("rank", index / 2)).collect(),
        )
        .await;
    for order in ["created_at", "rank", "name.desc", "rank.desc,name", "label,rank"] {
        let all = world.find("Note").order(order).all().await;
        let page = world.find("Note").order(order).limit(4).page().await;
        let cursor = page.next.expect("there is more");
        let text = cursor.encode();
        let rest = world.find("Note").order(order).with("cursor", &text).page().await;
        assert_eq!(rest.items, all[4..], "order {order}");
        let last = page.items.last().expect("the page is full");
        let gone = last.clone();
        world.delete(&alice, gone.id).await.unwrap();
        let rest = world.find("Note").order(order).with("cursor", &text).page().await;
        assert_eq!(rest.items, all[4..], "order {order}, its item deleted");
        let again =
            item("Note").name(&gone.name).id(gone.id).attr("rank", gone.attributes.get("rank").cloned());
        world.create(&alice, again).await;
    }
}

/// While others insert, change and delete, items that nobody touches appear exactly once.
pub async fn cursors_are_stable_under_writes(world: World) {
    let alice = world.acme.alice.clone();
    let drafts =
        (0..120).map(|index| item("Note").name(format!("n{index:03}")).attr("rank", index * 37 % 50));
    let items = world.create_all(&alice, drafts.collect()).await;
    let (fixed, moving): (Vec<_>, Vec<_>) =
        items.into_iter().partition(|item| !item.name.ends_with(['3', '7']));
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let writer =
        tokio::spawn(disturb(world.clone(), moving.iter().map(|item| item.id).collect(), stop.clone()));
    for order in ["created_at", "created_at.desc", "rank", "rank.desc,name", "name.desc", "label,rank"] {
        for limit in [3, 10] {
            let find = world.find("Note").order(order).limit(limit);
            let seen = walk(&world, &find).await;
            for item in &fixed {
                let times = seen.get(&item.id).copied().unwrap_or_default();
                assert_eq!(times, 1, "{find}: {} was seen {times} times", item.name);
            }
        }
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    writer.await.expect("the writer's own message stands above");
}

/// Follows all pages, with a write between each two; answers how often each item came.
async fn walk(world: &World, find: &Find) -> HashMap<Uuid, usize> {
    let mut query = Query { count: Count::None, ..find.query() };
    let mut seen = HashMap::new();
    loop {
        let page = find.run(&query).await;
        for item in &page.items {
            *seen.entry(item.id).or_default() += 1;
        }
        let Some(next) = page.next else { return seen };
        query.after = Some(next);
        // Not without end: the walk itself would chase what it adds.
        if seen.len() < 200 {
            world.create(&world.acme.alice, item("Note").name("between").attr("rank", 25)).await;
        }
    }
}

/// Inserts, moves and deletes until told to stop; what it inserts goes again, so that the list does not grow.
async fn disturb(world: World, mut moving: Vec<Uuid>, stop: std::sync::Arc<std::sync::atomic::AtomicBool>) {
    let alice = world.acme.alice.clone();
    for round in 0_usize.. {
        if stop.load(std::sync::atomic::Ordering::Relaxed) {
            return;
        }
        let slot = round % moving.len();
        let id = moving[slot];
        let changed = json!({"rank": round * 31 % 60, "label": format!("l{}", round % 3)});
        let mut operations = vec![world.setting(id, None, changed)];
        if round.is_multiple_of(2) {
            operations.push(delete(id));
            let new = item("Note").name(format!("m{round}")).attr("rank", round % 50);
            operations.push(world.creation(&alice, new));
        }
        let outcomes = world.commit(&alice, operations).await.expect("writes work");
        moving[slot] = outcomes.last().and_then(Outcome::item).expect("the last gives an item").id;
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}
