//! Items of a load as nodes of a tree, each matched with what the store has under its key
//! (org, parent, type, name).

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use uuid::Uuid;

use super::document::ItemEntry;
use super::gather::Gathered;
use super::plan::{Input, Target};
use crate::change::{SourceKind, SourceRecord};
use crate::error::Violation;
use crate::model::Item;
use crate::registry::{TypeInfo, TypeRegistry};

/// One item of the load.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub(super) entry: &'a ItemEntry,
    /// Position of the node that it stands in.
    pub(super) parent: Option<usize>,
    pub(super) info: &'a TypeInfo,
    /// Of the stored item, of the one that was deleted by hand, or new.
    pub(super) id: Uuid,
    pub(super) stored: Option<&'a Item>,
    pub(super) record: Option<&'a SourceRecord>,
    /// Type and names from the root, for people.
    pub(super) path: String,
}

impl Node<'_> {
    /// It was applied before and is there no more.
    pub(super) fn is_gone(&self) -> bool {
        self.stored.is_none() && self.record.is_some()
    }
}

/// Key of an item within its org: type, name, parent.
type Key = (Uuid, String, Option<Uuid>);

/// All items of a load, parents before children.
pub(super) struct Nodes<'a> {
    pub(super) list: Vec<Node<'a>>,
    input: Input<'a>,
    registry: &'a TypeRegistry,
    records: HashMap<Key, &'a SourceRecord>,
    by_id: HashMap<Uuid, &'a Item>,
    /// Items without a record, by key; of several the oldest.
    unrecorded: HashMap<Key, &'a Item>,
    seen: HashSet<Key>,
}

/// Matches all items. Those of unknown types are violations (when reading compatibly: warnings).
pub(super) fn nodes<'a>(
    gathered: &mut Gathered<'a>,
    input: Input<'a>,
    registry: &'a TypeRegistry,
    violations: &mut Vec<Violation>,
) -> Vec<Node<'a>> {
    let mut nodes = Nodes::new(input, registry);
    for entry in gathered.items.clone() {
        nodes.add(entry, None, gathered, violations);
    }
    nodes.list
}

impl<'a> Nodes<'a> {
    fn new(input: Input<'a>, registry: &'a TypeRegistry) -> Self {
        let state = input.state;
        let by_id: HashMap<Uuid, &Item> = state.items.iter().map(|item| (item.id, item)).collect();
        let mut records: HashMap<Key, &SourceRecord> = HashMap::new();
        let mut recorded = HashSet::new();
        let org = input.target.org;
        let of_items = |record: &&SourceRecord| record.kind == SourceKind::Item && record.org == Some(org);
        for record in state.sources.iter().filter(of_items) {
            recorded.insert(record.object);
            let Some(key) = key_of(record, registry, input.target) else { continue };
            // An object that is still there is the better match.
            let slot = records.entry(key).or_insert(record);
            if by_id.contains_key(&record.object) {
                *slot = record;
            }
        }
        let mut unrecorded: HashMap<Key, &Item> = HashMap::new();
        for item in state.items.iter().filter(|item| item.org == org && !recorded.contains(&item.id)) {
            let slot = unrecorded.entry((item.type_id, item.name.clone(), item.parent_id)).or_insert(item);
            if item.id < slot.id {
                *slot = item;
            }
        }
        Self { list: Vec::new(), input, registry, records, by_id, unrecorded, seen: HashSet::new() }
    }

    fn add(
        &mut self,
        entry: &'a ItemEntry,
        parent: Option<usize>,
        gathered: &mut Gathered<'a>,
        violations: &mut Vec<Violation>,
    ) {
        let found = self.input.target.find(self.registry, &entry.type_name);
        let Some(info) = found else {
            let detail = format!("item {}: the type {} is unknown", entry.name, entry.type_name);
            let violation = entry.place.below("type").violation(detail);
            if self.input.options.compat {
                gathered.warnings.push(violation.detail);
            } else {
                violations.push(violation);
            }
            return;
        };
        if let Some(detail) = self.refused(info, entry) {
            violations.push(entry.place.violation(format!("item {}: {detail}", entry.name)));
        }
        let key = (info.id(), entry.name.clone(), parent.map(|parent| self.list[parent].id));
        if !self.seen.insert(key.clone()) {
            let detail = format!("item {}: another one of this type and name stands beside it", entry.name);
            violations.push(entry.place.violation(detail));
            return;
        }
        let record = self.records.get(&key).copied();
        let recorded = record.and_then(|record| self.by_id.get(&record.object).copied());
        let stored = recorded.or_else(|| self.unrecorded.get(&key).copied());
        // A record of a deleted item says nothing of one that somebody made since.
        let record = record.filter(|_| recorded.is_some() || stored.is_none());
        // The id that a deleted item had is not used again.
        let gone = record.filter(|_| !self.input.options.force).map(|record| record.object);
        let id = stored.map(|item| item.id).or(gone);
        let path = match parent {
            Some(parent) => format!("{}/{}", self.list[parent].path, entry.name),
            None => format!("{}/{}", info.name(), entry.name),
        };
        let index = self.list.len();
        self.list.push(Node {
            entry,
            parent,
            info,
            id: id.unwrap_or_else(|| self.input.ids.next_id()),
            stored,
            record,
            path,
        });
        for child in &entry.items {
            self.add(child, Some(index), gathered, violations);
        }
    }

    /// Why a document may not hold such an item at all.
    fn refused(&self, info: &TypeInfo, entry: &ItemEntry) -> Option<String> {
        if info.is_abstract() {
            return Some(format!("type {} is abstract and has no items of its own", info.name()));
        }
        let is_a = |name: &str| {
            let base = self.registry.system(name);
            base.is_some_and(|base| self.registry.is_derived_from(info.id(), base.id()))
        };
        let is_account = is_a("Account");
        if is_account && entry.attributes.contains_key("password") {
            return Some("passwords are not given in documents".to_owned());
        }
        if (is_account || is_a("Org")) && !self.input.target.caller.is_superuser() {
            return Some(format!("items of type {} are not made by documents", info.name()));
        }
        None
    }
}

fn key_of(record: &SourceRecord, registry: &TypeRegistry, target: &Target) -> Option<Key> {
    let text = |key: &str| record.applied.get(key).and_then(Value::as_str);
    let info = target.find(registry, text("type")?)?;
    let parent = text("parent_id").and_then(|text| Uuid::parse_str(text).ok());
    Some((info.id(), text("name")?.to_owned(), parent))
}
