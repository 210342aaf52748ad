//! The store as a provider of types and sources.

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt as _};
use realnet_core::change::{SourceKind, SourceRecord};
use realnet_core::provider::{SourceProvider, TypeProvider};
use realnet_core::registry::{FieldRef, TypeGrants, TypeSnapshot};
use realnet_core::{Error, Result, Uuid};

use super::SqliteStore;
use super::connection::Connection;
use super::row::parsed;
use crate::statement::Statement;

#[async_trait]
impl TypeProvider for SqliteStore {
    async fn load_types(&self) -> Result<TypeSnapshot> {
        self.long_read(|shared| {
            let mut reader = shared.pool.take()?;
            let connection = reader.get()?;
            // One transaction, so that all three belong to one revision.
            connection.run(&Statement::of("BEGIN"))?;
            let snapshot = load_types(connection);
            connection.run(&Statement::of("COMMIT"))?;
            snapshot
        })
        .await
    }

    fn type_changes(&self) -> BoxStream<'static, i64> {
        let receiver = self.shared.type_revision.subscribe();
        stream::unfold(receiver, |mut receiver| async move {
            receiver.changed().await.ok()?;
            let revision = *receiver.borrow_and_update();
            Some((revision, receiver))
        })
        .boxed()
    }
}

/// All types, as of the present transaction.
pub(super) fn load_types(connection: &mut Connection) -> Result<TypeSnapshot> {
    let missing = || Error::internal("a stored type has no definition");
    let revision = connection.number(&Statement::of("SELECT revision FROM type_revision"))?;
    let definitions = connection
        .rows(&Statement::of("SELECT definition FROM types"), |row| parsed(row, 0)?.ok_or_else(missing))?;
    let grants =
        connection.rows(&Statement::of("SELECT org, type, instance, grants FROM type_grants"), |row| {
            Ok(TypeGrants {
                org: row.id(0)?,
                type_id: row.id(1)?,
                instance: Some(row.string(2)?).filter(|name| !name.is_empty()),
                grants: parsed(row, 3)?.unwrap_or_default(),
            })
        })?;
    let building = connection.rows(&Statement::of("SELECT declared_by, name FROM building"), |row| {
        Ok(FieldRef { declared_by: row.id(0)?, name: row.string(1)?.into() })
    })?;
    Ok(TypeSnapshot { revision, definitions, grants, building })
}

#[async_trait]
impl SourceProvider for SqliteStore {
    async fn sources(&self, org: Option<Uuid>) -> Result<Vec<SourceRecord>> {
        self.long_read(move |shared| {
            let mut statement =
                Statement::of("SELECT kind, object, source, applied FROM sources WHERE org = ");
            statement.bind(org.unwrap_or(Uuid::nil()).into());
            let mut reader = shared.pool.take()?;
            reader.get()?.rows(&statement, |row| {
                let kind = match row.string(0)?.as_str() {
                    "type" => SourceKind::Type,
                    "item" => SourceKind::Item,
                    other => return Err(Error::internal(format!("the kind of source {other} is not known"))),
                };
                let applied = parsed(row, 3)?.unwrap_or_default();
                Ok(SourceRecord { org, kind, object: row.id(1)?, source: row.string(2)?, applied })
            })
        })
        .await
    }
}
