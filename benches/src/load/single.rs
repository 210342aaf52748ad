//! Figures that are no rates: memory, the start, single requests on many rows, and how the cost of a page grows.

use std::io::Result;
use std::thread;
use std::time::{Duration, Instant};

use super::http::Client;
use super::notes::{Note, RARE_WORDS, Random, STATES, rare_word};
use super::realnet::RealNet;
use super::report::Figure;
use super::requests::Operation;
use super::rounds::{Contestant, Name, Plan, measure, median};
use super::stage::ROWS_WITH_PLACES;

/// A server may take this long to come to rest after its start.
const REST: Duration = Duration::from_secs(2);

/// How often each single request is sent; the slowest but one in a hundred counts.
const REPEATS: u64 = 200;

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
    Ok(vec![
        Figure {
            what: format!("start to first answer, {rows} rows"),
            value: median(starts),
            unit: "s",
            most: Some(0.5),
        },
        Figure {
            what: format!("idle memory, {rows} rows"),
            value: median(memory),
            unit: "MB",
            most: Some(60.0),
        },
    ])
}

/// Makes the path of a request.
type PathOf = fn(&mut Random) -> String;

/// How long single requests of a plain user take on RealNet, and its memory afterwards.
///
/// # Errors
/// A request is not answered with 2xx.
pub fn requests(contestants: &[Contestant], rows: u64) -> Result<Vec<Figure>> {
    let Some(realnet) = contestants.iter().find(|one| one.name == Name::RealNet) else {
        return Ok(Vec::new());
    };
    let mut kinds: Vec<(&str, PathOf)> = vec![
        ("list", |_| "/api/memo?limit=50".to_owned()),
        ("indexed filter", |random| {
            format!("/api/memo?state=eq.{}&limit=50", STATES[random.below(4) as usize])
        }),
        ("range of an indexed field, sorted", |random| {
            format!("/api/memo?priority=gte.{}&order=priority&limit=50", random.below(1_000_000))
        }),
        ("search for a rare word", |random| {
            format!("/api/memo?search={}&limit=50", rare_word(random.below(RARE_WORDS)))
        }),
        ("search for a common word", |_| "/api/memo?search=winter&limit=50".to_owned()),
    ];
    if rows >= ROWS_WITH_PLACES {
        kinds.push(("near, 20 km around", |random| {
            let [longitude, latitude] = Note::number(random.below(ROWS_WITH_PLACES)).place;
            format!("/api/memo?near={longitude},{latitude},20000&limit=50")
        }));
    }
    let mut client = Client::new(realnet.process.address);
    client.token.clone_from(&realnet.requests.token);
    let mut figures = Vec::new();
    for (what, path) in kinds {
        let value = slowest(&mut client, path)?;
        let what = format!("p99 of one {what}, {rows} rows");
        figures.push(Figure { what, value, unit: "ms", most: Some(50.0) });
    }
    let memory = realnet.process.memory()? as f64 / 1e6;
    figures.push(Figure {
        what: format!("memory after these, {rows} rows"),
        value: memory,
        unit: "MB",
        most: None,
    });
    Ok(figures)
}

/// p99 in milliseconds of requests sent one after the other.
fn slowest(client: &mut Client, path: PathOf) -> Result<f64> {
    let mut random = Random::new(1);
    let mut times = Vec::new();
    for _ in 0..REPEATS {
        let path = path(&mut random);
        let begin = Instant::now();
        client.call("GET", &path, None)?;
        times.push(begin.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() * 99 / 100])
}

/// Processor time of one page of a list on RealNet, in microseconds.
///
/// # Errors
/// A request is not answered with 2xx.
pub fn page_cost(contestants: &[Contestant], plan: Plan) -> Result<Option<[f64; 2]>> {
    let Some(index) = contestants.iter().position(|one| one.name == Name::RealNet) else { return Ok(None) };
    let lists = [Operation::List, Operation::ListByPriority];
    let series = measure(&contestants[index..=index], &lists, plan)?;
    let cost = |index: usize| median(series[index].samples.iter().map(|sample| sample.cpu));
    Ok(Some([cost(0), cost(1)]))
}

/// How much more a page costs on the most rows than on the fewest.
pub fn growth(pages: &[(u64, Option<[f64; 2]>)]) -> Vec<Figure> {
    let (Some((few, Some(small))), Some((many, Some(large)))) = (pages.first(), pages.last()) else {
        return Vec::new();
    };
    if few == many {
        return Vec::new();
    }
    let lists = [Operation::List, Operation::ListByPriority].into_iter().zip(small.iter().zip(large));
    lists
        .map(|(operation, (small, large))| Figure {
            what: format!("cost of a page ({}), {many} rows against {few}", operation.name()),
            value: large / small,
            unit: "×",
            most: Some(1.5),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_compares_the_most_rows_with_the_fewest() {
        let pages = [(10, Some([10.0, 20.0])), (50, None), (100, Some([12.0, 40.0]))];
        let figures = growth(&pages);
        assert!((figures[0].value - 1.2).abs() < 1e-9 && (figures[1].value - 2.0).abs() < 1e-9);
        assert!(growth(&pages[..1]).is_empty());
    }
}
