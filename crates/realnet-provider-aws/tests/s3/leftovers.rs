//! What was begun and never ended is found and removed, and nothing else.

use std::time::Duration;

use realnet_core::ErrorKind;
use realnet_core::clock::{Clock as _, System};
use realnet_core::provider::{DataProvider as _, Expectation, UploadProvider as _};
use realnet_provider_aws::S3Options;
use rusoto_core::Region;
use rusoto_core::signature::SignedRequest;
use rusoto_credential::AwsCredentials;

use crate::common::{expect_whole, expectation, generated, next_id, open, options, put};

const PART: u64 = 8 << 20;

/// Asks the server for what no store does; answers the body.
async fn raw(options: &S3Options, method: &str, key: &str, parameters: &[(&str, &str)]) -> String {
    let endpoint = options.endpoint.as_ref().unwrap().as_str().trim_end_matches('/').to_owned();
    let region = Region::Custom { name: options.region.clone(), endpoint };
    let key = if key.is_empty() { String::new() } else { format!("/{}{key}", options.prefix) };
    let mut request = SignedRequest::new(method, "s3", &region, &format!("/{}{key}", options.bucket));
    for (name, value) in parameters {
        request.add_param(*name, *value);
    }
    let keys = options.keys.as_ref().unwrap();
    request.sign(&AwsCredentials::new(&*keys.id, &*keys.secret, None, None));
    let url = format!(
        "{}://{}{}?{}",
        request.scheme(),
        request.hostname(),
        request.canonical_path(),
        request.canonical_query_string()
    );
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut asked = reqwest::Client::new().request(method.parse().unwrap(), url);
    for (name, values) in request.headers() {
        asked = asked.header(name, values[0].as_slice());
    }
    let answer = asked.send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    answer.text().await.unwrap()
}

/// The keys of all objects of the store, and of all multipart uploads.
async fn everything(options: &S3Options) -> (Vec<String>, Vec<String>) {
    let keys = |text: &str| {
        let parts = text.split("<Key>").skip(1).map(|part| part.split("</Key>").next().unwrap());
        parts.map(|key| key.trim_start_matches(&options.prefix).to_owned()).collect::<Vec<_>>()
    };
    let objects = raw(options, "GET", "", &[("list-type", "2"), ("prefix", &options.prefix)]).await;
    let parts = raw(options, "GET", "", &[("uploads", ""), ("prefix", &options.prefix)]).await;
    (keys(&objects), keys(&parts))
}

#[tokio::test(flavor = "multi_thread")]
async fn leftovers_go_and_all_else_stays() {
    let options = options().await;
    let data = open(&options);
    let [content, small, upload, unused, orphan, begun] = [(); 6].map(|()| next_id());
    put(&data, content, PART + 1).await.unwrap();
    put(&data, small, 10).await.unwrap();
    data.begin_upload(unused).await.unwrap();
    data.append_upload(unused, 0, generated(PART + 3), None).await.unwrap();
    data.begin_upload(upload).await.unwrap();
    data.append_upload(upload, 0, generated(PART), None).await.unwrap();
    // What crashes leave: bytes that no content has, and parts that nobody will ever complete.
    raw(&options, "PUT", &format!("data/{orphan}/0"), &[]).await;
    raw(&options, "PUT", &format!("data/{small}/0"), &[]).await;
    raw(&options, "POST", &format!("data/{begun}/0"), &[("uploads", "")]).await;
    let before = everything(&options).await;
    assert_eq!((before.0.len(), before.1.len()), (7, 3), "{before:?}");
    assert_eq!(data.expire_uploads(System.now().plus_seconds(-3600)).await.unwrap(), 0);
    assert_eq!(everything(&options).await, before, "what is young may still be named");

    tokio::time::sleep(Duration::from_secs(2)).await;
    let since = System.now();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let more = futures::StreamExt::boxed(futures::stream::iter([Ok(vec![1_u8; 5].into())]));
    data.append_upload(upload, PART, more, None).await.unwrap();
    assert_eq!(data.expire_uploads(since).await.unwrap(), 1);
    // What nobody names may be on its way for two weeks: of a slow content no more is known than when it began.
    let (objects, parts) = everything(&options).await;
    for there in [format!("data/{orphan}/0"), format!("data/{small}/0")] {
        assert!(objects.contains(&there), "{objects:?}");
    }
    assert_eq!(parts.len(), 2, "{parts:?}");
    let stored = data.finish_upload(upload, Expectation::default()).await.unwrap();
    assert_eq!(stored.size, PART + 5);
    assert_eq!(data.expire_uploads(System.now().plus_seconds(15 * 24 * 3600)).await.unwrap(), 0);
    let (mut objects, parts) = everything(&options).await;
    let of_large = |key: &String| [content, upload].iter().any(|id| key.starts_with(&format!("data/{id}/")));
    objects.retain(|key| !of_large(key));
    let mut stay = [content, small, upload].map(|id| format!("contents/{id}"));
    stay.sort();
    assert_eq!((objects.as_slice(), parts.as_slice()), (&stay[..], &[][..]));
    expect_whole(&data, content, PART + 1).await;
    expect_whole(&data, small, 10).await;
}

/// A call that is given up in the middle of many parts takes them back by itself.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_is_taken_back() {
    use futures::StreamExt as _;
    let options = options().await;
    let data = open(&options);
    let id = next_id();
    let silent = generated(2 * PART).chain(futures::stream::pending()).boxed();
    let put = data.put(id, silent, Expectation::default());
    assert!(tokio::time::timeout(Duration::from_secs(3), put).await.is_err());
    for _ in 0..100 {
        if everything(&options).await == (Vec::new(), Vec::new()) {
            data.put(id, generated(5), expectation(5).await).await.unwrap();
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("left over: {:?}", everything(&options).await);
}

/// Two servers that write to one upload may send parts of the same number. Where the last one takes the place of the first, nothing is
/// made of them; this server of S3 keeps both, and takes the one that is named.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_somebody_else_is_no_part_of_it() {
    let options = options().await;
    let data = open(&options);
    let id = next_id();
    data.begin_upload(id).await.unwrap();
    data.append_upload(id, 0, generated(PART + 3), None).await.unwrap();
    let (_, parts) = everything(&options).await;
    let listed = raw(&options, "GET", "", &[("uploads", ""), ("prefix", &options.prefix)]).await;
    let upload = listed.split("<UploadId>").nth(1).unwrap().split("</UploadId>").next().unwrap();
    raw(&options, "PUT", &parts[0], &[("partNumber", "1"), ("uploadId", upload)]).await;
    match data.finish_upload(id, Expectation::default()).await {
        Ok(_) => expect_whole(&data, id, PART + 3).await,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{}", error.report());
            assert!(data.abort_upload(id).await.unwrap());
        }
    }
}
