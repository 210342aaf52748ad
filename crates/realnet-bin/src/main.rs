#![doc = include_str!("../README.md")]
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "doc comments of commands are their help, where [NAME] is a variable"
)]

mod cli;
mod config;
mod exchange;
mod wire;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
