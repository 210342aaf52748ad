//! Text of every script: kept as it is, sorted by code point.

use crate::conformance::{World, item};

/// Texts in the order of their code points. UTF-16 would sort the last two the other way round.
const TEXTS: [&str; 14] = [
    " leading space",
    "'; DROP TABLE items; --",
    "Z",
    "a",
    "a\u{301}",
    "z\u{200D}\u{1F468}",
    "\u{e1}",
    "\u{130}stanbul",
    "\u{5e9}\u{5dc}\u{5d5}\u{5dd}",
    "\u{202E}reversed",
    "\u{65e5}\u{672c}\u{8a9e}",
    "\u{e000}",
    "\u{fffd}",
    "\u{1F600}\u{1F3FD}",
];

/// Names, statuses, tags, attribute keys and values come back code point for code point, also from the log.
pub async fn text_is_kept(world: World) {
    let alice = world.acme.alice.clone();
    for text in TEXTS {
        let draft = item("Note").name(text).status(text).tags(&[text]).attr("label", text).attr(text, text);
        let created = world.create(&alice, draft).await;
        assert_eq!(created.name.as_bytes(), text.as_bytes());
        assert_eq!(world.item(created.id).await, created);
        world.find("Note").with("name", format!("eq.{text}")).gives(&[text]).await;
        world.find("Note").with("label", format!("eq.{text}")).gives(&[text]).await;
        world.find("Note").with("status", format!("eq.{text}")).gives(&[text]).await;
    }
    let log = world.log(world.acme.id, World::SETTLED + TEXTS.len()).await;
    let logged: Vec<String> =
        log[World::SETTLED..].iter().filter_map(|record| Some(record.after.as_ref()?.name.clone())).collect();
    assert_eq!(logged, TEXTS);
}

/// Lists are sorted by code point, whatever the locale of the store.
pub async fn text_sorts_by_code_point(world: World) {
    let alice = world.acme.alice.clone();
    let drafts: Vec<_> = (0..TEXTS.len())
        .map(|index| TEXTS[index * 5 % TEXTS.len()])
        .map(|text| {
            item("Sample")
                .name(text)
                .status(text)
                .attr("string", text)
                .attr("string_i", text)
                .attr("free", text)
        })
        .collect();
    world.create_all(&alice, drafts).await;
    let reversed: Vec<&str> = TEXTS.iter().rev().copied().collect();
    for key in ["name", "status", "string", "string_i", "free"] {
        world.find("Sample").order(key).limit(3).gives(&TEXTS).await;
        world.find("Sample").order(&format!("{key}.desc")).limit(3).gives(&reversed).await;
        for text in TEXTS {
            world.find("Sample").with(key, format!("gt.{text}")).order("name").check().await;
        }
    }
}

/// `ilike` folds case in every script; `like` does not.
pub async fn patterns_fold_case(world: World) {
    let alice = world.acme.alice.clone();
    let names = ["Straße", "STRASSE", "ÉCOLE", "école", "ΣΊΣΥΦΟΣ", "\u{130}", "I", "ı", "\u{1F600}x", "ﬁn"];
    world.create_all(&alice, names.map(|name| item("Note").name(name).attr("label", name)).into()).await;
    for field in ["name", "label"] {
        let find = |filter: &str| world.find("Note").with(field, filter);
        find("ilike.école").gives(&["ÉCOLE", "école"]).await;
        find("like.école").gives(&["école"]).await;
        find("ilike.strasse").gives(&["Straße", "STRASSE"]).await;
        find("ilike.σίσυφος").gives(&["ΣΊΣΥΦΟΣ"]).await;
        for pattern in ["i", "_", "_x", "__", "*ß", "FIN", "\u{1F600}*", "i\u{307}"] {
            find(&format!("ilike.{pattern}")).check().await;
            find(&format!("like.{pattern}")).check().await;
        }
    }
}
