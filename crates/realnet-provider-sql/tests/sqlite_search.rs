//! Ranked searches go on behind what the caller can not read, however much of that there is.

use std::sync::Arc;

use realnet_provider_sql::{SqliteConfig, SqliteStore};
use realnet_testkit::conformance::{Backend, Stores, World, item};

/// So many newer matches are in the way.
const NEWER: usize = 5_001;

/// Where so few rows are many, lists take the way through the matches.
struct Sqlite {
    few: usize,
}

#[async_trait::async_trait]
impl Backend for Sqlite {
    async fn open(&self) -> Stores {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = SqliteConfig { few: self.few, ..SqliteConfig::new(folder.path().join("store.db")) };
        let store = Arc::new(SqliteStore::open(config).expect("a store"));
        Stores {
            items: Arc::clone(&store) as _,
            types: Arc::clone(&store) as _,
            credentials: Arc::clone(&store) as _,
            sources: store,
            guard: Some(Arc::new(folder)),
        }
    }
}

async fn behind_newer_matches(few: usize) {
    let world = World::open(Arc::new(Sqlite { few })).await;
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let draft = |kind: &str, name: String| item(kind).name(name).attr("mood", "a common word");
    for index in 0..30 {
        world.create(&alice, draft("PrivatePaper", format!("old {index}"))).await;
    }
    let newer = |kind: &str| (0..NEWER).map(|index| draft(kind, format!("new {index}"))).collect();
    world.create_all(&bob, newer("PrivatePaper")).await;
    let count = |found: Vec<String>| found.iter().filter(|name| name.starts_with("old")).count();
    let search = || world.find("Paper").with("search", "common word");
    assert_eq!(count(search().by(&alice).names().await), 30, "behind what the caller may not read");
    assert_eq!(search().by(&alice).limit(7).names().await.len(), 30, "page by page");
    let page = search().by(&alice).limit(100).with("count", "exact").page().await;
    assert_eq!((page.items.len(), page.total), (30, Some(30)));

    world.create_all(&world.umbrella.alice, newer("PrivatePaper")).await;
    assert_eq!(count(search().by(&alice).names().await), 30, "behind matches of another org");
    let best = search().with("name", "like.old*").by(&world.acme.admin).limit(100).names().await;
    assert_eq!(count(best), 30, "behind what a filter leaves out");
}

#[tokio::test(flavor = "multi_thread")]
async fn matches_behind_newer_ones_are_listed() {
    behind_newer_matches(1000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn matches_behind_newer_ones_are_listed_by_walks() {
    behind_newer_matches(2).await;
}
