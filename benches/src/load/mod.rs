//! Load on whole servers: RealNet, a bare handler on the same database, and PocketBase, all in one run, with the same
//! driver and the same notes. Reading order: [`stage`] sets the contestants up, [`rounds`] measures them, [`start`]
//! looks at what is no rate, [`report`] sets the figures beside the [`targets`].

mod answer;
pub mod contestant;
pub mod driver;
pub mod http;
pub mod notes;
pub mod place;
pub mod pocketbase;
pub mod postgres;
pub mod process;
pub mod realnet;
pub mod report;
pub mod requests;
pub mod rounds;
pub mod stage;
pub mod start;
pub mod targets;
pub mod usage;

use std::fmt::Write as _;
use std::io::{Error, Result};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use structopt::StructOpt;

use requests::Operation;
use rounds::{Measured, Plan};
use stage::Stage;

/// What to measure.
#[derive(Debug, StructOpt)]
pub struct Options {
    /// RealNet's binary, built for release
    #[structopt(long, parse(from_os_str))]
    pub realnet: Option<PathBuf>,
    /// PocketBase's binary; without it PocketBase is left out
    #[structopt(long, parse(from_os_str))]
    pub pocketbase: Option<PathBuf>,
    /// How many notes there are; may be given several times [default: 10000 and 100000]
    #[structopt(long, number_of_values = 1)]
    pub rows: Vec<u64>,
    /// Measures 10000 rows in one short round: a look, not a result
    #[structopt(long)]
    pub quick: bool,
    /// Leaves PostgreSQL out
    #[structopt(long)]
    pub no_postgres: bool,
    /// Leaves SQLite out
    #[structopt(long)]
    pub no_sqlite: bool,
    /// Measures only these operations (such as get or list) and no single figures; may be given several times
    #[structopt(long, number_of_values = 1)]
    pub only: Vec<String>,
    /// Seconds of each measurement
    #[structopt(long, default_value = "3")]
    pub seconds: f64,
    /// How often each is measured; the middle counts
    #[structopt(long, default_value = "3")]
    pub rounds: usize,
    /// How many connections ask at a time
    #[structopt(long, default_value = "32")]
    pub connections: usize,
    /// Writes all figures into this file as JSON
    #[structopt(long, parse(from_os_str))]
    pub json: Option<PathBuf>,
}

impl Options {
    fn sizes(&self) -> Vec<u64> {
        match (&self.rows[..], self.quick) {
            ([], true) => vec![10_000],
            ([], false) => vec![10_000, 100_000],
            (rows, _) => rows.to_vec(),
        }
    }

    fn plan(&self) -> Plan {
        let (rounds, seconds) =
            if self.quick { (1, 1.0) } else { (self.rounds.max(1), self.seconds.max(0.1)) };
        Plan { rounds, duration: Duration::from_secs_f64(seconds), connections: self.connections.max(1) }
    }

    fn operations(&self) -> Result<Vec<Operation>> {
        let known = |name: &str| Operation::ALL.into_iter().find(|operation| operation.name() == name);
        let unknown = |name: &str| {
            let names: Vec<_> = Operation::ALL.into_iter().map(Operation::name).collect();
            Error::other(format!("there is no operation {name}, only {}", names.join(", ")))
        };
        if self.only.is_empty() {
            return Ok(Operation::ALL.to_vec());
        }
        self.only.iter().map(|name| known(name).ok_or_else(|| unknown(name))).collect()
    }
}

/// Runs all that was asked for and gives the report.
///
/// # Errors
/// A contestant can not be set up, or answers with anything but 2xx.
pub fn run(options: &Options) -> Result<String> {
    let operations = options.operations()?;
    let mut report = String::new();
    let mut missed = Vec::new();
    let mut series_json = Vec::new();
    let mut figures = Vec::new();
    for rows in options.sizes() {
        let stage = Stage::set_up(options, rows)?;
        if let Some(realnet) = stage.realnet().filter(|_| options.only.is_empty()) {
            figures.extend(start::start(realnet, rows)?);
        }
        let Measured { series, failures } = rounds::measure(&stage.start()?, &operations, options.plan())?;
        let _ = writeln!(report, "{}\n", report::table(&series, rows));
        missed.extend(report::missed(&series, rows));
        missed.extend(failures.into_iter().map(|what| format!("{rows} rows, not measured: {what}")));
        series_json.extend(report::json(&series, rows));
    }
    if !figures.is_empty() {
        let _ = writeln!(report, "{}\n", report::figures(&figures));
    }
    missed.extend(report::missed_figures(&figures));
    report.push_str(&report::targets_missed(&missed));
    if let Some(path) = &options.json {
        let all = json!({ "series": series_json, "figures": report::figures_json(&figures) });
        std::fs::write(path, format!("{all:#}\n"))?;
    }
    Ok(report)
}
