//! What is wrong with documents, named one by one.

use std::fmt;

use realnet_core::{Error, ErrorKind};

use super::codec::Fault;

/// So many are told at once.
const MAX_TOLD: usize = 100;

/// Why one document does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The document, by its path in the folder.
    pub document: String,
    /// What is wrong, and where when that is known.
    pub fault: Fault,
}

impl Problem {
    pub(super) fn new(document: impl Into<String>, message: impl Into<String>) -> Self {
        Self { document: document.into(), fault: Fault::new(0, 0, message) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { line, column, message } = &self.fault;
        match line {
            0 => write!(f, "{}: {message}", shown(&self.document)),
            _ => write!(f, "{}:{line}:{column}: {message}", shown(&self.document)),
        }
    }
}

/// The name of a document, which somebody has chosen, as it may stand on a terminal.
fn shown(name: &str) -> String {
    name.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

/// The refusal of a folder in which documents are wrong: leaving them out would look as if they were gone.
pub(super) fn refusal(mut problems: Vec<Problem>) -> Error {
    problems.sort_by(|a, b| (&a.document, a.fault.line).cmp(&(&b.document, b.fault.line)));
    let count = problems.len();
    let told = problems.iter().take(MAX_TOLD).map(|problem| format!("\n  {problem}"));
    let mut message = match count {
        1 => "a document is not in order:".to_owned(),
        _ => format!("{count} documents are not in order:"),
    };
    message.extend(told);
    if count > MAX_TOLD {
        message.push_str("\n  …");
    }
    Error::new(ErrorKind::Conflict, message)
}
