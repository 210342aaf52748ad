//! Writing type definitions and the grants on them.

use realnet_core::model::TypeDefinition;
use realnet_core::registry::TypeGrants;
use realnet_core::{Result, Uuid};

use super::SqliteTransaction;
use crate::sqlite::row::json;
use crate::statement::Statement;

impl SqliteTransaction<'_> {
    pub(super) fn write_type(&mut self, definition: &TypeDefinition) -> Result<()> {
        let mut statement = Statement::of("INSERT INTO types (id, definition) VALUES (");
        statement.bind(definition.id.into()).push(", ").bind(json(definition)?.into());
        statement.push(") ON CONFLICT (id) DO UPDATE SET definition = excluded.definition");
        self.connection.run(&statement)?;
        self.raise_type_revision()
    }

    pub(super) fn delete_type(&mut self, id: Uuid) -> Result<()> {
        self.run_for("DELETE FROM types WHERE id = ", id)?;
        self.run_for("DELETE FROM type_grants WHERE type = ", id)?;
        self.raise_type_revision()
    }

    pub(super) fn is_populated(&mut self, type_id: Uuid) -> Result<bool> {
        // Indexes of items begin with the org.
        for org in self.shared.holders(type_id) {
            let mut statement = Statement::of("SELECT EXISTS (SELECT 1 FROM items WHERE org = ");
            statement.bind(org.into()).push(" AND type = ").bind(type_id.into()).push(")");
            if self.connection.number(&statement)? != 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn write_type_grants(&mut self, grants: &TypeGrants, remove: bool) -> Result<()> {
        let instance = grants.instance.as_deref().unwrap_or_default().to_lowercase();
        let mut statement = Statement::new();
        if remove {
            statement.push("DELETE FROM type_grants WHERE org = ").bind(grants.org.into());
            statement.push(" AND type = ").bind(grants.type_id.into());
            statement.push(" AND instance = ").bind(instance.into());
        } else {
            statement.push("INSERT INTO type_grants (org, type, instance, grants) VALUES (");
            statement.bind(grants.org.into()).push(", ").bind(grants.type_id.into()).push(", ");
            statement.bind(instance.into()).push(", ").bind(json(&grants.grants)?.into());
            statement.push(") ON CONFLICT (org, type, instance) DO UPDATE SET grants = excluded.grants");
        }
        self.connection.run(&statement)?;
        self.raise_type_revision()
    }

    /// Once per change set, however many types it changes.
    pub(super) fn raise_type_revision(&mut self) -> Result<()> {
        if self.changes.type_revision.is_some() {
            return Ok(());
        }
        let revision = self.counters.type_revision + 1;
        self.changes.type_revision = Some(revision);
        let mut statement = Statement::of("UPDATE type_revision SET revision = ");
        statement.bind(revision.into());
        self.connection.run(&statement).map(drop)
    }
}
