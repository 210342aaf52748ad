//! Full text: all words, folded, over name and text attributes, as they are now.

use realnet_core::ErrorKind;
use serde_json::json;

use crate::conformance::{World, delete, expect_kind, item};

/// Whether the store searches; one that does not must say so instead of finding nothing.
async fn searches(world: &World) -> bool {
    let able = world.stores.items.capabilities().search;
    if !able {
        let find = world.find("Note").with("search", "x");
        expect_kind(find.try_run(&find.query()).await, ErrorKind::Unsupported);
    }
    able
}

/// All words must occur, anywhere in name and text attributes; parts of words do not count.
pub async fn all_words_must_occur(world: World) {
    if !searches(&world).await {
        return;
    }
    let notes = vec![
        item("Note").name("quick fox").attr("body", "jumps over the lazy dog"),
        item("Note").name("lazy cat").attr("label", "Quick, really!"),
        item("Note").name("foxes").attr("body", "quickly"),
        item("Note").name("undeclared").attr("free", "a fox in free text"),
        item("Note").name("").attr("body", "fox-trot; e-mail: fox@example.com"),
        item("Note").name("numbers").attr("rank", 42).attr("body", "42 is 3.14"),
    ];
    world.create_all(&world.acme.alice, notes).await;
    let search = |words: &str| world.find("Note").with("search", words);
    search("quick").gives(&["quick fox", "lazy cat"]).await;
    search("QUICK lazy").gives(&["quick fox", "lazy cat"]).await;
    search("quick dog").gives(&["quick fox"]).await;
    search("  dog,  fox ").gives(&["quick fox"]).await;
    search("quic").gives(&[]).await;
    search("elephant").gives(&[]).await;
    search("lazy elephant").gives(&[]).await;
    for words in [
        "fox",
        "42",
        "3.14",
        "trot",
        "e-mail",
        "fox@example.com",
        "free",
        "in",
        "'",
        "\"fox",
        "fox*",
        "fox OR cat",
    ] {
        let find = search(words);
        if find.try_query().is_ok() {
            find.check().await;
        }
    }
    search("lazy").with("name", "like.*cat").gives(&["lazy cat"]).await;
    search("fox").order("name.desc").limit(1).check().await;
    world
        .find("Note")
        .with("or", "(name.eq.foxes,rank.eq.42)")
        .with("search", "quickly")
        .gives(&["foxes"])
        .await;
}

/// Case and form of letters do not matter, in any script.
pub async fn words_are_folded(world: World) {
    if !searches(&world).await {
        return;
    }
    let notes = vec![
        item("Note").name("a").attr("body", "STRASSE straße ÉCOLE"),
        item("Note").name("b").attr("body", "ΣΊΣΥΦΟΣ"),
        item("Note").name("c").attr("body", "москва МИР"),
        item("Note").name("d").attr("body", "שלום עולם"),
        item("Note").name("e").attr("body", "cafe\u{301} \u{1D4D0}"),
    ];
    world.create_all(&world.acme.alice, notes).await;
    let search = |words: &str| world.find("Note").with("search", words);
    search("strasse").gives(&["a"]).await;
    search("STRASSE école").gives(&["a"]).await;
    search("σίσυφος").gives(&["b"]).await;
    search("МОСКВА мир").gives(&["c"]).await;
    search("עולם").gives(&["d"]).await;
    for words in ["café", "cafe\u{301}", "cafe", "\u{1D4D0}"] {
        search(words).check().await;
    }
}

/// The text is found as it is now: after a change, after a deletion, by name as by attribute.
pub async fn the_text_is_current(world: World) {
    if !searches(&world).await {
        return;
    }
    let alice = world.acme.alice.clone();
    let search = |words: &str| world.find("Note").with("search", words);
    let note = world.create(&alice, item("Note").name("first").attr("body", "before")).await;
    world.set(&alice, note.id, json!({"body": "after"})).await.unwrap();
    search("before").gives(&[]).await;
    search("after first").gives(&["first"]).await;
    world.update(&alice, note.id, |item| item.name = String::from("second")).await.unwrap();
    search("first").gives(&[]).await;
    search("second").gives(&["second"]).await;
    world.set(&alice, note.id, json!({"body": null})).await.unwrap();
    search("after").gives(&[]).await;
    let moves = vec![world.setting(note.id, None, json!({"body": "third"})), delete(note.id)];
    world.commit(&alice, moves).await.unwrap();
    for words in ["second", "third"] {
        search(words).gives(&[]).await;
    }
}

/// What the caller can not read is not found, nor counted.
pub async fn only_readable_text_is_found(world: World) {
    if !searches(&world).await {
        return;
    }
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    for (index, caller) in [&alice, &bob, &alice, &bob, &alice].into_iter().enumerate() {
        let draft = item("PrivatePaper").name(format!("p{index}")).attr("mood", "common word");
        world.create(caller, draft).await;
    }
    world
        .create(&world.umbrella.alice, item("PrivatePaper").name("abroad").attr("mood", "common word"))
        .await;
    let search = || world.find("Paper").with("search", "common word");
    search().by(&alice).limit(2).gives(&["p0", "p2", "p4"]).await;
    search().by(&bob).limit(1).gives(&["p1", "p3"]).await;
    search().by(&world.acme.visitor).gives(&[]).await;
    search().by(&world.umbrella.admin).gives(&["abroad"]).await;
    let ranked = search().by(&alice).limit(2).with("count", "exact").page().await;
    assert_eq!((ranked.items.len(), ranked.total), (2, Some(3)));
}

/// Results are ranked as far as that goes, and all are listed, however many there are and whoever has newer ones.
pub async fn many_matches_are_all_listed(world: World) {
    if !searches(&world).await {
        return;
    }
    let alice = world.acme.alice.clone();
    let note = |index: usize| {
        let name = if index.is_multiple_of(97) { "common" } else { "note" };
        item("Note").name(format!("{name} {index}")).attr("body", "a common word")
    };
    world.create_all(&alice, (0..1_200).map(note).collect()).await;
    world.create_all(&world.umbrella.alice, (0..300).map(note).collect()).await;
    let snapshot = world.snapshot().await;
    for limit in [70, 1000] {
        let found = world.find("Note").with("search", "common word").limit(limit);
        assert_eq!(found.check_against(&snapshot).await.len(), 1_200);
    }
    let best = world.find("Note").with("search", "common").limit(5).page().await;
    assert!(best.items.iter().all(|item| item.name.starts_with("common")), "the best come first");
    let newest = world.find("Note").with("search", "common").order("created_at.desc").limit(7);
    assert_eq!(newest.check_against(&snapshot).await.len(), 1_200);
    let both = world.find("Note").with("search", "common").with("name", "like.common*").limit(5);
    assert_eq!(both.check_against(&snapshot).await.len(), 13);
}

/// Secret values are never found.
pub async fn secrets_are_not_searched(world: World) {
    if !searches(&world).await {
        return;
    }
    let draft = item("Sample").name("holder").attr("secret", "hush").attr("text", "open");
    world.create(&world.acme.alice, draft).await;
    world.find("Sample").with("search", "hush").gives(&[]).await;
    world.find("Sample").with("search", "open").gives(&["holder"]).await;
}
