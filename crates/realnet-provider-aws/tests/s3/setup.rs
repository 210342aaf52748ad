//! A store that is set up wrongly says what is wrong, to strangers and to who runs the server.

use realnet_core::ErrorKind;
use realnet_core::provider::{ByteRange, DataProvider as _, UploadProvider as _};
use realnet_provider_aws::{S3Data, S3Keys, S3Options};

use crate::common::{expect_failure, next_id, open, options};

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
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = Some(format!("http://{free}").parse().unwrap());
    let data = open(&S3Options { endpoint, attempts: 2, ..options().await });
    expect_failure(data.check().await, ErrorKind::Unavailable, "does not answer");
}

#[test]
fn slips_are_refused_before_anything_is_asked() {
    let error = S3Data::open(S3Options { prefix: "../".to_owned(), ..S3Options::new("b") }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let named: Vec<&str> = error.violations().iter().map(|violation| violation.pointer.as_str()).collect();
    assert_eq!(named, ["bucket", "prefix"]);
}
