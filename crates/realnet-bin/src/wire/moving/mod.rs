//! Moving whole stores: what `realnet copy` and `realnet verify` do, on the stores that they are told.

mod copy;
mod keys;
mod open;
mod progress;
mod verify;

pub use copy::{Copy, copy};
pub use verify::verify;

use crate::cli::{Failure, describe};
use crate::config::DatabaseSection;

/// What went wrong while a store was being filled, with the next step.
fn unfinished(failure: &Failure, to: &DatabaseSection) -> Failure {
    let text = describe(&**failure);
    if text.contains("--resume") || text.contains("begin anew") {
        return text.into();
    }
    format!("{text}\n  {to} holds a part: --resume goes on with it, and no server starts on it before").into()
}
