//! What can go wrong when talking to a server.

use std::fmt::Write as _;

/// Result of every call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A problem document (RFC 9457) as the server sends it.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(default)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// Its type, `urn:realnet:problem:NAME`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What a code of the second factor answers, when signing in requires one.
    pub challenge: Option<Secret>,
    /// What kind of problem it is.
    pub title: String,
    /// What is wrong here.
    pub detail: String,
    /// The id of the request, to be found in the server's log.
    pub instance: String,
    /// The broken rules.
    pub errors: Vec<Violation>,
    /// Which operation of a batch it is about, from 0.
    pub operation: Option<usize>,
    /// After how many seconds another try makes sense, from `Retry-After`.
    #[serde(skip)]
    pub retry_after: Option<u64>,
}

/// Text that is not shown.
#[derive(Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
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
    #[error("the server at {address} can not be reached: {}", cause(address, .source, *has_answered))]
    Unreachable {
        /// Address of the server.
        address: String,
        /// What happened.
        #[source]
        source: reqwest::Error,
        /// Whether it has answered before.
        has_answered: bool,
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

/// Why no answer came, as far down as it is known, with what may help.
fn cause(address: &str, source: &reqwest::Error, has_answered: bool) -> String {
    if source.is_timeout() {
        return "it does not answer in time".to_owned();
    }
    let mut deepest: &dyn std::error::Error = source;
    while let Some(next) = deepest.source() {
        deepest = next;
    }
    let cause = deepest.to_string();
    if has_answered {
        return format!("{cause}: it was there before");
    }
    let help = help(address, &cause, source.is_connect());
    if help.is_empty() { cause } else { format!("{cause}: {help}") }
}

/// What may help, by the words of the libraries below.
fn help(address: &str, cause: &str, is_connect: bool) -> &'static str {
    let says = |words: &[&str]| words.iter().any(|word| cause.contains(word));
    let is_https = address.starts_with("https:");
    if is_https && says(&["CaUsedAsEndEntity"]) {
        return "a certificate that signs itself is not taken; use one that an authority of your own has signed, \
            and name the file of that authority in SSL_CERT_FILE";
    }
    if is_https && says(&["NotValidForName", "not valid for name"]) {
        return "use the name that the certificate is for";
    }
    if is_https && says(&["UnknownIssuer"]) {
        return "name the file of the authority that has signed the certificate in SSL_CERT_FILE";
    }
    if is_https && says(&["InvalidContentType", "corrupt message"]) {
        return "it speaks no TLS; is http:// meant?";
    }
    if !is_https && says(&["invalid HTTP", "message completed", "reset by peer"]) {
        return "it speaks no plain HTTP; is https:// meant?";
    }
    if is_connect && !says(&["certificate"]) { "is it running?" } else { "" }
}

fn describe(problem: &Problem) -> String {
    let mut text = if problem.detail.is_empty() { problem.title.clone() } else { problem.detail.clone() };
    if let Some(seconds) = problem.retry_after {
        let unit = if seconds == 1 { "second" } else { "seconds" };
        let again = if text.contains("again") { "" } else { "try again " };
        // Writing to a string does not fail.
        let _ = write!(text, " ({again}in {seconds} {unit})");
    }
    if problem.errors.len() > 1 {
        for Violation { pointer, detail } in &problem.errors {
            text.push_str("\n  ");
            // Details of documents begin with their place, which names the file as well.
            let names_place =
                detail.split_once(": ").is_some_and(|(place, _)| place.ends_with(pointer.as_str()));
            if !names_place {
                text.push_str(pointer);
                text.push_str(": ");
            }
            text.push_str(detail);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violation(pointer: &str, detail: &str) -> Violation {
        Violation { pointer: pointer.to_owned(), detail: detail.to_owned() }
    }

    #[test]
    fn a_place_is_named_once() {
        let errors = vec![
            violation("/items/0", "b.json/items/0: item B has no type"),
            violation("/attributes/minutes", "must be at least 1"),
        ];
        let problem = Problem { detail: "2 values are not valid".to_owned(), errors, ..Problem::default() };
        let expected = "2 values are not valid\n  b.json/items/0: item B has no type\n  /attributes/minutes: must be at least 1";
        assert_eq!(Error::Refused(Box::new(problem)).to_string(), expected);
    }

    #[test]
    fn a_wait_is_told() {
        for (detail, seconds, expected) in [
            ("try again later", 37, "try again later (in 37 seconds)"),
            ("the disk is full", 1, "the disk is full (try again in 1 second)"),
        ] {
            let problem =
                Problem { detail: detail.to_owned(), retry_after: Some(seconds), ..Problem::default() };
            assert_eq!(Error::Refused(Box::new(problem)).to_string(), expected);
        }
    }
}
