//! `cargo xtask test [PART…]`: brings up what the tests need, runs everything or the parts named,
//! goes on after a failure, and ends with the line `N passed, N failed`.

mod cases;
mod parts;
mod tally;

use structopt::StructOpt;

use crate::shell;
use crate::tools;
use parts::{PARTS, Part, Work};
use tally::{Count, Tally};

/// The parts to run.
#[derive(Debug, StructOpt)]
#[structopt(after_help = parts::HELP.as_str())]
pub struct Options {
    /// Parts to run; all when none is named
    #[structopt(name = "PART")]
    parts: Vec<String>,
}

/// Runs the tests; an error when anything failed.
pub fn run(options: &Options) -> Result<(), String> {
    let chosen = parts::choose(&options.parts)?;
    let mut tally = Tally::default();
    for part in &chosen {
        if let Work::Check(check) = part.work {
            tally.step(part.name, || check().map(|()| Count::passed(1)));
        }
    }
    let filters: Vec<&Part> = chosen
        .iter()
        .copied()
        .filter(|part| !matches!(part.work, Work::Check(_) | Work::Documentation))
        .collect();
    if !filters.is_empty() {
        cases(&filters, &mut tally);
    }
    if chosen.iter().any(|part| matches!(part.work, Work::Documentation)) {
        tally.step("docs", || documentation().map(|()| Count::passed(1)));
        tally.step("doctests", cases::doctests);
    }
    tally.close()
}

/// Runs the test cases of some parts, in one run of nextest beside one PostgreSQL server and one of S3.
fn cases(chosen: &[&Part], tally: &mut Tally) {
    tally.step("nextest", || tools::cargo_tool("nextest").map(|()| Count::default()));
    tally.step("strace", || tools::strace().map(|()| Count::default()));
    tally.step("xmllint", || tools::xmllint().map(|()| Count::default()));
    tally.step("Node.js, Chromium", || tools::browser().map(|()| Count::default()));
    let mut database = None;
    tally.step("PostgreSQL", || {
        database = Some(tools::Database::start()?);
        Ok(Count::default())
    });
    let mut objects = None;
    tally.step("S3", || {
        objects = Some(tools::ObjectStore::start()?);
        Ok(Count::default())
    });
    let everything =
        PARTS.iter().filter(|part| !matches!(part.work, Work::Check(_) | Work::Documentation)).count();
    let filter = (chosen.len() < everything).then(|| parts::filter(chosen));
    let names: Vec<_> = chosen.iter().map(|part| part.name).collect();
    tally.step(&names.join(", "), || {
        cases::nextest(filter.as_deref(), |command| {
            if let Some(server) = &database {
                server.tell(command);
            }
            if let Some(server) = &objects {
                server.tell(command);
            }
        })
    });
}

/// Builds the documentation; a warning (a broken link, an item without docs) is an error.
fn documentation() -> Result<(), String> {
    let mut command = shell::cargo(&["doc", "--workspace", "--no-deps", "--quiet"]);
    shell::run(command.env("RUSTDOCFLAGS", "-D warnings"))
}
