//! How the cost of single requests grows with the number of rows: each kind is sent some hundred times, one after the
//! other, to servers with few rows and with many, on each engine. Reading order: [`kinds`] says what is asked,
//! [`climb`](mod@climb) fills and measures, [`report`] compares.

pub mod climb;
pub mod kinds;
pub mod report;

use std::io::{Error, Result};
use std::path::PathBuf;

use serde_json::json;
use structopt::StructOpt;

use crate::load::report::targets_missed;
use climb::{Engine, climb};

/// What to measure.
#[derive(Debug, StructOpt)]
pub struct Options {
    /// RealNet's binary, built for release
    #[structopt(long, parse(from_os_str))]
    realnet: PathBuf,
    /// How many notes there are; may be given several times, rising [default: 10000, 100000 and 1000000]
    #[structopt(long, number_of_values = 1)]
    rows: Vec<u64>,
    /// How often each request is sent
    #[structopt(long, default_value = "300")]
    repeats: u64,
    /// A look at 2000 and 20000 rows, with a tenth of the repeats
    #[structopt(long)]
    quick: bool,
    /// Leaves PostgreSQL out
    #[structopt(long)]
    no_postgres: bool,
    /// Leaves SQLite out
    #[structopt(long)]
    no_sqlite: bool,
    /// Writes all figures into this file as JSON
    #[structopt(long, parse(from_os_str))]
    json: Option<PathBuf>,
}

impl Options {
    fn sizes(&self) -> Result<Vec<u64>> {
        let sizes = match (&self.rows[..], self.quick) {
            ([], true) => vec![2_000, 20_000],
            ([], false) => vec![10_000, 100_000, 1_000_000],
            (rows, _) => rows.to_vec(),
        };
        // Deep pages begin behind one of a thousand; growth goes from the first to the last.
        if sizes[0] < 2000 || sizes.windows(2).any(|two| two[0] >= two[1]) {
            return Err(Error::other("the numbers of rows have to rise, and to be 2000 at least"));
        }
        Ok(sizes)
    }

    fn repeats(&self) -> u64 {
        if self.quick { (self.repeats / 10).max(1) } else { self.repeats.max(1) }
    }
}

/// Measures on all engines that were asked for and gives the report.
///
/// # Errors
/// A server does not start, or answers with anything but 2xx.
pub fn run(options: &Options) -> Result<String> {
    let sizes = options.sizes()?;
    let engines = [(Engine::Sqlite, options.no_sqlite), (Engine::Postgres, options.no_postgres)];
    let program = options.realnet.canonicalize()?;
    let mut text = String::new();
    let mut missed = Vec::new();
    let mut steps_json = Vec::new();
    for (engine, _) in engines.into_iter().filter(|(_, is_left_out)| !is_left_out) {
        let steps = climb(engine, &program, &sizes, options.repeats())
            .map_err(|error| Error::other(format!("{}: {error}", engine.name())))?;
        text.push_str(&report::table(engine, &steps));
        missed.extend(report::missed(engine, &steps));
        steps_json.extend(report::json(engine, &steps));
    }
    text.push_str(&targets_missed(&missed));
    if let Some(path) = &options.json {
        std::fs::write(path, format!("{:#}\n", json!({ "steps": steps_json })))?;
    }
    Ok(text)
}
