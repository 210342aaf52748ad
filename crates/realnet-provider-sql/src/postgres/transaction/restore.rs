//! Writing records of another store as they are, in one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use realnet_core::change::ChangeRecord;
use realnet_core::provider::{StoreRecord, Transaction as _};
use realnet_core::registry::TypeRegistry;
use realnet_core::{Error, Result};
use uuid::Uuid;

use super::super::error::to_error;
use super::super::run::Reader;
use super::super::shared::Shared;
use super::source::push_rows;
use super::{PgTransaction, ids};
use crate::statement::{Bind, Statement};
use crate::transfer::{CHANGE_COLUMNS, change_row, insert, mark};

/// Writes all of them, and how far one has come, or nothing.
pub(in super::super) async fn restore(
    shared: &Arc<Shared>,
    types: &Arc<TypeRegistry>,
    records: Vec<StoreRecord>,
    noted: Option<Vec<u8>>,
) -> Result<()> {
    let mut transaction = PgTransaction::new(shared, types, None);
    let written = transaction.restore(types, records, noted).await;
    if let Err(error) = &written {
        transaction.writer.roll_back(error).await;
    }
    let changes_types = transaction.writes_types;
    drop(transaction);
    if written.is_ok() && changes_types {
        shared.look_at_types().await;
    }
    written
}

impl PgTransaction {
    async fn restore(
        &mut self,
        types: &TypeRegistry,
        records: Vec<StoreRecord>,
        noted: Option<Vec<u8>>,
    ) -> Result<()> {
        let mut changes = Vec::new();
        for record in records {
            match record {
                StoreRecord::Item(item) => self.put_item(types, None, &item).await?,
                StoreRecord::Change(change) => changes.push(*change),
                other => {
                    if matches!(other, StoreRecord::Type(_) | StoreRecord::TypeGrants(_)) {
                        self.change_types().await?;
                    }
                    self.others.extend(insert(other)?);
                }
            }
        }
        self.put_changes(&changes).await?;
        self.others.push(mark(noted));
        let statements = self.take_statements()?;
        self.writer.finish(statements).await
    }

    /// Changes with the revisions that they have, which are the next ones of their orgs.
    async fn put_changes(&mut self, changes: &[ChangeRecord]) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut last = self.last_revisions(changes).await?;
        for change in changes {
            let known = last.entry(change.org).or_default();
            if change.revision != *known + 1 {
                let (org, revision, next) = (change.org, change.revision, *known + 1);
                return Err(Error::conflict(format!(
                    "the change {revision} of org {org} can not be restored: its next one is {next}"
                )));
            }
            *known = change.revision;
        }
        let rows = changes.iter().map(change_row).collect::<Result<Vec<_>>>()?;
        let mut statement = Statement::of("INSERT INTO changes (");
        statement.push(CHANGE_COLUMNS).push(") SELECT ").push(CHANGE_COLUMNS).push(" FROM ");
        push_rows(&mut statement, CHANGE_COLUMNS, rows);
        self.others.push(statement);
        let rows = last.into_iter().map(|(org, revision)| vec![Bind::from(org), revision.into()]).collect();
        let mut statement = Statement::of("INSERT INTO revisions (org, revision) SELECT org, revision FROM ");
        push_rows(&mut statement, "org, revision", rows);
        statement.push(" ON CONFLICT (org) DO UPDATE SET revision = EXCLUDED.revision");
        self.others.push(statement);
        Ok(())
    }

    /// The last revisions of the orgs of some changes, which nobody else raises until the end.
    async fn last_revisions(&mut self, changes: &[ChangeRecord]) -> Result<BTreeMap<Uuid, i64>> {
        let mut orgs: Vec<Uuid> = changes.iter().map(|change| change.org).collect();
        orgs.dedup();
        let mut statement = Statement::of("SELECT org, revision FROM revisions WHERE org = ANY(");
        statement.bind(ids(&orgs)).push(") FOR UPDATE");
        let mut last = BTreeMap::new();
        for row in &self.writer.rows(statement).await? {
            let mut reader = Reader::new(row);
            last.insert(reader.next().map_err(to_error)?, reader.next().map_err(to_error)?);
        }
        Ok(last)
    }
}
