//! Looking through a folder: what is refused, what is passed over, and what lies behind links.

use std::time::{Duration, Instant};

use super::DocumentStore;
use super::scan::scan;
use super::testing::{Json, World, eventually};
use super::watch::{ABSENCE, SETTLING};

#[tokio::test]
async fn what_is_put_right_and_made_again_is_refused_again() {
    let world = World::open().await;
    let watch = &world.documents.watch;
    let good = std::fs::read_to_string(world.path()).unwrap();
    let bad = good.replacen('{', "{\"nmae\":1,", 1);
    for (round, (text, refused)) in [(&bad, 1), (&good, 0), (&bad, 1), (&good, 0)].into_iter().enumerate() {
        std::fs::write(world.path(), text).unwrap();
        let begun = Instant::now();
        while watch.refused.lock().len() != refused {
            assert!(begun.elapsed() < Duration::from_mins(1), "{round}: {refused} is not so");
            world.documents.look_through(&*world.store, &world.registry).await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_is_passed_over_is_told_once() {
    let world = World::open().await;
    let watch = &world.documents.watch;
    let file = world.folder.path().join("items/README.md");
    let look = || scan(world.folder.path(), "json").unwrap().tell_of_others(&watch.others.lock());
    for _ in 0..2 {
        std::fs::write(&file, "for people").unwrap();
        assert_eq!(look(), 1);
        watch.find().unwrap();
        assert_eq!(look(), 0);
        // One that comes again is told again.
        std::fs::remove_file(&file).unwrap();
        watch.find().unwrap();
    }
    std::fs::write(&file, "for people").unwrap();
    let folder = world.folder.path().to_owned();
    world.documents.close();
    let again = DocumentStore::open(&folder, Json).unwrap();
    assert_eq!(again.watch.others.lock().len(), 1, "a start has told it");
}

#[cfg(unix)]
#[tokio::test]
async fn documents_behind_a_link_are_neither_gone_nor_written() {
    let world = World::open().await;
    let watch = &world.documents.watch;
    let (place, away) = (world.folder.path().join("items/Item"), world.folder.path().join("away"));
    let empty = world.folder.path().join("empty");
    std::fs::rename(&place, &away).unwrap();
    std::fs::create_dir(&empty).unwrap();
    std::os::unix::fs::symlink(&empty, &place).unwrap();
    let begun = Instant::now();
    while begun.elapsed() < ABSENCE + SETTLING {
        assert!(watch.find().unwrap().is_empty(), "nothing was removed");
    }
    assert!(watch.refused.lock().contains_key("items/Item"));
    world.rename("by the server").await;
    eventually(|| world.documents.trouble().is_some());
    assert_eq!(std::fs::read_dir(&empty).unwrap().count(), 0, "nothing goes through the link");
    std::fs::remove_file(&place).unwrap();
    std::fs::rename(&away, &place).unwrap();
    eventually(|| world.says("by the server"));
    world.settled();
    watch.find().unwrap();
    assert!(watch.refused.lock().is_empty());

    // Nor is one of the folders of all documents a link.
    let items = world.folder.path().join("items");
    std::fs::rename(&items, &away).unwrap();
    std::os::unix::fs::symlink(&away, &items).unwrap();
    assert!(watch.find().err().unwrap().message().contains("'items' is a link"));
    std::fs::remove_file(&items).unwrap();
    std::fs::rename(&away, &items).unwrap();
    assert!(watch.find().unwrap().is_empty());
}
