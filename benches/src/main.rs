//! `realnet-bench`: measures RealNet beside a bare handler and PocketBase, on few rows and many, and with large files. `cargo xtask bench`
//! builds it with all that it needs and runs it.
#![allow(clippy::print_stdout, reason = "a command line tool prints")]

use std::io::Read as _;
use std::process::ExitCode;
use std::thread;

use realnet_benches::{bare, files, load, scale};
use structopt::StructOpt;

/// What this program can do.
#[derive(Debug, StructOpt)]
#[structopt(name = "realnet-bench", about = "Measures RealNet beside a bare handler and PocketBase")]
struct Options {
    /// Ends when its input does: for a caller that keeps the other end of a pipe and may be killed
    #[structopt(long)]
    attached: bool,
    #[structopt(subcommand)]
    command: Command,
}

#[derive(Debug, StructOpt)]
enum Command {
    /// Puts the load on all contestants and prints a table
    Load(load::Options),
    /// Measures single requests on few rows and on many
    Scale(scale::Options),
    /// Measures large contents beside cp and sync
    Files(files::Options),
    /// Serves as the bare handler; the load starts it by itself
    Bare(bare::Options),
}

fn main() -> ExitCode {
    let options = Options::from_args();
    if options.attached {
        thread::spawn(end_with_input);
    }
    let outcome = match options.command {
        Command::Load(options) => load::run(&options).map(|report| println!("{report}")),
        Command::Scale(options) => scale::run(&options).map(|report| println!("{report}")),
        Command::Files(options) => files::run(&options).map(|report| println!("{report}")),
        Command::Bare(options) => bare::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Whatever ends this process, the servers that it has started end with it: they are guarded.
fn end_with_input() {
    let mut byte = [0];
    while matches!(std::io::stdin().read(&mut byte), Ok(1)) {}
    std::process::exit(1);
}
