//! `realnet-bench`: measures RealNet beside a bare handler and PocketBase. `cargo xtask bench` builds it with all that
//! it needs and runs it.
#![allow(clippy::print_stdout, reason = "a command line tool prints")]

use std::process::ExitCode;

use realnet_benches::{bare, load};
use structopt::StructOpt;

/// What this program can do.
#[derive(Debug, StructOpt)]
#[structopt(name = "realnet-bench", about = "Measures RealNet beside a bare handler and PocketBase")]
enum Command {
    /// Puts the load on all contestants and prints a table
    Load(load::Options),
    /// Serves as the bare handler; the load starts it by itself
    Bare(bare::Options),
}

fn main() -> ExitCode {
    let outcome = match Command::from_args() {
        Command::Load(options) => load::run(&options).map(|report| println!("{report}")),
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
