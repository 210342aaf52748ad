//! A bucket that can not be used, from the beginning or from the middle of an upload on: it is said so, and nothing is lost.

use std::sync::Arc;

use futures::stream::{self, StreamExt as _};
use realnet_testkit::engines::{ObjectServer, s3_place};
use serde_json::json;

use crate::common::{self, Server, Settings, server_command};
use crate::{Rest, settings};

/// What the log of a server says, which starts, refuses contents, and serves all else.
async fn refusing(settings: &Settings, (name, value): (&str, &str)) -> String {
    let (_guard, folder) = common::folder();
    let log = folder.join("log");
    let mut command = server_command(&folder, settings);
    command.env(name, value);
    let server = Server::spawn_logging(&mut command, std::fs::File::create(&log).unwrap());
    let rest = Rest::sign_in(&server).await;
    let path = rest.file("letter").await;
    let (status, problem) = rest.call("PUT", &path, &json!("words")).await;
    assert_eq!((status, problem["status"].as_u64()), (503, Some(503)), "{name}: {problem}");
    assert_eq!(rest.ask("GET", path.trim_end_matches("/data")).send().await.unwrap().status(), 200);
    assert!(server.stop());
    std::fs::read_to_string(log).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_says_why_it_takes_no_contents() {
    let settings = settings(&s3_place().await.unwrap());
    for (name, value, words) in [
        ("REALNET_STORAGE_S3_BUCKET", "not-there", "the bucket of the S3 storage is not there"),
        ("REALNET_STORAGE_S3_SECRET", "hunter2", "the S3 storage refuses the credentials"),
    ] {
        let log = refusing(&settings, (name, value)).await;
        assert!(log.contains(words) && !log.contains("hunter2"), "{name}: {log}");
    }
}

const MIB: usize = 1 << 20;

/// Pieces of one MiB; in the middle of them the server of the bucket goes.
fn breaking(server: &Arc<ObjectServer>, pieces: usize) -> reqwest::Body {
    let server = Arc::clone(server);
    reqwest::Body::wrap_stream(stream::iter(0..pieces).then(move |index| {
        let server = Arc::clone(&server);
        async move {
            if index == pieces / 2 {
                server.crash().await.unwrap();
            }
            Ok::<_, std::io::Error>(vec![index as u8; MIB])
        }
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_goes_in_the_middle_loses_nothing() {
    let (_guard, folder) = common::folder();
    let bucket = Arc::new(ObjectServer::start().await.unwrap());
    let server = Server::start_with(&folder, &settings(bucket.place()));
    let rest = Rest::sign_in(&server).await;
    let path = rest.file("letter").await;
    assert_eq!(rest.put(&path, "Dear all").await, 200);
    let answer = rest.ask("PUT", &path).body(breaking(&bucket, 48)).send().await.unwrap();
    let status = answer.status().as_u16();
    let words = answer.text().await.unwrap();
    assert!(status == 503 && words.contains("the S3 storage does not answer"), "{status}: {words}");
    bucket.resume().await.unwrap();
    assert_eq!(rest.read(&path).await, (200, "Dear all".to_owned()), "the content of before is there");

    // What comes in pieces goes on from what was acknowledged.
    let begun = rest.ask("POST", "/api/uploads").header("upload-length", (32 * MIB).to_string());
    let begun = begun.send().await.unwrap();
    let upload = begun.headers()["location"].to_str().unwrap().to_owned();
    let append = |at: usize, body: reqwest::Body| {
        let asked = rest.ask("PATCH", &upload).header("content-type", "application/offset+octet-stream");
        asked.header("upload-offset", at.to_string()).body(body).send()
    };
    let first = append(0, vec![1; 9 * MIB].into()).await.unwrap();
    assert_eq!(first.status(), 204, "{}", first.text().await.unwrap());
    let broken = append(9 * MIB, breaking(&bucket, 23)).await.unwrap();
    assert_eq!(broken.status(), 503, "{}", broken.text().await.unwrap());
    bucket.resume().await.unwrap();
    let seen = rest.ask("HEAD", &upload).send().await.unwrap();
    let at: usize = seen.headers()["upload-offset"].to_str().unwrap().parse().unwrap();
    assert!((9 * MIB..32 * MIB).contains(&at), "what was acknowledged is there, not {at}");
    let rest_of_it: Vec<u8> = (at..32 * MIB).map(|place| ((place - 9 * MIB) / MIB) as u8).collect();
    let done = append(at, rest_of_it.into()).await.unwrap();
    assert_eq!(done.status(), 204, "{}", done.text().await.unwrap());
    let item = done.headers()["content-location"].to_str().unwrap().to_owned();
    let whole = rest.ask("GET", &format!("{item}/data")).send().await.unwrap().bytes().await.unwrap();
    let expected = |place: usize| if place < 9 * MIB { 1 } else { ((place - 9 * MIB) / MIB) as u8 };
    assert_eq!(whole.len(), 32 * MIB);
    assert!(whole.iter().enumerate().all(|(place, byte)| *byte == expected(place)));
}
