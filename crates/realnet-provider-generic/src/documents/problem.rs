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
        let (document, message) = (shown(&self.document), shown(message));
        match line {
            0 => write!(f, "{document}: {message}"),
            _ => write!(f, "{document}:{line}:{column}: {message}"),
        }
    }
}

/// What somebody may have chosen, such as a name or a part of a text, as it may stand on a terminal.
fn shown(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect()
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
    message.push_str(match count {
        1 => "\nput it right, or take back what changed it (git checkout)",
        _ => "\nput them right, or take back what changed them (git checkout)",
    });
    Error::new(ErrorKind::Conflict, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_are_no_commands_of_a_terminal() {
        let name = "items/a\nb\u{1b}[2J.yaml";
        let problem = Problem::new(name, format!("'{name}' is no id"));
        let told = refusal(vec![problem.clone(), Problem { fault: Fault::new(2, 3, "\u{7}"), ..problem }]);
        let lines: Vec<&str> = told.message().lines().collect();
        let expected = [
            "2 documents are not in order:",
            "  items/a?b?[2J.yaml: 'items/a?b?[2J.yaml' is no id",
            "  items/a?b?[2J.yaml:2:3: ?",
            "put them right, or take back what changed them (git checkout)",
        ];
        assert_eq!(lines, expected);
    }
}
