//! Contents that move into a bucket, and out of one.

use realnet_core::clock::{IdSource as _, System};
use realnet_testkit::engines::{S3Place, s3_place};
use serde_json::json;

use crate::common::{self, Server, Settings, realnet, run, text};
use crate::shop::{content, embedded, sum, told_with, upload};

fn settings(place: &S3Place) -> Settings {
    [
        ("REALNET_STORAGE_S3_BUCKET", place.bucket),
        ("REALNET_STORAGE_S3_KEY", place.key),
        ("REALNET_STORAGE_S3_SECRET", place.secret),
        ("REALNET_STORAGE_S3_ENDPOINT", &place.endpoint),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// From a folder into a bucket, where a server finds them, and from there into a folder; with what types name for their items.
#[tokio::test(flavor = "multi_thread")]
async fn contents_move_through_a_bucket() {
    let (_guard, folder) = common::folder();
    let place = s3_place().await.unwrap();
    let prefix = System.next_id().to_string();
    let s3 = settings(&place);
    let address = format!("s3://{}/{prefix}", place.bucket);
    let server = Server::start_with(&folder, &embedded("shop.db"));
    let template = upload(&server, b"the letter that stands in").await;
    let client = server.admin().await;
    let types = json!({"types": [{"name": "Letter", "base": "File", "attributes": {"template": template}}]});
    client.apply(&types, &[]).await.unwrap();
    let letter = client.create("letter", &json!({"name": "L"})).await.unwrap();
    let letter = letter["id"].as_str().unwrap();
    let file = upload(&server, &vec![9; 100_000]).await;
    assert!(server.stop());
    let copy = |from: &str, to: &str, more: &[&str]| {
        told_with(&folder, &[&["copy", "--from", from, "--to", to], more].concat(), &s3)
    };
    let said = copy("sqlite://shop.db", "sqlite://moved.db", &["--to-storage", &address]);
    assert!(said.contains("contents of files: 2, 100025 bytes"), "{said}");
    let said = told_with(&folder, &["verify", "sqlite://moved.db", "--storage", &address], &s3);
    assert!(said.contains("contents of files: 2, 100025 bytes"), "{said}");

    let mut there = embedded("moved.db");
    there.extend(s3.clone());
    there.push(("REALNET_STORAGE_S3_PREFIX".to_owned(), prefix.clone()));
    let server = Server::start_with(&folder, &there);
    assert_eq!(content(&server, &file).await, vec![9; 100_000]);
    assert_eq!(
        content(&server, letter).await,
        b"the letter that stands in",
        "a type has its content with it"
    );
    assert!(server.stop());

    // A living copy has it: no other one is mixed with that, and nothing is made before that is known.
    let again = |storage: &str| {
        let to = ["copy", "--from", "sqlite://shop.db", "--to", "sqlite://again.db", "--to-storage", storage];
        let output = run(realnet(&folder).args(to).envs(s3.iter().map(|(name, value)| (name, value))));
        assert!(!output.status.success() && !folder.join("again.db").exists(), "{}", text(&output));
        text(&output)
    };
    let said = again(&address);
    assert!(said.contains("in use by another copy of this database"), "{said}");
    let said = again("s3://realnet-no-such-bucket/x");
    assert!(said.contains("realnet-no-such-bucket"), "{said}");

    // By the settings of the server, and back into a folder.
    let before = sum(&folder, "sqlite://moved.db");
    let mut by_settings = s3.clone();
    by_settings.push(("REALNET_STORAGE_S3_PREFIX".to_owned(), prefix));
    let arguments = [
        "copy",
        "--from",
        "sqlite://moved.db",
        "--to",
        "sqlite://back.db",
        "--from-storage",
        "s3",
        "--to-storage",
        "back",
    ];
    let said = told_with(&folder, &arguments, &by_settings);
    assert!(said.contains("contents of files: 2, 100025 bytes"), "{said}");
    assert_eq!(sum(&folder, "sqlite://back.db"), before);
    let said = told_with(&folder, &["verify", "sqlite://back.db", "--storage", "back"], &Settings::new());
    assert!(said.contains("contents of files: 2, 100025 bytes"), "{said}");

    // A bucket that has another database's contents takes no others.
    let server = Server::start_with(&folder, &embedded("other.db"));
    upload(&server, b"other").await;
    assert!(server.stop());
    let mut command = realnet(&folder);
    command.args([
        "copy",
        "--from",
        "sqlite://other.db",
        "--to",
        "sqlite://mixed.db",
        "--to-storage",
        &address,
    ]);
    let output = run(command.envs(s3.iter().map(|(name, value)| (name, value))));
    assert!(
        !output.status.success() && text(&output).contains("belongs to another database"),
        "{}",
        text(&output)
    );
    assert!(!text(&output).contains(place.secret), "{}", text(&output));
}
