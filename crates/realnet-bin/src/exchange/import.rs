//! Reading an export into a server: all of it is looked at first, then types are declared, items made in the order of what they need,
//! and contents sent. What is there already is left alone, so that an import that was broken off is gone on with by doing it again.

mod admitted;
mod check;
mod data;
mod settle;
mod work;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use realnet_client::Client;
use realnet_core::Uuid;
use realnet_core::provider::Meter;
use serde_json::Value;

use super::document::uuid;
use super::head::Head;
use super::ids::Ids;
use super::journal::Lock;
use super::order::order;
use super::report::{Imported, NAMED};
use super::scan::{self, Links, Listing};
use super::types::Types;
use super::unfinished::Unfinished;
use super::{archive, lookup};
use crate::cli::Failure;
use work::Work;

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
    /// Items of these types come along, too, that say who may do what.
    pub with: Vec<String>,
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
        admitted::check(&listing, &types, &self.options.with)?;
        let links = scan::read(&listing, &types).await?;
        let order = order(&links.needs).map_err(|circle| in_circle(&listing, &circle))?;
        let account = self.client.whoami().await?["account"].take();
        let missing = self.missing(&links, account["org"].as_str()).await?;
        let is_admin = matches!(account["role"].as_str(), Some("admin" | "superuser"));
        let owners = self.owners(&account, is_admin, &links).await?;
        let kept = self.kept.join(self.name(&head, &account)?);
        let keeps_ids = is_admin && !self.options.new_ids;
        // Where nothing is kept, nobody is in the way.
        let has_data = listing.entries.iter().any(|entry| entry.has_data);
        let keeps_lines = !keeps_ids || has_data || !order.deferred.is_empty();
        let is_ours = keeps_lines && !self.options.dry_run;
        let lock = is_ours.then(|| Lock::take(&kept.with_extension("lock"))).transpose()?;
        let ids = if keeps_ids { Ids::Kept } else { Ids::new(&kept)? };
        let of =
            |what: &str| kept.with_extension(if keeps_ids { what.to_owned() } else { format!("new.{what}") });
        let unfinished = Unfinished::open(of("unfinished"))?;
        let unsent = Unfinished::open(of("unsent"))?;
        let done = Imported {
            types: types.missing.len(),
            other_types: types.others.clone(),
            has_new_ids: !ids.are_kept(),
            orgs: head.orgs.clone(),
            keeps_ids_for_others: !is_admin && !self.options.new_ids,
            ..Imported::default()
        };
        let is_new = vec![false; listing.entries.len()];
        let waiting = order.deferred.iter().map(|(number, _)| *number).collect();
        let mut work = Work {
            import: self,
            listing,
            types,
            order,
            waiting,
            unfinished,
            unsent,
            others: HashSet::new(),
            missing,
            owners,
            org: account["org"].clone(),
            ids,
            is_new,
            done,
        };
        work.find_others(&links.needs).await?;
        work.check(is_admin).await?;
        if !self.options.dry_run {
            let source = format!("realnet-import-{}.json", head.id.unwrap_or_default());
            work.types.declare(self.client, &source).await?;
        }
        work.items().await?;
        work.contents().await?;
        work.bare(&links.bare).await?;
        drop(lock);
        Ok(work.done)
    }

    /// References that lead out of the export, to nothing that the caller sees: none leads into another org.
    async fn missing(&self, links: &Links, org: Option<&str>) -> Result<HashSet<Uuid>, Failure> {
        let outside: Vec<Uuid> = links.outside.keys().copied().collect();
        let present = lookup::present(self.client, "items", &outside, org).await?;
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

    /// The owners that items may have: administrators give others than themselves.
    async fn owners(&self, account: &Value, is_admin: bool, links: &Links) -> Result<HashSet<Uuid>, Failure> {
        let mut owners: HashSet<Uuid> = uuid(account.get("id")).into_iter().collect();
        if is_admin {
            let named: Vec<Uuid> = links.owners.iter().copied().collect();
            owners.extend(lookup::present(self.client, "accounts", &named, account["org"].as_str()).await?);
        }
        Ok(owners)
    }

    /// The name of the file of what has become of this export here, for this account.
    fn name(&self, head: &Head, account: &Value) -> Result<String, Failure> {
        let export = match head.id {
            Some(id) => id.to_string(),
            None => self.source.canonicalize()?.display().to_string(),
        };
        let mut digest = Meter::new();
        digest.update(format!("{:?}", (self.server, account["id"].as_str(), export)).as_bytes());
        Ok(digest.checksum().to_string())
    }
}

fn in_circle(listing: &Listing, circle: &[u32]) -> Failure {
    let named: Vec<String> =
        circle.iter().take(NAMED).map(|number| listing.entries[*number as usize].path()).collect();
    let count = circle.len();
    format!(
        "{}: nothing was imported: {count} items stand below each other, or need each other, in a circle, so that none can be made first:\n  {}\n  \
         what can wait is set afterwards: make a field of theirs optional on the server for now (no `required`), or take their documents out",
        listing.root.display(),
        named.join("\n  ")
    )
    .into()
}
