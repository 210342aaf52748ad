//! `realnet copy` and `realnet verify`.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use realnet_testkit::engines::fresh_database;

use crate::common::{self, Server, postgres_settings, realnet, run, text};
use crate::shop::{Shop, embedded, refused, sum, told};

/// What others may read in the list of processes.
fn without_password(url: &str) -> String {
    let mut url = url::Url::parse(url).unwrap();
    url.set_password(None).unwrap();
    url.set_query(Some("sslmode=disable"));
    url.to_string()
}

fn secret_key(folder: &Path, store: &str) -> String {
    std::fs::read_to_string(folder.join(format!("{store}.secret-key"))).unwrap().trim().to_owned()
}

/// From SQLite to PostgreSQL and back: every copy is as good as the first store, and the sums are the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_moves_there_and_back() {
    let (_guard, folder) = common::folder();
    let mut database = fresh_database().await.unwrap();
    let login = database.require_password().await.unwrap();
    let url = login.url();
    let place = without_password(&url);
    let server = Server::start_with(&folder, &embedded("shop.db"));
    let shop = Shop::fill(&server, 1200).await;
    assert!(server.stop());
    let before = sum(&folder, "sqlite://shop.db");

    let copy = |arguments: &[&str]| {
        let password = url::Url::parse(&url).unwrap().password().unwrap().to_owned();
        let output = run(realnet(&folder).arg("copy").args(arguments).env("PGPASSWORD", password));
        assert!(output.status.success(), "{}", text(&output));
        text(&output)
    };
    let said = copy(&["--from", "sqlite://shop.db", "--to", &place, "--dry-run"]);
    assert!(said.contains("would copy") && said.contains(" items"), "{said}");
    let said = copy(&["--from", "sqlite://shop.db", "--to", &place]);
    let checksum = before.lines().next().unwrap();
    assert!(said.contains(checksum) && said.contains("same on both sides"), "{said}");
    assert!(said.contains("REALNET_SECRET_KEY=\"$(cat shop.db.secret-key)\""), "{said}");

    let mut settings = postgres_settings(&url);
    settings.push(("REALNET_SECRET_KEY".to_owned(), secret_key(&folder, "shop.db")));
    assert_eq!(crate::shop::told_with(&folder, &["verify", &place], &settings), before);
    let server = Server::start_with(&folder, &settings);
    shop.is_on(&server).await;
    assert!(server.stop());

    // What signing in has left is new: the sum is another one now, and it moves, too.
    let later = crate::shop::told_with(&folder, &["verify", &place], &settings);
    assert_ne!(later, before);
    let said = copy(&["--from", &place, "--to", "sqlite://back.db"]);
    assert!(said.contains("REALNET_SECRET_KEY has to name them"), "{said}");
    assert_eq!(sum(&folder, "sqlite://back.db"), later);
    let mut settings = embedded("back.db");
    settings.push(("REALNET_SECRET_KEY".to_owned(), secret_key(&folder, "shop.db")));
    let server = Server::start_with(&folder, &settings);
    shop.is_on(&server).await;
}

/// An embedded store keeps its keys in a file, which goes along; and a copy is the same, whichever way it was made.
#[tokio::test(flavor = "multi_thread")]
async fn an_embedded_copy_has_its_keys() {
    let (_guard, folder) = common::folder();
    let server = Server::start_with(&folder, &embedded("shop.db"));
    let shop = Shop::fill(&server, 0).await;
    assert!(server.stop());
    told(&folder, &["copy", "--from", "sqlite://shop.db", "--to", "sqlite://copy.db"]);
    assert_eq!(sum(&folder, "sqlite://shop.db"), sum(&folder, "sqlite://copy.db"));
    assert_eq!(secret_key(&folder, "shop.db"), secret_key(&folder, "copy.db"));
    let server = Server::start_with(&folder, &embedded("copy.db"));
    shop.is_on(&server).await;
    assert!(server.stop());

    // A key file that a store before it has left keeps its keys, behind those that the secrets need.
    let server = Server::start_with(&folder, &embedded("gone.db"));
    assert!(server.stop());
    let old = secret_key(&folder, "gone.db");
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("gone.db") && name != "gone.db.secret-key" {
            std::fs::remove_file(path).unwrap();
        }
    }
    std::fs::remove_dir_all(folder.join("gone.files")).unwrap();
    told(&folder, &["copy", "--from", "sqlite://shop.db", "--to", "sqlite://gone.db"]);
    assert_eq!(secret_key(&folder, "gone.db"), format!("{},{old}", secret_key(&folder, "shop.db")));
    let server = Server::start_with(&folder, &embedded("gone.db"));
    shop.is_on(&server).await;
}

/// Nothing is copied where something would be lost, and a rehearsal changes nothing at all.
#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_copied_is_said() {
    let (_guard, folder) = common::folder();
    let server = Server::start_with(&folder, &embedded("shop.db"));
    let online = sum(&folder, "sqlite://shop.db");
    let said = refused(&folder, &["copy", "--from", "sqlite://shop.db", "--to", "sqlite://copy.db"]);
    assert!(said.contains("shop.db is in use by another server"), "{said}");
    assert!(!folder.join("copy.db").exists(), "nothing is made");
    assert!(server.stop());
    assert_eq!(sum(&folder, "sqlite://shop.db"), online, "a server in use can be verified");

    told(&folder, &["copy", "--from", "sqlite://shop.db", "--to", "sqlite://copy.db", "--dry-run"]);
    assert!(!folder.join("copy.db").exists(), "a rehearsal makes nothing");
    told(&folder, &["copy", "--from", "sqlite://shop.db", "--to", "sqlite://copy.db"]);
    for more in [&[][..], &["--resume"], &["--dry-run"]] {
        let mut arguments = vec!["copy", "--from", "sqlite://shop.db", "--to", "sqlite://copy.db"];
        arguments.extend(more);
        let said = refused(&folder, &arguments);
        assert!(said.contains("the target is not empty: it has") && said.contains(" types"), "{said}");
    }
    assert_eq!(sum(&folder, "sqlite://copy.db"), online);

    std::fs::write(folder.join("notes.txt"), "no database, but long enough to be looked into").unwrap();
    for (arguments, word) in [
        (["copy", "--from", "sqlite://none.db", "--to", "sqlite://new.db"], "no database file none.db"),
        (["copy", "--from", "sqlite://notes.txt", "--to", "sqlite://new.db"], "no SQLite database"),
        (["copy", "--from", "sqlite://shop.db", "--to", "sqlite://shop.db"], "the same store"),
        (["copy", "--from", "sqlite://shop.db", "--to", "sqlite://./shop.db"], "the same store"),
        (["copy", "--from", "mysql://shop", "--to", "sqlite://new.db"], "no stores of the kind mysql://"),
        (["copy", "--from", "sqlite://shop.db", "--to", "postgres://me@127.0.0.1:1/x"], "can not be reached"),
    ] {
        let said = refused(&folder, &arguments);
        assert!(said.contains(word), "{arguments:?}: {said}");
        assert!(!folder.join("new.db").exists() && !folder.join("none.db").exists());
    }
}

/// A copy that is killed leaves a store that no server takes for whole, and that is gone on with.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_copy_goes_on() {
    let (_guard, folder) = common::folder();
    let database = fresh_database().await.unwrap();
    let place = without_password(database.url());
    let server = Server::start_with(&folder, &embedded("shop.db"));
    let shop = Shop::fill(&server, 6000).await;
    assert!(server.stop());
    let arguments = ["copy", "--from", "sqlite://shop.db", "--to", &place];
    let mut copy = realnet(&folder);
    let mut copy = copy.args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for_items(database.url()).await;
    copy.kill().unwrap();
    assert!(!copy.wait().unwrap().success(), "it was killed in the middle");

    let settings = postgres_settings(database.url());
    let started = run(&mut common::server_command(&folder, &settings));
    assert!(!started.status.success() && text(&started).contains("is not whole yet"), "{}", text(&started));
    let said = refused(&folder, &arguments);
    assert!(said.contains("--resume"), "{said}");
    let said = refused(&folder, &["verify", &place]);
    assert!(said.contains("is not whole yet"), "{said}");
    let said = told(&folder, &[&arguments[..], &["--resume"]].concat());
    assert!(said.contains("same on both sides"), "{said}");
    assert_eq!(sum(&folder, &place), sum(&folder, "sqlite://shop.db"));
    let mut settings = settings;
    settings.push(("REALNET_SECRET_KEY".to_owned(), secret_key(&folder, "shop.db")));
    let server = Server::start_with(&folder, &settings);
    shop.is_on(&server).await;
}

/// Waits until the first items have been written.
async fn wait_for_items(url: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let begun = Instant::now();
    loop {
        let counted = client.query_one("SELECT count(*) FROM items", &[]).await;
        if counted.is_ok_and(|row| row.get::<_, i64>(0) > 0) {
            break;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "nothing is written");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    drop(client);
    connection.abort();
}
