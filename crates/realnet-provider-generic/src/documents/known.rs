//! Which documents are, when a store is opened, as a server has left or read them. All others were changed by hand: the next look
//! through the folder makes changes of them, and what the journal says in their place puts them aside.

use std::collections::HashMap;
use std::path::Path;

use super::codec::Codec;
use super::index::Index;
use super::items;
use super::journal::Left;
use super::layout::{self, Place};
use super::scan::Found;
use super::shape;
use super::shelf::{self, Stamp};
use crate::memory::Effect;

/// The documents of which the journal knows what they are to say, with all that it says of them, in order.
pub(super) type Journaled<'a> = HashMap<String, Vec<&'a Effect>>;

/// What the journal has of documents.
pub(super) fn journaled<'a>(left: &'a Left, extension: &str) -> Journaled<'a> {
    let mut journaled = Journaled::new();
    for effect in &left.effects {
        let document = effect.touch().and_then(|touch| layout::document(&touch, extension));
        if let Some(document) = document {
            journaled.entry(document).or_default().push(effect);
        }
    }
    journaled
}

/// A folder as it was found.
pub(super) struct Folder<'a> {
    pub(super) root: &'a Path,
    pub(super) codec: &'a dyn Codec,
    pub(super) found: &'a [Found],
    pub(super) index: Option<&'a Index<'a>>,
    pub(super) journaled: &'a Journaled<'a>,
}

impl Folder<'_> {
    /// The stamps under which documents are known: that of the index where it knows one, so that what has changed since then is
    /// seen as a change.
    pub(super) fn known(&self, items: &items::Read) -> HashMap<String, Stamp> {
        let mut known = HashMap::with_capacity(self.found.len());
        for found in self.found {
            let is_as_known = match self.journaled.get(&found.document) {
                Some(effects) => self.is_left(found, effects),
                None => {
                    !matches!(found.place, Place::Item(_)) || items.from_documents.contains(&found.document)
                }
            };
            let indexed = self.index.and_then(|index| index.stamp(&found.document));
            let stamp = if is_as_known { Some(found.stamp) } else { indexed };
            known.extend(stamp.map(|stamp| (found.document.clone(), stamp)));
        }
        // Documents that are gone are missed.
        for (document, stamp) in self.index.into_iter().flat_map(Index::items) {
            if !self.journaled.contains_key(document) {
                known.entry(document.to_owned()).or_insert(stamp);
            }
        }
        known
    }

    /// Whether a document that the journal has is as the server has left it: as before what the journal says, or as something
    /// that it says. What a power cut has left empty is not kept for anybody.
    fn is_left(&self, found: &Found, effects: &[&Effect]) -> bool {
        if self.index.and_then(|index| index.stamp(&found.document)) == Some(found.stamp) {
            return true;
        }
        let Ok(text) = shelf::read(&self.root.join(&found.document)) else { return false };
        let text = text.unwrap_or_default();
        let says = |effect: &&Effect| {
            let encoded = shape::document(effect).and_then(|value| self.codec.encode(&value));
            encoded.is_ok_and(|encoded| encoded.as_bytes() == text)
        };
        text.is_empty() || effects.iter().any(says)
    }

    /// The documents that are not as they are known.
    pub(super) fn unseen(&self, known: &HashMap<String, Stamp>) -> Vec<String> {
        let present: HashMap<&str, Stamp> =
            self.found.iter().map(|found| (found.document.as_str(), found.stamp)).collect();
        let changed = present.iter().filter(|(document, stamp)| known.get(**document) != Some(*stamp));
        let gone = known
            .keys()
            .filter(|document| !document.starts_with("changes/") && !present.contains_key(document.as_str()));
        let mut unseen: Vec<String> =
            changed.map(|(document, _)| (*document).to_owned()).chain(gone.cloned()).collect();
        unseen.sort_unstable();
        unseen
    }
}

#[cfg(test)]
mod tests {
    use realnet_core::Uuid;
    use realnet_core::model::Item;
    use realnet_core::provider::StoreRecord;

    use super::super::testing::Json;
    use super::*;

    #[test]
    fn what_is_in_the_place_of_a_document_of_the_journal_is_known_by_its_text() {
        let folder = tempfile::tempdir().unwrap();
        let id = Uuid::from_u128(7);
        let item = |name: &str| {
            let item = Item { name: name.to_owned(), ..Item::new(id, id, "Item".into(), id) };
            Effect::Put(StoreRecord::Item(Box::new(item)))
        };
        let mut left = Left::default();
        left.effects = vec![item("one"), item("two")];
        let journaled = journaled(&left, "json");
        let document = layout::item(id, "Item", "json");
        let path = folder.path().join(&document);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = |effect: &Effect| Json.encode(&shape::document(effect).unwrap()).unwrap();
        for (text, is_left) in [
            (text(&left.effects[0]), true),
            (text(&left.effects[1]), true),
            (String::new(), true),
            (text(&item("three")), false),
            ("{".to_owned(), false),
        ] {
            std::fs::write(&path, &text).unwrap();
            let stamp = Stamp::of(&path).unwrap().unwrap();
            let found = [Found { document: document.clone(), place: Place::Item(id), stamp }];
            let root = folder.path();
            let folder = Folder { root, codec: &Json, found: &found, index: None, journaled: &journaled };
            let known = folder.known(&items::Read::default());
            assert_eq!(known.contains_key(&document), is_left, "{text}");
            assert_eq!(folder.unseen(&known).is_empty(), is_left, "{text}");
        }
    }
}
