//! `realnet backup`, `restore` and `verify FILE`.

use std::path::Path;

use realnet_testkit::engines::fresh_database;
use serde_json::json;

use crate::common::{self, Server, postgres_settings};
use crate::shop::{Shop, content, embedded, refused, sum, told, told_with, upload};

fn checksum(told: &str) -> &str {
    told.lines().find(|line| line.starts_with("SHA-256 ")).unwrap()
}

/// A server goes on writing while a backup of it is made; what the backup holds is of one moment, and works.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_in_use_is_backed_up_and_restored() {
    let (_guard, folder) = common::folder();
    let server = Server::start_with(&folder, &embedded("shop.db"));
    let shop = Shop::fill(&server, 1500).await;
    let file = upload(&server, &vec![7; 5_000_000]).await;
    let client = server.admin().await;
    let writing = tokio::spawn(async move {
        for index in 0..200 {
            client.create("item", &json!({"name": format!("later {index}")})).await.unwrap();
        }
    });
    let said = told(&folder, &["backup", "shop.tar.zst", "--from", "sqlite://shop.db"]);
    assert!(said.contains("contents of files: 1, 5000000 bytes"), "{said}");
    writing.await.unwrap();
    let verified = told(&folder, &["verify", "shop.tar.zst"]);
    assert_eq!(checksum(&verified), checksum(&said));
    assert!(verified.contains("which can be restored"), "{verified}");
    let key = std::fs::read_to_string(folder.join("shop.db.secret-key")).unwrap();
    let key = format!("without the key {}, which no backup holds", key.split(':').next().unwrap());
    assert!(said.contains(&key) && said.contains("keep a copy of shop.db.secret-key apart"), "{said}");
    assert!(verified.contains(&key), "{verified}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.join("shop.tar.zst")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "it holds hashes of passwords");
    }
    let again = refused(&folder, &["backup", "shop.tar.zst", "--from", "sqlite://shop.db"]);
    assert!(again.contains("is there already"), "{again}");
    assert!(server.stop());

    let said = told(&folder, &["restore", "shop.tar.zst", "--to", "sqlite://back.db"]);
    assert!(
        said.contains(checksum(&verified)) && said.contains("back.db.secret-key has to hold them"),
        "{said}"
    );
    assert_eq!(checksum(&sum(&folder, "sqlite://back.db")), checksum(&verified));
    std::fs::copy(folder.join("shop.db.secret-key"), folder.join("back.db.secret-key")).unwrap();
    let server = Server::start_with(&folder, &embedded("back.db"));
    shop.is_on(&server).await;
    assert_eq!(content(&server, &file).await, vec![7; 5_000_000]);
}

/// The settings of the server say which store is meant; from PostgreSQL it is the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_backed_up_and_restored() {
    let (_guard, folder) = common::folder();
    let database = fresh_database().await.unwrap();
    let mut settings = postgres_settings(database.url());
    let server = Server::start_with(&folder, &settings);
    let shop = Shop::fill(&server, 20).await;
    std::fs::create_dir(folder.join("backups")).unwrap();
    told_with(&folder, &["backup", "backups"], &settings);
    let made = std::fs::read_dir(folder.join("backups")).unwrap().next().unwrap().unwrap().path();
    let made = made.to_str().unwrap();
    assert!(made.contains("/backups/realnet-20") && made.ends_with("Z.tar.zst"), "{made}");
    assert!(server.stop());
    let verified = told(&folder, &["verify", made]);
    let other = fresh_database().await.unwrap();
    settings = postgres_settings(other.url());
    told_with(&folder, &["restore", made], &settings);
    let server = Server::start_with(&folder, &settings);
    shop.is_on(&server).await;
    assert!(server.stop());
    told(&folder, &["restore", made, "--to", "sqlite://back.db"]);
    assert_eq!(checksum(&sum(&folder, "sqlite://back.db")), checksum(&verified));
}

fn damaged(folder: &Path, bytes: &[u8]) -> String {
    std::fs::write(folder.join("other.tar.zst"), bytes).unwrap();
    refused(folder, &["verify", "other.tar.zst"]);
    let said = refused(folder, &["restore", "other.tar.zst", "--to", "sqlite://new.db"]);
    assert!(!folder.join("new.db").exists(), "nothing is made: {said}");
    said
}

/// An archive that is not in order changes nothing, nor does one in the way of which something stands.
#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_restored_changes_nothing() {
    let (_guard, folder) = common::folder();
    let server = Server::start_with(&folder, &embedded("shop.db"));
    assert!(server.stop());
    told(&folder, &["backup", "shop.tar.zst", "--from", "sqlite://shop.db"]);
    let before = sum(&folder, "sqlite://shop.db");
    let said = refused(&folder, &["restore", "shop.tar.zst", "--to", "sqlite://shop.db"]);
    assert!(said.contains("the target is not empty"), "{said}");
    assert_eq!(sum(&folder, "sqlite://shop.db"), before);

    let good = std::fs::read(folder.join("shop.tar.zst")).unwrap();
    assert!(damaged(&folder, &good[..good.len() / 2]).contains("truncated"));
    assert!(damaged(&folder, &good[..good.len() - 1]).contains("truncated"));
    assert!(damaged(&folder, b"some text that is no archive").contains("is none of ours"));
    let mut other = good.clone();
    let middle = other.len() / 2;
    other[middle] ^= 1;
    damaged(&folder, &other);
    let said = refused(&folder, &["verify", "none.tar.zst"]);
    assert!(said.contains("neither the URL of a store"), "{said}");
    let said = refused(&folder, &["backup", "no/folder/shop.tar.zst", "--from", "sqlite://shop.db"]);
    assert!(said.contains("the backup no/folder/shop.tar.zst"), "{said}");
    let left: Vec<_> = std::fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".part")), "{left:?}");
}

/// What a killed backup has left is in nobody's way, whatever ids processes have, and does not stay.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_backup_has_left_goes() {
    let (_guard, folder) = common::folder();
    assert!(Server::start_with(&folder, &embedded("shop.db")).stop());
    let backups = folder.join("backups");
    std::fs::create_dir(&backups).unwrap();
    for left in ["last.tar.zst.part", "realnet-2026-01-31T12-00-00Z.tar.zst.part", "notes.part"] {
        std::fs::write(backups.join(left), "half").unwrap();
    }
    let locked = std::fs::File::create(backups.join("busy.tar.zst.part")).unwrap();
    locked.lock().unwrap();
    let from = ["--from", "sqlite://shop.db"];
    told(&folder, &["backup", "backups/last.tar.zst", from[0], from[1]]);
    told(&folder, &["verify", "backups/last.tar.zst"]);
    told(&folder, &["backup", "backups", from[0], from[1]]);
    let said = refused(&folder, &["backup", "backups/busy.tar.zst", from[0], from[1]]);
    assert!(said.contains("by another process (backups/busy.tar.zst.part)"), "{said}");
    let names = std::fs::read_dir(&backups).unwrap().flatten();
    let mut left: Vec<String> = names
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "part"))
        .collect();
    left.sort();
    assert_eq!(left, ["busy.tar.zst.part", "notes.part"]);
}

/// Who has lost the machine, and with it the key file, has the backup: a server starts on what is restored from it once what was sealed
/// is given up, and all else is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_of_use_without_its_key() {
    let (_guard, folder) = common::folder();
    let server = Server::start_with(&folder, &embedded("shop.db"));
    let shop = Shop::fill(&server, 20).await;
    assert!(server.stop());
    told(&folder, &["backup", "shop.tar.zst", "--from", "sqlite://shop.db"]);
    let database = fresh_database().await.unwrap();
    let mut settings = postgres_settings(database.url());
    let said = told_with(&folder, &["restore", "shop.tar.zst"], &settings);
    assert!(said.contains("no server starts on it before"), "{said}");
    let refused = |settings: &common::Settings, arguments: &[&str]| {
        let pairs = settings.iter().map(|(name, value)| (name, value));
        let output = common::run(common::realnet(&folder).args(arguments).envs(pairs));
        assert!(!output.status.success(), "{}", common::text(&output));
        common::text(&output)
    };
    let give_up = ["secrets", "give-up", "--yes"];
    let said = refused(&settings, &give_up);
    assert!(said.contains("set REALNET_SECRET_KEY"), "nothing is kept in plain text by the way: {said}");
    let key = told(&folder, &["secrets", "generate"]);
    settings.push(("REALNET_SECRET_KEY".to_owned(), key.trim().to_owned()));
    let said = refused(&settings, &["secrets", "status"]);
    assert!(said.contains("realnet secrets give-up"), "{said}");
    let said = told_with(&folder, &give_up, &settings);
    assert!(said.contains("given up: "), "{said}");
    let server = Server::start_with(&folder, &settings);
    shop.is_on(&server).await;
    assert!(server.stop());
}
