//! The measurement itself: each operation on each contestant, in several rounds with the order turned, so that what
//! else happens on the machine meets all alike.

use std::io::{Error, Result};
use std::time::Duration;

use super::contestant::{Contestant, Name};
use super::driver::{self, Load};
use super::http::Client;
use super::notes::{Random, STATES};
use super::requests::{Dialect, Operation};
use super::usage::{Ticks, Usage};

/// How to measure.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How often each is measured.
    pub rounds: usize,
    /// How long each time.
    pub duration: Duration,
    /// How many connections ask at a time.
    pub connections: usize,
}

/// The shortest measurement of logins: a hash of a password takes so long that a turn of all connections needs seconds.
/// It is what they cost, so one round is enough.
const LOGINS: Duration = Duration::from_secs(8);

/// One measurement.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct Sample {
    /// Good answers per second.
    pub rate: f64,
    /// Half of the answers came within this many milliseconds.
    pub p50: f64,
    /// 99 of 100 answers came within this many milliseconds.
    pub p99: f64,
    /// Processor time of the server's process per request, in microseconds: in the program, and in the kernel.
    pub cpu: [f64; 2],
    /// The same of the PostgreSQL server, for those that work on it.
    pub database: Option<[f64; 2]>,
    /// Mean size of a body, in bytes.
    pub bytes: usize,
    /// The share of the machine that others took meanwhile; above a tenth the sample is worth little.
    pub foreign: f64,
}

/// All samples of one operation on one contestant, in the order of the rounds.
#[derive(Debug, Clone)]
pub struct Series {
    /// What was asked.
    pub operation: Operation,
    /// Who answered.
    pub name: Name,
    /// One sample a round.
    pub samples: Vec<Sample>,
}

/// What came out of a run.
#[derive(Debug, Default)]
pub struct Measured {
    /// What was measured.
    pub series: Vec<Series>,
    /// Why something was not, one line each.
    pub failures: Vec<String>,
}

/// Measures all operations on all contestants. One that answers with anything but 2xx is left out of that operation.
///
/// # Errors
/// A contestant does not answer what was asked for, before anything is measured.
pub fn measure(contestants: &[Contestant], operations: &[Operation], plan: Plan) -> Result<Measured> {
    for contestant in contestants.iter().filter(|one| one.name.takes_part(Operation::Get)) {
        check(contestant)?;
        let limit = contestants.iter().find(|other| Some(other.name) == contestant.name.limit());
        if let Some(limit) = limit.filter(|_| contestant.requests.dialect == Dialect::RealNet) {
            check_same(contestant, limit)?;
        }
    }
    let mut all = Measured::default();
    for operation in operations {
        let mut taking_part: Vec<_> = contestants
            .iter()
            .filter(|one| one.name.takes_part(*operation))
            .map(|one| (one, Vec::new()))
            .collect();
        let rounds = if *operation == Operation::Login { 1 } else { plan.rounds };
        for round in 0..rounds {
            eprintln!("{}, round {} of {rounds}", operation.name(), round + 1);
            let count = taking_part.len();
            for turn in 0..count {
                let (contestant, samples) = &mut taking_part[(turn + round) % count];
                match sample(contestant, *operation, plan, round) {
                    Ok(sample) => samples.push(sample),
                    Err(error) => all.failures.push(error.to_string()),
                }
            }
            // Ratios are taken round by round, so who missed one is out.
            taking_part.retain(|(_, samples)| samples.len() == round + 1);
        }
        all.series.extend(taking_part.into_iter().map(|(one, samples)| Series {
            operation: *operation,
            name: one.name,
            samples,
        }));
    }
    Ok(all)
}

fn sample(contestant: &Contestant, operation: Operation, plan: Plan, round: usize) -> Result<Sample> {
    let least = if operation == Operation::Login { LOGINS } else { Duration::ZERO };
    let duration = plan.duration.max(least);
    let load = Load { address: contestant.process.address, connections: plan.connections, duration };
    let mut random = Random::new(operation as u64 * 100 + round as u64);
    let server = contestant.process.id();
    let before = Usage::now(server)?;
    let what = format!("{}, {}", contestant.name.as_str(), operation.name());
    let figures = driver::run(load, &mut |bytes| contestant.requests.write(operation, &mut random, bytes))
        .map_err(|error| contestant.process.complaint(&format!("{what}: {error}")))?;
    let usage = Usage::now(server)?.since(before);
    if figures.refused > 0 || figures.answered == 0 {
        return Err(Error::other(format!(
            "{what}: {} good answers, {} others, the last one {:?}",
            figures.answered, figures.refused, figures.refusal
        )));
    }
    let each =
        |ticks: Ticks| [ticks.user, ticks.system].map(|ticks| ticks as f64 * 10_000.0 / figures.asked as f64);
    Ok(Sample {
        rate: figures.rate(),
        p50: figures.percentile(50.0),
        p99: figures.percentile(99.0),
        cpu: each(usage.server),
        database: contestant.name.is_on_postgres().then(|| each(usage.database)),
        bytes: figures.bytes / figures.answered,
        foreign: usage.foreign(),
    })
}

/// Looks at one answer of each kind: a contestant that answers quickly but wrongly has no part in this.
fn check(contestant: &Contestant) -> Result<()> {
    let requests = &contestant.requests;
    let mut client = Client::new(contestant.process.address);
    client.token.clone_from(&requests.token);
    let wrong = |what: &str| Err(Error::other(format!("{}: {what}", contestant.name.as_str())));
    let one = client.json("GET", &requests.one(&mut Random::new(1)), None)?;
    if !one.to_string().contains("\"priority\":") {
        return wrong("a note without its priority");
    }
    for operation in
        Operation::ALL.into_iter().filter(|operation| operation.is_read() && *operation != Operation::Get)
    {
        let page = client.json("GET", &requests.list(operation, STATES[0]), None)?;
        let notes = page.as_array().or_else(|| page["items"].as_array());
        let Some(notes) = notes else { return wrong("a list that is none") };
        if notes.len() != 50 || notes.iter().any(|note| !note.to_string().contains("\"state\":\"open\"")) {
            return wrong("not a page of 50 open notes");
        }
    }
    Ok(())
}

/// A limit is one only when it answers with the same bytes.
fn check_same(contestant: &Contestant, limit: &Contestant) -> Result<()> {
    let answer = |of: &Contestant, path: &str| {
        let mut client = Client::new(of.process.address);
        client.token.clone_from(&of.requests.token);
        client.call("GET", path, None)
    };
    let requests = &contestant.requests;
    for path in [requests.one(&mut Random::new(1)), requests.list(Operation::List, STATES[0])] {
        if answer(contestant, &path)? != answer(limit, &path)? {
            let (one, other) = (contestant.name.as_str(), limit.name.as_str());
            return Err(Error::other(format!("{one} and {other} do not answer {path} alike")));
        }
    }
    Ok(())
}

/// The middle of some numbers.
pub fn median(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let mut numbers: Vec<_> = numbers.into_iter().collect();
    numbers.sort_by(f64::total_cmp);
    match numbers.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => numbers[count / 2],
        count => f64::midpoint(numbers[count / 2 - 1], numbers[count / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median([4.0, 1.0]) - 2.5).abs() < 1e-9);
        assert!(median([]).is_nan());
    }
}
