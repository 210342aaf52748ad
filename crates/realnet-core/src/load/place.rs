//! Where an entry stands: source, JSON pointer and, when the format tells, line and column.

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Violation};

/// Finds line and column of a JSON pointer.
type Locate = dyn Fn(&str) -> Option<(u32, u32)> + Send + Sync;

/// The place of an entry in a document.
#[derive(Clone)]
pub(super) struct Place {
    source: Arc<str>,
    pointer: String,
    locate: Arc<Locate>,
}

impl Place {
    pub(super) fn new(source: Arc<str>, locate: Arc<Locate>) -> Self {
        Self { source, pointer: String::new(), locate }
    }

    pub(super) fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// A place below this one; `segments` as in a pointer, without the leading slash.
    pub(super) fn below(&self, segments: impl fmt::Display) -> Self {
        Self { pointer: format!("{}/{segments}", self.pointer), ..self.clone() }
    }

    /// What is wrong here.
    pub(super) fn violation(&self, detail: impl fmt::Display) -> Violation {
        Violation::new(self.pointer.clone(), format!("{self}: {detail}"))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is missing stands nowhere; its nearest surroundings do.
        let mut pointer = self.pointer.as_str();
        let position = loop {
            match (self.locate)(pointer) {
                Some(position) => break Some(position),
                None => match pointer.rfind('/') {
                    Some(end) => pointer = &pointer[..end],
                    None => break None,
                },
            }
        };
        match position {
            Some((line, column)) => write!(f, "{}:{line}:{column}", self.source),
            None if self.pointer.is_empty() => f.write_str(&self.source),
            None => write!(f, "{}{}", self.source, self.pointer),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.source, self.pointer)
    }
}

/// One error of all violations; its message is the first one and how many more there are.
pub(super) fn refused(violations: Vec<Violation>) -> Error {
    let first = violations.first().map(|violation| violation.detail.clone()).unwrap_or_default();
    let message = match violations.len() {
        0 | 1 => first,
        count => format!("{first} (and {} more)", count - 1),
    };
    Error::new(ErrorKind::InvalidInput, message).with_violations(violations)
}
