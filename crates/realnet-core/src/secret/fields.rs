//! The secret fields of items: sealed one by one, each bound to its item and its name.

use serde_json::Value;
use uuid::Uuid;

use super::{Keyring, Place, Sealed, is_stored_form};
use crate::error::{Error, Result};
use crate::model::{Attributes, Item, Map};
use crate::registry::TypeInfo;

fn place(item: Uuid, field: &str) -> Place {
    Place::new("item field").with(item).with(field)
}

fn seal(keyring: &Keyring, item: Uuid, field: &str, plain: &Value) -> Result<Value> {
    Ok(keyring.seal(&place(item, field), plain.to_string().as_bytes())?.to_attribute())
}

/// The value of a field from what is stored of it.
pub(super) fn open(keyring: &Keyring, item: Uuid, field: &str, stored: &Value) -> Result<Value> {
    let sealed = Sealed::of_attribute(stored).ok_or_else(|| {
        Error::internal(format!("what is stored of the secret {field} of item {item} is no sealed value"))
    })?;
    let plain = keyring.open(&place(item, field), &sealed)?;
    serde_json::from_slice(&plain)
        .map_err(|error| Error::internal("a sealed value is no JSON").with_source(error))
}

/// The names of the secrets of a type that have a value among `attributes`.
pub(super) fn given<'t>(info: &'t TypeInfo, attributes: &Map) -> Vec<&'t str> {
    info.secret_names().filter(|name| attributes.get(*name).is_some_and(|value| !value.is_null())).collect()
}

/// Changes the stored forms of secret fields, where `next` gives another one.
fn mapped(
    info: &TypeInfo,
    item: Item,
    mut next: impl FnMut(&str, &Value) -> Result<Option<Value>>,
) -> Result<Item> {
    let names = given(info, item.attributes.as_map());
    let mut changed = Vec::new();
    for name in names {
        let Some(value) = item.attributes.get(name) else { continue };
        if let Some(next) = next(name, value)? {
            changed.push((name.to_owned(), next));
        }
    }
    if changed.is_empty() {
        return Ok(item);
    }
    let Item { attributes, .. } = item;
    let mut attributes = attributes.into_map();
    attributes.extend(changed);
    Ok(Item { attributes: Attributes::from_map(attributes), ..item })
}

/// A new item with its secrets sealed. What comes here is plain, whatever it looks like.
pub(super) fn seal_new(keyring: &Keyring, info: &TypeInfo, item: Item) -> Result<Item> {
    let id = item.id;
    mapped(info, item, |name, value| seal(keyring, id, name, value).map(Some))
}

/// The next state of an item with its secrets sealed. What is stored already stays as it is; whatever is given is sealed
/// anew, even if it is the value that the item has: else the version would tell who may write but not read that a guess
/// was right.
pub(super) fn seal_changed(keyring: &Keyring, info: &TypeInfo, before: &Item, after: Item) -> Result<Item> {
    // What was stored before there were keys is sealed along with the first change.
    let changes = after != *before;
    let id = before.id;
    mapped(info, after, |name, value| {
        let stays = before.attributes.get(name) == Some(value) && (is_stored_form(value) || !changes);
        if stays { Ok(None) } else { seal(keyring, id, name, value).map(Some) }
    })
}

/// The item with the secrets sealed under the primary key that are not. Values that do not open stay as they are.
pub(super) fn reseal(keyring: &Keyring, info: &TypeInfo, item: &Item) -> Result<Item> {
    mapped(info, item.clone(), |name, stored| {
        if is_current(keyring, stored) {
            return Ok(None);
        }
        match open(keyring, item.id, name, stored) {
            Ok(plain) => seal(keyring, item.id, name, &plain).map(Some),
            Err(_) => Ok(None),
        }
    })
}

/// The names of the secrets of an item that do not open.
pub(super) fn lost<'t>(keyring: &Keyring, info: &'t TypeInfo, item: &Item) -> Vec<&'t str> {
    let is_lost = |name: &&str| {
        let stored = item.attributes.get(name);
        stored.is_some_and(|stored| open(keyring, item.id, name, stored).is_err())
    };
    given(info, item.attributes.as_map()).into_iter().filter(is_lost).collect()
}

/// The item without the secrets that do not open.
pub(super) fn without_lost(keyring: &Keyring, info: &TypeInfo, item: &Item) -> Item {
    let mut attributes = item.attributes.as_map().clone();
    for name in lost(keyring, info, item) {
        attributes.remove(name);
    }
    Item { attributes: Attributes::from_map(attributes), ..item.clone() }
}

/// Whether a stored value is sealed as it would be now: under the primary key, or marked as plain without any.
pub(super) fn is_current(keyring: &Keyring, stored: &Value) -> bool {
    let sealed = Sealed::of_attribute(stored);
    is_stored_form(stored) && sealed.is_some_and(|sealed| keyring.is_current(&sealed))
}
