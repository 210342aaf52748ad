//! The settings of the commands that speak to a server: read as the server reads its own, from the environment over a `.env`
//! file. Read once, before a command runs.

use std::sync::OnceLock;

use super::{Failure, Outcome, ServerAddress, Usage, output};
use crate::config::Environment;

/// The setting that says where the server is.
pub const SERVER: &str = "REALNET_SERVER_URL";

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

/// Sees that a secret of the environment goes to no server that a `.env` file names: anybody may have put that into a folder.
pub fn check_server(address: &ServerAddress, secret: &str) -> Outcome {
    let Some(settings) = SETTINGS.get() else { return Ok(()) };
    let is_of_file = address.is_set_by_settings() && settings.is_of_file(SERVER);
    if !is_of_file || settings.get(secret).is_none() || settings.is_of_file(secret) {
        return Ok(());
    }
    let server = address.url();
    let detail = format!(
        "{secret} is set in the environment and {SERVER} in .env: if {server} is the server that it is for, say so by --server {server}"
    );
    Err(Usage(detail).into())
}

/// The value of a setting; none when it is absent or empty.
pub fn get(name: &str) -> Option<&'static str> {
    SETTINGS.get()?.get(name)
}
