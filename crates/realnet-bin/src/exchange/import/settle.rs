//! Items that are there already: how they differ from their documents, and what of that is made equal.

use realnet_core::Uuid;
use serde_json::{Map, Value};

use super::work::Work;
use crate::cli::Failure;
use crate::exchange::types::Fate;
use crate::exchange::{compare, lookup};

impl Work<'_> {
    /// Sets the references that had to wait.
    pub(super) async fn complete(&mut self, numbers: &[u32]) -> Result<(), Failure> {
        let known: Vec<Uuid> = numbers.iter().filter_map(|number| self.id(*number)).collect();
        let present = lookup::items(self.import.client, &known).await?;
        for number in numbers {
            let found = self.id(*number).and_then(|id| present.get(&id));
            if let Some(found) = found.filter(|found| self.is_that(*number, found)) {
                self.bring_up(*number, found, true).await?;
            }
        }
        Ok(())
    }

    /// Compares an item that is there with its document; makes it equal where that is wanted. `waited`: references of it had to wait.
    pub(super) async fn bring_up(
        &mut self,
        number: u32,
        present: &Map<String, Value>,
        waited: bool,
    ) -> Result<(), Failure> {
        let wanted = self.wanted(number, false)?;
        let fields = self.types.fields(&self.listing.entries[number as usize].type_name);
        let mut all = compare::steps(present, &wanted, &fields);
        // A content has a media type, whether or not its document says one.
        if self.listing.entries[number as usize].has_data {
            all.retain(|step| step["op"] != "remove" || step["path"] != "/attributes/content_type");
        }
        let (is_new, old) = (self.is_new[number as usize], self.listing.entries[number as usize].id);
        let steps = match () {
            () if self.import.options.overwrite => all.clone(),
            // What others have made, or have changed since it was whole, is theirs.
            () if waited && (is_new || self.unfinished.has(old)) => {
                compare::completing(all.clone(), present, &self.awaited(number)?)
            }
            () => Vec::new(),
        };
        if !is_new && steps.len() < all.len() {
            self.done.different.push(self.listing.entries[number as usize].path());
        }
        if !is_new && !steps.is_empty() {
            self.done.changed += 1;
            self.count_admitted(number, &wanted);
        } else if !is_new && all.is_empty() {
            self.done.same += 1;
        }
        if self.import.options.dry_run {
            return Ok(());
        }
        if let Some(id) = self.id(number).filter(|_| !steps.is_empty()) {
            let steps = Value::Array(steps);
            let patched = self.import.client.patch_by_steps("items", &id.to_string(), &steps).await;
            patched.map_err(|error| format!("{}: {error}", self.listing.entries[number as usize].path()))?;
        }
        if waited { self.unfinished.end(old) } else { Ok(()) }
    }

    /// The names of properties and fields of an item that had to wait.
    fn awaited(&self, number: u32) -> Result<Vec<String>, Failure> {
        let (mut names, mut document) = (Vec::new(), self.listing.document(number)?);
        let fields = self.types.fields(&self.listing.entries[number as usize].type_name);
        fields.decide(&mut document, &mut |link| {
            let target = self.listing.numbers.get(&link.target);
            if target.is_some_and(|target| self.order.deferred.contains(&(number, *target))) {
                names.push(link.name.to_owned());
            }
            Fate::Keep
        });
        Ok(names)
    }
}
