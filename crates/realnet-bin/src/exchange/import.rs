//! Reading an export into a server: all of it is looked at first, then types are declared, items made in the order of what they need,
//! and contents sent. What is there already is left alone, so that an import that was broken off is gone on with by doing it again.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use realnet_client::Client;
use realnet_core::Uuid;
use realnet_core::provider::Meter;
use serde_json::{Map, Value};

use super::contents::{self, Content, Put};
use super::document::{attributes, uuid};
use super::head::Head;
use super::ids::Ids;
use super::order::{Order, order};
use super::report::{Imported, NAMED};
use super::scan::{self, Links, Listing};
use super::types::{Fate, Types};
use super::{archive, compare, layout, lookup};
use crate::cli::Failure;
use crate::wire::moving::Bar;

/// A request holds items of so many bytes, about.
const BATCH: usize = 2 * 1024 * 1024;

/// How to import.
#[derive(Debug, Clone, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of the command")]
pub struct Options {
    /// Items get new ids.
    pub new_ids: bool,
    /// Items that are there and differ become as their documents are.
    pub overwrite: bool,
    /// References that lead nowhere are left out.
    pub drop_missing: bool,
    /// Nothing is changed.
    pub dry_run: bool,
    /// The most bytes that an archive may unpack to.
    pub max_size: Option<u64>,
}

/// What to import, and where to.
pub struct Import<'a> {
    /// The server, signed in.
    pub client: &'a Client,
    /// Its address, by which new ids are kept.
    pub server: &'a str,
    /// The folder of the files in which they are.
    pub kept: PathBuf,
    /// The export.
    pub source: &'a Path,
    /// How.
    pub options: Options,
}

impl Import<'_> {
    /// Imports all of it.
    pub async fn run(&self) -> Result<Imported, Failure> {
        let scratch = tempfile::tempdir()?;
        let root = if self.source.is_dir() {
            self.source
        } else {
            archive::unpack(self.source, scratch.path(), self.options.max_size).await?;
            scratch.path()
        };
        self.run_from(root).await.map_err(|failure| self.named(failure, scratch.path()))
    }

    /// Says of an archive what was found in the place where it was unpacked.
    fn named(&self, failure: Failure, scratch: &Path) -> Failure {
        let (text, scratch) = (failure.to_string(), scratch.display().to_string());
        if text.contains(&scratch) {
            text.replace(&scratch, &self.source.display().to_string()).into()
        } else {
            failure
        }
    }

    async fn run_from(&self, root: &Path) -> Result<Imported, Failure> {
        let head = scan::check_head(root)?;
        let listing = scan::list(root).await?;
        let types = Types::resolve(self.client, &listing.types, &listing.used()).await;
        let types = types.map_err(|error| {
            if error.is::<realnet_client::Error>() { error } else { super::at(root, error) }
        })?;
        let links = scan::read(&listing, &types).await?;
        let order = order(&links.needs).map_err(|circle| in_circle(&listing, &circle))?;
        let missing = self.missing(&links).await?;
        let (ids, owners) = self.ids_and_owners(&head, &links).await?;
        if !self.options.dry_run {
            let source = format!("realnet-import-{}.json", head.id.unwrap_or_default());
            types.declare(self.client, &source).await?;
        }
        let done = Imported {
            types: types.missing.len(),
            other_types: types.others.clone(),
            has_new_ids: !ids.are_kept(),
            ..Imported::default()
        };
        let is_new = vec![false; listing.entries.len()];
        let waiting = order.deferred.iter().map(|(number, _)| *number).collect();
        let mut work =
            Work { import: self, listing, types, order, waiting, missing, owners, ids, is_new, done };
        work.items().await?;
        work.contents().await?;
        Ok(work.done)
    }

    /// References that lead out of the export, to nothing that the caller sees.
    async fn missing(&self, links: &Links) -> Result<HashSet<Uuid>, Failure> {
        let outside: Vec<Uuid> = links.outside.keys().copied().collect();
        let present = lookup::present(self.client, "items", &outside).await?;
        let missing: HashSet<Uuid> = outside.into_iter().filter(|id| !present.contains(id)).collect();
        if missing.is_empty() || self.options.drop_missing {
            return Ok(missing);
        }
        let places = links.outside.iter().filter(|(id, _)| missing.contains(id));
        let told: Vec<String> =
            places.take(NAMED).map(|(id, place)| format!("{place} refers to {id}")).collect();
        Err(format!(
            "nothing was imported: items refer to others that are neither in the export nor on the server ({}); --drop-missing leaves \
             such references out:\n  {}",
            missing.len(),
            told.join("\n  ")
        )
        .into())
    }

    /// The ids that items get, and the owners that they may have. Administrators give ids, and other owners than themselves.
    async fn ids_and_owners(&self, head: &Head, links: &Links) -> Result<(Ids, HashSet<Uuid>), Failure> {
        let who = self.client.whoami().await?["account"].take();
        let is_admin = matches!(who["role"].as_str(), Some("admin" | "superuser"));
        let mut owners: HashSet<Uuid> = uuid(who.get("id")).into_iter().collect();
        if is_admin {
            let named: Vec<Uuid> = links.owners.iter().copied().collect();
            owners.extend(lookup::present(self.client, "accounts", &named).await?);
        }
        if is_admin && !self.options.new_ids {
            return Ok((Ids::Kept, owners));
        }
        let export = match head.id {
            Some(id) => id.to_string(),
            None => self.source.canonicalize()?.display().to_string(),
        };
        let mut digest = Meter::new();
        digest.update(format!("{:?}", (self.server, who["id"].as_str(), export)).as_bytes());
        Ok((Ids::new(&self.kept.join(digest.checksum().to_string()))?, owners))
    }
}

fn in_circle(listing: &Listing, circle: &[u32]) -> Failure {
    let named: Vec<String> =
        circle.iter().take(NAMED).map(|number| listing.entries[*number as usize].path()).collect();
    let count = circle.len();
    format!(
        "{}: nothing was imported: {count} items stand below each other, or need each other, in a circle:\n  {}",
        listing.root.display(),
        named.join("\n  ")
    )
    .into()
}

/// An import under way.
struct Work<'a> {
    import: &'a Import<'a>,
    listing: Listing,
    types: Types,
    order: Order,
    /// Items with references that have to wait.
    waiting: HashSet<u32>,
    /// What is referred to and is nowhere.
    missing: HashSet<Uuid>,
    /// Owners that are accounts there.
    owners: HashSet<Uuid>,
    ids: Ids,
    /// Which items were made just now.
    is_new: Vec<bool>,
    done: Imported,
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
    async fn items(&mut self) -> Result<(), Failure> {
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
                if !self.is_of_type(*number, found) {
                    self.done.different.push(self.listing.entries[*number as usize].path());
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
        for number in &numbers {
            self.is_new[*number as usize] = true;
        }
        if numbers.is_empty() || self.import.options.dry_run {
            return Ok(());
        }
        let body = Value::Array(bodies);
        let client = self.import.client;
        let created = if self.ids.are_kept() {
            client.create("items", &body).await
        } else {
            // If its answer is lost, the same request finds what it has made.
            let mut digest = Meter::new();
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
        let created = created.map_err(|error| self.refused(&error, &numbers))?;
        let made: Vec<Uuid> =
            created.as_array().into_iter().flatten().filter_map(|item| uuid(item.get("id"))).collect();
        if made.len() != numbers.len() {
            return Err("the server made another number of items than it was asked for".into());
        }
        let pairs = numbers.iter().map(|number| self.listing.entries[*number as usize].id).zip(made);
        self.ids.note(pairs.collect::<Vec<_>>().into_iter())
    }

    fn refused(&self, error: &realnet_client::Error, numbers: &[u32]) -> Failure {
        let index = error.problem().and_then(|problem| problem.operation);
        let path = index
            .and_then(|index| numbers.get(index))
            .map(|number| self.listing.entries[*number as usize].path());
        let is_taken = error.status() == Some(409) && error.to_string().contains("there is an item");
        let mut violations = error.problem().into_iter().flat_map(|problem| &problem.errors);
        let is_of_id = violations.any(|violation| violation.pointer.ends_with("/id"));
        let hint = if is_taken || is_of_id { " (--new-ids makes items with other ids)" } else { "" };
        let before = self.done.created - numbers.len() as u64;
        format!(
            "{}: {error}{hint}\n  {before} items were made before it, and are passed over when the same import is done again",
            path.unwrap_or_else(|| self.listing.root.display().to_string())
        )
        .into()
    }

    /// Sets the references that had to wait.
    async fn complete(&mut self, numbers: &[u32]) -> Result<(), Failure> {
        let known: Vec<Uuid> = numbers.iter().filter_map(|number| self.id(*number)).collect();
        let present = lookup::items(self.import.client, &known).await?;
        for number in numbers {
            let found = self.id(*number).and_then(|id| present.get(&id));
            if let Some(found) = found.filter(|found| self.is_of_type(*number, found)) {
                self.bring_up(*number, found, true).await?;
            }
        }
        Ok(())
    }

    /// Compares an item that is there with its document; makes it equal where that is wanted. `waited`: references of it had to wait.
    async fn bring_up(
        &mut self,
        number: u32,
        present: &Map<String, Value>,
        waited: bool,
    ) -> Result<(), Failure> {
        let wanted = self.wanted(number, false)?;
        let fields = self.types.fields(&self.listing.entries[number as usize].type_name);
        let all = compare::steps(present, &wanted, &fields);
        let is_new = self.is_new[number as usize];
        let steps = match () {
            () if is_new || self.import.options.overwrite => all.clone(),
            () if waited => compare::completing(all.clone(), present, &self.awaited(number)?),
            () => Vec::new(),
        };
        if steps.len() < all.len() {
            self.done.different.push(self.listing.entries[number as usize].path());
        } else if !is_new {
            let count = if all.is_empty() { &mut self.done.same } else { &mut self.done.changed };
            *count += 1;
        }
        let Some(id) = self.id(number).filter(|_| !steps.is_empty() && !self.import.options.dry_run) else {
            return Ok(());
        };
        let patched = self.import.client.patch_by_steps("items", &id.to_string(), &Value::Array(steps)).await;
        patched.map(drop).map_err(|error| {
            let path = self.listing.entries[number as usize].path();
            format!("{path}: {error}").into()
        })
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

    /// The document of an item as it is to be on the server. `early`: without what has to wait.
    fn wanted(&mut self, number: u32, early: bool) -> Result<Map<String, Value>, Failure> {
        let mut document = self.listing.document(number)?;
        let fields = self.types.fields(&self.listing.entries[number as usize].type_name);
        let Self { listing, order, missing, ids, done, .. } = self;
        fields.decide(&mut document, &mut |link| match listing.numbers.get(&link.target) {
            Some(target) if early && order.deferred.contains(&(number, *target)) => Fate::Drop,
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
    fn drop_readonly(&self, number: u32, document: &mut Map<String, Value>) {
        let fields = self.types.fields(&self.listing.entries[number as usize].type_name);
        if let Some(Value::Object(own)) = document.get_mut("attributes") {
            own.retain(|name, _| fields.get(name).is_none_or(|field| !field.readonly));
        }
    }

    /// Whether what has the id of an item is of its type. Another item is nothing that it could become, whatever is wanted.
    fn is_of_type(&self, number: u32, present: &Map<String, Value>) -> bool {
        let type_name = &self.listing.entries[number as usize].type_name;
        present.get("type").and_then(Value::as_str).is_some_and(|found| found.eq_ignore_ascii_case(type_name))
    }

    /// What an item is called there.
    fn id(&self, number: u32) -> Option<Uuid> {
        self.ids.of(self.listing.entries[number as usize].id)
    }

    /// Sends contents.
    async fn contents(&mut self) -> Result<(), Failure> {
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

    async fn content(&mut self, number: u32) -> Result<(), Failure> {
        let is_new = self.is_new[number as usize];
        let entry = &self.listing.entries[number as usize];
        let name = layout::of_data(entry.id);
        if self.import.options.dry_run {
            self.done.contents += u64::from(is_new);
            return Ok(());
        }
        let Some(id) = self.id(number) else { return Ok(()) };
        let found = lookup::items(self.import.client, &[id]).await?;
        let found = found.get(&id).ok_or_else(|| format!("{name}: its item is not there any more"))?;
        if !self.is_of_type(number, found) {
            return Ok(());
        }
        let document = self.listing.document(number)?;
        let said =
            |key: &str| attributes(&document).and_then(|own| own.get(key)).and_then(|value| value.as_str());
        let content = Content {
            id: &id.to_string(),
            path: &self.listing.root.join(&name),
            said: said("checksum"),
            media_type: said("content_type"),
            present: attributes(found).and_then(|own| own.get("checksum")?.as_str()),
            replaces: is_new || self.import.options.overwrite,
        };
        let put = contents::put(self.import.client, &content).await;
        match put.map_err(|error| format!("{name}: {error}"))? {
            Put::Sent => self.done.contents += 1,
            Put::Same => {}
            Put::Other => self.done.different.push(name),
        }
        Ok(())
    }
}
