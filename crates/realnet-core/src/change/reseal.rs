//! Sealing the secrets of an item anew: a write that nobody sees.

use std::sync::Arc;

use uuid::Uuid;

use super::apply::Engine;
use super::{Edit, Outcome};
use crate::error::{Error, Result};
use crate::model::Item;

impl Engine<'_> {
    /// Takes the attributes that the edit gives. Version, times and the log stay as they are: what a reader can see is the same.
    pub(super) async fn reseal(&mut self, id: Uuid, edit: &Edit) -> Result<Outcome> {
        if !self.access.caller.is_superuser() {
            return Err(Error::forbidden("secrets are sealed anew by the system"));
        }
        let Some(before) = self.load(id).await? else { return Ok(Outcome::Done) };
        let after = Item { attributes: edit(&before)?.attributes, ..before.clone() };
        if after == before {
            return Ok(Outcome::Unchanged(before));
        }
        let registry = Arc::clone(&self.access.registry);
        self.tx.put_item(&registry, Some(&before), &after).await?;
        Ok(Outcome::Updated(after))
    }
}
