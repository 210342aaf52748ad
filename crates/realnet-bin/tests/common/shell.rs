//! A server and a folder whose commands talk to it, as a person types them.

use std::path::PathBuf;
use std::process::Output;

use serde_json::Value;

use super::{ADMIN, Server, Settings, realnet, run, text};

/// A server and a folder whose commands talk to it.
pub struct Shell {
    _guard: tempfile::TempDir,
    /// Where commands run.
    pub folder: PathBuf,
    /// The server.
    pub server: Server,
}

impl Shell {
    /// Nobody is signed in.
    pub fn new() -> Self {
        Self::with(&Settings::new())
    }

    /// With further settings of the server.
    pub fn with(settings: &Settings) -> Self {
        let (guard, folder) = super::folder();
        let server = Server::start_with(&folder, settings);
        Self { _guard: guard, folder, server }
    }

    /// The administrator is signed in.
    pub fn signed_in() -> Self {
        let shell = Self::new();
        let output = shell.run(&["login", "--username", ADMIN.0, "--password", ADMIN.1]);
        assert!(output.status.success(), "{}", text(&output));
        shell
    }

    /// Runs a command.
    pub fn run(&self, arguments: &[&str]) -> Output {
        run(realnet(&self.folder).args(arguments).env("REALNET_SERVER_URL", &self.server.address))
    }

    /// What a command prints as JSON, which it does when piped.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{arguments:?}: {}", text(&output)))
    }

    /// Both what a command that succeeds prints: on stdout, on stderr.
    pub fn both(&self, arguments: &[&str]) -> (String, String) {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&output.stdout), text(&output.stderr))
    }

    /// Code and words of a command that fails.
    pub fn failure(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?} succeeded: {}", text(&output));
        assert!(output.stdout.is_empty(), "errors belong on stderr");
        (
            output.status.code().expect("it ended by itself"),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    }

    /// Writes a file.
    pub fn write(&self, name: &str, content: &str) {
        std::fs::write(self.folder.join(name), content).expect("a file is written");
    }
}
