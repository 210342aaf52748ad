#![doc = include_str!("../README.md")]

mod cli;
mod config;
mod wire;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
