//! `cargo xtask soak`: what takes too long for every run of the tests. To add one, add a row to [`SOAKS`]: a group of test
//! cases, which read from a variable how long they go on.

use structopt::StructOpt;

use crate::{shell, tools};

/// What to go on with, and for how long.
#[derive(Debug, StructOpt)]
pub struct Options {
    /// tenants (members of two orgs try everything with what is the other's, on every store)
    #[structopt(possible_values = &["tenants"])]
    soak: String,
    /// How many operations each store gets
    #[structopt(long, default_value = "100000")]
    operations: u64,
}

/// Name and test cases of each.
const SOAKS: [(&str, &str); 1] = [("tenants", "package(=realnet-bin) & binary(=tenants)")];

/// Runs one, with an engine of its own.
pub fn run(options: &Options) -> Result<(), String> {
    let (_, cases) = SOAKS.iter().find(|(name, _)| *name == options.soak).ok_or("there is no such soak")?;
    let database = tools::Database::start()?;
    let mut command = shell::cargo(&["nextest", "run", "--workspace", "--no-capture", "-E", cases]);
    command.env("REALNET_SOAK_OPERATIONS", options.operations.to_string());
    database.tell(&mut command);
    shell::run(&mut command)
}
