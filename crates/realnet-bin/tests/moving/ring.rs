//! A store goes round: through every kind of database, and back as it was.

use realnet_testkit::engines::fresh_database;

use crate::common::{self, Server};
use crate::shop::{Shop, content, embedded, sum, told, upload};

/// SQLite, PostgreSQL, YAML, XML, JSON, SQLite: every one holds the same, hash for hash, and the last one works.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_goes_round() {
    let (_guard, folder) = common::folder();
    let database = fresh_database().await.unwrap();
    let server = Server::start_with(&folder, &embedded("first.db"));
    let shop = Shop::fill(&server, 300).await;
    let file = upload(&server, &vec![9; 100_000]).await;
    assert!(server.stop());
    let first = sum(&folder, "sqlite://first.db");
    let mut postgres = url::Url::parse(database.url()).unwrap();
    postgres.set_query(Some("sslmode=disable"));
    let ring = [
        "sqlite://first.db",
        postgres.as_str(),
        "yaml://yaml",
        "xml://xml",
        "json://json",
        "sqlite://last.db",
    ];
    for (index, pair) in ring.windows(2).enumerate() {
        let (from, to) = (format!("{index}.files"), format!("{}.files", index + 1));
        let from = if index == 0 { "first.files" } else { &from };
        let to = if index == ring.len() - 2 { "last.files" } else { &to };
        let said = told(
            &folder,
            &["copy", "--from", pair[0], "--to", pair[1], "--from-storage", from, "--to-storage", to],
        );
        assert!(said.contains("contents of files: 1, 100000 bytes"), "{pair:?}: {said}");
        assert_eq!(sum(&folder, pair[1]), first, "{pair:?}");
    }
    std::fs::copy(folder.join("first.db.secret-key"), folder.join("last.db.secret-key")).unwrap();
    let server = Server::start_with(&folder, &embedded("last.db"));
    shop.is_on(&server).await;
    assert_eq!(content(&server, &file).await, vec![9; 100_000]);
}
