//! Items that came from the sources of a load and are not in them any more: reported, or deleted when pruning.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::flat::{self, Flat};
use super::gather::Gathered;
use super::hidden::Hidden;
use super::nodes::Node;
use super::plan::{Action, Input, Output, PlanEntry, applied};
use super::topology;
use crate::change::{Guard, Operation, SourceKind, SourceRecord, Version};
use crate::error::{Error, Result};
use crate::model::Item;
use crate::registry::TypeRegistry;

/// Plans what is left over. `kept` are the items of the load by id.
pub(super) fn plan(
    gathered: &Gathered<'_>,
    kept: &HashMap<Uuid, &Node<'_>>,
    input: Input<'_>,
    registry: &TypeRegistry,
    output: &mut Output,
) -> Result<()> {
    let by_id: HashMap<Uuid, &Item> = input.state.items.iter().map(|item| (item.id, item)).collect();
    let is_left = |record: &&SourceRecord| {
        record.kind == SourceKind::Item
            && record.org == Some(input.target.org)
            && gathered.sources.iter().any(|source| **source == *record.source)
            && !kept.contains_key(&record.object)
    };
    let mut left: Vec<&SourceRecord> = input.state.sources.iter().filter(is_left).collect();
    // A plan reads alike on every store, whatever ids its items have.
    left.sort_by_cached_key(|record| {
        by_id.get(&record.object).map(|item| (Arc::clone(&item.type_name), item.name.clone()))
    });
    let mut doomed: Vec<&Item> = Vec::new();
    for record in left {
        let Some(item) = by_id.get(&record.object).copied() else {
            let replaced = output.steps.sources.iter().any(|operation| {
                matches!(operation, Operation::Source { record: other, .. } if other.object == record.object)
            });
            if input.options.prune && !replaced {
                output.steps.forget(record);
            }
            continue;
        };
        let (action, note) = settle(record, item, registry, input);
        if action == Action::Delete {
            doomed.push(item);
            output.steps.forget(record);
        }
        output.entries.push(PlanEntry {
            action,
            kind: SourceKind::Item,
            name: item.name.clone(),
            path: format!("{}/{}", item.type_name, item.name),
            changes: Vec::new(),
            note: note.map(str::to_owned),
        });
    }
    output.steps.deletes.extend(deletes(&doomed)?);
    Ok(())
}

fn settle(
    record: &SourceRecord,
    item: &Item,
    registry: &TypeRegistry,
    input: Input<'_>,
) -> (Action, Option<&'static str>) {
    let (mut before, now) = (applied(record), flat::of_item(item));
    // As drift does: what is hidden from the caller is not compared.
    if let Some(info) = registry.by_id(item.type_id) {
        let hidden = Hidden::of(info, &input.target.caller);
        before.retain(|path, _| !hidden.paths().contains(path));
    }
    let by_hand = before.iter().any(|(path, value)| differs(path, value, &now));
    if !input.options.prune {
        (Action::Keep, Some("is not in the document any more (prune deletes it)"))
    } else if by_hand && !input.options.force {
        (Action::Conflict, Some("is not in the document any more, but was changed by hand"))
    } else {
        (Action::Delete, None)
    }
}

fn differs(path: &str, value: &serde_json::Value, now: &Flat) -> bool {
    now.get(path).map_or(!flat::is_default(path, value), |now| now != value)
}

/// Deletions, dependents before what they depend on. None takes along what did not come from the sources.
fn deletes(doomed: &[&Item]) -> Result<Vec<Operation>> {
    let positions: HashMap<Uuid, usize> =
        doomed.iter().enumerate().map(|(index, item)| (item.id, index)).collect();
    let needs: Vec<Vec<usize>> = doomed
        .iter()
        .map(|item| {
            let mut ids: Vec<Uuid> = item.parent_id.into_iter().chain(item.linked_item_id).collect();
            item.attributes.as_map().values().for_each(|value| collect_ids(value, &mut ids));
            ids.iter().filter_map(|id| positions.get(id).copied()).collect()
        })
        .collect();
    let mut order = topology::sorted(&needs).map_err(|cycle| {
        let names: Vec<&str> = cycle.iter().map(|index| doomed[*index].name.as_str()).collect();
        Error::conflict(format!("items to delete refer to each other: {}", names.join(", ")))
    })?;
    order.reverse();
    let ids: Arc<HashSet<Uuid>> = Arc::new(positions.into_keys().collect());
    let guard: Guard = Arc::new(move |item: &Item| {
        if ids.contains(&item.id) {
            return Ok(());
        }
        let what = format!("{} {}", item.type_name, item.name);
        Err(Error::conflict(format!(
            "deleting would take {what} along, which did not come from the document"
        )))
    });
    Ok(order
        .into_iter()
        .map(|index| Operation::Delete {
            id: doomed[index].id,
            expected_version: Some(Version::of(doomed[index])),
            guard: Some(Arc::clone(&guard)),
        })
        .collect())
}

fn collect_ids(value: &serde_json::Value, ids: &mut Vec<Uuid>) {
    match value {
        serde_json::Value::String(text) => ids.extend(Uuid::parse_str(text).ok()),
        serde_json::Value::Array(values) => values.iter().for_each(|value| collect_ids(value, ids)),
        _ => {}
    }
}
