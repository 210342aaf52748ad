//! The table of a run, and its figures as JSON.

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use super::rounds::{Name, Sample, Series, median};
use super::targets::{ratio, targets};

/// A figure that is no rate: memory, a start, one request on many rows.
#[derive(Debug, Clone)]
pub struct Figure {
    /// What it says.
    pub what: String,
    /// How much.
    pub value: f64,
    /// Of what: `ms`, `MB`, `×`.
    pub unit: &'static str,
    /// What it must stay below, when that is said.
    pub most: Option<f64>,
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
        "bytes",
        "× bare",
        "× pocketbase",
        "targets",
    ]);
    let mut last = None;
    for series in all {
        let middle = |value: fn(&Sample) -> f64| median(series.samples.iter().map(value));
        let times = |other: Option<Name>| {
            let other = other.filter(|other| *other != series.name)?;
            ratio(all, series, other, |sample| sample.rate).map(|ratio| format!("{ratio:.2}"))
        };
        let operation = if last == Some(series.operation) { "" } else { series.operation.name() };
        last = Some(series.operation);
        table.add_row([
            operation.to_owned(),
            format!(
                "{}{}",
                series.name.as_str(),
                if middle(|sample| sample.foreign) > 0.1 { " *" } else { "" }
            ),
            format!("{:.0}", middle(|sample| sample.rate)),
            format!("{:.2}", middle(|sample| sample.p50)),
            format!("{:.2}", middle(|sample| sample.p99)),
            format!("{:.0}", middle(|sample| sample.cpu)),
            format!("{:.0}", middle(|sample| sample.bytes as f64)),
            times(series.name.limit()).unwrap_or_default(),
            times(Some(Name::PocketBase)).unwrap_or_default(),
            judgements(all, series, rows).join("\n"),
        ]);
    }
    format!("{rows} rows\n{table}\n{}", noise(all))
}

fn judgements(all: &[Series], series: &Series, rows: u64) -> Vec<String> {
    let judge = |target: super::targets::Target| {
        let (reached, enough) = target.judge(all, series)?;
        Some(format!("{} {} ({reached:.2})", if enough { "yes" } else { "NO " }, target.text()))
    };
    targets(series.name, series.operation, rows).into_iter().filter_map(judge).collect()
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
        let target = figure.most.map(|most| {
            format!("{} < {most} {}", if figure.value < most { "yes" } else { "NO " }, figure.unit)
        });
        let value = format!("{:.1}", figure.value);
        table.add_row([figure.what.clone(), value, figure.unit.to_owned(), target.unwrap_or_default()]);
    }
    table.to_string()
}

fn empty(header: &[&str]) -> Table {
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
        let targets: Vec<_> = targets(series.name, series.operation, rows)
            .into_iter()
            .filter_map(|target| {
                let (reached, enough) = target.judge(all, series)?;
                Some(json!({ "target": target.text(), "value": reached, "reached": enough }))
            })
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
        let sample = Sample { rate, p50: 0.4, p99: 1.5, cpu: 10.0, bytes: 300, foreign: 0.0 };
        Series { operation: Operation::Get, name, samples: vec![sample; 3] }
    }

    #[test]
    fn what_is_missed_is_shouted() {
        let all = [series(Name::RealNet, 50.0), series(Name::Bare, 100.0), series(Name::PocketBase, 9.0)];
        let text = table(&all, 10_000);
        assert!(text.contains("NO  ≥ 0.6 × bare (0.50)"), "{text}");
        assert!(text.contains("yes ≥ 5 × pocketbase (5.56)"), "{text}");
        assert!(!text.contains('*'), "{text}");
        assert_eq!(json(&all, 10_000)[0]["targets"][1]["reached"], false);
    }

    #[test]
    fn figures_are_held_against_their_limits() {
        let figure = |value| Figure { what: "idle memory".into(), value, unit: "MB", most: Some(60.0) };
        let text = figures(&[figure(50.0), figure(70.0)]);
        assert!(text.contains("yes < 60 MB") && text.contains("NO  < 60 MB"), "{text}");
    }
}
