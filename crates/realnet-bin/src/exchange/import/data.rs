//! The contents of items, once these are there.

use realnet_core::Uuid;

use super::work::Work;
use crate::cli::Failure;
use crate::exchange::contents::{self, Content, Put};
use crate::exchange::document::attributes;
use crate::exchange::{layout, lookup};
use crate::wire::moving::Bar;

impl Work<'_> {
    /// Sends contents.
    pub(super) async fn contents(&mut self) -> Result<(), Failure> {
        let with_data: Vec<u32> = (0..)
            .zip(&self.listing.entries)
            .filter(|(_, entry)| entry.has_data)
            .map(|(number, _)| number)
            .collect();
        let bar = Bar::new("contents", with_data.len() as u64);
        for number in with_data {
            self.content(number).await?;
            bar.step();
        }
        Ok(())
    }

    /// Notes which of the contents that are not in the export the items here do not have, either.
    pub(super) async fn bare(&mut self, numbers: &[u32]) -> Result<(), Failure> {
        for numbers in numbers.chunks(lookup::CHUNK) {
            let is_there = |number: &u32| !self.is_new[*number as usize];
            let known: Vec<Uuid> =
                numbers.iter().copied().filter(is_there).filter_map(|number| self.id(number)).collect();
            let present = lookup::items(self.import.client, &known).await?;
            for number in numbers {
                let found = self.id(*number).and_then(|id| present.get(&id));
                // Another item, of which something else is said.
                if found.is_some_and(|found| !self.is_that(*number, found)) {
                    continue;
                }
                let document = self.listing.document(*number)?;
                let has = found.and_then(|found| attributes(found)?.get("checksum"));
                if has.is_none() || has != attributes(&document).and_then(|own| own.get("checksum")) {
                    self.done.bare.push(layout::of_data(self.listing.entries[*number as usize].id));
                }
            }
        }
        Ok(())
    }

    async fn content(&mut self, number: u32) -> Result<(), Failure> {
        let is_new = self.is_new[number as usize];
        let entry = &self.listing.entries[number as usize];
        let (old, name) = (entry.id, layout::of_data(entry.id));
        if is_new && self.import.options.dry_run {
            self.done.contents += 1;
            return Ok(());
        }
        let Some(id) = self.id(number) else { return Ok(()) };
        let found = lookup::items(self.import.client, &[id]).await?;
        let found = found.get(&id).ok_or_else(|| format!("{name}: its item is not there any more"))?;
        if !self.is_that(number, found) {
            return Ok(());
        }
        let document = self.listing.document(number)?;
        let said =
            |key: &str| attributes(&document).and_then(|own| own.get(key)).and_then(|value| value.as_str());
        let replaces = is_new || self.import.options.overwrite;
        let content = Content {
            id: &id.to_string(),
            path: &self.listing.root.join(&name),
            said: said("checksum"),
            media_type: said("content_type"),
            present: attributes(found).and_then(|own| own.get("checksum")?.as_str()),
            replaces,
            // What is there without is so on purpose, unless this import has not come to it yet.
            fills: replaces || self.unsent.has(old),
        };
        let put = if self.import.options.dry_run {
            Ok(contents::rehearse(&content))
        } else {
            contents::put(self.import.client, &content).await
        };
        match put.map_err(|error| format!("{name}: {error}"))? {
            Put::Sent => self.done.contents += 1,
            Put::Same => {}
            Put::Other => self.done.different.push(name),
        }
        if self.import.options.dry_run { Ok(()) } else { self.unsent.end(old) }
    }
}
