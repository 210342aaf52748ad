//! Chores of the project, run as `cargo xtask COMMAND`. One file or folder per command; to add
//! one, write it beside the others and name it in [`Command`].
#![allow(clippy::print_stdout, reason = "a command line tool prints")]

mod advisories;
mod bench;
mod place;
mod shell;
mod soak;
mod test;
mod tidy;
mod tools;

// The engine's source is included rather than depended on: the test kit needs the core, a database
// driver and their 230 crates, and each change of the core would rebuild this tool. The shared
// part needs the standard library only.
#[path = "../../crates/realnet-testkit/src/engines/server/mod.rs"]
#[allow(dead_code, reason = "this tool only starts and stops the server")]
mod engine;

use std::process::ExitCode;

use structopt::StructOpt;

/// What `cargo xtask` can do.
#[derive(Debug, StructOpt)]
#[structopt(name = "cargo xtask", about = "Chores of the project")]
enum Command {
    /// Brings up what the tests need and runs them: everything, or the parts named
    Test(test::Options),
    /// Checks the project's own rules: layers, docs, sizes, metadata
    Tidy,
    /// Measures: parts of the core, and whole servers beside their limits
    Bench(bench::Options),
    /// Goes on for long with what the tests only begin
    Soak(soak::Options),
}

fn main() -> ExitCode {
    let outcome = match Command::from_args() {
        Command::Test(options) => test::run(&options),
        Command::Tidy => tidy::run(),
        Command::Bench(options) => bench::run(&options),
        Command::Soak(options) => soak::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
