//! Expansion of references: the items that selected references lead to, one look per level.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::property::parse_id;
use crate::error::{Error, ErrorKind, Result};
use crate::model::Item;
use crate::provider::Budget;
use crate::resource::{Context, Selection};

/// The most items that one answer takes along.
const MAX_EXPANDED: usize = 10_000;
/// What a selected part takes besides its value, about.
const SHOWN: usize = 32;
/// The most ids that a store is asked for at once.
const CHUNK: usize = 1000;

/// The readable items that the expanded references of `items` lead to, at any level.
pub(super) async fn expand(
    cx: &Context,
    items: &[Item],
    select: &[Selection],
) -> Result<Arc<HashMap<Uuid, Item>>> {
    let mut found: HashMap<Uuid, Item> = HashMap::new();
    let mut budget = Budget::default();
    // An item is shown as often as it is referred to.
    let mut shown = Budget::default();
    let mut level: Vec<(Uuid, &[Selection])> = Vec::new();
    for item in items {
        wanted(cx, item, select, &mut level);
    }
    while !level.is_empty() {
        let missing: HashSet<Uuid> =
            level.iter().map(|(id, _)| *id).filter(|id| !found.contains_key(id)).collect();
        if found.len() + missing.len() > MAX_EXPANDED {
            let message = format!("more than {MAX_EXPANDED} references to expand: ask for a smaller page");
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        let missing: Vec<Uuid> = missing.into_iter().collect();
        for ids in missing.chunks(CHUNK) {
            let items = cx.services.items.get_many(&cx.access, ids).await?;
            if !items.iter().all(|item| budget.admits(item.size())) {
                return Err(Budget::exceeded());
            }
            found.extend(items.into_iter().map(|item| (item.id, item)));
        }
        let mut next = Vec::new();
        for (id, select) in level {
            if let Some(item) = found.get(&id) {
                if !shown.admits(shown_size(item, select)) {
                    return Err(Budget::exceeded());
                }
                wanted(cx, item, select, &mut next);
            }
        }
        level = next;
    }
    Ok(Arc::new(found))
}

/// About how many bytes what is selected of an item takes, apart from what is expanded in turn.
fn shown_size(item: &Item, select: &[Selection]) -> usize {
    let plain = select.iter().filter(|selection| selection.expand.is_empty());
    let size = |selection: &Selection| match selection.name.as_str() {
        "attributes" if !selection.attribute => item.attributes.size(),
        name => SHOWN + item.attributes.get(name).map_or(0, value_size),
    };
    SHOWN + plain.map(size).sum::<usize>()
}

fn value_size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(|value| value_size(value) + 1).sum(),
        Value::Object(map) => map.iter().map(|(key, value)| key.len() + value_size(value) + 4).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
    }
}

/// The ids that the expanded references of one item hold, with what is selected of their items.
fn wanted<'a>(cx: &Context, item: &Item, select: &'a [Selection], into: &mut Vec<(Uuid, &'a [Selection])>) {
    for selection in select.iter().filter(|selection| !selection.expand.is_empty()) {
        let mut add = |id: Uuid| into.push((id, selection.expand.as_slice()));
        match (selection.attribute, selection.name.as_str()) {
            (false, "parent_id") => item.parent_id.into_iter().for_each(&mut add),
            (false, "linked_item_id") => item.linked_item_id.into_iter().for_each(&mut add),
            (false, "owner") => item.owner.into_iter().for_each(&mut add),
            (false, "org") => add(item.org),
            (_, name) => {
                let Some(info) = cx.registry().by_id(item.type_id) else { continue };
                // What is not shown leads nowhere: else the answer's tag and bounds would tell of it.
                if info.is_hidden_from(name, cx.caller()) {
                    continue;
                }
                let constant = || info.constant(item.instance.as_deref(), name);
                let value = item.attributes.get(name).or_else(constant);
                ids_in(value).for_each(&mut add);
            }
        }
    }
}

/// The ids that a reference holds: one or a list.
fn ids_in(value: Option<&Value>) -> impl Iterator<Item = Uuid> {
    let values = match value {
        Some(Value::Array(values)) => values.as_slice(),
        Some(value) => std::slice::from_ref(value),
        None => &[],
    };
    values.iter().filter_map(|value| value.as_str().and_then(parse_id))
}
