//! Whose a bucket is: of several databases, of several copies of one, and of several servers of one.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use realnet_testkit::engines::{ObjectServer, fresh_database, s3_place};
use serde_json::Value;

use crate::common::{self, Server, realnet, run, server_command, text};
use crate::{Rest, settings};

/// A bucket with the mark of another database is not written to, whether that is seen at the start or later.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_belongs_to_one_database() {
    let (_guard, owner) = common::folder();
    let (_guard_of_other, other) = common::folder();
    let server = ObjectServer::start().await.unwrap();
    let settings = settings(server.place());
    assert!(Server::start_with(&owner, &settings).stop());
    let refused = run(&mut server_command(&other, &settings));
    let words = text(&refused);
    assert!(!refused.status.success(), "{words}");
    assert!(words.contains("the storage belongs to another database"), "{words}");
    assert!(words.contains("REALNET_STORAGE_S3_BUCKET"), "{words}");

    // One that is away keeps nobody from starting.
    server.crash().await.unwrap();
    let (owner, other) = (Server::start_with(&owner, &settings), Server::start_with(&other, &settings));
    let (rest, rest_of_other) = (Rest::sign_in(&owner).await, Rest::sign_in(&other).await);
    let (path, path_of_other) = (rest.file("letter").await, rest_of_other.file("letter").await);
    assert_eq!(rest.put(&path, "Dear all").await, 503);
    server.resume().await.unwrap();
    let claimed = async {
        while rest.put(&path, "Dear all").await != 200 {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), claimed).await.expect("the owner claims its bucket");
    // By now the other has asked, too.
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(rest_of_other.put(&path_of_other, "Dear nobody").await, 503);
    assert!(owner.stop() && other.stop());
}

/// All that is in a folder, in another one.
fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// A copy of a database takes its contents for its own: it must not remove them where they belong to the first one.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_database_removes_nothing() {
    let [(_first, first), (_second, second), (_third, third)] = [(); 3].map(|()| common::folder());
    let settings = settings(&s3_place().await.unwrap());
    let server = Server::start_with(&first, &settings);
    let rest = Rest::sign_in(&server).await;
    let path = rest.file("letter").await;
    assert_eq!(rest.put(&path, "Dear all").await, 200);
    // One that was cloned from under a server: by what it holds it can not be told from that one after a crash.
    server.kill();
    copy(&first, &second);
    let clone = Server::start_with(&second, &settings);
    let other = Rest::sign_in(&clone).await;
    assert_eq!(other.read(&path).await, (200, "Dear all".to_owned()));
    assert_eq!(other.ask("DELETE", path.trim_end_matches("/data")).send().await.unwrap().status(), 204);
    assert!(clone.stop());
    let server = Server::start_with(&first, &settings);
    let rest = Rest::sign_in(&server).await;
    assert_eq!(rest.read(&path).await, (200, "Dear all".to_owned()), "what the first one names is there");
    assert!(server.stop());

    // One that comes from a backup is another from the beginning.
    let place = format!("sqlite://{}", first.join("realnet.db").display());
    let backup = first.join("backup.tar");
    let backup = backup.to_str().unwrap();
    let moved = |words: &[&str]| {
        let mut command = realnet(&first);
        command.args(words).envs(settings.iter().map(|(name, value)| (name, value)));
        let output = run(&mut command);
        assert!(output.status.success(), "{words:?}: {}", text(&output));
    };
    moved(&["backup", "--from", &place, "--storage", "none", backup]);
    let copied = format!("sqlite://{}", third.join("realnet.db").display());
    moved(&["restore", backup, "--to", &copied, "--storage", "none"]);
    std::fs::copy(first.join("realnet.db.secret-key"), third.join("realnet.db.secret-key")).unwrap();
    let words = text(&run(&mut server_command(&third, &settings)));
    assert!(words.contains("another copy of this database"), "{words}");
    assert!(words.contains("claim-storage"), "{words}");
    // It takes the bucket over on purpose, and the first one is the other from then on.
    let mut claim = realnet(&third);
    claim.args(["server", "claim-storage"]).envs(settings.iter().map(|(name, value)| (name, value)));
    let words = text(&run(&mut claim));
    assert!(words.contains("belongs to this database from here on"), "{words}");
    let restored = Server::start_with(&third, &settings);
    assert_eq!(Rest::sign_in(&restored).await.read(&path).await, (200, "Dear all".to_owned()));
    let words = text(&run(&mut server_command(&first, &settings)));
    assert!(words.contains("another copy of this database"), "{words}");
    assert!(restored.stop());
}

/// Two servers of one database and one bucket, of which both end the same uploads: one item comes of each, with its content.
#[tokio::test(flavor = "multi_thread")]
async fn servers_that_end_an_upload_together_make_one_item() {
    let database = fresh_database().await.unwrap();
    let mut settings = settings(&s3_place().await.unwrap());
    settings.extend(common::postgres_settings(database.url()));
    let [(_first, first), (_second, second)] = [(); 2].map(|()| common::folder());
    let one = Server::start_with(&first, &settings);
    let two = Server::start_with(&second, &settings);
    let (rest, other) = (Rest::sign_in(&one).await, Rest::sign_in(&two).await);
    for round in 0..8 {
        let name = STANDARD.encode(format!("round {round}"));
        let begun = rest.ask("POST", "/api/uploads").header("upload-length", "100000");
        let begun = begun.header("upload-metadata", format!("filename {name}")).send().await.unwrap();
        let upload = begun.headers()["location"].to_str().unwrap().to_owned();
        let append = rest.ask("PATCH", &upload).header("content-type", "application/offset+octet-stream");
        let append = append.header("upload-offset", "0").body(vec![round; 100_000]).send();
        let looks = async {
            loop {
                let answer = other.ask("HEAD", &upload).send().await.unwrap();
                match (answer.status().as_u16(), answer.headers().get("content-location")) {
                    (200, Some(item)) => return item.to_str().unwrap().to_owned(),
                    (200 | 409 | 503, _) => tokio::time::sleep(Duration::from_millis(5)).await,
                    (status, _) => panic!("{status}"),
                }
            }
        };
        let (answer, item) = tokio::join!(append, looks);
        let answer = answer.unwrap();
        match answer.headers().get("content-location") {
            Some(told) => assert_eq!(told.to_str().unwrap(), item),
            None => assert!([409, 503].contains(&answer.status().as_u16()), "{}", answer.status()),
        }
        let made = rest.ask("GET", &format!("/api/files?name=eq.round%20{round}")).send().await.unwrap();
        let made: Value = serde_json::from_str(&made.text().await.unwrap()).unwrap();
        assert_eq!(made.as_array().map(Vec::len), Some(1), "{made}");
        let whole = rest.ask("GET", &format!("{item}/data")).send().await.unwrap().bytes().await.unwrap();
        assert!(whole.len() == 100_000 && whole.iter().all(|byte| *byte == round));
    }
    assert!(one.stop() && two.stop());
}
