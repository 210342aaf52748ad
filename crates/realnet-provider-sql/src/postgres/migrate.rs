//! Bringing the schema up to date, once per cluster: replicas that start together wait for each other.

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use realnet_core::{Error, ErrorKind, Result};

use super::error::to_error;
use super::locks;
use super::run::Run;
use crate::pending::Pending;
use crate::statement::Statement;

/// One step of the schema, with its way back.
struct Migration {
    version: i64,
    name: &'static str,
    up: &'static str,
    down: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "store",
        up: include_str!("../../migrations/postgres/0001_store/up.sql"),
        down: include_str!("../../migrations/postgres/0001_store/down.sql"),
    },
    Migration {
        version: 2,
        name: "access",
        up: include_str!("../../migrations/postgres/0002_access/up.sql"),
        down: include_str!("../../migrations/postgres/0002_access/down.sql"),
    },
    Migration {
        version: 3,
        name: "building",
        up: include_str!("../../migrations/postgres/0003_building/up.sql"),
        down: include_str!("../../migrations/postgres/0003_building/down.sql"),
    },
    Migration {
        version: 4,
        name: "marks",
        up: include_str!("../../migrations/postgres/0004_marks/up.sql"),
        down: include_str!("../../migrations/postgres/0004_marks/down.sql"),
    },
    Migration {
        version: 5,
        name: "content",
        up: include_str!("../../migrations/postgres/0005_content/up.sql"),
        down: include_str!("../../migrations/postgres/0005_content/down.sql"),
    },
    Migration {
        version: 6,
        name: "passed_down",
        up: include_str!("../../migrations/postgres/0006_passed_down/up.sql"),
        down: include_str!("../../migrations/postgres/0006_passed_down/down.sql"),
    },
];

/// The version that this build knows.
pub(super) fn latest() -> i64 {
    MIGRATIONS.last().map_or(0, |migration| migration.version)
}

/// Applies what is missing. A schema of a later version is refused: it belongs to a newer server.
pub(super) async fn up(connection: &mut AsyncPgConnection) -> Result<()> {
    // The usual start finds everything in place and takes no lock.
    if version(connection).await? == latest() {
        return Ok(());
    }
    let result = locked_up(connection).await;
    unlock(connection).await?;
    result
}

async fn locked_up(connection: &mut AsyncPgConnection) -> Result<()> {
    let lock = format!("SELECT pg_advisory_lock({})", locks::MIGRATION);
    connection.batch_execute(&lock).await.map_err(to_error)?;
    let present = version(connection).await?;
    refuse_newer(present)?;
    connection.batch_execute(TABLE).await.map_err(to_error)?;
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > present) {
        tracing::info!(version = migration.version, name = migration.name, "migrating the database");
        let record = format!(
            "INSERT INTO schema_migrations (version, name) VALUES ({}, '{}')",
            migration.version, migration.name
        );
        step(connection, migration.up, &record).await?;
    }
    Ok(())
}

/// What [`up`] would apply; refuses what it would refuse, and changes nothing.
pub(super) async fn pending(connection: &mut AsyncPgConnection) -> Result<Option<Pending>> {
    let present = version(connection).await?;
    refuse_newer(present)?;
    // They are applied in their order, and by the newest it is known how far.
    let applied: Vec<i64> = (1..=present).collect();
    let known = MIGRATIONS.iter().map(|migration| migration.version);
    let Some(pending) = Pending::of(&applied, known) else { return Ok(None) };
    let may_create =
        Statement::of("SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)");
    if connection.one::<bool>(may_create).await? {
        return Ok(Some(pending));
    }
    let message = "the user may not create tables in the database: make it the owner of the database";
    Err(Error::new(ErrorKind::Unavailable, message))
}

fn refuse_newer(present: i64) -> Result<()> {
    if present <= latest() {
        return Ok(());
    }
    let message = format!(
        "the database has schema version {present}, this server knows versions up to {}: install a newer server",
        latest()
    );
    Err(Error::new(ErrorKind::Unavailable, message))
}

/// Takes the schema back to `target`; 0 leaves nothing. All that the dropped tables hold is gone.
pub(super) async fn down(connection: &mut AsyncPgConnection, target: i64) -> Result<()> {
    let present = version(connection).await?;
    for migration in MIGRATIONS.iter().rev().filter(|step| step.version <= present && step.version > target) {
        let record = format!("DELETE FROM schema_migrations WHERE version = {}", migration.version);
        step(connection, migration.down, &record).await?;
    }
    Ok(())
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    version bigint PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)";

/// One migration with its record, both or none: several statements in one message are one transaction.
async fn step(connection: &mut AsyncPgConnection, sql: &str, record: &str) -> Result<()> {
    connection.batch_execute(&format!("{sql};\n{record}")).await.map_err(to_error)
}

/// The version of the schema in the database; 0 when there is none.
pub(super) async fn version(connection: &mut AsyncPgConnection) -> Result<i64> {
    let exists = Statement::of("SELECT to_regclass('schema_migrations') IS NOT NULL");
    if !connection.one::<bool>(exists).await? {
        return Ok(0);
    }
    connection.one(Statement::of("SELECT coalesce(max(version), 0) FROM schema_migrations")).await
}

async fn unlock(connection: &mut AsyncPgConnection) -> Result<()> {
    let unlock = format!("SELECT pg_advisory_unlock({})", locks::MIGRATION);
    connection.batch_execute(&unlock).await.map_err(to_error)
}
