//! One engine on few rows and on many: a store for each number, filled over HTTP, all asked in turn, so that what else
//! happens on the machine meets all alike.

use std::io::{Error, Result};
use std::path::Path;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use super::kinds::{BY_PRIORITY, KINDS, Kind, NEWEST, Notes, SHARED};
use crate::load::http::Client;
use crate::load::notes::{Note, Random};
use crate::load::place::Place;
use crate::load::postgres::{Postgres, settle};
use crate::load::process::Process;
use crate::load::realnet::{RealNet, Store, Who, fill, share, signed_in};
use crate::load::usage::nanoseconds;

/// A database engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The embedded one.
    Sqlite,
    /// A server of our own.
    Postgres,
}

impl Engine {
    /// Its name in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// What was measured on that many rows.
#[derive(Debug, Clone)]
pub struct Step {
    /// How many notes there were.
    pub rows: u64,
    /// How many seconds it took to create them.
    pub filled: f64,
    /// Resident memory of the server in bytes: empty, after creating them, after the requests.
    pub memory: [u64; 3],
    /// Seconds from the start to the first answer, on all of them.
    pub start: f64,
    /// One for each of [`KINDS`].
    pub timings: Vec<Timing>,
}

/// How long requests of a kind took.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Half of them, in milliseconds.
    pub p50: f64,
    /// 99 of 100.
    pub p99: f64,
    /// Processor time of each, the database's included, in microseconds.
    pub cpu: f64,
}

/// A server may take this long to come to rest.
const REST: Duration = Duration::from_secs(2);

/// How many requests of a kind a server gets before it is the next one's turn.
const TURN: u64 = 20;

/// The longest that requests of one kind are sent to all servers.
const PATIENCE: Duration = Duration::from_mins(1);

/// Measures all kinds of requests, sent by a plain user, on stores with these numbers of rows.
///
/// # Errors
/// A server does not start, does not answer with 2xx, or finds less than there is.
pub fn climb(engine: Engine, program: &Path, sizes: &[u64], repeats: u64) -> Result<Vec<Step>> {
    let place = Rc::new(Place::new()?);
    let postgres = match engine {
        Engine::Sqlite => None,
        Engine::Postgres => Some(Postgres::start()?),
    };
    let mut all = Vec::new();
    for rows in sizes {
        let store = match &postgres {
            None => Store::Sqlite(place.path().join(format!("realnet{rows}.db"))),
            Some(server) => Store::Postgres(server.create(&format!("realnet{rows}"), None)?),
        };
        let realnet = RealNet {
            program: program.to_owned(),
            place: Rc::clone(&place),
            store,
            bcrypt_cost: None,
            settings: Vec::new(),
        };
        eprintln!("{}: creating {rows} rows", engine.name());
        all.push(Filled::new(realnet, *rows)?);
    }
    for kind in &KINDS {
        eprintln!("{}: {}", engine.name(), kind.name);
        time(&mut all, kind, repeats)?;
    }
    all.into_iter().map(Filled::finish).collect()
}

/// A server with its rows, and what is known of it until now.
#[derive(Debug)]
struct Filled {
    realnet: RealNet,
    process: Process,
    superuser: Client,
    user: Client,
    guest: Client,
    notes: Notes,
    step: Step,
}

impl Filled {
    fn new(realnet: RealNet, rows: u64) -> Result<Self> {
        realnet.prepare()?;
        let process = realnet.start()?;
        let before = at_rest(&process)?;
        let begin = Instant::now();
        let mut superuser = signed_in(&process, Who::Superuser)?;
        let ids = fill(&mut superuser, 0..rows, Note::body_with_place)?;
        let filled = begin.elapsed().as_secs_f64();
        share(&mut superuser, ids.iter().step_by((rows / SHARED) as usize))?;
        if let Store::Postgres(database) = &realnet.store {
            settle(database)?;
        }
        let memory = [before, at_rest(&process)?, 0];
        let mut user = signed_in(&process, Who::User)?;
        let guest = signed_in(&process, Who::Guest)?;
        let deep = deep_pages(&mut user, NEWEST, rows)?;
        let deep_by_priority = deep_pages(&mut user, BY_PRIORITY, rows)?;
        let notes = Notes { ids, deep, deep_by_priority };
        let step = Step { rows, filled, memory, start: 0.0, timings: Vec::new() };
        Ok(Self { realnet, process, superuser, user, guest, notes, step })
    }

    fn finish(self) -> Result<Step> {
        let mut step = self.step;
        step.memory[2] = at_rest(&self.process)?;
        self.process.stop()?;
        let again = self.realnet.start()?;
        step.start = again.start.as_secs_f64();
        again.stop()?;
        Ok(step)
    }

    fn client(&mut self, who: Who) -> &mut Client {
        match who {
            Who::Superuser => &mut self.superuser,
            Who::User => &mut self.user,
            Who::Guest => &mut self.guest,
        }
    }

    /// Sends some of a kind; gives nanoseconds of processors.
    fn turn(&mut self, kind: &Kind, random: &mut Random, count: u64, times: &mut Vec<f64>) -> Result<u64> {
        let with_database = matches!(self.realnet.store, Store::Postgres(_));
        let before = nanoseconds(self.process.id(), with_database)?;
        for _ in 0..count {
            let path = (kind.path)(&self.notes, random);
            let sent = Instant::now();
            self.client(kind.who).call("GET", &path, None)?;
            times.push(sent.elapsed().as_secs_f64() * 1000.0);
        }
        Ok(nanoseconds(self.process.id(), with_database)?.saturating_sub(before))
    }

    /// Looks at one answer: a server that answers quickly but wrongly has no part in this.
    fn check(&mut self, kind: &Kind, random: &mut Random) -> Result<()> {
        let path = (kind.path)(&self.notes, random);
        let answer = self.client(kind.who).json("GET", &path, None)?;
        let found = answer.as_array().map_or(usize::from(answer.is_object()), Vec::len);
        if found >= kind.at_least {
            return Ok(());
        }
        Err(Error::other(format!(
            "{path} finds {found} of {} rows, less than {}",
            self.step.rows, kind.at_least
        )))
    }
}

fn at_rest(process: &Process) -> Result<u64> {
    thread::sleep(REST);
    process.memory()
}

/// Sends requests of a kind to all servers in turn, until each had its repeats or patience ends.
fn time(all: &mut [Filled], kind: &Kind, repeats: u64) -> Result<()> {
    let mut random = Random::new(1);
    let mut times = vec![Vec::new(); all.len()];
    let mut spent = vec![0; all.len()];
    for one in all.iter_mut() {
        one.check(kind, &mut random)?;
        one.turn(kind, &mut random, repeats.div_ceil(10), &mut Vec::new())?;
    }
    let begin = Instant::now();
    while (times[0].len() as u64) < repeats && begin.elapsed() < PATIENCE {
        for (index, one) in all.iter_mut().enumerate() {
            spent[index] += one.turn(kind, &mut random, TURN.min(repeats), &mut times[index])?;
        }
    }
    for ((one, mut times), spent) in all.iter_mut().zip(times).zip(spent) {
        let cpu = spent as f64 / 1000.0 / times.len() as f64;
        times.sort_by(f64::total_cmp);
        one.step.timings.push(Timing {
            p50: times[times.len() / 2],
            p99: times[times.len() * 99 / 100],
            cpu,
        });
    }
    Ok(())
}

/// The paths of pages in the second half of a list: it is walked in pages as large as the server gives them, and the
/// cursors are kept for pages of the ordinary size.
fn deep_pages(client: &mut Client, list: &str, rows: u64) -> Result<Vec<String>> {
    let mut pages = Vec::new();
    let mut seen = 0;
    let mut next = Some(list.replace("limit=50", "limit=1000"));
    while let Some(path) = next {
        let (items, following) = client.page(&path)?;
        seen += items.len() as u64;
        if let Some(path) = &following
            && seen >= rows / 2
            && seen + 50 <= rows
        {
            pages.push(path.replace("limit=1000", "limit=50"));
        }
        next = following;
    }
    if seen != rows {
        return Err(Error::other(format!("{list} has {seen} items on all its pages, not {rows}")));
    }
    Ok(pages)
}
