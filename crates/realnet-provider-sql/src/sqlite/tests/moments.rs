//! A list reads one state of the store, however many statements it takes, while others write between any two of them.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use super::papers::Papers;
use super::*;
use crate::sqlite::connection::BEFORE;
use crate::sqlite::patience::Budget;

/// How many papers there are.
const PAPERS: usize = 60;

/// Acts before each statement of `read` that gives rows; answers how many there were.
fn between_statements<T>(act: impl FnMut(usize) + 'static, read: impl FnOnce() -> T) -> (T, usize) {
    let statements = Rc::new(Cell::new(0));
    let (count, mut act) = (Rc::clone(&statements), act);
    BEFORE.set(Some(Box::new(move || {
        count.set(count.get() + 1);
        act(count.get());
    })));
    let result = read();
    BEFORE.set(None);
    (result, statements.get())
}

#[tokio::test]
async fn a_list_of_many_statements_is_of_one_moment() {
    let title = |rank: usize| if rank.is_multiple_of(3) { "A paper" } else { "A letter" };
    let paper = |rank| json!({"title": title(rank), "rank": rank});
    let world = Arc::new(Papers::new((0..PAPERS).map(paper).collect()).await);
    // What they are filtered by is in no index, so they are read in steps, and once more for the total.
    let query =
        world.query(&[("title", "like.*paper*"), ("order", "rank"), ("limit", "15"), ("count", "exact")]);
    let writer = Arc::clone(&world);
    let act = move |statement: usize| {
        // The first statement takes the snapshot.
        if statement > 1 {
            // What was read comes once more, and what was not is no longer in the list.
            let again = json!({"rank": PAPERS - 20 + statement});
            let gone = json!({"title": "A letter"});
            let last = PAPERS - 3 * (statement - 1);
            writer.commit_now(vec![writer.setting(3 * statement, again), writer.setting(last, gone)]);
        }
    };
    let (page, statements) = between_statements(act, || world.list(&query, Budget::LONG));
    let page = page.unwrap().unwrap();
    assert!(statements > 3, "written between {statements} statements only");
    let expected: Vec<Uuid> = (0..15).map(|index| world.ids[3 * index]).collect();
    assert_eq!(page.items.iter().map(|item| item.id).collect::<Vec<_>>(), expected);
    assert_eq!(page.total, Some(20));
    let later = world.list(&query, Budget::LONG).unwrap().unwrap();
    assert_ne!(later.total, page.total, "nothing was written");
}

/// Which of the two papers is red, and which papers quote it; the third quotes the other one.
fn painting(world: &Papers, red: usize) -> Vec<Operation> {
    let title = |index| if index == red { "red" } else { "blue" };
    let quotes = |index: usize| json!({"quotes": world.ids[index].to_string()});
    vec![
        world.setting(0, json!({"title": title(0)})),
        world.setting(1, json!({"title": title(1)})),
        world.setting(2, quotes(red)),
        world.setting(3, quotes(red)),
        world.setting(4, quotes(1 - red)),
    ]
}

#[tokio::test]
async fn items_that_a_list_looks_at_are_of_its_moment() {
    let papers = (0..5).map(|rank| json!({"title": "paper", "rank": rank})).collect();
    let world = Arc::new(Papers::new(papers).await);
    for order in ["quotes.title", "rank", "id"] {
        let query = world.query(&[("quotes.title", "red"), ("order", order), ("count", "exact")]);
        let (mut at, mut statements, mut late) = (1, 1, 0);
        while at <= statements {
            world.commit_now(painting(&world, 0));
            let writer = Arc::clone(&world);
            let written_before = Rc::new(Cell::new(0));
            let note = Rc::clone(&written_before);
            let act = move |statement: usize| {
                if statement >= at && note.get() == 0 && writer.store.shared.can_commit() {
                    note.set(statement);
                    writer.commit_now(painting(&writer, 1));
                }
            };
            let (page, count) = between_statements(act, || world.list(&query, Budget::LONG));
            let page = page.unwrap().unwrap();
            let ids: BTreeSet<Uuid> = page.items.iter().map(|item| item.id).collect();
            let expected = BTreeSet::from([world.ids[2], world.ids[3]]);
            assert_eq!((ids, page.total), (expected, Some(2)), "{order}, written before statement {at}");
            late += usize::from(written_before.get() > 3);
            (at, statements) = (at + 1, count);
        }
        assert!(statements > 4, "{order}: the list has looked at nothing else");
        assert!(late > 0, "{order}: whoever writes was kept waiting to the end of the list");
    }
}
