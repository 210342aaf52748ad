//! Drift: where the store differs from what was applied to it.

use std::collections::HashMap;

use serde_json::Value;
use uuid::Uuid;

use super::flat::{self, Flat, is_default};
use super::plan::{Action, FieldChange, PlanEntry, State, Target, applied};
use crate::change::{SourceKind, SourceRecord};
use crate::model::Item;

/// One object that is not as it was applied.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Drift {
    /// The document that it came from.
    pub source: String,
    /// What was done to it: `change` or `delete`, and how.
    #[serde(flatten)]
    pub entry: PlanEntry,
}

/// Compares what was applied with what is stored. `state.items` holds the items that the records name.
///
/// `from` is what was applied, `to` what is stored now. Of an item, only what the document spoke of counts; of a
/// type, also what was added by hand.
pub fn drift(state: &State, target: &Target) -> Vec<Drift> {
    let items: HashMap<Uuid, &Item> = state.items.iter().map(|item| (item.id, item)).collect();
    let mut drifts: Vec<Drift> = state
        .sources
        .iter()
        .filter(|record| match record.kind {
            SourceKind::Type => record.org == target.layer,
            SourceKind::Item => record.org == Some(target.org),
        })
        .filter_map(|record| one(record, state, target, &items))
        .collect();
    drifts.sort_by(|left, right| (&left.source, &left.entry.path).cmp(&(&right.source, &right.entry.path)));
    drifts
}

fn one(record: &SourceRecord, state: &State, target: &Target, items: &HashMap<Uuid, &Item>) -> Option<Drift> {
    let before = applied(record);
    let now = match record.kind {
        SourceKind::Type => {
            state.registry.by_id(record.object).map(|info| flat::of_definition(info.definition()))
        }
        SourceKind::Item => items.get(&record.object).map(|item| {
            let mut now = flat::of_item(item);
            // Secrets can not be compared with what was applied, and what others keep to themselves is not told.
            if let Some(info) = state.registry.by_id(item.type_id) {
                for name in info.hidden_from(&target.caller) {
                    let path = format!("attributes/{name}");
                    match before.get(&path) {
                        Some(value) => drop(now.insert(path, value.clone())),
                        None => drop(now.remove(&path)),
                    }
                }
            }
            now
        }),
    };
    let text = |key: &str| before.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let name = text("name");
    let path = match record.kind {
        SourceKind::Type => name.clone(),
        SourceKind::Item => format!("{}/{name}", text("type")),
    };
    let entry = |action, changes| PlanEntry { action, kind: record.kind, name, path, changes, note: None };
    let entry = match now {
        None => entry(Action::Delete, Vec::new()),
        Some(now) => {
            let changes = differences(&before, &now, record.kind == SourceKind::Type);
            if changes.is_empty() {
                return None;
            }
            entry(Action::Change, changes)
        }
    };
    Some(Drift { source: record.source.clone(), entry })
}

fn differences(before: &Flat, now: &Flat, with_added: bool) -> Vec<FieldChange> {
    let added = now.keys().filter(|path| with_added && !before.contains_key(*path));
    let mut paths: Vec<&String> = before.keys().chain(added).collect();
    paths.sort();
    let said = |flat: &Flat, path: &String| flat.get(path).filter(|value| !is_default(path, value)).cloned();
    paths
        .into_iter()
        .map(|path| FieldChange::new(path, said(before, path), said(now, path)))
        .filter(|change| change.from != change.to)
        .collect()
}
