//! Durability below the store: the system calls of a running server are traced, and made to fail.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::Path;
use std::process::Command;

use common::Server;
use serde_json::json;

/// How many writes are traced.
const WRITES: usize = 20;

/// A server below `strace`, which logs to `trace` and may inject faults.
fn traced(folder: &Path, trace: &Path, filter: &[&str]) -> Server {
    let inner = common::server_command(folder, &common::Settings::new());
    let mut command = Command::new("strace");
    // Only system calls of the filter stop the process: it runs at nearly full speed.
    command.args(["-f", "-qq", "--seccomp-bpf", "-s", "16", "-o"]).arg(trace).args(filter);
    command.arg("--").arg(inner.get_program()).args(inner.get_args()).current_dir(folder);
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Server::spawn(&mut command)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_write_was_synced_before() {
    let (_guard, folder) = common::folder();
    let trace = folder.join("trace");
    let server = traced(&folder, &trace, &["-e", "trace=fsync,fdatasync,write,writev,sendto,sendmsg"]);
    let client = server.admin().await;
    for number in 0..WRITES {
        client.create("item", &json!({"name": format!("traced {number}")})).await.unwrap();
    }
    assert!(stop_below_strace(server));
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
    // The first start brings the store to rest; then every sync fails.
    let server = Server::start(&folder);
    let kept = server.admin().await.create("item", &json!({"name": "kept"})).await.unwrap();
    assert!(server.stop());
    let trace = folder.join("trace");
    let filter = ["-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO:when=3+"];
    let server = traced(&folder, &trace, &filter);
    let client = server.admin().await;
    let mut refused = 0;
    for number in 0..5 {
        match client.create("item", &json!({"name": format!("lost {number}")})).await {
            Ok(_) => assert_eq!(refused, 0, "a write succeeded on a disk that fails"),
            Err(error) => {
                assert!(matches!(error.status(), Some(500..=599)), "{error}");
                refused += 1;
            }
        }
    }
    assert!(refused >= 2, "no fault reached the store");
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
    let kept = server.admin().await.create("item", &json!({"name": "kept"})).await.unwrap();
    assert!(server.stop());
    let trace = folder.join("trace");
    let filter = ["-e", "trace=pwrite64", "-e", "inject=pwrite64:error=ENOSPC:when=4+"];
    let server = traced(&folder, &trace, &filter);
    let client = server.admin().await;
    let mut error = None;
    for number in 0..5 {
        error = client.create("item", &json!({"name": format!("big {number}")})).await.err().or(error);
    }
    let error = error.expect("a write failed");
    assert_eq!(error.status(), Some(503), "{error}");
    assert!(error.to_string().contains("disk") || error.to_string().contains("space"), "{error}");
    server.kill();
    let server = Server::start(&folder);
    let id = kept["id"].as_str().unwrap();
    assert_eq!(server.admin().await.get("item", id).await.unwrap()["name"], "kept");
}

/// The traced process is the child of strace, which passes no signal on but ends with its child.
fn stop_below_strace(server: Server) -> bool {
    let parent = server.id().to_string();
    let child = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap();
    let stopped = Command::new("kill").args(["-TERM", child.trim()]).status().unwrap().success();
    drop_when_ended(server);
    stopped
}

fn drop_when_ended(server: Server) {
    let id = server.id().to_string();
    for _ in 0..200 {
        let state = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        if state.is_empty() || state.contains(") Z ") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    drop(server);
}
