//! What can go wrong with an engine: one error for finding, starting, stopping and asking it.

use std::io;

/// Why an engine could not be started, stopped or asked.
///
/// The messages are meant for the person who runs the tests: each says what was tried and, where
/// there is one, the command that helps.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// No server programs on this machine.
    #[error(
        "no PostgreSQL found: looked for `initdb` and `postgres` in /usr/lib/postgresql/*/bin and in PATH; \
         on Debian: apt-get update && apt-get install -y postgresql"
    )]
    Missing,

    /// PostgreSQL refuses to run as root, and there is no way to run it as somebody else.
    #[error("PostgreSQL does not run as root, and {reason}")]
    NoAccount {
        /// What is missing.
        reason: &'static str,
    },

    /// A file or a process of the engine could not be handled.
    #[error("{action}: {source}")]
    Io {
        /// What was attempted.
        action: String,
        /// The system's answer.
        source: io::Error,
    },

    /// A program of the engine ended, or did not get ready in time.
    #[error("{what}; it said: {output}")]
    Failed {
        /// Which program, and what it did.
        what: String,
        /// The end of its output.
        output: String,
    },

    /// The running server refused a statement or a connection.
    #[error("{action}: {source}")]
    Refused {
        /// What was attempted.
        action: String,
        /// The driver's error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl EngineError {
    /// Wraps a system error with what was being done.
    pub(in super::super) fn io(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }
}
