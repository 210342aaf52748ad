//! The index of documents: what the item of each is, and the stamp of the file that says so, so that a start need not read
//! files that are as they were. It can be removed at any time, and is made anew then.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use realnet_core::error::Result;
use realnet_core::model::Item;

use super::layout::{self, PRIVATE};
use super::shelf::Stamp;
use super::wire;
use crate::memory::State;

/// Where it is.
pub(super) fn path(root: &Path) -> PathBuf {
    root.join(PRIVATE).join("index.log")
}

/// The value of a document.
pub(super) fn entry(stamp: Stamp, item: &str) -> String {
    format!("{} {} {item}", stamp.modified, stamp.size)
}

/// An index as it was read.
pub(super) struct Index<'a>(HashMap<&'a str, (Stamp, &'a str)>);

impl<'a> Index<'a> {
    /// Reads an index. `None` when it is not one of the folder as it is: the change log is another one, so somebody has put an
    /// earlier or later state of the whole folder in the place of the one that the index knows.
    pub(super) fn read(lines: &[&'a str], logs: &[(String, Stamp)]) -> Option<Self> {
        let mut entries = HashMap::with_capacity(lines.len());
        for (name, value) in super::log::latest(lines) {
            entries.insert(name, parse(value)?);
        }
        let index = Self(entries);
        let is_same = |(document, stamp): &(String, Stamp)| index.stamp(document) == Some(*stamp);
        let in_index = index.0.keys().filter(|name| name.starts_with("changes/")).count();
        let fits = logs.iter().all(is_same) && in_index == logs.len() && !index.0.is_empty();
        fits.then_some(index)
    }

    /// The stamp of a document.
    pub(super) fn stamp(&self, document: &str) -> Option<Stamp> {
        self.0.get(document).map(|(stamp, _)| *stamp)
    }

    /// The text of the item of a document.
    pub(super) fn item(&self, document: &str) -> Option<&'a str> {
        self.0.get(document).map(|(_, item)| *item)
    }

    /// The documents of items.
    pub(super) fn items(&self) -> impl Iterator<Item = (&'a str, Stamp)> {
        let of_items = self.0.iter().filter(|(_, (_, item))| !item.is_empty());
        of_items.map(|(document, (stamp, _))| (*document, *stamp))
    }

    /// Whether most of so many lines count no more.
    pub(super) fn is_worn(&self, lines: usize) -> bool {
        lines > 2 * self.0.len() + 1000
    }
}

fn parse(value: &str) -> Option<(Stamp, &str)> {
    let (modified, rest) = value.split_once(' ')?;
    let (size, item) = rest.split_once(' ')?;
    Some((Stamp { modified: modified.parse().ok()?, size: size.parse().ok()? }, item))
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
