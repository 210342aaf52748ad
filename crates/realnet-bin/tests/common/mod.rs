//! A real server process for tests: its own folder, a free port, ended with the test.
#![allow(dead_code, reason = "each test program uses its own part")]
#![allow(clippy::panic, reason = "a test fails by panicking")]

pub mod shell;

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use realnet_client::Client;
use realnet_core::clock::{IdSource as _, System};
use realnet_testkit::engines::S3Place;

/// The administrator of every test server.
pub const ADMIN: (&str, &str) = ("admin", "correct-horse-battery");

/// Settings of a store for `realnet`.
pub type Settings = Vec<(String, String)>;

/// A running server.
pub struct Server {
    child: Child,
    /// Its address, such as `http://127.0.0.1:40000`.
    pub address: String,
}

/// A `realnet` command in `folder`, with nothing of the surrounding settings.
pub fn realnet(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_realnet"));
    command.current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("REALNET_") {
            command.env_remove(name);
        }
    }
    // The login that commands keep stays in the test's folder.
    command.env("XDG_CONFIG_HOME", folder.join("config"));
    // A low cost: these tests are not about the strength of hashes.
    command.env("REALNET_BCRYPT_COST", "4");
    command
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Output {
    command.output().expect("the command starts")
}

/// What a command printed, for messages.
pub fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

impl Server {
    /// Starts a server on an embedded store in `folder`, or goes on with the one that is there.
    pub fn start(folder: &Path) -> Self {
        Self::start_with(folder, &Settings::new())
    }

    /// Starts a server with further settings.
    pub fn start_with(folder: &Path, settings: &Settings) -> Self {
        Self::spawn(&mut server_command(folder, settings))
    }

    /// Starts the server that a command describes and waits until it listens.
    pub fn spawn(command: &mut Command) -> Self {
        Self::wait_for(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    fn wait_for(command: &mut Command) -> Self {
        let mut child = command.spawn().expect("the server starts");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is a pipe")).lines();
        let address = loop {
            let Some(Ok(line)) = lines.next() else {
                let mut words = String::new();
                child.stderr.take().map(|mut stderr| stderr.read_to_string(&mut words));
                panic!("the server did not start: {words}");
            };
            if let Some((_, address)) = line.split_once("listening on ") {
                break address.trim().to_owned();
            }
        };
        // Keep both pipes empty, so that the server never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        if let Some(stderr) = child.stderr.take() {
            std::thread::spawn(move || BufReader::new(stderr).lines().for_each(drop));
        }
        Self { child, address }
    }

    /// As [`Self::spawn`], with the log in a file.
    pub fn spawn_logging(command: &mut Command, log: std::fs::File) -> Self {
        Self::wait_for(command.stdout(Stdio::piped()).stderr(log))
    }

    /// A client, signed in as the administrator.
    pub async fn admin(&self) -> Client {
        let mut client = Client::new(&self.address).expect("an address");
        client.authenticate(ADMIN.0, ADMIN.1, None).await.expect("the administrator signs in");
        client
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends the process at once, as a crash does.
    pub fn kill(mut self) {
        self.crash();
    }

    /// The same, for who starts another one in its place: what it held is free then.
    pub fn crash(&mut self) {
        self.child.kill().expect("the server is killed");
        self.child.wait().expect("the server has ended");
    }

    /// Asks the server to stop and waits; answers whether it ended well.
    pub fn stop(mut self) -> bool {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        sent.expect("kill runs").success() && self.child.wait().expect("the server has ended").success()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `realnet server` on a free port.
pub fn server_command(folder: &Path, settings: &Settings) -> Command {
    let mut command = realnet(folder);
    command
        .arg("server")
        .env("REALNET_SERVER_PORT", "0")
        .env("REALNET_USERNAME", ADMIN.0)
        .env("REALNET_PASSWORD", ADMIN.1)
        .envs(settings.iter().map(|(name, value)| (name, value)));
    command
}

/// The settings that lead to a place in S3 of one's own: it has a prefix that no other has.
pub fn s3_settings(place: &S3Place) -> Settings {
    let prefix = System.next_id().to_string();
    [
        ("REALNET_STORAGE_TYPE", "s3"),
        ("REALNET_STORAGE_S3_BUCKET", place.bucket),
        ("REALNET_STORAGE_S3_KEY", place.key),
        ("REALNET_STORAGE_S3_SECRET", place.secret),
        ("REALNET_STORAGE_S3_ENDPOINT", &place.endpoint),
        ("REALNET_STORAGE_S3_PREFIX", &prefix),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// The settings that lead to a PostgreSQL database given as a URL.
pub fn postgres_settings(url: &str) -> Settings {
    let url = url::Url::parse(url).expect("a URL");
    let pairs = [
        ("REALNET_DB_TYPE", "postgresql".to_owned()),
        ("REALNET_DB_HOST", url.host_str().unwrap_or("127.0.0.1").to_owned()),
        ("REALNET_DB_PORT", url.port().unwrap_or(5432).to_string()),
        ("REALNET_DB_USER", url.username().to_owned()),
        ("REALNET_DB_PASS", url.password().unwrap_or_default().to_owned()),
        ("REALNET_DB_NAME", url.path().trim_start_matches('/').to_owned()),
        ("REALNET_DB_SSLMODE", "disable".to_owned()),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A folder of the test's own.
pub fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_owned();
    (folder, path)
}
