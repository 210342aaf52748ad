//! Measures a store alone, without HTTP: look-ups, lists and totals, creates and updates.
//!
//! `cargo run --release -p realnet-provider-sql --example speed -- STORE [ROWS] [PART]`
//!
//! `STORE` is `temporary` (a SQLite file that goes at the end), the path of a SQLite file that is kept, or the URL of a PostgreSQL
//! database. An empty one is filled with so many `ROWS`, 10000 by default. `PART` is `gets`, `writes`, `mixed` (look-ups beside writes),
//! `bare` (the bare driver of PostgreSQL, as a limit), or part of a list's name (`user: list`, `root: search`): `user` has a
//! grant on the type, `root` asks over all orgs. Without it, everything is measured.
//!
//! With the variable `ROUNDS` set, each list is asked so often and nothing is timed, for profilers that count
//! (`valgrind --tool=callgrind`, `perf stat`).

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for people")]

mod bare;
mod bench;
mod reads;
mod together;
mod writes;

use std::path::PathBuf;
use std::time::Duration;

use realnet_core::Result;
use realnet_provider_sql::postgres::{PostgresConfig, PostgresStore};
use realnet_provider_sql::{SqliteConfig, SqliteStore};

use bench::Bench;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(run()).unwrap();
}

async fn run() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().expect("a store: temporary, a file, or a postgres:// URL");
    let rows: usize = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let part = arguments.next().unwrap_or_default();
    if name.starts_with("postgres") {
        let store = PostgresStore::connect(PostgresConfig::from_url(&name)?).await?;
        let bench = Bench::new(store.clone(), rows).await?;
        measure(&bench, rows, &part).await?;
        if ["", "bare"].contains(&part.as_str()) {
            bare::run(&bench, &name).await?;
        }
        store.close();
        return Ok(());
    }
    let folder = tempfile::tempdir().unwrap();
    let file = if name == "temporary" { folder.path().join("store.db") } else { PathBuf::from(&name) };
    let bench = Bench::new(SqliteStore::open(SqliteConfig::new(&file))?, rows).await?;
    measure(&bench, rows, &part).await?;
    drop(bench);
    println!("{:96} {:10.1} MB", "file", std::fs::metadata(&file).unwrap().len() as f64 / 1e6);
    Ok(())
}

async fn measure(bench: &Bench, rows: usize, part: &str) -> Result<()> {
    let wants = |name: &str| part.is_empty() || part == name;
    if wants("gets") {
        bench.gets().await?;
    }
    if !["gets", "writes", "mixed", "bare"].contains(&part) {
        bench.lists(&bench.user, "user", part).await?;
        bench.lists(&bench.superuser, "root", part).await?;
    }
    if wants("writes") {
        bench.writes(rows).await?;
    }
    if wants("mixed") {
        bench.mixed(rows).await?;
    }
    Ok(())
}

fn report(what: &str, time: Duration, count: usize) {
    let each = time.as_secs_f64() / count as f64;
    println!("{what:96} {:10.1} µs {:10.0}/s", each * 1e6, 1.0 / each);
}
