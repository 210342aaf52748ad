//! The plan: what a load would create, change or delete. Pure: what it needs of a store is handed in.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::document::Document;
use super::flat::Flat;
use super::{gather, items, types};
use crate::acl::Caller;
use crate::change::{Operation, SourceKind, SourceRecord};
use crate::clock::IdSource;
use crate::error::Result;
use crate::model::Item;
use crate::registry::{TypeInfo, TypeRegistry};
use crate::secret::Secrets;

/// How to plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "independent options of one command")]
pub struct Options {
    /// Delete what came from the same sources and is not in them any more.
    pub prune: bool,
    /// Overwrite what was changed by hand.
    pub force: bool,
    /// Take over what is there without a source, or with another one.
    pub adopt: bool,
    /// Turn contradictions of old documents into warnings.
    pub compat: bool,
    /// Plan the types of the documents.
    pub types: bool,
    /// Plan the items of the documents.
    pub items: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { prune: false, force: false, adopt: false, compat: false, types: true, items: true }
    }
}

/// For whom a load is planned.
#[derive(Debug, Clone)]
pub struct Target {
    /// Who applies it.
    pub caller: Arc<Caller>,
    /// The org of the items.
    pub org: Uuid,
    /// The layer of the types: the system (`None`) or an org.
    pub layer: Option<Uuid>,
}

impl Target {
    /// The type that a name in a document means: for the system, one of the system.
    pub(super) fn find<'a>(&self, registry: &'a TypeRegistry, name: &str) -> Option<&'a TypeInfo> {
        let of_system = if self.layer.is_none() { registry.system(name) } else { None };
        of_system.or_else(|| registry.find(self.org, name))
    }

    /// What `caller` may write: superusers the types of the system, others those of their org; items of its org.
    pub fn of(caller: Arc<Caller>) -> Self {
        let layer = if caller.is_superuser() { None } else { Some(caller.org) };
        Self { org: caller.org, caller, layer }
    }
}

/// What the store holds, as far as a load is concerned.
#[derive(Debug, Clone)]
pub struct State {
    /// The types now.
    pub registry: Arc<TypeRegistry>,
    /// What was applied before, in the layer and in the org.
    pub sources: Vec<SourceRecord>,
    /// The items that [`Needs`] names, as far as they exist.
    pub items: Vec<Item>,
    /// Marks the secrets of documents, to know them again.
    pub secrets: Secrets,
}

/// Items that have to be looked up before planning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Types to look in.
    pub types: BTreeSet<Uuid>,
    /// Names to look for in these types.
    pub names: BTreeSet<String>,
    /// Further items.
    pub ids: BTreeSet<Uuid>,
}

/// What is said of an object that somebody has deleted since it was applied, with the way back.
pub(super) const BY_HAND: &str = "was deleted by hand (force brings it back)";

/// What happens to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is created.
    Create,
    /// It is changed.
    Change,
    /// It is deleted.
    Delete,
    /// It differs from the document and stays as it is: somebody changed or deleted it by hand.
    Keep,
    /// Document and store disagree, and the document is not applied here.
    Conflict,
}

/// A value before and after.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct FieldChange {
    /// Path within the object, such as `attributes/icon` or `fields/email`.
    pub field: String,
    /// What is stored.
    pub from: Option<Value>,
    /// What the document says.
    pub to: Option<Value>,
    /// Neither is shown: the caller may not read the field, or it is a secret.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

impl FieldChange {
    pub(super) fn new(field: &str, from: Option<Value>, to: Option<Value>) -> Self {
        Self { field: field.to_owned(), from, to, hidden: false }
    }

    /// Of what is not shown.
    pub(super) fn of_hidden(field: &str) -> Self {
        Self { field: field.to_owned(), from: None, to: None, hidden: true }
    }
}

/// What happens to one type or item.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PlanEntry {
    /// What happens.
    pub action: Action,
    /// Type or item.
    pub kind: SourceKind,
    /// Its name.
    pub name: String,
    /// For an item: type and names from the root of the tree; for a type its name.
    pub path: String,
    /// Values that differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FieldChange>,
    /// Why, when it is not plain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A planned load.
#[derive(Clone, Default)]
pub struct Plan {
    /// What happens, object by object. Objects that are as the documents say are not listed.
    pub entries: Vec<PlanEntry>,
    /// What an author should know.
    pub warnings: Vec<String>,
    /// The change set that does it, in order.
    pub operations: Vec<Operation>,
    /// The types after it, when types change.
    pub next_registry: Option<Arc<TypeRegistry>>,
}

impl Plan {
    /// How many objects have that action.
    pub fn count(&self, action: Action) -> usize {
        self.entries.iter().filter(|entry| entry.action == action).count()
    }

    /// Whether applying it would do nothing.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// The plan as a document for people and tools. `applied` says whether it has been done.
    pub fn to_json(&self, applied: bool) -> Value {
        json!({
            "applied": applied,
            "summary": {
                "create": self.count(Action::Create), "change": self.count(Action::Change),
                "delete": self.count(Action::Delete), "keep": self.count(Action::Keep),
                "conflict": self.count(Action::Conflict),
            },
            "entries": self.entries,
            "warnings": self.warnings,
        })
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("entries", &self.entries)
            .field("warnings", &self.warnings)
            .field("operations", &self.operations)
            .finish_non_exhaustive()
    }
}

/// What planning works with.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    pub(super) state: &'a State,
    pub(super) target: &'a Target,
    pub(super) options: Options,
    pub(super) ids: &'a dyn IdSource,
}

/// What planning writes: entries for people and operations for the store.
#[derive(Default)]
pub(super) struct Output {
    pub(super) entries: Vec<PlanEntry>,
    pub(super) warnings: Vec<String>,
    pub(super) steps: Steps,
}

/// Operations in the groups in which they have to be applied.
#[derive(Debug, Default)]
pub(super) struct Steps {
    pub(super) put_types: Vec<Operation>,
    pub(super) writes: Vec<Operation>,
    pub(super) deletes: Vec<Operation>,
    pub(super) remove_types: Vec<Operation>,
    pub(super) sources: Vec<Operation>,
}

impl Steps {
    /// Keeps what was applied, unless the record says so already.
    pub(super) fn record(&mut self, known: Option<&SourceRecord>, record: SourceRecord) {
        if known != Some(&record) {
            self.sources.push(Operation::Source { record, remove: false });
        }
    }

    /// Forgets a record.
    pub(super) fn forget(&mut self, record: &SourceRecord) {
        self.sources.push(Operation::Source { record: record.clone(), remove: true });
    }

    fn into_operations(self) -> Vec<Operation> {
        let groups = [self.put_types, self.writes, self.deletes, self.remove_types, self.sources];
        groups.into_iter().flatten().collect()
    }
}

/// The record of what was applied.
pub(super) fn record(
    org: Option<Uuid>,
    kind: SourceKind,
    object: Uuid,
    source: &str,
    flat: &Flat,
) -> SourceRecord {
    let applied = Value::Object(flat.iter().map(|(path, value)| (path.clone(), value.clone())).collect());
    SourceRecord { org, kind, object, source: source.to_owned(), applied }
}

/// The recorded form as a flat map.
pub(super) fn applied(record: &SourceRecord) -> Flat {
    let map = record.applied.as_object().cloned().unwrap_or_default();
    map.into_iter().collect()
}

/// Which items a plan has to know; look them up and hand them in as [`State::items`].
pub fn needs(
    registry: &TypeRegistry,
    sources: &[SourceRecord],
    documents: &[Document],
    target: &Target,
) -> Needs {
    super::needs::of(registry, sources, documents, target)
}

/// Plans a load. Nothing is changed; the plan holds the change set that would do it.
///
/// Errors name source, line and column of everything that is wrong.
pub fn plan(
    state: &State,
    documents: &[Document],
    target: &Target,
    options: Options,
    ids: &dyn IdSource,
) -> Result<Plan> {
    let mut gathered = gather::gather(documents, options.compat)?;
    let input = Input { state, target, options, ids };
    let mut output = Output::default();
    let mut next_registry = None;
    if options.types {
        next_registry = types::plan(&gathered, input, &mut output)?;
        let registry = next_registry.as_ref().unwrap_or(&state.registry);
        gather::check_layers(&mut gathered, registry, target)?;
    }
    if options.items {
        let registry = next_registry.as_ref().unwrap_or(&state.registry);
        items::plan(&mut gathered, input, registry, &mut output)?;
    }
    Ok(Plan {
        entries: output.entries,
        warnings: gathered.warnings.into_iter().chain(output.warnings).collect(),
        operations: output.steps.into_operations(),
        next_registry,
    })
}
