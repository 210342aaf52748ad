//! What can go wrong when talking to a server.

/// Result of every call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A problem document (RFC 9457) as the server sends it.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(default)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// What kind of problem it is.
    pub title: String,
    /// What is wrong here.
    pub detail: String,
    /// The id of the request, to be found in the server's log.
    pub instance: String,
    /// The broken rules.
    pub errors: Vec<Violation>,
}

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct Violation {
    /// JSON pointer or parameter name.
    pub pointer: String,
    /// What is wrong and what is expected.
    pub detail: String,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address of the server is not a URL.
    #[error("'{0}' is not the address of a server: expected for example http://localhost:8080")]
    BadAddress(String),
    /// No answer came.
    #[error("the server at {address} can not be reached: is it running?")]
    Unreachable {
        /// Address of the server.
        address: String,
        /// What happened.
        #[source]
        source: reqwest::Error,
    },
    /// The server refused; the problem says why.
    #[error("{}", describe(.0))]
    Refused(Box<Problem>),
    /// The answer was not what the API promises.
    #[error("the server's answer can not be understood: {0}")]
    BadAnswer(String),
}

impl Error {
    /// The problem document, if the server sent one.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) => Some(problem),
            _ => None,
        }
    }

    /// The HTTP status, if the server refused.
    pub fn status(&self) -> Option<u16> {
        self.problem().map(|problem| problem.status)
    }
}

fn describe(problem: &Problem) -> String {
    let mut text = if problem.detail.is_empty() { problem.title.clone() } else { problem.detail.clone() };
    if problem.errors.len() > 1 {
        for violation in &problem.errors {
            text.push_str("\n  ");
            text.push_str(&violation.pointer);
            text.push_str(": ");
            text.push_str(&violation.detail);
        }
    }
    text
}
