//! The programs that the tests need beside Rust: found, or installed where that is possible, or
//! named with the command that installs them.

use std::process::Command;

use crate::engine::seaweed::Seaweed;
use crate::engine::{Programs, Server, Settings};
use crate::{place, shell};

/// The variable that tells tests of a running PostgreSQL server.
const POSTGRES: &str = "REALNET_TEST_POSTGRES";

/// The variable that tells tests of a running S3 server.
const S3: &str = "REALNET_TEST_S3";

/// Makes sure that a subcommand of cargo is there, by building it from its published source.
pub fn cargo_tool(name: &str) -> Result<(), String> {
    if shell::succeeds(&mut shell::cargo(&[name, "--version"])) {
        return Ok(());
    }
    let package = format!("cargo-{name}");
    println!("{package} is not installed; building it takes some minutes, once");
    // Built outside of the checkout, and apart from the project's own build.
    let target = place::cache()?.join("tools");
    let mut install = shell::cargo(&["install", &package, "--locked"]);
    shell::run(install.env("CARGO_TARGET_DIR", target))
        .map_err(|error| format!("{error}; to install it by hand: cargo install {package} --locked"))
}

/// A server for the whole run: the one that the variable names, else one of our own, which goes
/// when this value does. With the URL that the tests are told.
#[derive(Debug)]
pub struct Database {
    url: String,
    _own: Option<Server>,
}

impl Database {
    /// Finds or starts the server; as root on Debian, installs it first when it is missing.
    pub fn start() -> Result<Self, String> {
        if let Some(url) = std::env::var(POSTGRES).ok().filter(|url| !url.is_empty()) {
            println!("PostgreSQL: the server that {POSTGRES} names");
            return Ok(Self { url, _own: None });
        }
        if Programs::find().is_err() {
            install_postgres()?;
        }
        let server = Server::start(Settings::default()).map_err(|error| error.to_string())?;
        println!("PostgreSQL: {}, for this run", server.url());
        Ok(Self { url: server.url(), _own: Some(server) })
    }

    /// Tells a command of the server.
    pub fn tell(&self, command: &mut Command) {
        command.env(POSTGRES, &self.url);
    }
}

/// An S3 server for the whole run, as [`Database`] is one of PostgreSQL.
#[derive(Debug)]
pub struct ObjectStore {
    url: String,
    _own: Option<Seaweed>,
}

impl ObjectStore {
    /// Finds or starts the server; installs it first when it is missing.
    pub fn start() -> Result<Self, String> {
        if let Some(url) = std::env::var(S3).ok().filter(|url| !url.is_empty()) {
            println!("S3: the server that {S3} names");
            return Ok(Self { url, _own: None });
        }
        let has_venv = shell::succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"]));
        if !has_venv {
            install_package("Python (3.9 or newer) with venv", "python3-venv")?;
        }
        let server = Seaweed::start().map_err(|error| error.to_string())?;
        println!("S3: {}, for this run", server.url());
        Ok(Self { url: server.url(), _own: Some(server) })
    }

    /// Tells a command of the server.
    pub fn tell(&self, command: &mut Command) {
        command.env(S3, &self.url);
    }
}

fn install_postgres() -> Result<(), String> {
    install_package("PostgreSQL (any version from 13)", "postgresql")
}

/// Makes sure that `strace` is there, which shows and fails the system calls of a server under test.
pub fn strace() -> Result<(), String> {
    if shell::succeeds(Command::new("strace").arg("-V")) {
        return Ok(());
    }
    install_package("strace", "strace")
}

/// Makes sure that `xmllint` is there, which holds documents against their schema.
pub fn xmllint() -> Result<(), String> {
    if shell::succeeds(Command::new("xmllint").arg("--version")) {
        return Ok(());
    }
    install_package("xmllint", "libxml2-utils")
}

/// Makes sure that Node.js is there, on which the provider of identities of tests runs, and a browser to sign in there with.
pub fn browser() -> Result<(), String> {
    let has = |program: &str| shell::succeeds(Command::new(program).arg("--version"));
    if !(has("node") && has("npm")) {
        install_package("Node.js (20 or newer) with npm", "nodejs npm")?;
    }
    let is_recent = "process.exit(process.versions.node.split('.')[0] >= 20 ? 0 : 1)";
    if !shell::succeeds(Command::new("node").args(["-e", is_recent])) {
        return Err("Node.js is older than 20: https://nodejs.org has newer ones".to_owned());
    }
    if ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"].into_iter().any(has) {
        return Ok(());
    }
    install_package("Chromium", "chromium")
}

/// Installs a package of Debian's as root, else names the command that does.
fn install_package(what: &str, package: &str) -> Result<(), String> {
    let by_hand = format!("{what} is needed: apt-get update && apt-get install -y {package}");
    let is_root = shell::succeeds(Command::new("sh").args(["-c", "[ \"$(id -u)\" = 0 ]"]));
    let has_apt = shell::succeeds(Command::new("apt-get").arg("--version"));
    if !is_root || !has_apt {
        return Err(by_hand);
    }
    println!("{what} is not installed; installing it");
    let apt = |words: &[&str]| {
        shell::run(Command::new("apt-get").args(words).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    apt(&["update", "-q"])?;
    let packages = package.split(' ');
    let install = ["install", "-y", "-q", "--no-install-recommends"];
    apt(&install.into_iter().chain(packages).collect::<Vec<_>>())
        .map_err(|error| format!("{error}; {by_hand}"))
}
