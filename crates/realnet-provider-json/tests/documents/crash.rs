//! A process that is killed while it writes: what it acknowledged is there, and half of a change is not.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use realnet_core::Uuid;
use realnet_core::provider::ItemProvider as _;
use serde_json::json;

use super::common::{ORG, again, create, file, open, task};

const FOLDER: &str = "REALNET_TEST_CRASH";

/// Tells of something in one piece, so that no half of a line is read.
fn say(line: &str) {
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// Creates items two at a time, several changes at once, and tells of each when it is acknowledged.
async fn write_until_killed(folder: &Path) {
    let world = open(folder).await;
    let mut number = 0;
    loop {
        let pair = |number: i64| {
            let parent = task(&format!("pair {number}"), json!({"size": number, "note": "x".repeat(2000)}));
            let child = task("child", json!({ "of": parent.id }));
            (parent, child)
        };
        let pairs: Vec<_> = (0..4).map(|offset| pair(number + offset)).collect();
        let commits = pairs.iter().map(|(parent, child)| world.commit(vec![create(parent), create(child)]));
        for (done, (parent, child)) in futures::future::join_all(commits).await.into_iter().zip(&pairs) {
            done.unwrap();
            say(&format!("STORED {} {}\n", parent.id, child.id));
        }
        let (parent, _) = &pairs[0];
        world.rename(parent.id, "renamed").await.unwrap();
        say(&format!("RENAMED {}\n", parent.id));
        number += 4;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_loses_nothing_that_was_acknowledged_and_leaves_nothing_half_done() {
    const NAME: &str = "crash::a_kill_loses_nothing_that_was_acknowledged_and_leaves_nothing_half_done";
    if let Some(folder) = std::env::var_os(FOLDER) {
        return write_until_killed(&PathBuf::from(folder)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let (mut stored, mut renamed) = (Vec::<(Uuid, Uuid)>::new(), HashSet::<Uuid>::new());
    for round in 1..=6_u64 {
        let mut child = again("env", NAME, FOLDER, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut note = |line: &str| {
            let mut words = line.split(' ').skip(1).map(|word| Uuid::parse_str(word).unwrap());
            if line.starts_with("STORED ") {
                stored.push((words.next().unwrap(), words.next().unwrap()));
            } else if line.starts_with("RENAMED ") {
                renamed.insert(words.next().unwrap());
            }
        };
        let mut left = round + 1;
        while left > 0 {
            let line = lines.next().unwrap();
            note(&line);
            left -= u64::from(line.starts_with("RENAMED "));
        }
        // In some rounds the documents have begun to be made durable.
        std::thread::sleep(std::time::Duration::from_millis(round * 170));
        child.kill().unwrap();
        lines.for_each(|line| note(&line));
        child.wait().unwrap();

        let world = open(folder.path()).await;
        for (parent, child) in &stored {
            assert!(world.get(*parent).await.is_some() && world.get(*child).await.is_some(), "round {round}");
        }
        for id in &renamed {
            assert_eq!(world.get(*id).await.unwrap().name, "renamed");
        }
        expect_whole(&world).await;
        world.close();
        // A start without the index finds the same in the documents.
        std::fs::remove_file(folder.path().join(".realnet/index.log")).unwrap();
        let world = open(folder.path()).await;
        expect_whole(&world).await;
        world.close();
    }
    assert!(!stored.is_empty() && !renamed.is_empty());
}

/// Every child has its parent, every parent a child; the change log has no gap; the documents are those of the items.
async fn expect_whole(world: &super::common::World) {
    let mut changes = Vec::new();
    loop {
        let page = world.store.changes(ORG, changes.len() as i64, 500).await.unwrap();
        if page.is_empty() {
            break;
        }
        changes.extend(page);
    }
    let mut items = HashSet::new();
    for (index, change) in changes.iter().enumerate() {
        assert_eq!(change.revision, index as i64 + 1);
        items.insert(change.item_id);
    }
    let mut children = HashSet::new();
    for id in &items {
        let item = world.get(*id).await.unwrap();
        if item.name == "child" {
            let parent = item.attributes.get("of").unwrap().as_str().unwrap();
            children.insert(Uuid::parse_str(parent).unwrap());
        }
    }
    let parents: HashSet<Uuid> = items.iter().filter(|id| children.contains(*id)).copied().collect();
    assert_eq!(parents, children, "half of a change is there");
    assert_eq!(items.len(), 2 * children.len(), "half of a change is there");
    for id in &items {
        super::common::eventually(|| file(&world.folder, *id).exists());
    }
}
