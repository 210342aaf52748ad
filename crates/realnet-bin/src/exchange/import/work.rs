//! An import under way: what has been found out before, the documents as they are to be on the server, and the items that are not
//! there yet, made wave by wave in requests of many.

use std::collections::HashSet;

use realnet_core::Uuid;
use realnet_core::provider::Meter;
use serde_json::{Map, Value};

use super::{Import, admitted};
use crate::cli::Failure;
use crate::exchange::counted;
use crate::exchange::document::uuid;
use crate::exchange::ids::Ids;
use crate::exchange::lookup;
use crate::exchange::order::Order;
use crate::exchange::report::Imported;
use crate::exchange::scan::Listing;
use crate::exchange::types::{Fate, Types};
use crate::exchange::unfinished::Unfinished;
use crate::wire::moving::Bar;

/// A request holds items of so many bytes, about.
const BATCH: usize = 2 * 1024 * 1024;

/// By these a server says that it has not done what it was asked for, and will not.
const REFUSED: [u16; 6] = [400, 401, 403, 404, 413, 422];

/// An import under way.
pub(super) struct Work<'a> {
    pub(super) import: &'a Import<'a>,
    pub(super) listing: Listing,
    pub(super) types: Types,
    pub(super) order: Order,
    /// Items with references that have to wait.
    pub(super) waiting: HashSet<u32>,
    /// Those of them that this import has made, and not completed yet.
    pub(super) unfinished: Unfinished,
    /// Those with contents that this import has made, and not sent the content of yet.
    pub(super) unsent: Unfinished,
    /// Those whose ids other items have here.
    pub(super) others: HashSet<u32>,
    /// What is referred to and is nowhere.
    pub(super) missing: HashSet<Uuid>,
    /// Owners that are accounts there.
    pub(super) owners: HashSet<Uuid>,
    /// The org that items are imported into: that of the caller.
    pub(super) org: Value,
    pub(super) ids: Ids,
    /// Which items were made just now.
    pub(super) is_new: Vec<bool>,
    pub(super) done: Imported,
}

/// A request in the making.
#[derive(Default)]
struct Batch {
    numbers: Vec<u32>,
    bodies: Vec<Value>,
    size: usize,
}

impl Work<'_> {
    /// Makes all items.
    pub(super) async fn items(&mut self) -> Result<(), Failure> {
        let bar = Bar::new("items", self.listing.entries.len() as u64);
        for wave in std::mem::take(&mut self.order.waves) {
            for numbers in wave.chunks(lookup::CHUNK) {
                self.chunk(numbers).await?;
                for _ in numbers {
                    bar.step();
                }
            }
        }
        drop(bar);
        let mut waiting: Vec<u32> = self.waiting.iter().copied().collect();
        waiting.sort_unstable();
        for numbers in waiting.chunks(lookup::CHUNK) {
            self.complete(numbers).await?;
        }
        Ok(())
    }

    /// Makes those of some items that are not there.
    async fn chunk(&mut self, numbers: &[u32]) -> Result<(), Failure> {
        let known: Vec<Uuid> = numbers.iter().filter_map(|number| self.id(*number)).collect();
        let present = lookup::items(self.import.client, &known).await?;
        let mut batch = Batch::default();
        for number in numbers {
            let found = self.id(*number).and_then(|id| present.get(&id));
            if let Some(found) = found {
                if let Some(other) = self.otherwise(*number, found) {
                    let path = self.listing.entries[*number as usize].path();
                    self.done.others.push(format!("{path} ({other})"));
                    continue;
                }
                // What waits is compared when all is there that it refers to.
                if !self.waiting.contains(number) {
                    self.bring_up(*number, found, false).await?;
                }
                continue;
            }
            let mut body = self.wanted(*number, true)?;
            if !self.ids.are_kept() {
                body.shift_remove("id");
            }
            self.drop_readonly(*number, &mut body);
            let body = Value::Object(body);
            let size = body.to_string().len();
            if batch.size + size > BATCH && !batch.numbers.is_empty() {
                self.create(std::mem::take(&mut batch)).await?;
            }
            batch.numbers.push(*number);
            batch.bodies.push(body);
            batch.size += size;
        }
        self.create(batch).await
    }

    /// Makes items by one request.
    async fn create(&mut self, batch: Batch) -> Result<(), Failure> {
        let Batch { numbers, bodies, .. } = batch;
        self.done.created += numbers.len() as u64;
        for (number, body) in numbers.iter().zip(&bodies) {
            self.is_new[*number as usize] = true;
            if let Value::Object(document) = body {
                self.count_admitted(*number, document);
            }
        }
        if numbers.is_empty() || self.import.options.dry_run {
            return Ok(());
        }
        let waiting = numbers.iter().filter(|number| self.waiting.contains(*number));
        let waiting = waiting.map(|number| self.listing.entries[*number as usize].id);
        self.unfinished.begin(waiting)?;
        let entries = numbers.iter().map(|number| &self.listing.entries[*number as usize]);
        self.unsent.begin(entries.filter(|entry| entry.has_data).map(|entry| entry.id))?;
        let body = Value::Array(bodies);
        let client = self.import.client;
        let created = if self.ids.are_kept() {
            client.create("items", &body).await
        } else {
            // If its answer is lost, the same request finds what it has made.
            let mut digest = Meter::new();
            digest.update(self.ids.run()?.as_bytes());
            for number in &numbers {
                let old = self.listing.entries[*number as usize].id;
                digest.update(old.as_bytes());
                // What was made of it before and is gone is another request's: that one would be answered as it was then.
                if let Some(gone) = self.ids.of(old) {
                    digest.update(gone.as_bytes());
                }
            }
            digest.update(body.to_string().as_bytes());
            client.create_once("items", &body, &digest.checksum().to_string()).await
        };
        if let Err(error) = &created
            && error.status().is_some_and(|status| REFUSED.contains(&status))
        {
            // None of them was made, and who makes one now is another.
            for number in &numbers {
                let old = self.listing.entries[*number as usize].id;
                self.unfinished.end(old)?;
                self.unsent.end(old)?;
            }
        }
        let created = created.map_err(|error| self.refused(&error, &numbers))?;
        let made: Vec<Uuid> =
            created.as_array().into_iter().flatten().filter_map(|item| uuid(item.get("id"))).collect();
        if made.len() != numbers.len() {
            return Err("the server made another number of items than it was asked for".into());
        }
        let pairs = numbers.iter().map(|number| self.listing.entries[*number as usize].id).zip(made);
        self.ids.note(pairs.collect::<Vec<_>>().into_iter())
    }

    /// Counts an item that is made or changed, if it says who may do what.
    pub(super) fn count_admitted(&mut self, number: u32, document: &Map<String, Value>) {
        let type_name = &self.listing.entries[number as usize].type_name;
        if admitted::is_directory(&self.types, type_name) {
            *self.done.admitted.entry(admitted::words(type_name, document)).or_default() += 1;
        }
    }

    fn refused(&self, error: &realnet_client::Error, numbers: &[u32]) -> Failure {
        let index = error.problem().and_then(|problem| problem.operation);
        let path = index
            .and_then(|index| numbers.get(index))
            .map(|number| self.listing.entries[*number as usize].path());
        let is_taken = error.status() == Some(409) && error.to_string().contains("there is an item");
        let mut violations = error.problem().into_iter().flat_map(|problem| &problem.errors);
        let is_of_id = violations.any(|violation| violation.pointer.ends_with("/id"));
        let hint = match (is_taken, is_of_id) {
            (true, _) => {
                " (another import may be under way: do it again, then; --new-ids makes items with other ids)"
            }
            (false, true) => " (--new-ids makes items with other ids)",
            _ => "",
        };
        let before = self.done.created - numbers.len() as u64;
        let types = match self.done.types as u64 {
            0 => String::new(),
            count => format!("{} declared and ", counted(count, "type")),
        };
        let others = self.types.told_others().map(|words| format!("\n  {words}")).unwrap_or_default();
        format!(
            "{}: {error}{hint}\n  {types}{before} items were made before it, and are passed over when the same import is done again{others}",
            path.unwrap_or_else(|| self.listing.root.display().to_string())
        )
        .into()
    }

    /// The document of an item as it is to be on the server. `early`: without what has to wait.
    pub(super) fn wanted(&mut self, number: u32, early: bool) -> Result<Map<String, Value>, Failure> {
        let mut document = self.listing.document(number)?;
        let fields = self.types.fields(&self.listing.entries[number as usize].type_name);
        let Self { listing, order, missing, others, ids, done, .. } = self;
        fields.decide(&mut document, &mut |link| match listing.numbers.get(&link.target) {
            Some(target) if early && order.deferred.contains(&(number, *target)) => Fate::Drop,
            Some(target) if others.contains(target) => {
                done.dropped += u64::from(early);
                Fate::Drop
            }
            Some(_) => ids.of(link.target).map_or(Fate::Drop, Fate::Replace),
            None if missing.contains(&link.target) => {
                done.dropped += u64::from(early);
                Fate::Drop
            }
            None => Fate::Keep,
        });
        let owner = uuid(document.get("owner"));
        if owner.is_some_and(|owner| !self.owners.contains(&owner)) {
            document.shift_remove("owner");
            self.done.owned_anew += u64::from(early);
        }
        Ok(document)
    }

    /// What only the server sets can not be given.
    pub(super) fn drop_readonly(&self, number: u32, document: &mut Map<String, Value>) {
        let fields = self.types.fields(&self.listing.entries[number as usize].type_name);
        if let Some(Value::Object(own)) = document.get_mut("attributes") {
            own.retain(|name, _| fields.get(name).is_none_or(|field| !field.readonly));
        }
    }

    /// Whether a reference leads to what is neither in the export nor here, or to what is another item here.
    pub(super) fn leads_nowhere(&self, target: Uuid) -> bool {
        let is_other = self.listing.numbers.get(&target).is_some_and(|number| self.others.contains(number));
        is_other || self.missing.contains(&target)
    }

    /// Whether what has the id of an item is that item. Another one is nothing that it could become, whatever is wanted.
    pub(super) fn is_that(&self, number: u32, present: &Map<String, Value>) -> bool {
        self.otherwise(number, present).is_none()
    }

    /// In words, why what has the id of an item is another one. Superusers see those of all orgs.
    fn otherwise(&self, number: u32, present: &Map<String, Value>) -> Option<String> {
        let text = |key: &str| present.get(key).and_then(Value::as_str).unwrap_or_default();
        if !text("type").eq_ignore_ascii_case(&self.listing.entries[number as usize].type_name) {
            return Some(format!("of type {}", text("type").escape_debug()));
        }
        let is_elsewhere = present.get("org").is_some_and(|org| *org != self.org);
        is_elsewhere.then(|| format!("in the org {}", text("org").escape_debug()))
    }

    /// What an item is called there.
    pub(super) fn id(&self, number: u32) -> Option<Uuid> {
        self.ids.of(self.listing.entries[number as usize].id)
    }
}
