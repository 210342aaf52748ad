//! What an import has done, or would do, in words.

use std::collections::BTreeMap;

use super::exported::of_orgs;

/// So many documents are named at once.
pub const NAMED: usize = 20;

/// What was imported, or would be.
#[derive(Debug, Default)]
pub struct Imported {
    /// Types that were declared.
    pub types: usize,
    /// Types that the server has in another form.
    pub other_types: Vec<String>,
    /// Items that were made.
    pub created: u64,
    /// Items that were there, as they are.
    pub same: u64,
    /// Items that were there, and were made as their documents are.
    pub changed: u64,
    /// Documents of items that are there in another form.
    pub different: Vec<String>,
    /// How many of those that were made or changed say who may do what, by type and role.
    pub admitted: BTreeMap<String, u64>,
    /// Documents whose ids items of other types or orgs have.
    pub others: Vec<String>,
    /// Contents that were sent.
    pub contents: u64,
    /// Contents that documents speak of, and that are neither in the export nor on the server.
    pub bare: Vec<String>,
    /// How many items of the export were of which org, where they were of several.
    pub orgs: BTreeMap<String, u64>,
    /// References that were left out.
    pub dropped: u64,
    /// Items whose owner is no account there.
    pub owned_anew: u64,
    /// Whether items have new ids.
    pub has_new_ids: bool,
    /// Whether they would have kept them, if an administrator had imported them.
    pub keeps_ids_for_others: bool,
}

impl Imported {
    /// In words, a line each.
    pub fn told(&self, dry_run: bool) -> Vec<String> {
        let counted = super::counted;
        let mut lines = Vec::new();
        let [made, set, sent] = if dry_run {
            ["would be created", "would be changed", "would be sent"]
        } else {
            ["created", "changed", "sent"]
        };
        lines.push(format!(
            "{} {made}, {} {set}, {} there already",
            counted(self.created, "item"),
            self.changed,
            self.same
        ));
        if !self.admitted.is_empty() {
            let each: Vec<String> =
                self.admitted.iter().map(|(words, count)| format!("{count} {words}")).collect();
            lines.push(format!("among them, of what says who may do what here: {}", each.join(", ")));
        }
        if self.types > 0 {
            lines.push(format!("{} {made}", counted(self.types as u64, "type")));
        }
        if self.contents > 0 {
            lines.push(format!("{} {sent}", counted(self.contents, "content")));
        }
        if !self.bare.is_empty() {
            lines.push(format!(
                "{} of files not in the export, and not here either (`realnet export --with-data` takes contents along):\n  {}",
                counted(self.bare.len() as u64, "content"),
                first(&self.bare)
            ));
        }
        if !self.orgs.is_empty() {
            lines.push(format!("the export has items of {}; here they are of one", of_orgs(&self.orgs)));
        }
        if self.has_new_ids && self.created > 0 {
            let others = if self.keeps_ids_for_others {
                ": only administrators keep them, and change what is here under the same by --overwrite"
            } else {
                ""
            };
            lines.push(format!("the items have new ids{others}"));
        }
        if self.owned_anew > 0 {
            lines.push(format!(
                "{} of owners that are no accounts here: they are yours",
                counted(self.owned_anew, "item")
            ));
        }
        if self.dropped > 0 {
            lines.push(format!("{} to what is not here left out", counted(self.dropped, "reference")));
        }
        if !self.other_types.is_empty() {
            lines
                .push(format!("declared in another way here, which counts: {}", self.other_types.join(", ")));
        }
        if !self.others.is_empty() {
            lines.push(format!(
                "{} of another item here, which stays as it is (--new-ids makes items of their own):\n  {}",
                counted(self.others.len() as u64, "id"),
                first(&self.others)
            ));
        }
        if !self.different.is_empty() {
            lines.push(format!(
                "{} here in another form, and left so (--overwrite makes them as in the export):\n  {}",
                counted(self.different.len() as u64, "part"),
                first(&self.different)
            ));
        }
        lines
    }
}

/// The first ones, a line each.
fn first(names: &[String]) -> String {
    names[..names.len().min(NAMED)].join("\n  ")
}
