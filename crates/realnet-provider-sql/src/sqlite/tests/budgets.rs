//! What runs where it is asked for is stopped when it turns out to be long.

use realnet_core::model::Visibility;

use super::papers::Papers;
use super::*;
use crate::sqlite::patience::Budget;

#[tokio::test]
async fn a_list_known_to_be_quick_is_stopped_when_it_is_long() {
    const BUDGET: Budget = Budget::of_rows(256);
    const PAPERS: usize = 1000;
    let state = |rank: usize| if rank < 10 { "new" } else { "old" };
    let paper = |rank| json!({"title": "A paper", "rank": rank, "state": state(rank)});
    let world = Papers::new((0..PAPERS).map(paper).collect()).await;
    let query = world.query(&[("state", "new"), ("order", "rank"), ("limit", "5")]);
    let quick = |query| world.list(query, BUDGET).unwrap().map(|page| page.items.len());
    assert_eq!(quick(&query), None, "nothing is known of it");
    // Where the processor is busy, it may take some times to be quick.
    for _ in 0..1000 {
        world.list(&query, Budget::LONG).unwrap();
        if quick(&query).is_some() {
            break;
        }
    }
    assert_eq!(quick(&query), Some(5));
    let other = world.query(&[("state", "gone"), ("order", "rank"), ("limit", "5")]);
    assert_eq!(quick(&other), None, "another value is another list");

    // The same list, of which the rows now stand far behind.
    let (front, back) = (0..10, PAPERS - 10..PAPERS);
    let changes = front.map(|rank| (rank, "old")).chain(back.map(|rank| (rank, "new")));
    let changes = changes.map(|(rank, state)| world.setting(rank, json!({"state": state}))).collect();
    world.store.commit(&world.access, set(changes)).await.unwrap();
    assert_eq!(quick(&query), None, "SQL has looked at too many rows that it did not give");
    let page = world.store.list(&world.access, &query).await.unwrap();
    assert_eq!(page.items.len(), 5);
    assert_eq!(page.items[0].id, world.ids[PAPERS - 10]);
}

#[tokio::test]
async fn a_list_that_promised_to_be_quick_is_not_tried_again_at_once() {
    let world = Papers::new((0..1000).map(|rank| json!({"title": "A paper", "rank": rank})).collect()).await;
    let hide = |index: usize| Operation::Update {
        id: world.ids[index],
        expected_version: None,
        edit: Arc::new(|item: &Item| Ok(Item { visibility: Visibility::Hidden, ..item.clone() })),
    };
    world.store.commit(&world.access, set((0..990).map(hide).collect())).await.unwrap();
    let query = world.query(&[("order", "rank"), ("limit", "5")]);
    let found = |rows| world.list(&query, Budget::of_rows(rows)).unwrap().map(|page| page.items.len());
    assert_eq!(found(1_000_000), Some(5), "it is a few rows along an index, or seems so");
    assert_eq!(found(256), None, "nearly all rows are left out");
    assert_eq!(found(1_000_000), None, "it is not tried here for a while");
    assert_eq!(world.store.list(&world.access, &query).await.unwrap().items.len(), 5);
    let other = world.query(&[("order", "rank.desc"), ("limit", "5")]);
    assert!(world.list(&other, Budget::of_rows(256)).unwrap().is_some(), "another list is");
}

#[tokio::test]
async fn rows_that_the_core_leaves_out_are_counted_as_well() {
    let paper = |rank: usize| json!({"title": if rank < 30 { "A paper" } else { "A letter" }, "rank": rank});
    let world = Papers::new((0..1000).map(paper).collect()).await;
    let query = world.query(&[("title", "like.*lette*"), ("order", "rank"), ("limit", "5")]);
    for _ in 0..1000 {
        world.list(&query, Budget::LONG).unwrap();
        if world.list(&query, Budget::of_rows(10_000)).unwrap().is_some() {
            break;
        }
    }
    assert!(world.list(&query, Budget::of_rows(10_000)).unwrap().is_some());
    assert!(world.list(&query, Budget::of_rows(16)).unwrap().is_none(), "more than sixteen were looked at");
}

#[tokio::test]
async fn rows_are_counted_whatever_the_steps_between_their_numbers() {
    let state = |rank: usize| if rank.is_multiple_of(2) { "even" } else { "odd" };
    let paper = |rank: usize| json!({"title": "A paper", "rank": rank, "state": state(rank)});
    let world = Papers::new((0..2000).map(paper).collect()).await;
    for state in ["even", "odd"] {
        // SQL leaves all rows out, so nobody but SQL counts them.
        let query = world.query(&[("state", state), ("name", "nobody"), ("limit", "5")]);
        let found = |rows| world.list(&query, Budget::of_rows(rows)).unwrap().map(|page| page.items.len());
        for _ in 0..1000 {
            world.list(&query, Budget::LONG).unwrap();
            if found(1_000_000).is_some() {
                break;
            }
        }
        assert_eq!((found(1_000_000), found(128)), (Some(0), None), "{state}");
    }
}
