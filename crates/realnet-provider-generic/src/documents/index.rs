//! The index of documents: what the item of each is, and the stamp of the file that says so, so that a start need not read
//! files that are as they were. It can be removed at any time, and is made anew then.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use realnet_core::error::Result;
use realnet_core::model::Item;

use super::layout::{self, PRIVATE};
use super::shelf::Stamp;
use super::{log, wire};
use crate::memory::State;

/// Where it is.
pub(super) fn path(root: &Path) -> PathBuf {
    root.join(PRIVATE).join("index.log")
}

/// The value of a document.
pub(super) fn entry(stamp: Stamp, item: &str) -> String {
    format!("{} {} {} {item}", stamp.modified, stamp.changed, stamp.size)
}

/// An index as it was read.
pub(super) struct Index<'a> {
    entries: HashMap<&'a str, (Stamp, &'a str)>,
    /// How many bytes of its lines count.
    pub(super) live: u64,
}

impl<'a> Index<'a> {
    /// Reads an index. `None` when it is not one of the folder as it is: the change log is another one, so somebody has put an
    /// earlier or later state of the whole folder in the place of the one that the index knows. Files of the change log that
    /// `is_journaled` may have grown, since what the journal has is written there before it comes into the index.
    pub(super) fn read(
        lines: &[&'a str],
        logs: &[(String, Stamp)],
        is_journaled: impl Fn(&str) -> bool,
    ) -> Option<Self> {
        let latest = log::latest(lines);
        let live = log::length(&latest);
        let mut entries = HashMap::with_capacity(latest.len());
        for (name, value) in latest {
            entries.insert(name, parse(value)?);
        }
        let index = Self { entries, live };
        let is_same = |(document, stamp): &(String, Stamp)| {
            index.stamp(document) == Some(*stamp) || is_journaled(document)
        };
        let present: HashSet<&str> = logs.iter().map(|(document, _)| document.as_str()).collect();
        let mut of_logs = index.entries.keys().filter(|name| name.starts_with("changes/"));
        let fits = logs.iter().all(is_same) && of_logs.all(|name| present.contains(name));
        (fits && !index.entries.is_empty()).then_some(index)
    }

    /// The stamp of a document.
    pub(super) fn stamp(&self, document: &str) -> Option<Stamp> {
        self.entries.get(document).map(|(stamp, _)| *stamp)
    }

    /// The text of the item of a document.
    pub(super) fn item(&self, document: &str) -> Option<&'a str> {
        self.entries.get(document).map(|(_, item)| *item)
    }

    /// The documents of items.
    pub(super) fn items(&self) -> impl Iterator<Item = (&'a str, Stamp)> {
        let of_items = self.entries.iter().filter(|(_, (_, item))| !item.is_empty());
        of_items.map(|(document, (stamp, _))| (*document, *stamp))
    }
}

fn parse(value: &str) -> Option<(Stamp, &str)> {
    let (modified, rest) = value.split_once(' ')?;
    let (changed, rest) = rest.split_once(' ')?;
    let (size, item) = rest.split_once(' ')?;
    let stamp =
        Stamp { modified: modified.parse().ok()?, changed: changed.parse().ok()?, size: size.parse().ok()? };
    Some((stamp, item))
}

/// All entries of a state whose documents are known.
pub(super) fn all(
    state: &State,
    known: &HashMap<String, Stamp>,
    logs: &[(String, Stamp)],
    extension: &str,
) -> Result<Vec<(String, String)>> {
    let mut entries: Vec<(String, String)> =
        logs.iter().map(|(document, stamp)| (document.clone(), entry(*stamp, ""))).collect();
    let text = |item: &Item| wire::item_text(item);
    for item in state.items.values() {
        let document = layout::item(item.id, &item.type_name, extension);
        if let Some(stamp) = known.get(&document) {
            entries.push((document, entry(*stamp, &text(item)?)));
        }
    }
    Ok(entries)
}
