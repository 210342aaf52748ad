//! Durability below the store: the system calls of a running server are traced, and made to fail.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use common::Server;
use serde_json::json;

/// How many writes are traced.
const WRITES: usize = 20;

/// `strace` on a running server, from now until it is dropped.
struct Tracer(Child);

impl Tracer {
    /// Traces what the filter names into `trace`, and injects the faults that it asks for.
    fn attach(server: &Server, trace: &Path, filter: &[&str]) -> Self {
        let mut command = Command::new("strace");
        command.args(["-f", "-s", "16", "-o"]).arg(trace).args(filter).args(["-p", &server.id().to_string()]);
        let mut child = command.stderr(Stdio::piped()).spawn().expect("strace starts");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        assert!(first.contains("attached"), "strace can not attach: {first}");
        std::thread::spawn(move || lines.for_each(drop));
        Self(child)
    }

    /// Lets go of the server and finishes the trace.
    fn detach(mut self) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.0.wait().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_write_was_synced_before() {
    let (_guard, folder) = common::folder();
    let trace = folder.join("trace");
    let server = Server::start(&folder);
    let client = server.admin().await;
    let tracer =
        Tracer::attach(&server, &trace, &["-e", "trace=fsync,fdatasync,write,writev,sendto,sendmsg"]);
    for number in 0..WRITES {
        client.create("item", &json!({"name": format!("traced {number}")})).await.unwrap();
    }
    tracer.detach();
    let trace = std::fs::read_to_string(&trace).unwrap();
    let (mut synced, mut acknowledged) = (0, 0);
    for line in trace.lines() {
        if (line.contains("fdatasync(") || line.contains("fsync(") || line.contains("sync resumed"))
            && line.ends_with("= 0")
        {
            synced += 1;
        }
        if line.contains("\"HTTP/1.1 201 Cre") {
            assert!(synced > 0, "answer {acknowledged} left before anything was synced:\n{line}");
            acknowledged += 1;
            synced = 0;
        }
    }
    assert_eq!(acknowledged, WRITES, "the trace does not show the answers");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_can_not_be_synced_is_not_acknowledged() {
    let (_guard, folder) = common::folder();
    let server = Server::start(&folder);
    let client = server.admin().await;
    let kept = client.create("item", &json!({"name": "kept"})).await.unwrap();
    let filter = ["-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO"];
    let _tracer = Tracer::attach(&server, &folder.join("trace"), &filter);
    for number in 0..5 {
        let error = client.create("item", &json!({"name": format!("lost {number}")})).await.unwrap_err();
        assert_eq!(error.status(), Some(503), "{error}");
        assert!(error.to_string().contains("disk"), "{error}");
    }
    // Reading goes on.
    let id = kept["id"].as_str().unwrap();
    assert_eq!(client.get("item", id).await.unwrap()["name"], "kept");
    server.kill();
    let server = Server::start(&folder);
    assert_eq!(server.admin().await.get("item", id).await.unwrap()["name"], "kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_so_and_loses_nothing() {
    let (_guard, folder) = common::folder();
    let server = Server::start(&folder);
    let client = server.admin().await;
    let kept = client.create("item", &json!({"name": "kept"})).await.unwrap();
    let filter = ["-e", "trace=pwrite64", "-e", "inject=pwrite64:error=ENOSPC"];
    let _tracer = Tracer::attach(&server, &folder.join("trace"), &filter);
    let error = client.create("item", &json!({"name": "one too many"})).await.unwrap_err();
    assert_eq!(error.status(), Some(503), "{error}");
    assert!(error.to_string().contains("full"), "{error}");
    server.kill();
    let server = Server::start(&folder);
    let id = kept["id"].as_str().unwrap();
    assert_eq!(server.admin().await.get("item", id).await.unwrap()["name"], "kept");
}
