//! What clients do by themselves, with requests that the store has signed.

use std::time::Duration;

use realnet_core::clock::{Clock as _, System};
use realnet_core::provider::{
    ContentId, DataProvider as _, DownloadTerms, Expectation, SignedRequest, UploadProvider as _, UploadTerms,
};
use realnet_core::{ErrorKind, Result};
use realnet_provider_aws::S3Data;
use realnet_testkit::data::{checksum, sample};

use crate::common::{expect_failure, expect_whole, next_id, open, options, put};

/// A client, which knows nothing of the store.
fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// Does what a signed request says; answers the status and the body.
async fn send(request: &SignedRequest, body: &[u8]) -> (u16, Vec<u8>) {
    let mut asked = client().request(request.method.parse().unwrap(), request.url.clone());
    for (name, value) in &request.headers {
        asked = asked.header(name, value);
    }
    let answer = match request.method {
        "GET" => asked,
        "PUT" => asked.body(body.to_vec()),
        _ => {
            let mut form = Vec::new();
            for (name, value) in &request.fields {
                let part =
                    format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
                form.extend_from_slice(part.as_bytes());
            }
            let head = "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";
            form.extend_from_slice(head.as_bytes());
            form.extend_from_slice(body);
            form.extend_from_slice(b"\r\n--edge--\r\n");
            asked.header("content-type", "multipart/form-data; boundary=edge").body(form)
        }
    };
    let answer = answer.send().await.unwrap();
    (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec())
}

async fn upload(data: &S3Data, id: ContentId, expected: Expectation, seconds: i64) -> Result<SignedRequest> {
    let expires_at = System.now().plus_seconds(seconds);
    let terms = UploadTerms { content_type: "text/plain".to_owned(), expected, expires_at };
    data.presign_upload(id, &terms).await
}

fn exactly(bytes: &[u8]) -> Expectation {
    Expectation { size: Some(bytes.len() as u64), checksum: Some(checksum(bytes)), limit: None }
}

/// A form for who knows the size, and a `PUT` for who knows the checksum; each ends in a content.
#[tokio::test(flavor = "multi_thread")]
async fn clients_send_contents_by_themselves() {
    let data = open(&options().await);
    let bytes = sample(300_000, 1);
    let sized = Expectation { checksum: None, ..exactly(&bytes) };
    for (expected, method) in [(exactly(&bytes), "PUT"), (sized, "POST"), (Expectation::default(), "POST")] {
        for begun in [false, true] {
            let id = next_id();
            if begun {
                data.begin_upload(id).await.unwrap();
            }
            let request = upload(&data, id, expected, 600).await.unwrap();
            assert_eq!(request.method, method);
            let (status, body) = send(&request, &bytes).await;
            assert!(status < 300, "{status}: {}", String::from_utf8_lossy(&body));
            assert!(data.head(id).await.unwrap().is_none(), "it is no content before it is finished");
            assert!(data.list(None, 100).await.unwrap().contents.iter().all(|entry| entry.id != id));
            let content = data.finish_upload(id, exactly(&bytes)).await.unwrap();
            assert_eq!(data.finish_upload(id, exactly(&bytes)).await.unwrap(), content);
            assert_eq!(data.upload_offset(id).await.unwrap(), None);
            // Who still has leave changes nothing any more.
            send(&request, &bytes).await;
            assert_eq!(data.head(id).await.unwrap(), Some(content));
            assert!(data.finish_upload(id, exactly(&bytes)).await.is_ok());
        }
    }
}

/// What is too long for a form, or is not what a `PUT` was signed for, the server refuses itself.
#[tokio::test(flavor = "multi_thread")]
async fn the_server_holds_clients_to_the_terms() {
    let data = open(&options().await);
    let bytes = sample(10_000, 1);
    let id = next_id();
    let limited = Expectation { limit: Some(9_999), ..Expectation::default() };
    let form = upload(&data, id, limited, 600).await.unwrap();
    assert!(send(&form, &bytes).await.0 >= 400, "a form has a limit");
    let sized = Expectation { size: Some(10_001), ..Expectation::default() };
    let form = upload(&data, id, sized, 600).await.unwrap();
    assert!(send(&form, &bytes).await.0 >= 400, "a form has a size");
    let mut other = form.clone();
    let key = other.fields.iter_mut().find(|(name, _)| name == "key").unwrap();
    key.1 = key.1.replace(&id.to_string(), &next_id().to_string());
    assert!(send(&other, &sample(10_001, 1)).await.0 >= 400, "a form is for one key");
    let bound = upload(&data, id, exactly(&bytes), 600).await.unwrap();
    assert!(send(&bound, &sample(10_000, 2)).await.0 >= 400, "a request is for one content");
    expect_failure(data.finish_upload(id, Expectation::default()).await, ErrorKind::NotFound, "upload");
}

/// What a client has sent is not taken for what it was to be.
#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_is_compared() {
    let data = open(&options().await);
    let (id, bytes) = (next_id(), sample(20_000, 1));
    let form = upload(&data, id, Expectation::default(), 600).await.unwrap();
    assert!(send(&form, &bytes).await.0 < 300);
    for wrong in
        [exactly(&bytes[1..]), Expectation { checksum: Some(checksum(b"other")), ..Expectation::default() }]
    {
        expect_failure(data.finish_upload(id, wrong).await, ErrorKind::InvalidInput, "the content");
        assert!(data.head(id).await.unwrap().is_none());
    }
    // It can be sent again.
    let right = sample(20_000, 2);
    assert!(send(&form, &right).await.0 < 300);
    data.finish_upload(id, exactly(&right)).await.unwrap();

    let aborted = next_id();
    let form = upload(&data, aborted, Expectation::default(), 600).await.unwrap();
    assert!(send(&form, &bytes).await.0 < 300);
    assert!(data.abort_upload(aborted).await.unwrap());
    expect_failure(data.finish_upload(aborted, Expectation::default()).await, ErrorKind::NotFound, "upload");
}

/// A content is fetched as it is to be shown, small or large.
#[tokio::test(flavor = "multi_thread")]
async fn clients_fetch_contents_by_themselves() {
    let data = open(&options().await);
    for size in [1000, (8 << 20) + 1] {
        let id = next_id();
        put(&data, id, size).await.unwrap();
        let terms = DownloadTerms {
            content_type: "text/x-shown".to_owned(),
            disposition: "attachment; filename=\"a b.txt\"".to_owned(),
            expires_at: System.now().plus_seconds(600),
        };
        let request = data.presign_download(id, &terms).await.unwrap();
        assert_eq!(request.method, "GET");
        let answer = client().get(request.url.clone()).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/x-shown");
        assert_eq!(answer.headers()["content-disposition"], terms.disposition.as_str());
        assert_eq!(answer.bytes().await.unwrap().len() as u64, size);
        expect_whole(&data, id, size).await;
        expect_failure(data.presign_download(next_id(), &terms).await, ErrorKind::NotFound, "content");
        let past = DownloadTerms { expires_at: System.now(), ..terms };
        expect_failure(data.presign_download(id, &past).await, ErrorKind::InvalidInput, "future");
    }
}

/// After its end a request is worth nothing.
#[tokio::test(flavor = "multi_thread")]
async fn requests_expire() {
    let data = open(&options().await);
    let (id, sent) = (next_id(), next_id());
    put(&data, id, 1000).await.unwrap();
    let terms = DownloadTerms {
        content_type: "text/plain".to_owned(),
        disposition: "inline".to_owned(),
        expires_at: System.now().plus_seconds(3),
    };
    let get = data.presign_download(id, &terms).await.unwrap();
    let put = upload(&data, sent, exactly(b"late"), 3).await.unwrap();
    let form = upload(&data, sent, Expectation::default(), 3).await.unwrap();
    for request in [&get, &put, &form] {
        assert!(request.expires_at <= System.now().plus_seconds(3));
    }
    assert_eq!(send(&get, b"").await.0, 200);
    tokio::time::sleep(Duration::from_secs(5)).await;
    for request in [get, put, form] {
        let (status, _) = send(&request, b"late").await;
        assert!((400..500).contains(&status), "{}: {status}", request.method);
    }
    expect_failure(data.finish_upload(sent, Expectation::default()).await, ErrorKind::NotFound, "upload");
    // No longer than signatures of version 4 live.
    let long = upload(&data, sent, Expectation::default(), 30 * 24 * 3600).await.unwrap();
    assert!(long.expires_at <= System.now().plus_seconds(7 * 24 * 3600));
}
