//! Which contents the items of a store name, and what is said of one: its item, by type, id and name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures::{StreamExt as _, TryStreamExt as _};
use realnet_core::Uuid;
use realnet_core::model::Item;
use realnet_core::provider::{RecordStream, StoreRecord};

/// The longest part of a name that is told.
const SHOWN: usize = 80;
/// So many bytes of names are held; of the contents beyond, the item is told by its id alone.
const NAMES: usize = 16 * 1024 * 1024;

/// The ids of the contents that items name, with these items.
#[derive(Default)]
pub struct Named(Arc<Mutex<Noted>>);

#[derive(Default)]
struct Noted {
    items: BTreeMap<Uuid, Holder>,
    types: BTreeSet<Arc<str>>,
    /// The bytes of names.
    bytes: usize,
}

/// The item that names a content.
struct Holder {
    id: Uuid,
    type_name: Arc<str>,
    name: Option<Box<str>>,
}

impl Noted {
    fn add(&mut self, content: Uuid, item: &Item) {
        let name: String = item.name.chars().take(SHOWN).collect();
        self.bytes += name.len();
        let name = (self.bytes <= NAMES).then(|| name.into_boxed_str());
        let type_name =
            self.types.get(&*item.type_name).map_or_else(|| Arc::clone(&item.type_name), Arc::clone);
        self.types.insert(Arc::clone(&type_name));
        self.items.insert(content, Holder { id: item.id, type_name, name });
    }
}

impl Named {
    /// Takes note of what passes by.
    pub fn watch(&self, records: RecordStream) -> RecordStream {
        let noted = Arc::clone(&self.0);
        let note = move |record: &StoreRecord| {
            if let StoreRecord::Item(item) = record
                && let Some(content) = item.content
            {
                noted.lock().unwrap_or_else(PoisonError::into_inner).add(content, item);
            }
        };
        records.inspect_ok(note).boxed()
    }

    /// All that have passed by, sorted.
    pub fn ids(&self) -> Vec<Uuid> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).items.keys().copied().collect()
    }

    /// A content in words.
    pub fn told(&self, content: Uuid) -> String {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match noted.items.get(&content) {
            Some(Holder { id, type_name, name: Some(name) }) => {
                format!("the content of {type_name} {id} ({name:?})")
            }
            Some(Holder { id, type_name, name: None }) => format!("the content of {type_name} {id}"),
            None => format!("the content {content}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_take_bounded_room_and_every_item_is_told() {
        let named = Named::default();
        let count = (NAMES / (4 * SHOWN)) as u128;
        let id = |number: u128| Uuid::from_u128(number);
        for number in 0..=count {
            let file = Item::new(id(number), id(1), Arc::from("File"), id(2));
            let file = Item { name: "\u{1F511}".repeat(100), ..file };
            named.0.lock().unwrap().add(id(number), &file);
        }
        let noted = named.0.lock().unwrap();
        let held: usize =
            noted.items.values().filter_map(|item| item.name.as_ref()).map(|name| name.len()).sum();
        assert!(held <= NAMES && noted.types.len() == 1, "{held}");
        drop(noted);
        let first = named.told(id(0));
        assert!(first.starts_with(&format!("the content of File {} (\"", id(0))), "{first}");
        assert_eq!(named.told(id(count)), format!("the content of File {}", id(count)));
        assert_eq!(
            (named.ids().len() as u128, named.told(Uuid::max())),
            (count + 1, format!("the content {}", Uuid::max()))
        );
    }
}
