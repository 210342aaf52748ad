//! What goes wrong on the way to the server: a clear error and nothing lost, or a delay that nobody else notices.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use realnet_core::ErrorKind;
use realnet_core::provider::{ByteRange, DataProvider as _, Expectation, UploadProvider as _};
use realnet_provider_aws::S3Options;
use realnet_testkit::engines::{ObjectServer, s3_place};

use crate::common::{
    digested, expect_failure, expect_whole, expectation, generated, next_id, open, options_at, put,
};
use crate::proxy::Proxy;

const PART: u64 = 8 << 20;

async fn proxy() -> Proxy {
    Proxy::before(&s3_place().await.unwrap()).await
}

/// A busy server is asked again, and so is one that has cut the connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_busy_server_is_asked_again() {
    let proxy = proxy().await;
    let data = open(&options_at(&proxy.place));
    proxy.trouble.busy.store(3, Relaxed);
    let id = next_id();
    put(&data, id, 100_000).await.unwrap();
    assert_eq!(proxy.trouble.busy.load(Relaxed), 0);
    expect_whole(&data, id, 100_000).await;
    // As often as the options say, and not for ever.
    let data = open(&S3Options { attempts: 3, ..options_at(&proxy.place) });
    proxy.trouble.busy.store(1000, Relaxed);
    let error = expect_failure(data.head(id).await, ErrorKind::Unavailable, "has failed");
    assert!(error.is_retryable() && error.report().contains("503"), "{}", error.report());
    assert_eq!(proxy.trouble.busy.load(Relaxed), 997);
}

/// Connections that break in the middle of parts are made again.
#[tokio::test(flavor = "multi_thread")]
async fn broken_connections_cost_time_only() {
    let proxy = proxy().await;
    let data = open(&options_at(&proxy.place));
    let (id, size) = (next_id(), 5 * PART);
    proxy.trouble.cut_sending.store(13 << 20, Relaxed);
    data.put(id, generated(size), expectation(size).await).await.unwrap();
    proxy.trouble.cut_sending.store(0, Relaxed);
    assert!(proxy.trouble.cuts.swap(0, Relaxed) >= 3, "it was cut several times");
    proxy.trouble.cut_receiving.store(7 << 20, Relaxed);
    expect_whole(&data, id, size).await;
    assert!(proxy.trouble.cuts.load(Relaxed) >= 5, "it was cut several times");
}

/// A byte that changes on its way does not get into the store.
#[tokio::test(flavor = "multi_thread")]
async fn the_server_compares_checksums() {
    let proxy = proxy().await;
    for size in [1 << 20, 2 * PART] {
        let data = open(&options_at(&proxy.place));
        let id = next_id();
        // Behind the heads of the first requests, in the middle of a body.
        let sent = proxy.trouble.sent();
        proxy.trouble.flip.store(sent + (1 << 19), Relaxed);
        let error = expect_failure(put(&data, id, size).await, ErrorKind::Unavailable, "has failed");
        assert!(error.report().contains("Digest"), "{}", error.report());
        assert!(data.head(id).await.unwrap().is_none());
        put(&data, id, size).await.unwrap();
        expect_whole(&data, id, size).await;
    }
}

/// A server that dies in the middle of an upload: the upload fails, and nothing of it is there when the server is back.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_in_mid_upload() {
    let server = ObjectServer::start().await.unwrap();
    let options = S3Options { attempts: 2, timeout: Duration::from_secs(2), ..options_at(server.place()) };
    let data = open(&options);
    let (kept, resumed, lost) = (next_id(), next_id(), next_id());
    put(&data, kept, PART + 5).await.unwrap();
    data.begin_upload(resumed).await.unwrap();
    assert_eq!(data.append_upload(resumed, 0, generated(PART + 7), None).await.unwrap(), PART + 7);

    // It dies when the second part is on its way, while the client goes on sending.
    let killing = stream::once(async move {
        server.crash().await.unwrap();
        let piece = generated(65_536).try_next().await.unwrap().unwrap();
        drop(tokio::spawn(async move {
            // Kept until the test has seen the failure.
            tokio::time::sleep(Duration::from_secs(20)).await;
            server.resume().await.unwrap();
            tokio::time::sleep(Duration::from_mins(10)).await;
            drop(server);
        }));
        Ok(piece)
    });
    let stream = generated(PART + 100).chain(killing).chain(generated(3 * PART)).boxed();
    let stored = data.put(lost, stream, Expectation::default()).await;
    expect_failure(stored, ErrorKind::Unavailable, "does not answer");
    expect_failure(data.check().await, ErrorKind::Unavailable, "does not answer");

    let back = async {
        while data.check().await.is_err() {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(90), back).await.expect("the server comes back");
    assert!(data.head(lost).await.unwrap().is_none());
    assert!(data.get(lost, ByteRange::All).await.unwrap().is_none());
    expect_whole(&data, kept, PART + 5).await;
    assert_eq!(data.upload_offset(resumed).await.unwrap(), Some(PART + 7));
    data.finish_upload(resumed, expectation(PART + 7).await).await.unwrap();
    expect_whole(&data, resumed, PART + 7).await;
    put(&data, lost, PART + 9).await.unwrap();
}

/// A server that is slow is waited for; one that says nothing is not waited for for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_server_is_waited_for_and_a_silent_one_is_not() {
    let proxy = proxy().await;
    let data = open(&S3Options { timeout: Duration::from_secs(3), attempts: 2, ..options_at(&proxy.place) });
    let id = next_id();
    proxy.trouble.delay.store(40, Relaxed);
    let begun = Instant::now();
    put(&data, id, 1 << 20).await.unwrap();
    expect_whole(&data, id, 1 << 20).await;
    assert!(begun.elapsed() > Duration::from_millis(500));
    proxy.trouble.delay.store(60_000, Relaxed);
    let begun = Instant::now();
    expect_failure(data.head(id).await, ErrorKind::Unavailable, "does not answer");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

/// A reader notices a server that goes silent in the middle, when it does not come back.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_is_told_when_the_rest_does_not_come() {
    let proxy = proxy().await;
    let data = open(&S3Options { timeout: Duration::from_secs(1), attempts: 2, ..options_at(&proxy.place) });
    let (id, size) = (next_id(), 3 * PART);
    put(&data, id, size).await.unwrap();
    let mut read = data.get(id, ByteRange::All).await.unwrap().unwrap().data;
    read.try_next().await.unwrap().unwrap();
    proxy.trouble.closed.store(1, Relaxed);
    expect_failure(digested(read).await, ErrorKind::Unavailable, "does not answer");
    proxy.trouble.closed.store(0, Relaxed);
    expect_whole(&data, id, size).await;
}
