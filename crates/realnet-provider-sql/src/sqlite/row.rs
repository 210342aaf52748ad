//! Rows of `items` as items, and back.

use std::sync::Arc;

use realnet_core::clock::Timestamp;
use realnet_core::model::{Attributes, Item};
use realnet_core::registry::TypeRegistry;
use realnet_core::{Error, Result, Uuid};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::connection::Columns;
use crate::kept_grants::restore_grants;
use crate::row::visibility_of;

/// The columns that [`item`] reads, of the table by its alias `i`.
pub(super) const ITEM_COLUMNS: &str = "i.id, i.org, i.type, i.instance, i.name, i.attributes, i.tags, i.status, \
     i.visibility, i.location, i.valid_from, i.valid_to, i.parent, i.linked, i.owner, i.public, i.version, \
     i.created_at, i.updated_at, i.grants, i.content, \
     coalesce(i.location, i.tags, i.parent, i.status, i.instance, i.grants, i.content, i.linked, i.valid_from, \
     i.valid_to) IS NULL";

/// The one that tells whether ten of the others are absent, as in most items: then they need not be read one by one.
const IS_PLAIN: usize = 21;
/// The column behind [`ITEM_COLUMNS`].
pub(super) const AFTER_ITEM: usize = 22;

/// Names of types; the last one is at hand, as most items of a list are of one type.
pub(super) struct TypeNames<'r> {
    registry: &'r TypeRegistry,
    last: Option<(Uuid, Arc<str>)>,
}

impl<'r> TypeNames<'r> {
    /// Those of a registry.
    pub(super) fn of(registry: &'r TypeRegistry) -> Self {
        Self { registry, last: None }
    }

    fn get(&mut self, id: Uuid) -> Arc<str> {
        if let Some((last, name)) = &self.last
            && *last == id
        {
            return Arc::clone(name);
        }
        let name = self.registry.by_id(id).map_or_else(|| Arc::from(""), |info| Arc::clone(info.name()));
        self.last = Some((id, Arc::clone(&name)));
        name
    }
}

/// The item of a row that begins with [`ITEM_COLUMNS`].
pub(super) fn item(registry: &TypeRegistry, row: &Columns<'_, '_>) -> Result<Item> {
    item_of(&mut TypeNames::of(registry), row)
}

/// As [`item`], one of many.
pub(super) fn item_of(types: &mut TypeNames<'_>, row: &Columns<'_, '_>) -> Result<Item> {
    let type_id = row.id(2)?;
    let mut item = Item::new(row.id(0)?, type_id, types.get(type_id), row.id(1)?);
    item.name = row.string(4)?;
    item.attributes = row.text(5, |text| Attributes::from_stored(text))?.unwrap_or_default();
    item.visibility =
        visibility_of(row.integer(8)?).ok_or_else(|| Error::internal("a stored visibility is not known"))?;
    item.owner = row.optional_id(14)?;
    item.public = row.integer(15)? != 0;
    item.version = row.integer(16)?;
    item.created_at = Timestamp::from_micros(row.integer(17)?);
    item.updated_at = Timestamp::from_micros(row.integer(18)?);
    if row.integer(IS_PLAIN)? == 0 {
        read_rest(&mut item, row)?;
    }
    Ok(item)
}

/// Reads what most items do not have.
fn read_rest(item: &mut Item, row: &Columns<'_, '_>) -> Result<()> {
    let moment = |index: usize| row.optional_integer(index).map(|at| at.map(Timestamp::from_micros));
    item.instance = row.text(3, |text| Arc::from(text))?;
    item.tags = parsed(row, 6)?.unwrap_or_default();
    item.status = row.text(7, str::to_owned)?;
    item.location = parsed(row, 9)?;
    item.valid_from = moment(10)?;
    item.valid_to = moment(11)?;
    item.parent_id = row.optional_id(12)?;
    item.linked_item_id = row.optional_id(13)?;
    if let Some(kept) = parsed(row, 19)? {
        restore_grants(item, kept);
    }
    item.content = row.optional_id(20)?;
    Ok(())
}

/// The columns that [`light_item`] reads.
pub(super) const LIGHT_COLUMNS: &str =
    "i.id, i.name, i.location, i.version, i.created_at, i.updated_at, octet_length(i.attributes)";

/// The item of a row that begins with [`LIGHT_COLUMNS`], with nothing else in it, and the size of the whole item.
pub(super) fn light_item(row: &Columns<'_, '_>) -> Result<(Item, usize)> {
    let mut item = Item::new(row.id(0)?, Uuid::nil(), Arc::default(), Uuid::nil());
    item.name = row.string(1)?;
    item.location = parsed(row, 2)?;
    item.version = row.integer(3)?;
    item.created_at = Timestamp::from_micros(row.integer(4)?);
    item.updated_at = Timestamp::from_micros(row.integer(5)?);
    let attributes = usize::try_from(row.integer(6)?).unwrap_or(usize::MAX / 2);
    let size = item.size() + attributes;
    Ok((item, size))
}

/// A column that holds JSON.
pub(super) fn parsed<T: DeserializeOwned>(row: &Columns<'_, '_>, index: usize) -> Result<Option<T>> {
    let parsed = row.text(index, |text| serde_json::from_str(text))?.transpose();
    parsed.map_err(|error| {
        Error::internal(format!("column {index} of a stored row is no proper JSON")).with_source(error)
    })
}

/// What a column of JSON holds.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::internal("a value has no JSON").with_source(error))
}
