//! Measures the SQLite store alone: creates, look-ups, lists and totals, without HTTP.
//!
//! `cargo run --release -p realnet-provider-sql --example sqlite_speed -- ROWS [writes | FILE [WHAT]]`
//!
//! Without a file it fills one in a temporary folder and measures reads and writes, or writes only. A given file is
//! filled when it is absent, kept, and only read from: first by a user who has a grant on the type, then by a superuser
//! who asks over all orgs. `WHAT` leaves only the lists whose names contain it; with the variable `ROUNDS` set, each is
//! asked so often and nothing is timed, for profilers that count (`valgrind --tool=callgrind`, `perf stat`).
//!
//! It tells the processor time as well (on Linux), which says more than the time when other programs run: of writes that
//! of the writer, who is the limit, and that of all.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for people")]

mod bench;
mod reads;
mod writes;

use std::path::PathBuf;
use std::time::Duration;

use realnet_core::Result;

use bench::Bench;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(run()).unwrap();
}

async fn run() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let rows: usize = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let second = arguments.next();
    let only_writes = second.as_deref() == Some("writes");
    let kept = second.filter(|_| !only_writes).map(PathBuf::from);
    let what = arguments.next().unwrap_or_default();
    let folder = tempfile::tempdir().unwrap();
    let file = kept.clone().unwrap_or_else(|| folder.path().join("store.db"));
    let is_new = !file.exists();
    let bench = Bench::open(&file, is_new).await?;
    if is_new {
        bench.fill(rows).await?;
    }
    if kept.is_some() {
        bench.lists(&bench.user, "user", &what).await?;
        bench.lists(&bench.superuser, "root", &what).await?;
    } else {
        let id = bench.any().await?;
        if !only_writes {
            bench.reads(id).await?;
        }
        bench.writes(rows).await?;
        if !only_writes {
            bench.mixed(rows, id).await?;
        }
    }
    bench.store.close().await?;
    println!("{:50} {:10.1} MB", "file", std::fs::metadata(&file).unwrap().len() as f64 / 1e6);
    Ok(())
}

fn report(what: &str, time: Duration, count: usize) {
    let each = time.as_secs_f64() / count as f64;
    println!("{what:96} {:10.1} µs {:10.0}/s", each * 1e6, 1.0 / each);
}
