//! Exports that are brought up to date, in folders that others may have written to, and contents that a server has lost or damaged.

use crate::common::{self, run, text};
use crate::faults::file_of;
use crate::shop::{content, upload};
use crate::travellers::{Place, User, fill, tree};

/// Where nothing has changed nothing is written, not even the moment; a folder in git may tell people what it is.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_not_changed_is_not_written() {
    let place = Place::start();
    let ids = fill(&place.server).await;
    let user = place.admin().await;
    let root = place.folder.join("all");
    std::fs::create_dir(&root).unwrap();
    std::fs::write(root.join("README.md"), "What we have").unwrap();
    let said = user.told(&["export", "all", "--with-data"]);
    assert!(!said.contains("written"), "{said}");
    let head = || std::fs::read_to_string(root.join("realnet-export.json")).unwrap();
    let (before, files) = (head(), tree(&root));
    let said = user.told(&["export", "all", "--with-data", "--update"]);
    assert!(said.contains("0 files written, 0 removed"), "{said}");
    assert_eq!((head(), tree(&root)), (before.clone(), files));
    assert!(user.told(&["import", "all"]).contains("7 there already"));
    place.server.admin().await.delete("link", &ids["link"]).await.unwrap();
    std::fs::remove_file(root.join(format!("data/{}", ids["file"]))).unwrap();
    let said = user.told(&["export", "all", "--with-data", "--update"]);
    assert!(said.contains("1 file written, 1 removed"), "{said}");
    assert_ne!(head(), before);
    assert!(root.join("README.md").is_file());
}

/// Links and pipes in the places of documents are neither read nor written through.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_is_replaced_or_refused() {
    use std::os::unix::fs::symlink;
    let place = Place::start();
    let ids = fill(&place.server).await;
    let user = place.admin().await;
    user.told(&["export", "all", "--with-data"]);
    let root = place.folder.join("all");
    let before = tree(&root);
    let pipe = |path: &std::path::Path| {
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    };
    let document = root.join(format!("items/Author/{}.json", ids["anna"]));
    std::fs::rename(&document, place.folder.join("elsewhere")).unwrap();
    symlink(place.folder.join("elsewhere"), &document).unwrap();
    std::fs::remove_file(root.join("types/Author.json")).unwrap();
    symlink("/dev/zero", root.join("types/Author.json")).unwrap();
    std::fs::remove_file(root.join("types/Book.json")).unwrap();
    pipe(&root.join("types/Book.json"));
    let data = root.join(format!("data/{}", ids["file"]));
    std::fs::rename(&data, place.folder.join("data")).unwrap();
    symlink(place.folder.join("data"), &data).unwrap();
    std::fs::create_dir(root.join("data/folder.part")).unwrap();
    user.told(&["export", "all", "--with-data", "--update"]);
    assert_eq!(tree(&root), before);
    for path in [&document, &data, &root.join("types/Book.json"), &root.join("types/Author.json")] {
        assert!(std::fs::symlink_metadata(path).unwrap().is_file(), "{}", path.display());
    }
    std::fs::remove_dir(root.join("data/folder.part")).unwrap();

    let file = place.server.admin().await.get("files", &ids["file"]).await.unwrap();
    let checksum = file["attributes"]["checksum"].as_str().unwrap();
    let part = root.join(format!("data/.{}.{}.part", ids["file"], &checksum[..16]));
    std::fs::remove_file(&data).unwrap();
    pipe(&part);
    let said = user.refused(&["export", "all", "--with-data", "--update"]);
    assert!(said.contains(".part: is no file: remove it"), "{said}");
}

/// A content that the server has lost comes back with an import; one that it has damaged is named, and all else exported.
#[tokio::test(flavor = "multi_thread")]
async fn lost_contents_come_back_and_damaged_ones_are_named() {
    let place = Place::start();
    let (_guard, away) = common::folder();
    let [first, second] = [vec![7; 5001], vec![8; 5002]];
    let ids = [upload(&place.server, &first).await, upload(&place.server, &second).await];
    let user = User::admin(&place.server, &away).await;
    user.told(&["export", "good", "--with-data"]);
    std::fs::remove_file(file_of(&place.folder, 5001)).unwrap();
    let said = user.told(&["import", "good"]);
    assert!(said.contains("2 there already") && said.contains("1 content sent"), "{said}");
    assert_eq!(content(&place.server, &ids[0]).await, first);
    let said = user.told(&["import", "good"]);
    assert!(said.contains("2 there already") && !said.contains("sent"), "{said}");

    let damaged = file_of(&place.folder, 5002);
    std::fs::write(&damaged, vec![9; 5002]).unwrap();
    for arguments in [&["export", "bad", "--with-data"][..], &["export", "good", "--with-data", "--update"]] {
        let done = run(&mut user.command(arguments));
        // What was there is not asked for again.
        if arguments[1] == "good" {
            assert!(done.status.success(), "{}", text(&done));
            continue;
        }
        let said = text(&done);
        assert!(!done.status.success() && said.contains("exported 2 items, 0 types, 1 content"), "{said}");
        assert!(
            said.contains("but not 1 content") && said.contains(&format!("a file ({})", ids[1])),
            "{said}"
        );
        assert!(!away.join("bad/data").join(&ids[1]).exists());
    }
    assert_eq!(std::fs::read(away.join("bad/data").join(&ids[0])).unwrap(), first);
    let said = user.told(&["import", "bad", "--dry-run"]);
    assert!(said.contains("2 there already"), "{said}");
}
