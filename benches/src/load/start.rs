//! Figures that are no rates: how soon RealNet answers after its start, and its memory at rest.

use std::io::Result;
use std::thread;
use std::time::Duration;

use super::realnet::RealNet;
use super::report::Figure;
use super::rounds::median;

/// A server may take this long to come to rest after its start.
const REST: Duration = Duration::from_secs(2);

/// From start to first answer on the store as it is, and the memory of a server that nobody asks anything.
///
/// # Errors
/// The server does not start.
pub fn start(realnet: &RealNet, rows: u64) -> Result<Vec<Figure>> {
    let mut starts = Vec::new();
    let mut memory = Vec::new();
    for _ in 0..3 {
        let process = realnet.start()?;
        starts.push(process.start.as_secs_f64());
        thread::sleep(REST);
        memory.push(process.memory()? as f64 / 1e6);
        process.stop()?;
    }
    let figure = |what: &str, values, unit, most| Figure {
        what: format!("{what}, {rows} rows"),
        value: median(values),
        unit,
        most,
    };
    Ok(vec![figure("start to first answer", starts, "s", 0.5), figure("idle memory", memory, "MB", 60.0)])
}
