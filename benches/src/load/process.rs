//! A server under measurement: a process with a log of its own, and what it uses.

use std::fs::{self, File};
use std::io::{Error, ErrorKind, Result};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::http::Client;

/// How long a server may take until it answers.
const START: Duration = Duration::from_mins(1);

/// How long a server may take to end by itself.
const STOP: Duration = Duration::from_secs(20);

/// A running server. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
    /// Where it listens.
    pub address: SocketAddr,
    /// From the start to the first good answer.
    pub start: Duration,
}

impl Process {
    /// Starts a server and waits until it answers a GET of `path` with 2xx.
    ///
    /// # Errors
    /// It can not be started, ends, or does not answer within a minute; with the end of its log.
    pub fn start(command: &mut Command, address: SocketAddr, log: &Path, path: &str) -> Result<Self> {
        let output = File::options().create(true).append(true).open(log)?;
        let begin = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).spawn()?;
        let mut process = Self { child, log: log.to_owned(), address, start: Duration::ZERO };
        loop {
            if let Ok((200..300, _)) = Client::new(address).send("GET", path, None) {
                process.start = begin.elapsed();
                return Ok(process);
            }
            if process.child.try_wait()?.is_some() {
                return Err(process.complaint("the server ended while it started"));
            }
            if begin.elapsed() > START {
                return Err(process.complaint("the server did not answer in time"));
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end and waits until it has.
    ///
    /// # Errors
    /// It does not end in time; it is killed then.
    pub fn stop(mut self) -> Result<()> {
        // The standard library sends no signal but KILL.
        Command::new("sh").args(["-c", "kill -TERM \"$0\"", &self.id().to_string()]).status()?;
        let begin = Instant::now();
        while begin.elapsed() < STOP {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Err(self.complaint("the server did not end when it was asked to"))
    }

    /// Resident memory in bytes.
    ///
    /// # Errors
    /// The process has ended, or the system has no `/proc`.
    pub fn memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kibibytes.map(|count| count * 1024).ok_or_else(|| Error::new(ErrorKind::InvalidData, "no VmRSS"))
    }

    /// An error with the end of the server's log.
    pub fn complaint(&self, what: &str) -> Error {
        let log = fs::read(&self.log).unwrap_or_default();
        let tail = String::from_utf8_lossy(&log[log.len().saturating_sub(2000)..]).into_owned();
        Error::other(format!("{what}: {tail}"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address on this machine that nobody listens on.
///
/// # Errors
/// There is none.
pub fn free_address() -> Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Time spent on processors, in ticks of 10 ms, the unit of `/proc` for programs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ticks {
    /// By the servers: all that this process has started, with what those have started.
    pub servers: u64,
    /// By this process, which makes the load.
    pub driver: u64,
    /// By everything on the machine.
    pub machine: u64,
}

impl Ticks {
    /// What was spent until now.
    ///
    /// # Errors
    /// The system has no `/proc`.
    pub fn now() -> Result<Self> {
        let own = std::process::id();
        let processes = processes()?;
        let driver = processes.iter().find(|one| one.id == own).map_or(0, |one| one.ticks);
        let servers = below(&processes, own).map(|one| one.ticks).sum();
        Ok(Self { servers, driver, machine: machine_ticks()? })
    }

    /// What was spent since an earlier moment.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            servers: self.servers.saturating_sub(earlier.servers),
            driver: self.driver.saturating_sub(earlier.driver),
            machine: self.machine.saturating_sub(earlier.machine),
        }
    }

    /// What others took away, who have no part in the measurement.
    pub fn foreign(self) -> u64 {
        self.machine.saturating_sub(self.servers + self.driver)
    }
}

/// A process and what it has spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Spent {
    id: u32,
    parent: u32,
    ticks: u64,
}

/// The processes that descend from one.
fn below(processes: &[Spent], root: u32) -> impl Iterator<Item = &Spent> {
    let parent_of = |id: u32| processes.iter().find(|one| one.id == id).map(|one| one.parent);
    processes.iter().filter(move |one| {
        // The chain of parents ends at the first process, which has none.
        std::iter::successors(Some(one.parent), |id| parent_of(*id)).take(64).any(|id| id == root)
    })
}

fn processes() -> Result<Vec<Spent>> {
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // One that ended meanwhile is of no interest.
        let Ok(line) = fs::read_to_string(format!("/proc/{id}/stat")) else { continue };
        all.extend(parse_stat(&line).map(|(parent, ticks)| Spent { id, parent, ticks }));
    }
    Ok(all)
}

/// Parent and ticks out of a line of `/proc/ID/stat`. The second field, the name, may hold anything.
fn parse_stat(line: &str) -> Option<(u32, u64)> {
    let fields: Vec<_> = line.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some((number(1)? as u32, number(11)? + number(12)?))
}

/// Busy ticks of all processors: the first line of `/proc/stat` without idle and waiting.
fn machine_ticks() -> Result<u64> {
    let text = fs::read_to_string("/proc/stat")?;
    let fields = text.lines().next().unwrap_or_default().split_whitespace().skip(1).take(8);
    let numbers = fields.map(|field| field.parse::<u64>().unwrap_or_default());
    Ok(numbers.enumerate().filter(|(index, _)| ![3, 4].contains(index)).map(|(_, number)| number).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_processes_may_hold_brackets_and_spaces() {
        let line = "7 (a ) b) S 3 7 7 0 -1 4194560 1 2 3 4 50 7 0 0 20 0 1 0 9 9";
        assert_eq!(parse_stat(line), Some((3, 57)));
    }

    #[test]
    fn all_descendants_count() {
        let spent = |id, parent| Spent { id, parent, ticks: 5 };
        let processes = [spent(1, 0), spent(2, 1), spent(3, 2), spent(4, 3), spent(9, 0)];
        let found: Vec<_> = below(&processes, 2).map(|one| one.id).collect();
        assert_eq!(found, [3, 4]);
    }

    #[test]
    fn our_own_time_is_counted() {
        let before = Ticks::now().unwrap();
        let begin = Instant::now();
        let mut random = crate::load::notes::Random::new(1);
        while begin.elapsed() < Duration::from_millis(300) {
            random.below(10);
        }
        let spent = Ticks::now().unwrap().since(before);
        assert!(spent.driver >= 10 && spent.machine >= spent.driver, "{spent:?}");
    }
}
