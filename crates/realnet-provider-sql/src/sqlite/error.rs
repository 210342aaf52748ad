//! The one place where errors of SQLite become errors of the core.
//!
//! diesel hands on SQLite's messages but not its codes, so the messages are looked at.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use realnet_core::{Error, ErrorKind};

/// What SQLite says, and what it means for whoever runs the server.
const MEANINGS: &[(&str, &str)] = &[
    ("database is locked", "the database is locked by another program"),
    ("database table is locked", "the database is locked by another program"),
    (
        "attempt to write a readonly database",
        "the database is read-only: check the rights of its file and folder",
    ),
    ("database or disk is full", "the disk of the database is full"),
    ("file is not a database", "the database file is damaged, or is no SQLite database"),
    ("database disk image is malformed", "the database file is damaged: restore a backup"),
    (
        "unable to open database file",
        "the database file can not be opened: check its path, folder and rights",
    ),
    ("disk I/O error", "the disk of the database has failed to read or write"),
];

/// The core's error for one of diesel's.
pub(super) fn to_error(error: DieselError) -> Error {
    let text = error.to_string();
    if let Some((_, meaning)) = MEANINGS.iter().find(|(said, _)| text.contains(said)) {
        return Error::unavailable(*meaning).with_source(error);
    }
    match &error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => {
            Error::conflict("the same object exists already").with_source(error)
        }
        DieselError::DatabaseError(..) if text.contains("string or blob too big") => {
            Error::new(ErrorKind::TooLarge, "a value is too large for the database").with_source(error)
        }
        _ => Error::internal("the database refused a statement").with_source(error),
    }
}

/// The same failure once more, for another who waits: errors can not be cloned.
pub(super) fn copy(error: &Error) -> Error {
    Error::new(error.kind(), error.message()).with_internal(error.report())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_has_a_name() {
        for (said, meaning) in MEANINGS {
            let error = to_error(DieselError::DatabaseError(
                DatabaseErrorKind::Unknown,
                Box::new((*said).to_owned()),
            ));
            assert_eq!((error.kind(), error.message()), (ErrorKind::Unavailable, *meaning));
        }
    }
}
