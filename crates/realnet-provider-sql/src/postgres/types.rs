//! Types, the grants on them, and what was applied from documents.

use async_trait::async_trait;
use diesel::result::Error as DieselError;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use realnet_core::change::{SourceKind, SourceRecord};
use realnet_core::provider::{SourceProvider, TypeProvider};
use realnet_core::registry::{FieldRef, TypeGrants, TypeSnapshot};
use realnet_core::{Error, Result, Uuid};

use super::PostgresStore;
use super::error::to_error;
use super::row::stored;
use super::run::{PgRow, Reader};
use crate::statement::Statement;

/// One statement, so that revision, types and grants are of one moment.
pub(super) const SNAPSHOT: &str = "SELECT 0::bigint AS part, revision, NULL::uuid, NULL::uuid, NULL::text, NULL::text \
     FROM type_revision \
     UNION ALL SELECT 1, NULL, NULL, NULL, NULL, definition FROM types \
     UNION ALL SELECT 2, NULL, org, type, instance, grants FROM type_grants \
     UNION ALL SELECT 3, NULL, NULL, declared_by, name, NULL FROM building";

#[async_trait]
impl TypeProvider for PostgresStore {
    async fn load_types(&self) -> Result<TypeSnapshot> {
        let mut snapshot = TypeSnapshot::default();
        for row in &self.shared.read(Statement::of(SNAPSHOT)).await? {
            add(&mut snapshot, row)?;
        }
        self.shared.note_types(snapshot.revision);
        Ok(snapshot)
    }

    fn type_changes(&self) -> BoxStream<'static, i64> {
        let receiver = self.shared.types.subscribe();
        stream::unfold(receiver, |mut receiver| async move {
            receiver.changed().await.ok()?;
            let revision = *receiver.borrow_and_update();
            Some((revision, receiver))
        })
        .boxed()
    }
}

/// Takes the row of [`SNAPSHOT`] in.
pub(super) fn add(snapshot: &mut TypeSnapshot, row: &PgRow) -> Result<()> {
    let mut reader = Reader::new(row);
    let part: i64 = reader.next().map_err(to_error)?;
    let revision: Option<i64> = reader.next().map_err(to_error)?;
    let org: Option<Uuid> = reader.next().map_err(to_error)?;
    let type_id: Option<Uuid> = reader.next().map_err(to_error)?;
    let instance: Option<String> = reader.next().map_err(to_error)?;
    let text: Option<String> = reader.next().map_err(to_error)?;
    let text = text.unwrap_or_default();
    match part {
        0 => snapshot.revision = revision.unwrap_or_default(),
        1 => snapshot.definitions.push(stored(&text, "type")?),
        3 => snapshot.building.push(FieldRef {
            declared_by: type_id.unwrap_or_default(),
            name: instance.unwrap_or_default().into(),
        }),
        _ => snapshot.grants.push(TypeGrants {
            org: org.unwrap_or_default(),
            type_id: type_id.unwrap_or_default(),
            instance: instance.filter(|name| !name.is_empty()),
            grants: stored(&text, "grants")?,
        }),
    }
    Ok(())
}

#[async_trait]
impl SourceProvider for PostgresStore {
    async fn sources(&self, org: Option<Uuid>) -> Result<Vec<SourceRecord>> {
        let mut statement = Statement::of("SELECT kind, object, source, applied FROM sources WHERE org = ");
        statement.bind(org.unwrap_or_default().into()).push(" ORDER BY object");
        let rows = self.shared.read(statement).await?;
        rows.iter().map(|row| source(org, row)).collect()
    }
}

fn source(org: Option<Uuid>, row: &PgRow) -> Result<SourceRecord> {
    let columns = |reader: &mut Reader<'_>| -> Result<(String, Uuid, String, String), DieselError> {
        Ok((reader.next()?, reader.next()?, reader.next()?, reader.next()?))
    };
    let (kind, object, source, applied) = columns(&mut Reader::new(row)).map_err(to_error)?;
    let kind = match kind.as_str() {
        "type" => SourceKind::Type,
        "item" => SourceKind::Item,
        other => return Err(Error::internal(format!("a source of the kind {other}"))),
    };
    Ok(SourceRecord { org, kind, object, source, applied: stored(&applied, "source")? })
}
