//! The steps of an engine beside each other, and what they miss.

use serde_json::{Value, json};

use super::climb::{Engine, Step};
use super::kinds::{KINDS, UNDER_RULES};
use crate::load::report::empty;

/// The slowest but one in a hundred requests of any kind, in milliseconds.
const LATENCY: f64 = 50.0;

/// How much more a page may cost on the most rows than on the fewest.
const GROWTH: f64 = 1.5;

/// How much more memory a server may hold after the same requests.
const MEMORY: f64 = 1.5;

/// How much more a list may cost one to whom a rule gives everything than one to whom no rule applies.
const UNDER_RULE: f64 = 1.3;

/// Seconds from the start to the first answer.
const START: f64 = 0.5;

/// `10 k`, `1 M`.
fn short(rows: u64) -> String {
    match rows {
        1_000_000.. if rows.is_multiple_of(1_000_000) => format!("{} M", rows / 1_000_000),
        1_000.. if rows.is_multiple_of(1_000) => format!("{} k", rows / 1_000),
        _ => rows.to_string(),
    }
}

/// How something grows from the first step to the last.
fn growth(steps: &[Step], value: impl Fn(&Step) -> f64) -> Option<f64> {
    let (first, last) = (steps.first()?, steps.last()?);
    (first.rows < last.rows).then(|| value(last) / value(first))
}

/// The tables of an engine: requests, and the server itself.
pub fn table(engine: Engine, steps: &[Step]) -> String {
    let mut header = vec![String::new(), String::new()];
    for step in steps {
        header.extend([format!("{}: p50 ms", short(step.rows)), "p99 ms".to_owned(), "cpu µs".to_owned()]);
    }
    header.extend(["× p50".to_owned(), "× cpu".to_owned(), "targets".to_owned()]);
    let mut requests = empty(&header.iter().map(String::as_str).collect::<Vec<_>>());
    for (index, kind) in KINDS.iter().enumerate() {
        let mut row = vec![kind.name.to_owned(), String::new()];
        for timing in steps.iter().map(|step| step.timings[index]) {
            row.extend([format!("{:.2}", timing.p50), format!("{:.2}", timing.p99)]);
            row.push(format!("{:.0}", timing.cpu));
        }
        let times = |ratio: Option<f64>| ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        row.push(times(growth(steps, |step| step.timings[index].p50)));
        row.push(times(growth(steps, |step| step.timings[index].cpu)));
        let missed = missed_by(steps, index);
        row.push(if missed.is_empty() { "yes".to_owned() } else { format!("NO  {}", missed.join("; ")) });
        requests.add_row(row);
    }
    format!("{}\n{requests}\n\n{}\n\n", engine.name(), servers(steps))
}

fn servers(steps: &[Step]) -> comfy_table::Table {
    let mut table =
        empty(&["", "", "memory MB: empty", "filled", "after requests", "start s", "created/s", ""]);
    for step in steps {
        let mut row = vec![short(step.rows), "rows".to_owned()];
        row.extend(step.memory.map(|bytes| format!("{:.1}", bytes as f64 / 1e6)));
        row.push(format!("{:.2}", step.start));
        row.push(format!("{:.0}", step.rows as f64 / step.filled));
        table.add_row(row);
    }
    table
}

/// What the requests of a kind miss.
fn missed_by(steps: &[Step], index: usize) -> Vec<String> {
    let slow = steps.iter().filter(|step| step.timings[index].p99 >= LATENCY);
    let mut missed: Vec<_> = slow
        .map(|step| format!("p99 < {LATENCY} ms at {}, is {:.1}", short(step.rows), step.timings[index].p99))
        .collect();
    let growth = growth(steps, |step| step.timings[index].cpu).filter(|_| KINDS[index].is_page);
    missed.extend(
        growth.filter(|ratio| *ratio > GROWTH).map(|ratio| format!("cpu ≤ {GROWTH} ×, is {ratio:.2}")),
    );
    missed
}

/// All that was missed on an engine, one line each.
pub fn missed(engine: Engine, steps: &[Step]) -> Vec<String> {
    let engine = engine.name();
    let mut all = Vec::new();
    for (index, kind) in KINDS.iter().enumerate() {
        all.extend(
            missed_by(steps, index).into_iter().map(|what| format!("{engine}, {}: {what}", kind.name)),
        );
    }
    all.extend(steps.iter().flat_map(|step| rules_missed(engine, step)));
    let memory = growth(steps, |step| step.memory[2] as f64).filter(|ratio| *ratio > MEMORY);
    all.extend(memory.map(|ratio| format!("{engine}, memory after requests: ≤ {MEMORY} ×, is {ratio:.2}")));
    let slow = steps.iter().filter(|step| step.start >= START);
    all.extend(
        slow.map(|step| {
            format!("{engine}, start: < {START} s at {}, is {:.2}", short(step.rows), step.start)
        }),
    );
    all
}

/// What rules of access cost too much.
fn rules_missed(engine: &str, step: &Step) -> Vec<String> {
    let cpu = |name: &str| {
        let index = KINDS.iter().position(|kind| kind.name == name);
        index.map_or(f64::NAN, |index| step.timings[index].cpu)
    };
    let ratios = UNDER_RULES.map(|(under, free)| (under, cpu(under) / cpu(free)));
    let dear = ratios.into_iter().filter(|(_, ratio)| *ratio > UNDER_RULE);
    dear.map(|(name, ratio)| {
        let rows = short(step.rows);
        format!("{engine}, {name}: cpu ≤ {UNDER_RULE} × the superuser's at {rows}, is {ratio:.2}")
    })
    .collect()
}

/// The steps as JSON.
pub fn json(engine: Engine, steps: &[Step]) -> Vec<Value> {
    let one = |step: &Step| {
        let timings = KINDS.iter().zip(&step.timings).map(|(kind, timing)| {
            json!({ "kind": kind.name, "p50_ms": timing.p50, "p99_ms": timing.p99, "cpu_us": timing.cpu })
        });
        let [empty_store, filled, after] = step.memory;
        json!({
            "engine": engine.name(),
            "rows": step.rows,
            "memory": { "empty": empty_store, "filled": filled, "after": after },
            "start_s": step.start,
            "filled_s": step.filled,
            "requests": timings.collect::<Vec<_>>(),
        })
    };
    steps.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::super::climb::Timing;
    use super::*;

    fn step(rows: u64, timing: Timing, megabytes: u64) -> Step {
        let memory = [1, 2, megabytes].map(|count| count * 1_000_000);
        Step { rows, filled: 2.0, memory, start: 0.1, timings: vec![timing; KINDS.len()] }
    }

    #[test]
    fn what_grows_or_is_slow_is_missed() {
        let few = step(10_000, Timing { p50: 1.0, p99: 2.0, cpu: 100.0 }, 40);
        let good = [few.clone(), step(1_000_000, Timing { p50: 1.2, p99: 3.0, cpu: 150.0 }, 60)];
        assert_eq!(missed(Engine::Sqlite, &good), Vec::<String>::new());
        assert!(!table(Engine::Sqlite, &good).contains("NO"));
        let bad = [few, step(1_000_000, Timing { p50: 2.0, p99: 51.0, cpu: 151.0 }, 61)];
        let missed = missed(Engine::Sqlite, &bad);
        let pages = KINDS.iter().filter(|kind| kind.is_page).count();
        assert_eq!(missed.len(), KINDS.len() + pages + 1, "{missed:?}");
        assert_eq!(missed[0], "SQLite, get: p99 < 50 ms at 1 M, is 51.0");
        assert!(
            table(Engine::Sqlite, &bad).contains("NO  p99 < 50 ms at 1 M, is 51.0; cpu ≤ 1.5 ×, is 1.51")
        );
    }

    #[test]
    fn a_list_that_rules_make_dear_is_missed() {
        let mut step = step(10_000, Timing { p50: 1.0, p99: 2.0, cpu: 100.0 }, 40);
        step.timings[1].cpu = 131.0;
        assert_eq!(KINDS[1].name, UNDER_RULES[0].0);
        let expected = "SQLite, list, newest first: cpu ≤ 1.3 × the superuser's at 10 k, is 1.31";
        assert_eq!(missed(Engine::Sqlite, &[step]), [expected]);
    }

    #[test]
    fn one_step_does_not_grow() {
        let one = [step(10_000, Timing { p50: 1.0, p99: 2.0, cpu: 100.0 }, 40)];
        assert_eq!(growth(&one, |step| step.start), None);
        assert_eq!([short(10_000), short(2_500), short(2_000_000)], ["10 k", "2500", "2 M"]);
    }
}
