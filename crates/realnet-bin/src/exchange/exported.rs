//! What an export has brought, or would bring, in words: also what stays behind, which is missed only elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use realnet_client::Client;
use realnet_core::Uuid;

use super::head::Counts;
use super::report::NAMED;
use super::{counted, lookup};
use crate::cli::Failure;

/// What was exported, or would be.
#[derive(Debug, Default)]
pub struct Exported {
    /// How many of each.
    pub counts: Counts,
    /// Items of types that are left out unless asked for.
    pub left_out: u64,
    /// Contents that were not asked for.
    pub left_contents: u64,
    /// Items that say that they have a content, which the server does not give.
    pub missing: Vec<Uuid>,
    /// Contents that the server does not give as it has noted them: the names of their items.
    pub damaged: Vec<String>,
    /// How many files of the folder were written and removed, where it held the export before.
    pub changed: Option<(u64, u64)>,
    /// Types that items need, with declarations that the caller can not read.
    pub unread: BTreeSet<String>,
    /// How many items are of which org, where they are of several.
    pub orgs: BTreeMap<String, u64>,
}

impl Exported {
    /// Besides the counts, a line each.
    pub fn told(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some((written, removed)) = self.changed {
            lines.push(format!("{} written, {removed} removed", counted(written, "file")));
        }
        if self.left_out > 0 {
            let count = self.left_out;
            lines.push(format!(
                "left out: {count} accounts, roles, apps and the like, which --type would name"
            ));
        }
        if self.left_contents > 0 {
            let contents = counted(self.left_contents, "content");
            lines.push(format!("left behind: {contents} of files, which --with-data would take along"));
        }
        if !self.orgs.is_empty() {
            lines.push(format!(
                "items of {}, which an import would make items of one; --org NAME takes one of them",
                of_orgs(&self.orgs)
            ));
        }
        lines
    }

    /// What is to be looked at, a line each.
    pub fn notices(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.missing.is_empty() {
            let ids: Vec<String> = self.missing.iter().map(ToString::to_string).collect();
            lines.push(format!("items without the content that they speak of: {}", ids.join(", ")));
        }
        if !self.unread.is_empty() {
            let names: Vec<&str> = self.unread.iter().map(String::as_str).collect();
            lines.push(format!(
                "you can not read the declarations of these types, so they are not in the export, and a server that lacks them will not \
                 take their items: {}",
                names.join(", ")
            ));
        }
        lines
    }
}

impl Exported {
    /// Why the command fails although all else is exported.
    pub fn failure(&self) -> Option<Failure> {
        if self.damaged.is_empty() {
            return None;
        }
        let some: Vec<&str> = self.damaged.iter().take(NAMED).map(String::as_str).collect();
        let failure = format!(
            "all else is exported, but not {}, which the server does not give as it has noted them: give these items their content again, \
             or try again\n  {}",
            counted(self.damaged.len() as u64, "content"),
            some.join("\n  ")
        );
        Some(failure.into())
    }
}

/// `2 orgs: Bistro 17, Shop 3`.
pub fn of_orgs(orgs: &BTreeMap<String, u64>) -> String {
    let some: Vec<String> = orgs.iter().take(NAMED).map(|(name, count)| format!("{name} {count}")).collect();
    let more = if orgs.len() > NAMED { ", …" } else { "" };
    format!("{}: {}{more}", counted(orgs.len() as u64, "org"), some.join(", "))
}

/// How many items are of which org, by name, where they are of several; by id where the name is not known or not the only one.
pub async fn by_name(client: &Client, counts: &BTreeMap<Uuid, u64>) -> BTreeMap<String, u64> {
    if counts.len() < 2 {
        return BTreeMap::new();
    }
    let ids: Vec<Uuid> = counts.keys().copied().collect();
    // A key may see items and no orgs.
    let found = lookup::items(client, &ids).await.unwrap_or_default();
    let mut orgs = BTreeMap::new();
    for (id, count) in counts {
        let name = found.get(id).and_then(|org| org.get("name")?.as_str());
        match name.filter(|name| !orgs.contains_key(*name)) {
            Some(name) => orgs.insert(name.to_owned(), *count),
            None => orgs.insert(id.to_string(), *count),
        };
    }
    orgs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_behind_is_told() {
        let mut exported = Exported::default();
        assert!(exported.told().is_empty() && exported.notices().is_empty());
        exported.left_contents = 2;
        exported.orgs = [("Shop".to_owned(), 3), ("Bistro".to_owned(), 17)].into();
        exported.unread = ["Gadget".to_owned()].into();
        let told = exported.told();
        assert!(told[0].contains("2 contents of files, which --with-data"), "{told:?}");
        assert!(told[1].contains("2 orgs: Bistro 17, Shop 3") && told[1].contains("--org"), "{told:?}");
        assert!(exported.notices()[0].ends_with(": Gadget"), "{:?}", exported.notices());
    }
}
