//! Bringing the schema of a database file up to date, and refusing files that are not ours or too new.

use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};
use realnet_core::{Error, ErrorKind, Result};

use super::connection::Connection;
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
    Err(Error::unavailable("the database is read-only: check the rights of its file and folder"))
}

/// Runs what has not been run yet.
pub(super) fn migrate(connection: &mut Connection) -> Result<()> {
    if connection.number(&Statement::of(HAS_MIGRATIONS))? == 0 {
        connection.batch(&format!("PRAGMA application_id = {APPLICATION_ID}"))?;
    }
    let applied = connection.inner().applied_migrations().map_err(failed)?;
    let known: Vec<String> = known_versions()?;
    if let Some(newer) = applied.iter().map(ToString::to_string).find(|version| !known.contains(version)) {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "the database has schema version {newer}, which this program does not know: use a newer one"
            ),
        ));
    }
    if applied.len() == known.len() {
        return Ok(());
    }
    connection.inner().run_pending_migrations(MIGRATIONS).map_err(failed)?;
    Ok(())
}

/// A database of another program is left alone.
fn check_owner(connection: &mut Connection) -> Result<()> {
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
