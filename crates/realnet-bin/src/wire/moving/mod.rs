//! Moving whole stores: what `realnet copy`, `verify`, `backup` and `restore` do, on the stores that they are told.

pub mod archive;
mod backup;
mod contents;
mod copy;
mod keys;
mod named;
mod open;
mod progress;
mod restore;
mod verify;

pub use archive::Contents;
pub use backup::backup;
pub use contents::{Found, check as check_contents, told};
pub use copy::{Copy, Rehearsal, copy};
pub use progress::Bar;
pub use restore::{Rehearsed, rehearse, restore};
pub use verify::verify;

use crate::cli::{Failure, describe};
use crate::config::{DatabaseSection, StoragePlace};

/// A store: its records, and where the contents of its files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The database.
    pub database: DatabaseSection,
    /// The contents.
    pub storage: StoragePlace,
    /// Whether that was said, and not only supposed.
    pub storage_is_said: bool,
}

/// What went wrong while a store was being filled, with the next step.
fn unfinished(failure: &Failure, to: &DatabaseSection) -> Failure {
    let text = describe(&**failure);
    if text.contains("--resume") || text.contains("begin anew") {
        return text.into();
    }
    format!("{text}\n  {to} holds a part: --resume goes on with it, and no server starts on it before").into()
}
