//! Rows of `items` as items.

use std::sync::Arc;

use diesel::result::Error as DieselError;
use realnet_core::clock::Timestamp;
use realnet_core::model::{Attributes, Item, Visibility};
use realnet_core::registry::TypeRegistry;
use realnet_core::{Error, Result};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::error::to_error;
use super::run::{PgRow, Reader};
use crate::kept_grants::restore_grants;
use crate::row::visibility_of;

/// The columns that [`item`] reads, of the table by its alias `i`.
pub(super) const ITEM_COLUMNS: &str = "i.id, i.org, i.type, i.instance, i.name, i.attributes, i.tags, i.status, \
    i.visibility, i.location, i.valid_from, i.valid_to, i.parent, i.linked, i.owner, i.public, i.version, \
    i.created_at, i.updated_at, i.grants, i.content";

/// The item of a row that begins with [`ITEM_COLUMNS`].
pub(super) fn item(registry: &TypeRegistry, row: &PgRow) -> Result<Item> {
    read_item(registry, &mut Reader::new(row))
}

/// The item in the next columns.
pub(super) fn read_item(registry: &TypeRegistry, reader: &mut Reader<'_>) -> Result<Item> {
    let columns = columns(registry, reader).map_err(to_error)?;
    let (mut item, location, grants) = columns;
    item.location = location.map(|text| stored(&text, "location")).transpose()?;
    if let Some(text) = grants {
        restore_grants(&mut item, stored(&text, "grants")?);
    }
    Ok(item)
}

/// All items of rows that begin with [`ITEM_COLUMNS`].
pub(super) fn items(registry: &TypeRegistry, rows: &[PgRow]) -> Result<Vec<Item>> {
    rows.iter().map(|row| item(registry, row)).collect()
}

type Columns = (Item, Option<String>, Option<String>);

/// The plain columns; those that hold JSON are left as text.
fn columns(registry: &TypeRegistry, reader: &mut Reader<'_>) -> Result<Columns, DieselError> {
    let id: Uuid = reader.next()?;
    let org: Uuid = reader.next()?;
    let type_id: Uuid = reader.next()?;
    let instance: Option<String> = reader.next()?;
    let name = reader.next()?;
    let attributes: String = reader.next()?;
    let tags = reader.next()?;
    let status = reader.next()?;
    let visibility: i16 = reader.next()?;
    let location = reader.next()?;
    let mut item = Item {
        id,
        type_id,
        type_name: registry.by_id(type_id).map_or_else(|| Arc::from(""), |info| Arc::clone(info.name())),
        instance: instance.map(Arc::from),
        name,
        attributes: Attributes::from_stored(attributes),
        tags,
        status,
        // An unknown number, of a newer server, is read as the most careful one.
        visibility: visibility_of(visibility.into()).unwrap_or(Visibility::Restricted),
        location: None,
        valid_from: reader.next::<Option<i64>>()?.map(Timestamp::from_micros),
        valid_to: reader.next::<Option<i64>>()?.map(Timestamp::from_micros),
        parent_id: reader.next()?,
        linked_item_id: reader.next()?,
        owner: reader.next()?,
        org,
        public: reader.next()?,
        content: None,
        version: reader.next()?,
        created_at: Timestamp::from_micros(reader.next()?),
        updated_at: Timestamp::from_micros(reader.next()?),
        grants: Vec::new(),
        inherited: Vec::new(),
    };
    let grants = reader.next()?;
    item.content = reader.next()?;
    Ok((item, location, grants))
}

/// A value that was stored as JSON.
pub(super) fn stored<T: DeserializeOwned>(text: &str, what: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|error| Error::internal(format!("stored {what} can not be read")).with_source(error))
}

/// A value as the JSON to store.
pub(super) fn to_json<T: serde::Serialize + ?Sized>(value: &T, what: &str) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::internal(format!("{what} can not be written as JSON")).with_source(error))
}
