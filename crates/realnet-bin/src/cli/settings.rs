//! The settings of the commands that speak to a server: read as the server reads its own, from the environment over a `.env`
//! file. Read once, before a command runs.

use std::sync::OnceLock;

use super::{Failure, output};
use crate::config::Environment;

static SETTINGS: OnceLock<Environment> = OnceLock::new();

/// Reads them, and says on stderr which names were probably mistyped.
pub fn load() -> Result<(), Failure> {
    let settings = Environment::of_process()?;
    for unknown in settings.unknown().into_iter().filter(|unknown| unknown.meant.is_some()) {
        output::error(&format!("warning: {unknown}"));
    }
    // A command runs once in a process; a second would read the same.
    let _ = SETTINGS.set(settings);
    Ok(())
}

/// The value of a setting; none when it is absent or empty.
pub fn get(name: &str) -> Option<&'static str> {
    SETTINGS.get()?.get(name)
}
