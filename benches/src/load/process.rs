//! A server under measurement: a process with a log of its own, and its memory.

use std::fs::{self, File};
use std::io::{Error, ErrorKind, Result};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use super::http::Client;
use super::place::Place;

/// How long a server may take until it answers.
const START: Duration = Duration::from_mins(1);

/// How long a server may take to end by itself.
const STOP: Duration = Duration::from_secs(20);

/// A running server. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
    // Goes after the process.
    _place: Rc<Place>,
    /// Where it listens.
    pub address: SocketAddr,
    /// From the start to the first good answer.
    pub start: Duration,
}

impl Process {
    /// Starts a server, a command of the place, and waits until it answers a GET of `ready` with 2xx. Its output goes to a
    /// file there with the name `log`.
    ///
    /// # Errors
    /// It can not be started, ends, or does not answer within a minute; with the end of its log.
    pub fn start(
        place: &Rc<Place>,
        command: &mut Command,
        address: SocketAddr,
        log: &str,
        ready: &str,
    ) -> Result<Self> {
        let log = place.path().join(log);
        let output = File::options().create(true).append(true).open(&log)?;
        let begin = Instant::now();
        let child = command.stdout(output.try_clone()?).stderr(output).spawn()?;
        let mut process = Self { child, log, _place: Rc::clone(place), address, start: Duration::ZERO };
        loop {
            if let Ok((200..300, _)) = Client::new(address).send("GET", ready, None) {
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
        self.status("VmRSS:")
    }

    /// The most resident memory that it has had, in bytes.
    ///
    /// # Errors
    /// As [`memory`](Self::memory).
    pub fn peak_memory(&self) -> Result<u64> {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        let missing = || Error::new(ErrorKind::InvalidData, format!("the system tells no {name}"));
        kibibytes.map(|count| count * 1024).ok_or_else(missing)
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
