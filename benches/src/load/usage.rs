//! What servers use of the machine: time on processors, read from `/proc`.

use std::fs;
use std::io::Result;
use std::ops::Sub;

/// Time on processors in ticks of 10 ms, the unit of `/proc` for programs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ticks {
    /// In the program itself.
    pub user: u64,
    /// In the kernel, on its behalf.
    pub system: u64,
}

impl Ticks {
    const fn sum(self) -> u64 {
        self.user + self.system
    }

    fn add(self, other: Self) -> Self {
        Self { user: self.user + other.user, system: self.system + other.system }
    }
}

impl Sub for Ticks {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        // A process that ended meanwhile takes its ticks along.
        Self {
            user: self.user.saturating_sub(earlier.user),
            system: self.system.saturating_sub(earlier.system),
        }
    }
}

/// Who has spent how much.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// The server in question.
    pub server: Ticks,
    /// The PostgreSQL server that this process has started.
    pub database: Ticks,
    /// This process and all that it has started.
    pub own: u64,
    /// Everything on the machine.
    pub machine: u64,
}

impl Usage {
    /// What was spent until now, by a server among others.
    ///
    /// # Errors
    /// The system has no `/proc`.
    pub fn now(server: u32) -> Result<Self> {
        let own = std::process::id();
        let processes = processes()?;
        let sum = |chosen: &dyn Fn(&Spent) -> bool| {
            processes.iter().filter(|one| chosen(one)).map(|one| one.ticks).fold(Ticks::default(), Ticks::add)
        };
        Ok(Self {
            server: sum(&|one| is_below(&processes, one, server)),
            database: sum(&|one| one.is_postgres && is_below(&processes, one, own)),
            own: sum(&|one| is_below(&processes, one, own)).sum(),
            machine: machine_ticks()?,
        })
    }

    /// What was spent since an earlier moment.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            server: self.server - earlier.server,
            database: self.database - earlier.database,
            own: self.own.saturating_sub(earlier.own),
            machine: self.machine.saturating_sub(earlier.machine),
        }
    }

    /// The share that others took away, who have no part in the measurement.
    pub fn foreign(self) -> f64 {
        self.machine.saturating_sub(self.own) as f64 / self.machine.max(1) as f64
    }
}

/// A process and what it has spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Spent {
    id: u32,
    parent: u32,
    is_postgres: bool,
    ticks: Ticks,
}

/// Whether a process is another one or descends from it.
fn is_below(processes: &[Spent], one: &Spent, root: u32) -> bool {
    let parent_of = |id: u32| processes.iter().find(|one| one.id == id).map(|one| one.parent);
    // The chain of parents ends at the first process, which has none.
    std::iter::successors(Some(one.id), |id| parent_of(*id)).take(64).any(|id| id == root)
}

fn processes() -> Result<Vec<Spent>> {
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // One that ended meanwhile is of no interest.
        let Ok(line) = fs::read_to_string(format!("/proc/{id}/stat")) else { continue };
        all.extend(parse_stat(id, &line));
    }
    Ok(all)
}

/// Reads a line of `/proc/ID/stat`. The second field, the name in brackets, may hold anything.
fn parse_stat(id: u32, line: &str) -> Option<Spent> {
    let (name, rest) = line.rsplit_once(')')?;
    let fields: Vec<_> = rest.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    let ticks = Ticks { user: number(11)?, system: number(12)? };
    Some(Spent { id, parent: number(1)? as u32, is_postgres: name.ends_with("(postgres"), ticks })
}

/// Busy ticks of all processors: the first line of `/proc/stat` without idle and waiting.
fn machine_ticks() -> Result<u64> {
    let text = fs::read_to_string("/proc/stat")?;
    let fields = text.lines().next().unwrap_or_default().split_whitespace().skip(1).take(8);
    let numbers = fields.map(|field| field.parse::<u64>().unwrap_or_default());
    Ok(numbers.enumerate().filter(|(index, _)| ![3, 4].contains(index)).map(|(_, number)| number).sum())
}

/// Nanoseconds on processors of a server, and of the PostgreSQL server that this process has started when `with_database`:
/// fine enough for a few hundred short requests. Threads that have ended are not counted any more.
///
/// # Errors
/// The system has no `/proc`, or it tells no times of the scheduler.
pub fn nanoseconds(server: u32, with_database: bool) -> Result<u64> {
    let own = std::process::id();
    let processes = processes()?;
    let chosen = processes.iter().filter(|one| {
        is_below(&processes, one, server)
            || with_database && one.is_postgres && is_below(&processes, one, own)
    });
    let mut sum = 0;
    for process in chosen {
        let Ok(threads) = fs::read_dir(format!("/proc/{}/task", process.id)) else { continue };
        for thread in threads.flatten() {
            let text = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
            sum += text.split(' ').next().and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
        }
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn names_of_processes_may_hold_brackets_and_spaces() {
        let line = "7 (a ) b) S 3 7 7 0 -1 4194560 1 2 3 4 50 7 0 0 20 0 1 0 9 9";
        let spent = parse_stat(7, line).unwrap();
        assert_eq!((spent.parent, spent.ticks), (3, Ticks { user: 50, system: 7 }));
        assert!(!spent.is_postgres);
        assert!(parse_stat(7, &line.replace("a ) b", "postgres")).unwrap().is_postgres);
    }

    #[test]
    fn a_process_and_all_its_descendants_count() {
        let spent = |id, parent| Spent { id, parent, is_postgres: false, ticks: Ticks::default() };
        let processes = [spent(1, 0), spent(2, 1), spent(3, 2), spent(4, 3), spent(9, 0)];
        let found: Vec<_> = processes.iter().filter(|one| is_below(&processes, one, 2)).collect();
        assert_eq!(found, [&processes[1], &processes[2], &processes[3]]);
    }

    #[test]
    fn our_own_time_is_counted() {
        let own = std::process::id();
        let (before, nanos) = (Usage::now(own).unwrap(), nanoseconds(own, false).unwrap());
        let begin = Instant::now();
        let mut random = crate::load::notes::Random::new(1);
        // However little of the machine there is for this.
        let has_worked = || nanoseconds(own, false).unwrap() - nanos > 200_000_000;
        while !has_worked() && begin.elapsed() < Duration::from_mins(1) {
            for _ in 0..100_000 {
                random.below(10);
            }
        }
        let spent = Usage::now(own).unwrap().since(before);
        assert!(
            spent.server.user >= 5 && spent.machine >= spent.own && spent.own >= spent.server.user,
            "{spent:?}"
        );
        assert!(nanoseconds(own, false).unwrap() - nanos > 50_000_000);
    }
}
