//! Writing records of another store as they are.

use std::sync::Arc;

use realnet_core::change::ChangeRecord;
use realnet_core::provider::StoreRecord;
use realnet_core::registry::TypeRegistry;
use realnet_core::{Error, Result};

use super::SqliteTransaction;
use crate::transfer::{insert, mark};

impl SqliteTransaction<'_> {
    /// Writes all of them, and how far one has come.
    pub(in crate::sqlite) fn restore(
        &mut self,
        types: &Arc<TypeRegistry>,
        records: &[StoreRecord],
        noted: Option<Vec<u8>>,
    ) -> Result<()> {
        self.previous = Arc::clone(types);
        self.registry = Arc::clone(types);
        for record in records {
            match record {
                StoreRecord::Item(item) => {
                    if types.revision() != self.counters.type_revision {
                        // Index rows made by other types than the present ones would be wrong.
                        return Err(Error::unavailable("the types have just changed: try again"));
                    }
                    self.insert_item(types, item)?;
                    continue;
                }
                StoreRecord::Type(_) | StoreRecord::TypeGrants(_) => self.raise_type_revision()?,
                StoreRecord::Change(change) => self.follow(change)?,
                _ => {}
            }
            if let Some(statement) = insert(record.clone())? {
                self.connection.run(&statement)?;
            }
        }
        self.connection.run(&mark(noted)).map(drop)
    }

    /// Takes note of the revision of a change, which has to be the next one of its org.
    fn follow(&mut self, change: &ChangeRecord) -> Result<()> {
        let (org, revision) = (change.org, change.revision);
        let last = match self.changes.revisions.get(&org) {
            Some(last) => *last,
            None => self.counters.revision(self.connection, org)?,
        };
        if revision != last + 1 {
            let next = last + 1;
            return Err(Error::conflict(format!(
                "the change {revision} of org {org} can not be restored: its next one is {next}"
            )));
        }
        self.changes.revisions.insert(org, revision);
        Ok(())
    }
}
