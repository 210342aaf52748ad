//! What went wrong in PostgreSQL, as errors of the core.
//!
//! diesel keeps of an SQLSTATE only the common ones; the others are told apart by the server's message, which is why a
//! server for RealNet should speak English (`lc_messages`). An unknown failure is an internal error.

use std::time::Duration;

use diesel::result::{DatabaseErrorKind as Kind, Error as DieselError};
use realnet_core::{Error, ErrorKind};

/// The message of an answer that did not come; see [`super::run::within`].
pub(super) const SILENCE: &str = "no answer in time";

/// What a failed statement means for the transaction that it was part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// Another transaction was in the way: the whole change set can be tried again.
    Race,
    /// The connection is gone; for a commit it is not known whether it happened.
    Connection,
    /// The server has not answered in time; what it does is not known.
    Silence,
    /// A unique index refuses a row.
    Duplicate,
    /// A function of the store refuses: the key that it was given.
    Refused(Refusal),
    /// All else.
    Other,
}

/// What `refuse` and `check_types` of the schema say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The writer's registry is not of the present revision.
    Types,
    /// The idempotency key has been used.
    Reply,
}

/// Sorts a failure.
pub(super) fn failure(error: &DieselError) -> Failure {
    let DieselError::DatabaseError(kind, information) = error else {
        return if matches!(error, DieselError::BrokenTransactionManager) {
            Failure::Connection
        } else {
            Failure::Other
        };
    };
    let message = information.message();
    match kind {
        Kind::UniqueViolation => Failure::Duplicate,
        Kind::SerializationFailure => Failure::Race,
        Kind::UnableToSendCommand if message == SILENCE => Failure::Silence,
        Kind::ClosedConnection | Kind::UnableToSendCommand => Failure::Connection,
        _ if message.starts_with("deadlock detected") => Failure::Race,
        _ if message.starts_with("tuple concurrently") => Failure::Race,
        _ if message == "realnet: types" => Failure::Refused(Refusal::Types),
        _ if message == "realnet: reply" => Failure::Refused(Refusal::Reply),
        _ if is_shutdown(message) => Failure::Connection,
        _ => Failure::Other,
    }
}

fn is_shutdown(message: &str) -> bool {
    message.starts_with("terminating connection") || message.starts_with("the database system is")
}

/// The error for callers.
pub(super) fn to_error(error: DieselError) -> Error {
    let found = match failure(&error) {
        Failure::Race => Error::unavailable("another change was in the way: try again"),
        Failure::Connection => Error::unavailable("the connection to the database was lost"),
        Failure::Silence => Error::unavailable("the database does not answer"),
        Failure::Duplicate => Error::conflict("a unique value is taken"),
        Failure::Refused(Refusal::Types) => Error::unavailable("the types have just changed: try again")
            .with_retry_after(Duration::from_millis(200)),
        Failure::Refused(Refusal::Reply) => Error::conflict("the idempotency key has been used"),
        Failure::Other => other(&error),
    };
    let internal = describe(&error);
    found.with_internal(internal).with_source(error)
}

fn other(error: &DieselError) -> Error {
    let DieselError::DatabaseError(kind, information) = error else {
        return Error::internal("a statement failed");
    };
    let message = information.message();
    if message.starts_with("canceling statement due to statement timeout") {
        Error::new(ErrorKind::Timeout, "the operation took longer than it may")
    } else if message.starts_with("canceling statement due to lock timeout") {
        Error::unavailable("another change holds the item for too long: try again")
    } else if *kind == Kind::ReadOnlyTransaction {
        Error::unavailable("the database is read-only")
    } else if message.starts_with("could not extend file") || message.contains("No space left on device") {
        Error::unavailable("the database has no space left")
    } else if message.starts_with("out of memory") || message.starts_with("out of shared memory") {
        Error::unavailable("the database has no memory left")
    } else if message.starts_with("canceling statement due to user request") {
        Error::unavailable("the statement was cancelled in the database")
    } else if message.starts_with("permission denied") {
        Error::unavailable(
            "the database user lacks a permission: let it own the database, or grant it all on the schema",
        )
    } else {
        Error::internal("a statement failed")
    }
}

fn describe(error: &DieselError) -> String {
    match error {
        DieselError::DatabaseError(kind, information) => {
            let constraint = information.constraint_name().unwrap_or("-");
            format!("{kind:?}: {} (constraint {constraint})", information.message())
        }
        other => other.to_string(),
    }
}

/// Whether an error is a lost race, which is worth another try.
pub(super) fn is_race(error: &Error) -> bool {
    cause(error) == Some(Failure::Race)
}

/// Whether a statement was refused for what it holds, or for what others did meanwhile: a part of it may be taken.
/// All else (no space, no time, no connection) would be the same for each part.
pub(super) fn is_refusal(error: &Error) -> bool {
    match cause(error) {
        Some(Failure::Duplicate | Failure::Race | Failure::Refused(_)) => true,
        // Data that the database does not take are a fault that has no name here.
        Some(Failure::Other) => error.kind() == ErrorKind::Internal,
        Some(Failure::Connection | Failure::Silence) | None => false,
    }
}

/// Whether an error is a duplicate that the database found.
pub(super) fn is_duplicate(error: &Error) -> bool {
    cause(error) == Some(Failure::Duplicate)
}

/// Whether an error is the end of the connection.
pub(super) fn is_lost_connection(error: &Error) -> bool {
    cause(error) == Some(Failure::Connection)
}

/// Whether the connection can not be used any more.
pub(super) fn is_useless(error: &Error) -> bool {
    matches!(cause(error), Some(Failure::Connection | Failure::Silence))
}

/// What the database said, when it was the database.
fn cause(error: &Error) -> Option<Failure> {
    std::error::Error::source(error)?.downcast_ref().map(failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_parted_only_for_what_a_part_may_be_without() {
        let is_parted = |kind, message: &str| {
            is_refusal(&to_error(DieselError::DatabaseError(kind, Box::new(message.to_owned()))))
        };
        assert!(is_parted(Kind::UniqueViolation, "duplicate key value"));
        assert!(is_parted(Kind::Unknown, "deadlock detected"));
        assert!(is_parted(Kind::Unknown, "realnet: types"));
        assert!(is_parted(Kind::Unknown, "invalid byte sequence for encoding"));
        for message in [
            "canceling statement due to statement timeout",
            "canceling statement due to lock timeout",
            "canceling statement due to user request",
            "could not extend file",
            "out of memory",
            "terminating connection due to administrator command",
        ] {
            assert!(!is_parted(Kind::Unknown, message), "{message}");
        }
        assert!(!is_parted(Kind::ReadOnlyTransaction, "cannot execute INSERT"));
        assert!(!is_parted(Kind::UnableToSendCommand, SILENCE));
        assert!(!is_refusal(&Error::internal("not of the database")));
    }
}
