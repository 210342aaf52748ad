//! A look into a database file that changes nothing: neither the file nor its log, also beside a server that has it open.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::path::Path;

use realnet_core::{Error, Result};

use super::connection::Connection;
use super::{beside, lock, schema};
use crate::statement::Statement;

/// Where SQLite finds the file for reading only. While there is no log beside it, nobody has it open and it holds everything:
/// it is then taken as it is, since SQLite would make a log even to read. That holds for a moment: ask anew for each look.
pub(super) fn address(database: &Path) -> Result<String> {
    let whole = std::path::absolute(database).unwrap_or_else(|_| database.to_owned());
    let path = whole.to_str().ok_or_else(|| {
        Error::malformed(format!("the path {} of the database is not valid UTF-8", database.display()))
    })?;
    let mut address = String::from("file:");
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte) {
            address.push(char::from(byte));
        } else {
            // Writing into a string does not fail.
            let _ = write!(address, "%{byte:02X}");
        }
    }
    address.push_str(if beside(database, "-wal").exists() { "?mode=ro" } else { "?mode=ro&immutable=1" });
    Ok(address)
}

/// A connection that only reads a file that is a database of ours.
pub(super) fn open(database: &Path) -> Result<Connection> {
    let mut connection = Connection::open(Path::new(&address(database)?))?;
    // The first look into the file: tells a database from other files.
    connection.number(&Statement::of("SELECT count(*) FROM sqlite_schema"))?;
    schema::check_owner(&mut connection)?;
    Ok(connection)
}

/// Sees that a server could write to the file and beside it.
pub(super) fn try_to_write(database: &Path) -> Result<()> {
    lock::try_folder(database)?;
    let opened = OpenOptions::new().write(true).open(database).map(drop);
    opened.map_err(|error| schema::read_only().with_source(error))
}
