//! The programs that the tests need beside Rust: found, or installed where that is possible, or
//! named with the command that installs them.

use std::process::Command;

use crate::engine::{Programs, Server, Settings};
use crate::{place, shell};

/// The variable that tells tests of a running PostgreSQL server.
const POSTGRES: &str = "REALNET_TEST_POSTGRES";

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
    pub fn tell<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env(POSTGRES, &self.url)
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
    apt(&["install", "-y", "-q", "--no-install-recommends", package])
        .map_err(|error| format!("{error}; {by_hand}"))
}
