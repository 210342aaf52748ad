//! Large contents through a whole server: how fast they go in and out beside `cp` and `sync` of the same file on the same disk,
//! and the most memory that the server takes for it.

mod transfer;

use std::fs::{self, File};
use std::io::{Error, Result, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use structopt::StructOpt;

use crate::engine::seaweed::{BUCKET, KEY, SECRET, Seaweed};
use crate::load::notes::Random;
use crate::load::place::Place;
use crate::load::process::Process;
use crate::load::realnet::{RealNet, Store, Who, signed_in};
use crate::load::report::targets_missed;

/// A server may take so much memory, in MB.
const MEMORY: u64 = 100;
/// The least speed in, beside that of the copy.
const SPEED: f64 = 0.6;

/// What was freed a moment ago is quickly written to again, but a virtual machine gives it back to its host within seconds, and
/// gets it again page by page: whoever is timed begins when that is done, the copy like the server.
const REST: Duration = Duration::from_secs(10);

/// What to measure.
#[derive(Debug, StructOpt)]
pub struct Options {
    /// RealNet's binary, built for release
    #[structopt(long, parse(from_os_str))]
    realnet: PathBuf,
    /// How many MiB the content has
    #[structopt(long, default_value = "5120")]
    mebibytes: u64,
    /// How often it goes in and out; the middle counts
    #[structopt(long, default_value = "3")]
    rounds: usize,
    /// A look at 256 MiB, once
    #[structopt(long)]
    quick: bool,
    /// Leaves S3 out
    #[structopt(long)]
    no_s3: bool,
    /// Writes all figures into this file as JSON
    #[structopt(long, parse(from_os_str))]
    json: Option<PathBuf>,
}

/// What was measured with one storage.
struct Figures {
    storage: &'static str,
    /// Of the copy, of storing and of reading, in MiB each second.
    copied: f64,
    stored: f64,
    read: f64,
    /// Storing and reading beside the copy of the same round: the middle of all rounds, as the machine is not the same in each.
    ratios: [f64; 2],
    /// The most resident memory of the server, in MB: at rest, and in all.
    memory: [u64; 2],
}

/// Measures and gives the report.
///
/// # Errors
/// A server does not start or refuses something.
pub fn run(options: &Options) -> Result<String> {
    let program = options.realnet.canonicalize()?;
    let (mebibytes, rounds) =
        if options.quick { (256, 1) } else { (options.mebibytes.max(1), options.rounds.max(1)) };
    let place = Rc::new(Place::new()?);
    let source = place.path().join("source");
    write_sample(&source, mebibytes)?;
    let mut all = vec![measure("local", &program, &place, Vec::new(), mebibytes, rounds)?];
    if !options.no_s3 {
        let seaweed = Seaweed::start().map_err(Error::other)?;
        let settings = s3_settings(&seaweed);
        all.push(measure("s3", &program, &place, settings, mebibytes, rounds)?);
    }
    if let Some(path) = &options.json {
        let figures: Vec<Value> = all.iter().map(|figures| figures.json(mebibytes)).collect();
        fs::write(path, format!("{:#}\n", json!(figures)))?;
    }
    Ok(report(&all, mebibytes))
}

fn s3_settings(seaweed: &Seaweed) -> Vec<(&'static str, String)> {
    vec![
        ("REALNET_STORAGE_S3_ENDPOINT", seaweed.url()),
        ("REALNET_STORAGE_S3_BUCKET", BUCKET.to_owned()),
        ("REALNET_STORAGE_S3_KEY", KEY.to_owned()),
        ("REALNET_STORAGE_S3_SECRET", SECRET.to_owned()),
    ]
}

fn measure(
    storage: &'static str,
    program: &Path,
    place: &Rc<Place>,
    settings: Vec<(&'static str, String)>,
    mebibytes: u64,
    rounds: usize,
) -> Result<Figures> {
    let store = Store::Sqlite(place.path().join(format!("{storage}.db")));
    let realnet =
        RealNet { program: program.to_owned(), place: Rc::clone(place), store, bcrypt_cost: None, settings };
    realnet.prepare()?;
    let process = realnet.start()?;
    let mut client = signed_in(&process, Who::Superuser)?;
    let at_rest = process.peak_memory()?;
    let source = place.path().join("source");
    let mut times: [Vec<f64>; 3] = Default::default();
    for round in 1..=rounds {
        eprintln!("{storage}: {mebibytes} MiB, round {round} of {rounds}");
        thread::sleep(REST);
        times[0].push(seconds(|| copy(&source, &place.path().join("copy")))?);
        let item = client.json("POST", "/api/files", Some(&json!({ "name": "large" })))?;
        let id = item["id"].as_str().ok_or_else(|| Error::other("an item without id"))?;
        let path = format!("/api/files/{id}/data");
        thread::sleep(REST);
        times[1].push(seconds(|| transfer::put(process.address, &path, &client.token, &source))?);
        times[2].push(seconds(|| read(&process, &path, &client.token, mebibytes << 20))?);
        client.call("DELETE", &format!("/api/files/{id}"), None)?;
    }
    let memory = [at_rest, process.peak_memory()?].map(|bytes| bytes / 1_000_000);
    process.stop()?;
    let ratios = [1, 2].map(|way| {
        let rounds = times[0].iter().zip(&times[way]);
        middle(rounds.map(|(copied, other)| copied / other).collect())
    });
    let [copied, stored, read] = times.map(|times| mebibytes as f64 / middle(times));
    Ok(Figures { storage, copied, stored, read, ratios, memory })
}

/// The same file copied and synced, as the system does it.
fn copy(source: &Path, to: &Path) -> Result<()> {
    let run = |command: &mut Command| match command.status()? {
        status if status.success() => Ok(()),
        status => Err(Error::other(format!("{command:?} ended with {status}"))),
    };
    run(Command::new("cp").arg("--reflink=never").arg(source).arg(to))?;
    run(Command::new("sync").arg(to))?;
    fs::remove_file(to)
}

fn read(process: &Process, path: &str, token: &str, size: u64) -> Result<()> {
    let read = transfer::get(process.address, path, token)?;
    if read == size { Ok(()) } else { Err(Error::other(format!("{read} bytes came of {size}"))) }
}

/// What no disk and no line makes smaller.
fn write_sample(path: &Path, mebibytes: u64) -> Result<()> {
    let mut random = Random::new(1);
    let mut block: Vec<u8> = (0..1 << 20).map(|_| random.below(256) as u8).collect();
    let mut file = File::create(path)?;
    for number in 0..mebibytes {
        block[..8].copy_from_slice(&number.to_le_bytes());
        file.write_all(&block)?;
    }
    file.sync_all()
}

fn seconds(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let begun = Instant::now();
    work()?;
    Ok(begun.elapsed().as_secs_f64())
}

fn middle(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

impl Figures {
    fn row(&self) -> String {
        let Self { storage, copied, stored, read, ratios: [storing, reading], memory: [at_rest, most] } =
            self;
        format!(
            "{storage:<15} {copied:>15.0} {stored:>8.0} {storing:>6.2} {read:>8.0} {reading:>6.2} {at_rest:>20} {most:>9}\n"
        )
    }

    fn json(&self, mebibytes: u64) -> Value {
        json!({
            "storage": self.storage, "mebibytes": mebibytes, "memory_mb": self.memory,
            "ratios": { "stored": self.ratios[0], "read": self.ratios[1] },
            "mib_per_second": { "cp_and_sync": self.copied, "stored": self.stored, "read": self.read },
        })
    }

    fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        let ratio = self.ratios[0];
        if self.storage == "local" && ratio < SPEED {
            missed.push(format!("local: stored at ≥ {SPEED} × cp and sync, is {ratio:.2}"));
        }
        if self.memory[1] >= MEMORY {
            missed.push(format!("{}: memory < {MEMORY} MB, is {}", self.storage, self.memory[1]));
        }
        missed
    }
}

fn report(all: &[Figures], mebibytes: u64) -> String {
    let head = format!(
        "{mebibytes} MiB        cp + sync MiB/s   stored   × cp     read   × cp   memory MB: at rest   at most\n"
    );
    let rows: String = all.iter().map(Figures::row).collect();
    let missed: Vec<String> = all.iter().flat_map(Figures::missed).collect();
    head + &rows + &targets_missed(&missed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_misses_a_target_is_named() {
        let good = Figures {
            storage: "local",
            copied: 100.0,
            stored: 60.0,
            read: 300.0,
            ratios: [0.6, 3.0],
            memory: [40, 99],
        };
        assert!(good.missed().is_empty());
        let bad = Figures { ratios: [0.59, 3.0], memory: [40, 100], ..good };
        let text = report(&[bad], 256);
        assert!(text.contains("local: stored at ≥ 0.6 × cp and sync, is 0.59"), "{text}");
        assert!(text.contains("local: memory < 100 MB, is 100"), "{text}");
    }
}
