//! Bringing the schema of a database file up to date, and refusing files that are not ours or too new.

use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};
use realnet_core::{Error, ErrorKind, Result};

use super::connection::Connection;
use crate::pending::Pending;
use crate::statement::Statement;

/// All migrations, oldest first.
pub(super) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

const HAS_MIGRATIONS: &str =
    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '__diesel_schema_migrations'";

/// Marks database files of RealNet ("RNet").
const APPLICATION_ID: i64 = 0x524e_6574;

/// Refuses files that are not ours or can not be written to, before anything is changed.
pub(super) fn check(connection: &mut Connection) -> Result<()> {
    check_owner(connection)?;
    if connection.is_writable()? {
        return Ok(());
    }
    Err(read_only())
}

/// The error for a database that can not be written to.
pub(super) fn read_only() -> Error {
    Error::unavailable("the database is read-only: check the rights of its file and folder")
}

/// Runs what has not been run yet.
pub(super) fn migrate(connection: &mut Connection) -> Result<()> {
    if connection.number(&Statement::of(HAS_MIGRATIONS))? == 0 {
        connection.batch(&format!("PRAGMA application_id = {APPLICATION_ID}"))?;
    }
    if pending(connection)?.is_some() {
        connection.inner().run_pending_migrations(MIGRATIONS).map_err(failed)?;
    }
    Ok(())
}

/// What [`migrate`] would run; refuses a newer schema, and changes nothing.
pub(super) fn pending(connection: &mut Connection) -> Result<Option<Pending>> {
    let (applied, known) = (applied_versions(connection)?, known_versions()?);
    if let Some(newer) = applied.iter().find(|version| !known.contains(version)) {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "the database has schema version {newer}, which this program does not know: use a newer one"
            ),
        ));
    }
    Ok(Pending::of(&numbers(&applied), numbers(&known)))
}

/// What opening would run on a file that is not there yet.
pub(super) fn all_pending() -> Result<Option<Pending>> {
    Ok(Pending::of(&[], numbers(&known_versions()?)))
}

/// Versions are numbers with leading zeros.
fn numbers(versions: &[String]) -> Vec<i64> {
    versions.iter().filter_map(|version| version.parse().ok()).collect()
}

/// Read by hand: diesel makes the table when it is asked.
fn applied_versions(connection: &mut Connection) -> Result<Vec<String>> {
    if connection.number(&Statement::of(HAS_MIGRATIONS))? == 0 {
        return Ok(Vec::new());
    }
    connection.rows(&Statement::of("SELECT version FROM __diesel_schema_migrations"), |row| row.string(0))
}

/// A database of another program is left alone.
pub(super) fn check_owner(connection: &mut Connection) -> Result<()> {
    let id = connection.number(&Statement::of("SELECT application_id FROM pragma_application_id"))?;
    let tables = connection.number(&Statement::of("SELECT count(*) FROM sqlite_schema"))?;
    if id == APPLICATION_ID || (id == 0 && tables == 0) {
        return Ok(());
    }
    Err(Error::conflict("the database file belongs to another program"))
}

fn known_versions() -> Result<Vec<String>> {
    use diesel::migration::{Migration, MigrationSource};
    let all: Vec<Box<dyn Migration<diesel::sqlite::Sqlite>>> = MIGRATIONS.migrations().map_err(failed)?;
    Ok(all.iter().map(|migration| migration.name().version().to_string()).collect())
}

fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    let text = error.to_string();
    match error.downcast::<diesel::result::Error>() {
        Ok(error) => super::error::to_error(*error),
        Err(error) => {
            Error::unavailable(format!("the schema of the database can not be brought up to date: {text}"))
                .with_source(error)
        }
    }
}
