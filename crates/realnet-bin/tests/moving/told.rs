//! What is said before and after a move: what would stay behind, where a move would fail at its end, and what a file is that was
//! meant for another command.

use std::path::Path;

use serde_json::json;

use crate::common::{self, Server, realnet, run, text};
use crate::shop::{embedded, refused, told, upload};
use crate::travellers::User;

/// A store with one content.
async fn shop(folder: &Path) {
    let server = Server::start_with(folder, &embedded("shop.db"));
    upload(&server, &[7; 1234]).await;
    assert!(server.stop());
}

fn copy<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["copy", "--from", "sqlite://shop.db", "--to", "sqlite://new.db"], more].concat()
}

/// The words between two others.
fn between<'t>(said: &'t str, before: &str, behind: &str) -> &'t str {
    said.split_once(before).and_then(|(_, rest)| rest.split_once(behind)).unwrap().0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_says_what_the_copy_does() {
    let (_guard, folder) = common::folder();
    shop(&folder).await;
    let would = told(&folder, &copy(&["--to-storage", "none", "--dry-run"]));
    assert!(would.contains("1 items have contents, which would not be copied"), "{would}");
    let said = told(&folder, &copy(&["--to-storage", "none"]));
    assert!(said.contains("1 items have contents, which were not copied"), "{said}");
    assert_eq!(between(&would, "would copy ", " to sqlite://"), between(&said, "copied ", " to sqlite://"));
    for name in ["new.db", "new.db.secret-key"] {
        std::fs::remove_file(folder.join(name)).unwrap();
    }
    let would = told(&folder, &copy(&["--dry-run"]));
    assert!(would.contains("would copy contents of files: 1, to new.files"), "{would}");
    assert!(!folder.join("new.db").exists() && !folder.join("new.files").exists(), "nothing is made");
}

/// A place that takes no contents is found before anything is copied, and before a part of it is there.
#[tokio::test(flavor = "multi_thread")]
async fn the_storage_is_looked_at_first() {
    let (_guard, folder) = common::folder();
    shop(&folder).await;
    let other = Server::start_with(&folder, &embedded("other.db"));
    upload(&other, b"other").await;
    assert!(other.stop());
    std::fs::write(folder.join("notes.txt"), "no folder").unwrap();
    std::fs::create_dir(folder.join("full")).unwrap();
    std::fs::write(folder.join("full/notes.txt"), "of somebody").unwrap();
    for (storage, words) in [
        ("notes.txt", "notes.txt"),
        ("full", "the folder holds other files"),
        ("other.files", "belongs to another database"),
    ] {
        for more in [&["--to-storage", storage][..], &["--to-storage", storage, "--dry-run"]] {
            let said = refused(&folder, &copy(more));
            assert!(said.contains(words) && said.contains("--to-storage"), "{more:?}: {said}");
            assert!(!folder.join("new.db").exists(), "{more:?}: nothing is made");
        }
    }
    let said = refused(&folder, &copy(&["--from-storage", "nowhere", "--dry-run"]));
    assert!(said.contains("nowhere"), "{said}");
    told(&folder, &copy(&["--to-storage", "deep/er/new"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn contents_that_are_left_out_are_told_as_that() {
    let (_guard, folder) = common::folder();
    shop(&folder).await;
    told(&folder, &["backup", "shop.tar.zst", "--from", "sqlite://shop.db"]);
    let restore = ["restore", "shop.tar.zst", "--to", "sqlite://back.db", "--storage"];
    let said = told(&folder, &[&restore[..], &["none"]].concat());
    assert!(said.contains("contents of files that were left out: 1, 1234 bytes"), "{said}");
    assert!(!said.contains("contents of files: "), "{said}");

    // A storage of another database is known before anything is restored.
    let other = Server::start_with(&folder, &embedded("other.db"));
    upload(&other, b"other").await;
    assert!(other.stop());
    let said =
        refused(&folder, &["restore", "shop.tar.zst", "--to", "sqlite://new.db", "--storage", "other.files"]);
    assert!(said.contains("belongs to another database") && !folder.join("new.db").exists(), "{said}");
}

/// Exports and backups look alike; who gives one for the other is told which command takes it.
#[tokio::test(flavor = "multi_thread")]
async fn exports_and_backups_are_told_apart() {
    let (_guard, folder) = common::folder();
    let server = Server::start_with(&folder, &embedded("shop.db"));
    server.admin().await.create("note", &json!({"name": "N"})).await.unwrap();
    let user = User::admin(&server, &folder).await;
    for target in ["all", "all.tar.zst", "all.tar.gz"] {
        user.told(&["export", target, "--type", "note"]);
    }
    told(&folder, &["backup", "shop.tar.zst", "--from", "sqlite://shop.db"]);
    let said = user.refused(&["import", "shop.tar.zst"]);
    assert!(said.contains("`realnet restore` takes it"), "{said}");
    assert!(server.stop());
    for export in ["all.tar.zst", "all.tar.gz", "all"] {
        let said = refused(&folder, &["verify", export]);
        assert!(said.contains("is no backup") && said.contains("`realnet import"), "{said}");
    }
    for export in ["all.tar.zst", "all.tar.gz"] {
        let said = refused(&folder, &["restore", export, "--to", "sqlite://new.db"]);
        assert!(said.contains("is no backup") && said.contains("`realnet import`"), "{said}");
    }
    assert!(!folder.join("new.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scratch_place_is_named() {
    let (_guard, folder) = common::folder();
    assert!(Server::start_with(&folder, &embedded("shop.db")).stop());
    told(&folder, &["backup", "shop.tar.zst", "--from", "sqlite://shop.db"]);
    let nowhere = folder.join("nowhere");
    let output = run(realnet(&folder).args(["verify", "shop.tar.zst"]).env("TMPDIR", &nowhere));
    let said = text(&output);
    assert!(!output.status.success() && said.contains("nowhere") && said.contains("TMPDIR=FOLDER"), "{said}");
}
