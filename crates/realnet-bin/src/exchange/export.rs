//! Writing an export: pages of items come, and go out as documents, so that no more than a page is held; contents go through a file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use realnet_client::{Client, ListQuery};
use realnet_core::Uuid;
use realnet_core::clock::{Clock as _, IdSource as _, System};
use serde_json::{Map, Value};

use super::bounds::{self, MAX_DECLARATION, MAX_DOCUMENT};
use super::catalog::Catalog;
use super::document::{self, uuid};
use super::exported::{self, Exported};
use super::head::{Asked, Head};
use super::layout::{self, Form};
use super::target::{self, Target};
use crate::cli::{Failure, Pages, Usage, digest, fetch};
use crate::wire::moving::Bar;

/// Items of a page.
const PAGE: &str = "200";
/// Parameters of a list that are no filters.
const NO_FILTERS: [&str; 9] =
    ["attributes", "count", "cursor", "dry_run", "limit", "offset", "order", "select", "watch"];

/// What to export, and how.
pub struct Export<'a> {
    /// The server, signed in.
    pub client: &'a Client,
    /// Where to.
    pub target: &'a Path,
    /// The format of documents.
    pub form: Form,
    /// What it is to hold.
    pub asked: Asked,
    /// Bring the one up to date that is there.
    pub update: bool,
}

impl Export<'_> {
    /// What would be exported; nothing is written.
    pub async fn rehearse(&self) -> Result<Exported, Failure> {
        target::check(self.target)?;
        let total = self.total().await?;
        self.walk(total, &mut None).await
    }

    /// Writes all of it.
    pub async fn run(&self) -> Result<Exported, Failure> {
        target::check(self.target)?;
        // What the server would refuse begins nothing.
        let total = self.total().await?;
        let (target, before) = Target::open(self.target, self.update)?;
        if let Some(problem) = before.as_ref().and_then(|before| before.asked.lacks(&self.asked)) {
            return Err(super::at(self.target, problem));
        }
        // What an import has made of it is known by its id.
        let id = before.as_ref().and_then(|head| head.id).unwrap_or_else(|| System.next_id());
        let mut head = Head::new(id, System.now(), self.asked.clone());
        let mut target = Some(target);
        target.as_mut().map_or(Ok(()), |target| target.begin(&head))?;
        let mut exported = self.walk(total, &mut target).await?;
        let (written, removed) = target.as_ref().map_or(Ok((0, 0)), Target::sweep)?;
        if let Some(before) = before {
            exported.changed = Some((written, removed));
            if written + removed == 0 {
                // In a folder in git nothing differs.
                (head.made_by, head.made_at) = (before.made_by, before.made_at);
            }
        }
        (head.complete, head.counts, head.orgs) = (true, Some(exported.counts), exported.orgs.clone());
        target.map_or(Ok(()), |target| target.finish(&head))?;
        Ok(exported)
    }

    /// How many items are asked for.
    async fn total(&self) -> Result<u64, Failure> {
        let (resource, query) = self.query()?;
        let total = self.client.list(&resource, &query.with("limit", "1").with("count", "exact")).await?;
        total.notices.iter().for_each(|notice| crate::cli::notice(notice));
        Ok(total.total.unwrap_or_default())
    }

    /// Goes through all items, and writes them where there is a target.
    async fn walk(&self, total: u64, target: &mut Option<Target>) -> Result<Exported, Failure> {
        let mut catalog = Catalog::fetch(self.client).await?;
        let (resource, query) = self.query()?;
        let bar = Bar::new("exporting", total);
        let query = query.with("limit", PAGE);
        let (mut exported, mut used, mut pages) = (Exported::default(), BTreeSet::new(), Pages::default());
        let mut orgs = BTreeMap::<Uuid, u64>::new();
        loop {
            let page = self.client.list(&resource, &pages.of(&query)).await?;
            for item in page.items {
                bar.step();
                let Value::Object(item) = item else { return Err("the server lists what is no item".into()) };
                let type_name = text(&item, "type").to_owned();
                if self.asked.types.is_empty() && catalog.is_left_out(&type_name) {
                    exported.left_out += 1;
                    continue;
                }
                if let Some(org) = uuid(item.get("org")) {
                    *orgs.entry(org).or_default() += 1;
                }
                self.item(item, &catalog, target, &mut exported).await?;
                used.insert(type_name);
            }
            let Some(cursor) = page.next else { break };
            pages.go_on(cursor)?;
        }
        exported.orgs = exported::by_name(self.client, &orgs).await;
        exported.unread = catalog.complete(self.client, &used).await?;
        for (name, declaration) in catalog.needed_by(&used) {
            let Some(path) = layout::of_type(&name, self.form) else {
                return Err(format!("the type {name} has a name that no file can have").into());
            };
            if let Some(target) = target {
                let text = bounds::text_of(&declaration, self.form, MAX_DECLARATION);
                let text = text.map_err(|error| format!("the type {name}: {error}"))?;
                target.document(&path, text.as_bytes())?;
            }
            exported.counts.types += 1;
        }
        Ok(exported)
    }

    /// One item, and its content.
    async fn item(
        &self,
        item: Map<String, Value>,
        catalog: &Catalog,
        target: &mut Option<Target>,
        exported: &mut Exported,
    ) -> Result<(), Failure> {
        let id = uuid(item.get("id")).ok_or("the server lists an item without an id")?;
        let named = format!("{} ({id})", text(&item, "name"));
        let path = layout::of_item(text(&item, "type"), id, self.form)
            .ok_or_else(|| format!("the item {named} is of a type with a name that no folder can have"))?;
        let may_have_content = catalog.may_have_content(text(&item, "type"));
        let checksum =
            document::attributes(&item).and_then(|own| own.get("checksum")?.as_str()).map(str::to_owned);
        if let Some(target) = target {
            let document = Value::Object(document::of_item(item));
            let text = bounds::text_of(&document, self.form, MAX_DOCUMENT);
            let text = text.map_err(|error| format!("{named}: {error}"))?;
            target.document(&path, text.as_bytes())?;
        }
        exported.counts.items += 1;
        match checksum {
            Some(checksum) if self.asked.with_data => {
                self.content(id, &named, &checksum, target, exported).await
            }
            checksum => {
                exported.left_contents += u64::from(checksum.is_some() && may_have_content);
                Ok(())
            }
        }
    }

    /// The bytes of a file.
    async fn content(
        &self,
        id: Uuid,
        named: &str,
        said: &str,
        target: &mut Option<Target>,
        exported: &mut Exported,
    ) -> Result<(), Failure> {
        let text = id.to_string();
        let (size, checksum) = match self.client.content("items", &text).await {
            Ok(known) => known,
            // Or the item has such an attribute for another reason.
            Err(error) if matches!(error.status(), Some(404 | 405)) => {
                exported.missing.push(id);
                return Ok(());
            }
            Err(error) => return Err(format!("{named}: {error}").into()),
        };
        if checksum != said {
            return Err(format!("{named}: its content has been replaced meanwhile: try again").into());
        }
        if let Some(target) = target
            && let Some(part) = target.place_of(id, &checksum)?
        {
            let told = |error: Failure| format!("{named}: {error}");
            let is_whole = match fetch(self.client, &text, &part, named, size, &checksum).await {
                Ok(()) => digest(&part)? == checksum,
                Err(error) if error.is::<realnet_client::Error>() => {
                    // As long as the server answers, it is the content that is not in order.
                    if self.client.content("items", &text).await.is_err() {
                        return Err(told(error).into());
                    }
                    false
                }
                Err(error) => return Err(told(error).into()),
            };
            if !is_whole {
                target.give_up(id, &part)?;
                exported.damaged.push(named.to_owned());
                return Ok(());
            }
            target.content(id, &part).await?;
        }
        exported.counts.contents += 1;
        Ok(())
    }

    /// What is listed, and how. Newest first: what is made meanwhile does not come.
    fn query(&self) -> Result<(String, ListQuery), Failure> {
        let mut query = ListQuery::default().with("attributes", "own").with("order", "id.desc");
        let mut is_of_any_visibility = true;
        for filter in &self.asked.filters {
            let Some((name, value)) = filter.split_once('=') else {
                return Err(Usage(format!("'{filter}' is no filter: expected field=value")).into());
            };
            if NO_FILTERS.contains(&name) {
                return Err(Usage(format!("'{name}' is no filter")).into());
            }
            is_of_any_visibility &= name != "visibility" && !value.contains("visibility");
            query = query.with(name, value);
        }
        if is_of_any_visibility {
            query = query.with("visibility", "in.(visible,hidden,restricted)");
        }
        Ok(match self.asked.types.as_slice() {
            [] => ("items".to_owned(), query),
            [one] => (one.clone(), query),
            several => ("items".to_owned(), query.with("types", several.join(","))),
        })
    }
}

fn text<'m>(item: &'m Map<String, Value>, key: &str) -> &'m str {
    item.get(key).and_then(Value::as_str).unwrap_or_default()
}
