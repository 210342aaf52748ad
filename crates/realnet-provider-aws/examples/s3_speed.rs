//! How fast contents go in and out, beside a bare HTTP client that does the same with one signed request on the same server:
//! `cargo run --release -p realnet-provider-aws --example s3_speed -- MEBIBYTES ROUNDS`. The middle of the rounds counts.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program for the terminal, which ends with its first failure"
)]

use std::time::Instant;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use realnet_core::clock::{IdSource as _, System};
use realnet_core::provider::{ByteRange, ContentId, DataProvider as _, DataStream, Expectation};
use realnet_provider_aws::{S3Data, S3Keys, S3Options};
use realnet_testkit::engines::s3_place;
use rusoto_core::Region;
use rusoto_core::signature::SignedRequest;
use rusoto_credential::AwsCredentials;

/// What a piece of a stream has.
const PIECE: u64 = 64 * 1024;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1).map(|word| word.parse::<u64>().unwrap());
    let (size, rounds) = (arguments.next().unwrap_or(256) << 20, arguments.next().unwrap_or(5));
    let place = s3_place().await.unwrap();
    let mut options = S3Options::new(place.bucket);
    options.endpoint = Some(place.endpoint.parse().unwrap());
    options.keys = Some(S3Keys { id: place.key.to_owned(), secret: place.secret.to_owned() });
    options.prefix = format!("{}/", System.next_id());
    let data = S3Data::open(options.clone()).unwrap();
    let bare = Bare { options, http: reqwest::Client::new() };
    let mut times: [Vec<f64>; 4] = Default::default();
    for _ in 0..rounds {
        let id = ContentId::new(System.next_id());
        times[0].push(seconds(bare.put(size)).await);
        times[1].push(seconds(store(&data, id, size)).await);
        times[2].push(seconds(bare.get(size)).await);
        times[3].push(seconds(read(&data, id, size)).await);
        data.delete(id).await.unwrap();
    }
    let speeds = times.map(|times| (size >> 20) as f64 / middle(times));
    for (what, [bare, store]) in [("store", [speeds[0], speeds[1]]), ("read", [speeds[2], speeds[3]])] {
        println!("{what}: {store:.0} MiB/s, a bare client {bare:.0} MiB/s: {:.0} %", store / bare * 100.0);
    }
}

/// A client that does no more than it must.
struct Bare {
    options: S3Options,
    http: reqwest::Client,
}

impl Bare {
    fn url(&self, method: &str) -> String {
        let endpoint = self.options.endpoint.as_ref().unwrap().as_str().trim_end_matches('/').to_owned();
        let region = Region::Custom { name: self.options.region.clone(), endpoint };
        let path = format!("/{}/{}bare", self.options.bucket, self.options.prefix);
        let keys = self.options.keys.as_ref().unwrap();
        let keys = AwsCredentials::new(&*keys.id, &*keys.secret, None, None);
        SignedRequest::new(method, "s3", &region, &path).generate_presigned_url(
            &keys,
            &std::time::Duration::from_mins(10),
            false,
        )
    }

    async fn put(&self, size: u64) {
        let body = reqwest::Body::wrap_stream(pieces(size));
        let sent =
            self.http.put(self.url("PUT")).header("content-length", size).body(body).send().await.unwrap();
        assert!(sent.status().is_success());
    }

    async fn get(&self, size: u64) {
        let answer = self.http.get(self.url("GET")).send().await.unwrap();
        let read = answer.bytes_stream().try_fold(0, async |read, piece| Ok(read + piece.len() as u64)).await;
        assert_eq!(read.unwrap(), size);
    }
}

async fn store(data: &S3Data, id: ContentId, size: u64) {
    let stored = data.put(id, pieces(size), Expectation::default()).await.unwrap();
    assert_eq!(stored.size, size);
}

async fn read(data: &S3Data, id: ContentId, size: u64) {
    let read = data.get(id, ByteRange::All).await.unwrap().unwrap().data;
    let read = read.try_fold(0, async |read, piece| Ok(read + piece.len() as u64)).await;
    assert_eq!(read.unwrap(), size);
}

/// The same piece over and over.
fn pieces(size: u64) -> DataStream {
    let piece = Bytes::from(vec![7; PIECE as usize]);
    stream::iter((0..size / PIECE).map(move |_| Ok(piece.clone()))).boxed()
}

async fn seconds(work: impl Future<Output = ()>) -> f64 {
    let begun = Instant::now();
    work.await;
    begun.elapsed().as_secs_f64()
}

fn middle(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
