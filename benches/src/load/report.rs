//! The table of a run, and its figures as JSON.

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use super::contestant::Name;
use super::rounds::{Sample, Series, median};
use super::targets::{Target, ratio, targets};

/// A figure that is no rate: memory, a start, one request on many rows.
#[derive(Debug, Clone)]
pub struct Figure {
    /// What it says.
    pub what: String,
    /// How much.
    pub value: f64,
    /// Of what: `ms`, `MB`, `×`.
    pub unit: &'static str,
    /// What it must stay below.
    pub most: f64,
}

/// The table of the series on that many rows.
pub fn table(all: &[Series], rows: u64) -> String {
    let mut table = empty(&[
        "",
        "",
        "rate/s",
        "p50 ms",
        "p99 ms",
        "cpu µs",
        "database µs",
        "bytes",
        "× bare",
        "× pocketbase",
        "targets",
    ]);
    let mut last = None;
    for series in all {
        let operation = if last == Some(series.operation) { "" } else { series.operation.name() };
        last = Some(series.operation);
        let mut row = vec![operation.to_owned()];
        row.extend(cells(all, series));
        row.push(judgements(all, series, rows).iter().map(Judgement::text).collect::<Vec<_>>().join("\n"));
        table.add_row(row);
    }
    format!(
        "{rows} rows; cpu and database: in the program + in the kernel, per request\n{table}\n{}",
        noise(all)
    )
}

/// What was measured, and the ratios.
fn cells(all: &[Series], series: &Series) -> Vec<String> {
    let middle = |value: &dyn Fn(&Sample) -> f64| median(series.samples.iter().map(value));
    let times = |other: Option<Name>| {
        let other = other.filter(|other| *other != series.name)?;
        ratio(all, series, other, |sample| sample.rate).map(|ratio| format!("{ratio:.2}"))
    };
    let cpu = |of: &dyn Fn(&Sample) -> Option<[f64; 2]>| {
        let part = |index: usize| middle(&|sample| of(sample).map_or(f64::NAN, |parts| parts[index]));
        if part(0).is_nan() { String::new() } else { format!("{:.0} + {:.0}", part(0), part(1)) }
    };
    let mark = if middle(&|sample| sample.foreign) > 0.1 { " *" } else { "" };
    vec![
        format!("{}{mark}", series.name.as_str()),
        format!("{:.0}", middle(&|sample| sample.rate)),
        format!("{:.2}", middle(&|sample| sample.p50)),
        format!("{:.2}", middle(&|sample| sample.p99)),
        cpu(&|sample| Some(sample.cpu)),
        cpu(&|sample| sample.database),
        format!("{:.0}", middle(&|sample| sample.bytes as f64)),
        times(series.name.limit()).unwrap_or_default(),
        times(Some(Name::PocketBase)).unwrap_or_default(),
    ]
}

/// A target and what was reached of it.
struct Judgement {
    target: Target,
    reached: f64,
    is_enough: bool,
}

impl Judgement {
    fn text(&self) -> String {
        let Self { target, reached, is_enough } = self;
        format!("{} {} ({reached:.2})", if *is_enough { "yes" } else { "NO " }, target.text())
    }
}

fn judgements(all: &[Series], series: &Series, rows: u64) -> Vec<Judgement> {
    let judge = |target: Target| {
        let (reached, is_enough) = target.judge(all, series)?;
        Some(Judgement { target, reached, is_enough })
    };
    targets(series.name, series.operation, rows).into_iter().filter_map(judge).collect()
}

/// The targets that were missed on that many rows, one line each.
pub fn missed(all: &[Series], rows: u64) -> Vec<String> {
    let of = |series: &Series| {
        let (operation, name) = (series.operation.name(), series.name.as_str());
        let missed = judgements(all, series, rows).into_iter().filter(|one| !one.is_enough);
        missed
            .map(|one| {
                format!("{rows} rows, {operation}, {name}: {}, reached {:.2}", one.target.text(), one.reached)
            })
            .collect::<Vec<_>>()
    };
    all.iter().flat_map(of).collect()
}

/// The figures that are not below their limits, one line each.
pub fn missed_figures(figures: &[Figure]) -> Vec<String> {
    let missed = figures.iter().filter(|figure| figure.value >= figure.most);
    missed
        .map(|one| {
            format!("{}: < {} {unit}, reached {:.1} {unit}", one.what, one.most, one.value, unit = one.unit)
        })
        .collect()
}

/// What a report ends with.
pub fn targets_missed(missed: &[String]) -> String {
    if missed.is_empty() {
        return "no target missed".to_owned();
    }
    let lines: Vec<_> = missed.iter().map(|line| format!("  {line}")).collect();
    format!("targets missed: {}\n{}", missed.len(), lines.join("\n"))
}

fn noise(all: &[Series]) -> &'static str {
    let samples = all.iter().flat_map(|series| &series.samples);
    if samples.clone().any(|sample| sample.foreign > 0.1) {
        "* something else took more than a tenth of the machine meanwhile: measure again when it is quiet"
    } else {
        ""
    }
}

/// The table of single figures.
pub fn figures(figures: &[Figure]) -> String {
    let mut table = empty(&["", "", "", "target"]);
    for figure in figures {
        let is_enough = if figure.value < figure.most { "yes" } else { "NO " };
        let target = format!("{is_enough} < {} {}", figure.most, figure.unit);
        let value = format!("{:.1}", figure.value);
        table.add_row([figure.what.clone(), value, figure.unit.to_owned(), target]);
    }
    table.to_string()
}

/// A table without lines, its middle columns to the right.
pub fn empty(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(header);
    for index in 2..header.len().saturating_sub(1) {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// The series on that many rows as JSON, each with all its samples.
pub fn json(all: &[Series], rows: u64) -> Vec<Value> {
    let one = |series: &Series| {
        let targets: Vec<_> = judgements(all, series, rows)
            .into_iter()
            .map(|one| json!({ "target": one.target.text(), "value": one.reached, "reached": one.is_enough }))
            .collect();
        json!({
            "rows": rows,
            "operation": series.operation.name(),
            "contestant": series.name.as_str(),
            "samples": series.samples,
            "targets": targets,
        })
    };
    all.iter().map(one).collect()
}

/// Single figures as JSON.
pub fn figures_json(figures: &[Figure]) -> Vec<Value> {
    let one = |figure: &Figure| json!({ "what": figure.what, "value": figure.value, "unit": figure.unit, "below": figure.most });
    figures.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::requests::Operation;

    fn series(name: Name, rate: f64) -> Series {
        let sample =
            Sample { rate, p50: 0.4, p99: 1.5, cpu: [8.0, 2.0], database: None, bytes: 300, foreign: 0.0 };
        Series { operation: Operation::Get, name, samples: vec![sample; 3] }
    }

    #[test]
    fn what_is_missed_is_shouted() {
        let all = [series(Name::RealNet, 50.0), series(Name::Bare, 100.0), series(Name::PocketBase, 9.0)];
        let text = table(&all, 10_000);
        assert!(text.contains("NO  ≥ 0.6 × bare (0.50)"), "{text}");
        assert!(text.contains("yes ≥ 5 × pocketbase (5.56)"), "{text}");
        assert!(text.contains("8 + 2") && !text.contains('*'), "{text}");
        assert_eq!(missed(&all, 10_000), ["10000 rows, get, realnet (user): ≥ 0.6 × bare, reached 0.50"]);
        assert_eq!(json(&all, 10_000)[0]["targets"][1]["reached"], false);
    }

    #[test]
    fn figures_are_held_against_their_limits() {
        let figure = |value| Figure { what: "idle memory".into(), value, unit: "MB", most: 60.0 };
        let text = figures(&[figure(50.0), figure(70.0)]);
        assert!(text.contains("yes < 60 MB") && text.contains("NO  < 60 MB"), "{text}");
        let missed = missed_figures(&[figure(50.0), figure(70.0)]);
        assert_eq!(missed, ["idle memory: < 60 MB, reached 70.0 MB"]);
        assert!(targets_missed(&missed).ends_with("missed: 1\n  idle memory: < 60 MB, reached 70.0 MB"));
    }
}
