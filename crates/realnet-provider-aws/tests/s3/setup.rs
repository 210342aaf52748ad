//! A store that is set up wrongly says what is wrong, to strangers and to who runs the server.

use realnet_core::ErrorKind;
use realnet_core::provider::{ByteRange, DataProvider as _, UploadProvider as _};
use realnet_provider_aws::{S3Data, S3Keys, S3Options};
use realnet_testkit::engines::free_port;

use crate::common::{expect_failure, next_id, open, options};
use crate::stub::{Asked, Stub};

#[tokio::test]
async fn a_good_setup_is_found_good() {
    let data = open(&options().await);
    data.check().await.unwrap();
    assert!(data.list(None, 10).await.unwrap().contents.is_empty(), "a check leaves nothing");
}

#[tokio::test]
async fn wrong_keys_are_refused() {
    let right = options().await;
    let keys = right.keys.clone().unwrap();
    let wrong = [
        S3Keys { secret: "wrong-secret".to_owned(), ..keys.clone() },
        S3Keys { id: "unknown".to_owned(), ..keys },
    ];
    for keys in wrong {
        let data = open(&S3Options { keys: Some(keys), ..right.clone() });
        let id = next_id();
        let refused = [
            data.check().await.err(),
            data.head(id).await.err(),
            data.get(id, ByteRange::All).await.map(drop).err(),
            crate::common::put(&data, id, 1000).await.err(),
            crate::common::put(&data, id, 20 << 20).await.err(),
            data.list(None, 10).await.err(),
            data.begin_upload(id).await.err(),
        ];
        for error in refused {
            let error = error.expect("nothing is possible without a key");
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(error.message().contains("refuses the credentials"), "{}", error.report());
            assert!(!error.report().contains("wrong-secret"), "{}", error.report());
        }
    }
}

#[tokio::test]
async fn a_missing_bucket_is_named() {
    let data = open(&S3Options { bucket: "not-there".to_owned(), ..options().await });
    let id = next_id();
    let error = expect_failure(data.check().await, ErrorKind::Unavailable, "the bucket");
    assert!(error.report().contains("not-there"), "{}", error.report());
    expect_failure(data.head(id).await, ErrorKind::Unavailable, "the bucket");
    expect_failure(data.get(id, ByteRange::All).await, ErrorKind::Unavailable, "the bucket");
    expect_failure(data.list(None, 10).await, ErrorKind::Unavailable, "the bucket");
    expect_failure(data.delete(id).await, ErrorKind::Unavailable, "the bucket");
    expect_failure(data.begin_upload(id).await, ErrorKind::Unavailable, "the bucket");
}

#[tokio::test]
async fn a_server_that_is_away_is_said_to_be() {
    let endpoint = Some(format!("http://127.0.0.1:{}", free_port().unwrap()).parse().unwrap());
    let data = open(&S3Options { endpoint, attempts: 2, ..options().await });
    expect_failure(data.check().await, ErrorKind::Unavailable, "does not answer");
}

/// What Amazon answers to the requests of a check, as far as this matters.
fn as_amazon(asked: &Asked) -> (u16, String) {
    let line = asked.line.as_str();
    let is_part = line.contains("partNumber=");
    if is_part && asked.heads.contains("x-amz-checksum-") {
        let words =
            "Checksum Type mismatch occurred, expected checksum Type: null, actual checksum Type: sha256";
        return (400, format!("<Error><Code>InvalidRequest</Code><Message>{words}</Message></Error>"));
    }
    let upload = "<InitiateMultipartUploadResult><UploadId>U1</UploadId></InitiateMultipartUploadResult>";
    let completed = "<CompleteMultipartUploadResult><Key>k</Key></CompleteMultipartUploadResult>";
    match line.split(' ').next() {
        Some("PUT") if asked.heads.contains("if-none-match: *") => (412, String::new()),
        Some("POST") if line.contains("uploadId=") => (200, completed.to_owned()),
        Some("POST") => (200, upload.to_owned()),
        Some("GET") => (200, "?".to_owned()),
        Some("DELETE") => (204, String::new()),
        _ => (200, String::new()),
    }
}

/// Amazon refuses parts with a checksum that their upload was not begun with, which the server of the other tests does not.
#[tokio::test]
async fn a_check_sends_a_part_as_amazon_takes_it() {
    let server = Stub::start(as_amazon).await;
    let options = S3Options {
        endpoint: Some(server.url.parse().unwrap()),
        keys: Some(S3Keys { id: "id".to_owned(), secret: "secret".to_owned() }),
        ..S3Options::new("some-bucket")
    };
    let data = open(&options);
    data.check().await.unwrap();
    data.check().await.unwrap();
    let asked = server.asked();
    let parts: Vec<&Asked> = asked.iter().filter(|asked| asked.line.contains("partNumber=1")).collect();
    assert_eq!(parts.len(), 1, "what was seen to work is not tried again");
    assert_eq!(parts[0].body, "?");
    // The header's name is in lower case, and so is its value in what the stub notes.
    assert!(parts[0].heads.contains("content-md5: 0uv7csp7mjomcrja7z6rxq=="), "{}", parts[0].heads);
    let removed = |asked: &&Asked| asked.line.starts_with("DELETE") && asked.line.contains("-parts");
    assert_eq!(asked.iter().filter(removed).count(), 1);
}

#[test]
fn slips_are_refused_before_anything_is_asked() {
    let error = S3Data::open(S3Options { prefix: "../".to_owned(), ..S3Options::new("b") }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let named: Vec<&str> = error.violations().iter().map(|violation| violation.pointer.as_str()).collect();
    assert_eq!(named, ["bucket", "prefix"]);
}
