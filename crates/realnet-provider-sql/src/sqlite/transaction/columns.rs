//! The columns of an item that can change, as values to bind.

use realnet_core::Result;
use realnet_core::clock::Timestamp;
use realnet_core::model::Item;

use crate::kept_grants::kept_grants;
use crate::row::visibility_number;
use crate::sqlite::row::json;
use crate::statement::Bind;

/// A column and its value.
type Column = (&'static str, Bind);

/// All columns that can change, in a fixed order.
pub(super) fn all_columns(item: &Item) -> Result<Vec<Column>> {
    COLUMNS.iter().map(|(name, _, value)| Ok((*name, value(item)?))).collect()
}

/// The columns in which two states of an item differ.
pub(super) fn changed_columns(before: &Item, after: &Item) -> Result<Vec<Column>> {
    let changed = COLUMNS.iter().filter(|(_, same, _)| !same(before, after));
    let columns: Result<Vec<Column>> = changed.map(|(name, _, value)| Ok((*name, value(after)?))).collect();
    let mut columns = columns?;
    if columns.is_empty() {
        columns.push(("version", after.version.into()));
    }
    Ok(columns)
}

type Same = fn(&Item, &Item) -> bool;
type Value = fn(&Item) -> Result<Bind>;

const COLUMNS: &[(&str, Same, Value)] = &[
    (
        "instance",
        |a, b| a.instance == b.instance,
        |item| Ok(item.instance.as_deref().map(str::to_owned).into()),
    ),
    ("name", |a, b| a.name == b.name, |item| Ok(item.name.as_str().into())),
    ("attributes", |a, b| a.attributes == b.attributes, |item| Ok(item.attributes.as_text().into())),
    ("tags", |a, b| a.tags == b.tags, |item| list(&item.tags)),
    ("status", |a, b| a.status == b.status, |item| Ok(item.status.clone().into())),
    (
        "visibility",
        |a, b| a.visibility == b.visibility,
        |item| Ok(i64::from(visibility_number(item.visibility)).into()),
    ),
    (
        "location",
        |a, b| a.location == b.location,
        |item| Ok(item.location.as_ref().map(json).transpose()?.into()),
    ),
    (
        "valid_from",
        |a, b| a.valid_from == b.valid_from,
        |item| Ok(item.valid_from.map(Timestamp::as_micros).into()),
    ),
    ("valid_to", |a, b| a.valid_to == b.valid_to, |item| Ok(item.valid_to.map(Timestamp::as_micros).into())),
    ("parent", |a, b| a.parent_id == b.parent_id, |item| Ok(item.parent_id.into())),
    ("linked", |a, b| a.linked_item_id == b.linked_item_id, |item| Ok(item.linked_item_id.into())),
    ("owner", |a, b| a.owner == b.owner, |item| Ok(item.owner.into())),
    ("public", |a, b| a.public == b.public, |item| Ok(item.public.into())),
    ("version", |a, b| a.version == b.version, |item| Ok(item.version.into())),
    ("updated_at", |a, b| a.updated_at == b.updated_at, |item| Ok(item.updated_at.as_micros().into())),
    (
        "grants",
        |a, b| a.grants == b.grants && a.inherited == b.inherited,
        |item| Ok(kept_grants(item).map(|kept| json(&kept)).transpose()?.into()),
    ),
    ("content", |a, b| a.content == b.content, |item| Ok(item.content.into())),
];

/// A list as JSON; nothing when it is empty.
fn list<T: serde::Serialize>(values: &[T]) -> Result<Bind> {
    let text = if values.is_empty() { None } else { Some(json(values)?) };
    Ok(text.into())
}
