//! Violations of all steps of a write in one answer: whoever sends an item learns at once of all that is wrong with it.

use crate::error::{Error, ErrorKind, Result, Violation};

/// Puts what a step finds invalid to what others have found; one word on a place is enough. Any other error ends the write.
pub(super) fn gather<T>(violations: &mut Vec<Violation>, result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::InvalidInput && !error.violations().is_empty() => {
            for found in error.violations() {
                if !violations.iter().any(|known| known.pointer == found.pointer) {
                    violations.push(found.clone());
                }
            }
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The value, unless something is invalid.
pub(super) fn unless_invalid<T>(violations: Vec<Violation>, value: T) -> Result<T> {
    if violations.is_empty() { Ok(value) } else { Err(Error::invalid(violations)) }
}
