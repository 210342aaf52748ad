//! Throw-away servers: own data folder, own port on 127.0.0.1, gone when their owner is gone. Here PostgreSQL, in
//! `seaweed.rs` S3. Blocking and free of any driver, so that the project's test command, which starts one
//! server of each for a whole run, shares this folder without building a database client.

mod error;
mod ports;
mod programs;
pub mod seaweed;
mod supervisor;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub use error::EngineError;
pub use ports::free_port;
use programs::Account;
pub use programs::Programs;
use supervisor::{Ending, Supervisor};

/// The role that owns the server; it logs in without a password.
const OWNER: &str = "test";

/// Members of this role must give a password (SCRAM); see [`ACCESS_RULES`].
pub const PASSWORD_ROLE: &str = "with_password";

/// The server's `pg_hba.conf`.
const ACCESS_RULES: &str = "\
host all +with_password 127.0.0.1/32 scram-sha-256\n\
host all all 127.0.0.1/32 trust\n";

/// How long a server may take until it accepts connections (crash recovery included).
const READY_WITHIN: Duration = Duration::from_mins(1);

/// How a server is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether a commit waits for the disk (`fsync`, `synchronous_commit`, `full_page_writes`).
    /// Off by default, for speed; on for tests and measurements of durability.
    pub durable: bool,
    /// The most sessions at a time; 300 by default, as a whole test run shares one server.
    pub max_connections: u16,
    /// Further server parameters, as name and value (`("shared_buffers", "512MB")`).
    pub parameters: Vec<(String, String)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { durable: false, max_connections: 300, parameters: Vec::new() }
    }
}

/// A running (or stopped) server. Dropping it stops the server and removes its folder; so does the
/// end of this process, in whatever way it ends.
#[derive(Debug)]
pub struct Server {
    settings: Settings,
    programs: Programs,
    account: Option<Account>,
    folder: TempDir,
    port: u16,
    running: Option<Supervisor>,
}

impl Server {
    /// Creates a data folder under the system's temporary folder and starts a server on it.
    /// Blocks until the server accepts connections: about a second.
    ///
    /// # Errors
    /// No PostgreSQL on this machine, no account to run it as, or the server's own complaint.
    pub fn start(settings: Settings) -> Result<Self, EngineError> {
        let programs = Programs::find()?;
        let folder = tempfile::Builder::new()
            .prefix("realnet-postgres-")
            .tempdir()
            .map_err(EngineError::io("creating a folder for the server"))?;
        let account = Account::needed(folder.path())?;
        if let Some(account) = account {
            std::os::unix::fs::chown(folder.path(), Some(account.user), Some(account.group))
                .map_err(EngineError::io("handing the folder to the server's account"))?;
        }
        let mut server = Self { settings, programs, account, folder, port: 0, running: None };
        server.create_cluster()?;
        server.start_on_free_port()?;
        Ok(server)
    }

    /// The URL of its maintenance database: `postgres://test@127.0.0.1:PORT/postgres`, a superuser
    /// without a password. Stays the same over [`restart`](Self::restart).
    pub fn url(&self) -> String {
        format!("postgres://{OWNER}@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts the server again after [`stop`](Self::stop) or [`crash`](Self::crash), on the same
    /// port and data. Does nothing when it runs.
    ///
    /// # Errors
    /// The port has been taken meanwhile, or the server's own complaint.
    pub fn resume(&mut self) -> Result<(), EngineError> {
        if self.running.is_some() {
            return Ok(());
        }
        self.launch()
    }

    /// Stops and starts the server; open sessions are ended.
    ///
    /// # Errors
    /// As [`stop`](Self::stop) and [`resume`](Self::resume).
    pub fn restart(&mut self) -> Result<(), EngineError> {
        self.stop()?;
        self.launch()
    }

    /// Stops the server in order: sessions end, data is written. Its port then refuses connections.
    ///
    /// # Errors
    /// The server did not stop within a minute.
    pub fn stop(&mut self) -> Result<(), EngineError> {
        self.end(Ending::Fast)
    }

    /// Ends the server as a crash would: sessions break, nothing is written, the next start
    /// recovers from the write-ahead log.
    ///
    /// # Errors
    /// The server did not end within a minute.
    pub fn crash(&mut self) -> Result<(), EngineError> {
        self.end(Ending::Immediate)
    }

    /// Freezes the server and all its sessions: connections stay open and nobody answers, as when
    /// a network or a machine hangs. [`thaw`](Self::thaw) lets it go on. Needs `/proc`.
    ///
    /// # Errors
    /// The server is not running, or the system refuses the signal.
    pub fn freeze(&self) -> Result<(), EngineError> {
        let postmaster = self.process()?;
        // The postmaster first: afterwards it forks no further children.
        supervisor::signal("STOP", &[postmaster])?;
        supervisor::signal("STOP", &supervisor::children(postmaster)?)
    }

    /// Ends [`freeze`](Self::freeze).
    ///
    /// # Errors
    /// The server is not running, or the system refuses the signal.
    pub fn thaw(&self) -> Result<(), EngineError> {
        let postmaster = self.process()?;
        supervisor::signal("CONT", &supervisor::children(postmaster)?)?;
        supervisor::signal("CONT", &[postmaster])
    }

    fn end(&mut self, ending: Ending) -> Result<(), EngineError> {
        if self.running.is_some() {
            // A frozen session would never hear the order.
            let _ = self.thaw();
        }
        match self.running.take() {
            Some(supervisor) => supervisor.end(ending),
            None => Ok(()),
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    /// The words of a command, run as the account that the server needs.
    fn command(&self, program: &str) -> Vec<OsString> {
        let mut words = self.account.map(Account::prefix).unwrap_or_default();
        words.push(self.programs.path(program));
        words
    }

    fn create_cluster(&self) -> Result<(), EngineError> {
        let words = self.command("initdb");
        let output = Command::new(&words[0])
            .args(&words[1..])
            .arg("-D")
            .arg(self.data())
            .args(["-U", OWNER, "--auth=trust", "--encoding=UTF8"])
            .args(["--no-sync", "--no-instructions"])
            .current_dir(self.folder.path())
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .output()
            .map_err(EngineError::io(format!("running {}", words[0].to_string_lossy())))?;
        if !output.status.success() {
            return Err(EngineError::Failed {
                what: format!("initdb ended with {}", output.status),
                output: String::from_utf8_lossy(&output.stderr).into_owned(),
            });
        }
        fs::write(self.data().join("pg_hba.conf"), ACCESS_RULES)
            .map_err(EngineError::io("writing the server's access rules"))
    }

    /// A port that was free a moment ago may be taken when the server asks for it: try again.
    fn start_on_free_port(&mut self) -> Result<(), EngineError> {
        let mut attempts = 5;
        loop {
            attempts -= 1;
            self.port = free_port()?;
            match self.launch() {
                Err(EngineError::Failed { output, .. })
                    if attempts > 0 && output.contains("Address already in use") => {}
                other => return other,
            }
        }
    }

    fn launch(&mut self) -> Result<(), EngineError> {
        // Left behind by a crash, it would tell of readiness that is not there yet.
        let _ = fs::remove_file(self.data().join("postmaster.pid"));
        let mut words = self.command("postgres");
        words.extend(["-D".into(), self.data().into_os_string()]);
        words.extend(["-p".into(), self.port.to_string().into()]);
        for (name, value) in self.parameters() {
            words.extend(["-c".into(), format!("{name}={value}").into()]);
        }
        let mut supervisor = Supervisor::start(self.folder.path(), &self.log(), Ending::Immediate, &words)?;
        let deadline = Instant::now() + READY_WITHIN;
        while !self.is_ready() {
            if supervisor.has_ended()? {
                return Err(self.complaint("the server ended while it started"));
            }
            if Instant::now() > deadline {
                supervisor.end(Ending::Immediate)?;
                return Err(self.complaint("the server was not ready in time"));
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.running = Some(supervisor);
        Ok(())
    }

    fn parameters(&self) -> Vec<(String, String)> {
        let mut parameters = vec![
            ("listen_addresses".into(), "127.0.0.1".into()),
            ("unix_socket_directories".into(), String::new()),
            ("password_encryption".into(), "scram-sha-256".into()),
            ("max_connections".into(), self.settings.max_connections.to_string()),
        ];
        if !self.settings.durable {
            for name in ["fsync", "synchronous_commit", "full_page_writes"] {
                parameters.push((name.into(), "off".into()));
            }
        }
        parameters.extend(self.settings.parameters.iter().cloned());
        parameters
    }

    /// The server writes its state into the eighth line of its pid file.
    fn is_ready(&self) -> bool {
        fs::read_to_string(self.data().join("postmaster.pid"))
            .is_ok_and(|text| text.lines().nth(7).map(str::trim) == Some("ready"))
    }

    /// The process id of the postmaster.
    fn process(&self) -> Result<u32, EngineError> {
        let path = self.data().join("postmaster.pid");
        let text = fs::read_to_string(path).map_err(EngineError::io("reading the server's process id"))?;
        text.lines()
            .next()
            .and_then(|line| line.trim().parse().ok())
            .ok_or_else(|| self.complaint("the server's pid file is not readable"))
    }

    /// An error with the end of the server's log.
    fn complaint(&self, what: &str) -> EngineError {
        complaint(what, &self.log())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nobody is left to hear of a failure, and the folder goes in any case.
        let _ = self.end(Ending::Immediate);
    }
}

/// An error with the end of a log.
fn complaint(what: &str, log: &Path) -> EngineError {
    let log = fs::read(log).unwrap_or_default();
    let tail = &log[log.len().saturating_sub(2000)..];
    EngineError::Failed { what: what.into(), output: String::from_utf8_lossy(tail).into_owned() }
}
