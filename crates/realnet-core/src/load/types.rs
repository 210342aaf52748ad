//! Planning the types of a load, and the registry that comes out of it.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::document::Document;
use super::flat::{self, Flat};
use super::gather::{self, Gathered, GatheredType};
use super::merge::{Rule, merge, taken};
use super::place::refused;
use super::plan::{Action, BY_HAND, FieldChange, Input, Output, PlanEntry, Steps, applied, record};
use super::typos;
use crate::change::{Operation, SourceKind, SourceRecord};
use crate::error::{Error, Result, Violation};
use crate::model::TypeDefinition;
use crate::registry::{TypeRegistry, TypeSnapshot};

/// The types of a document as definitions of one layer: ids are nil, versions 0. Checked by themselves only; the
/// registry that they become part of checks the rest.
pub fn definitions(document: &Document, layer: Option<Uuid>) -> Result<Vec<TypeDefinition>> {
    let gathered = gather::gather(std::slice::from_ref(document), false)?;
    let define = |found: &GatheredType| {
        flat::to_definition(&flat::of_gathered(found), Uuid::nil(), layer, 0, &order(found, None))
    };
    gathered.types.iter().map(define).collect()
}

struct Planner<'a> {
    gathered: &'a Gathered<'a>,
    input: Input<'a>,
    output: &'a mut Output,
    /// The definitions after the load, by id.
    next: HashMap<Uuid, TypeDefinition>,
    changed: bool,
}

/// Plans all types; answers the registry after the load when types change.
pub(super) fn plan(
    gathered: &Gathered<'_>,
    input: Input<'_>,
    output: &mut Output,
) -> Result<Option<Arc<TypeRegistry>>> {
    let Input { state, target, .. } = input;
    let snapshot = state.registry.snapshot();
    let definitions = snapshot.definitions.iter().cloned();
    let next = definitions.map(|definition| (definition.id, definition)).collect();
    let mut planner = Planner { gathered, input, output, next, changed: false };
    let records: Vec<&SourceRecord> = state
        .sources
        .iter()
        .filter(|record| record.kind == SourceKind::Type && record.org == target.layer)
        .collect();
    for found in &gathered.types {
        planner.one(found, &records)?;
    }
    planner.leftovers(&records);
    if !planner.changed {
        warn(gathered, &state.registry, input, output);
        return Ok(None);
    }
    let next = planner.next;
    let definitions = next.values().cloned().collect();
    let snapshot = TypeSnapshot { revision: snapshot.revision + 1, definitions, ..snapshot };
    let registry = state.registry.successor(snapshot).map_err(|error| placed(gathered, error))?;
    registry.check_change(&state.registry).map_err(|error| placed(gathered, error))?;
    sort_operations(&mut output.steps, &registry, &state.registry);
    warn(gathered, &registry, input, output);
    Ok(Some(Arc::new(registry)))
}

/// Tells of what is probably not meant so. `registry`: the types after the load.
fn warn(gathered: &Gathered<'_>, registry: &TypeRegistry, input: Input<'_>, output: &mut Output) {
    for found in &gathered.types {
        if let Some(info) = input.target.find(registry, &found.name) {
            output.warnings.extend(typos::warnings(found, info));
        }
    }
}

/// Bases are put before and removed behind what derives from them.
fn sort_operations(steps: &mut Steps, next: &TypeRegistry, before: &TypeRegistry) {
    let rank = |registry: &TypeRegistry, id| registry.types().position(|info| info.id() == id);
    steps.put_types.sort_by_cached_key(|operation| match operation {
        Operation::PutType(definition) => rank(next, definition.id),
        _ => None,
    });
    steps.remove_types.sort_by_cached_key(|operation| match operation {
        Operation::RemoveType(id) => std::cmp::Reverse(rank(before, *id)),
        _ => std::cmp::Reverse(None),
    });
}

impl Planner<'_> {
    fn one(&mut self, found: &GatheredType, records: &[&SourceRecord]) -> Result<()> {
        let Input { state, target, options, ids } = self.input;
        let document = flat::of_gathered(found);
        let stored = stored(&state.registry, target.layer, &found.name);
        let source = Arc::clone(found.place.source());
        let Some(stored) = stored else {
            let gone = records.iter().find(|record| is_named(record, &found.name)).copied();
            if let Some(gone) = gone.filter(|_| !options.force) {
                let unchanged = applied(gone) == document;
                let action = if unchanged { Action::Keep } else { Action::Conflict };
                self.enter(action, &found.name, Vec::new(), Some(BY_HAND.to_owned()));
                return Ok(());
            }
            if let Some(gone) = gone {
                self.output.steps.forget(gone);
            }
            let id = ids.next_id();
            let hidden =
                if target.layer.is_none() { state.registry.hidden_in(&found.name) } else { Vec::new() };
            let note = (!hidden.is_empty()).then(|| {
                let orgs: Vec<String> = hidden.iter().map(Uuid::to_string).collect();
                let orgs = orgs.join(", ");
                format!("is hidden in orgs that have a type of this name of their own, until they delete it: {orgs}")
            });
            self.enter(Action::Create, &found.name, Vec::new(), note);
            let definition = flat::to_definition(&document, id, target.layer, 1, &order(found, None))?;
            self.put(definition);
            self.output.steps.record(None, record(target.layer, SourceKind::Type, id, &source, &document));
            return Ok(());
        };
        let known = records.iter().find(|record| record.object == stored.id).copied();
        let ours =
            known.is_some_and(|record| self.gathered.sources.iter().any(|own| **own == *record.source));
        if !ours && !options.adopt {
            let note = match known {
                Some(record) => format!("is of the source {} (adopt takes it over)", record.source),
                None => "is there without a source (adopt takes it over)".to_owned(),
            };
            self.enter(Action::Conflict, &found.name, Vec::new(), Some(note));
            return Ok(());
        }
        self.merge_into(found, &document, &stored, known, ours)
    }

    fn merge_into(
        &mut self,
        found: &GatheredType,
        document: &Flat,
        stored: &TypeDefinition,
        known: Option<&SourceRecord>,
        ours: bool,
    ) -> Result<()> {
        let Input { target, options, .. } = self.input;
        let now = flat::of_definition(stored);
        // What is taken over from elsewhere keeps all that the document does not speak of.
        let rule = if options.force || !ours { Rule::Force } else { Rule::KeepHand };
        let before = known.filter(|_| ours).map(applied).unwrap_or_default();
        let merged = merge(&before, &now, document, rule, &[]);
        self.report(found, &merged.changes, &merged.kept, &merged.conflicts);
        if !merged.take.is_empty() {
            let next = taken(&now, document, &merged.take);
            let order = order(found, Some(stored));
            let next = flat::to_definition(&next, stored.id, stored.org, stored.version + 1, &order)?;
            self.put(TypeDefinition { retired: stored.retired.clone(), ..next });
        }
        let source = found.place.source();
        self.output
            .steps
            .record(known, record(target.layer, SourceKind::Type, stored.id, source, &merged.applied));
        Ok(())
    }

    fn report(
        &mut self,
        found: &GatheredType,
        changes: &[FieldChange],
        kept: &[FieldChange],
        conflicts: &[FieldChange],
    ) {
        for (action, changes, note) in [
            (Action::Change, changes, None),
            (Action::Keep, kept, Some("was changed by hand")),
            (Action::Conflict, conflicts, Some("was changed by hand and in the document (force overwrites)")),
        ] {
            if !changes.is_empty() {
                self.enter(action, &found.name, changes.to_vec(), note.map(str::to_owned));
            }
        }
    }

    fn enter(&mut self, action: Action, name: &str, changes: Vec<FieldChange>, note: Option<String>) {
        let name = name.to_owned();
        self.output.entries.push(PlanEntry {
            action,
            kind: SourceKind::Type,
            path: name.clone(),
            name,
            changes,
            note,
        });
    }

    fn put(&mut self, definition: TypeDefinition) {
        self.changed = true;
        self.next.insert(definition.id, definition.clone());
        self.output.steps.put_types.push(Operation::PutType(Box::new(definition)));
    }

    /// What came from these sources and is not in them any more.
    fn leftovers(&mut self, records: &[&SourceRecord]) {
        let options = self.input.options;
        let ours = |record: &&&SourceRecord| self.gathered.sources.iter().any(|own| **own == *record.source);
        let left: Vec<&SourceRecord> = records
            .iter()
            .filter(ours)
            .filter(|record| !self.gathered.types.iter().any(|found| is_named(record, &found.name)))
            .copied()
            .collect();
        for record in left {
            let Some(stored) = self.next.get(&record.object).cloned() else {
                if options.prune {
                    self.output.steps.forget(record);
                }
                continue;
            };
            if self.gathered.find(&stored.name).is_some() {
                continue;
            }
            let by_hand = flat::of_definition(&stored) != applied(record);
            let (action, note) = if !options.prune {
                (Action::Keep, Some("is not in the document any more (prune deletes it)"))
            } else if by_hand && !options.force {
                (Action::Conflict, Some("is not in the document any more, but was changed by hand"))
            } else {
                (Action::Delete, None)
            };
            if action == Action::Delete {
                self.changed = true;
                self.next.remove(&stored.id);
                self.output.steps.remove_types.push(Operation::RemoveType(stored.id));
                self.output.steps.forget(record);
            }
            self.enter(action, &stored.name, Vec::new(), note.map(str::to_owned));
        }
    }
}

fn is_named(record: &SourceRecord, name: &str) -> bool {
    let applied = record.applied.get("name").and_then(serde_json::Value::as_str);
    applied.is_some_and(|applied| applied.eq_ignore_ascii_case(name))
}

fn stored(registry: &TypeRegistry, layer: Option<Uuid>, name: &str) -> Option<TypeDefinition> {
    let found = registry
        .types()
        .find(|info| info.org() == layer && info.name().to_lowercase() == name.to_lowercase())?;
    Some(TypeDefinition::clone(found.definition()))
}

/// Paths of fields and instances: first as the document has them, then as they are stored.
fn order(found: &GatheredType, stored: Option<&TypeDefinition>) -> Vec<String> {
    let fields = found.fields.iter().map(|(field, _)| format!("fields/{}", field.name));
    let instances = found.instances.iter().map(|(instance, _)| format!("instances/{}", instance.name));
    let mut order: Vec<String> = fields.chain(instances).collect();
    let stored_paths = stored.into_iter().flat_map(|stored| {
        let fields = stored.fields.iter().map(|field| format!("fields/{}", field.name));
        let instances = stored.instances.iter().map(|instance| format!("instances/{}", instance.name));
        fields.chain(instances)
    });
    for path in stored_paths {
        if !order.contains(&path) {
            order.push(path);
        }
    }
    order
}

/// Gives the errors of a registry the places of the documents.
fn placed(gathered: &Gathered<'_>, error: Error) -> Error {
    if error.violations().is_empty() {
        return error;
    }
    let violations = error.violations().iter().map(|violation| place_of(gathered, violation)).collect();
    refused(violations)
}

fn place_of(gathered: &Gathered<'_>, violation: &Violation) -> Violation {
    let segments: Vec<String> = violation
        .pointer
        .split('/')
        .skip(1)
        .map(|segment| segment.replace("~1", "/").replace("~0", "~"))
        .collect();
    let Some(found) = segments.get(1).and_then(|name| gathered.find(name)) else { return violation.clone() };
    let place = match (segments.get(2).map(String::as_str), segments.get(3)) {
        (Some("fields"), Some(name)) => {
            found.fields.iter().find(|(field, _)| field.name == *name).map(|(_, place)| place.clone())
        }
        (Some("instances"), Some(name)) => {
            found.instances.iter().find(|(one, _)| one.name == *name).map(|(_, place)| place.clone())
        }
        (Some("attributes"), Some(key)) => Some(found.place.below(format_args!("attributes/{key}"))),
        _ => None,
    };
    place.unwrap_or_else(|| found.place.clone()).violation(&violation.detail)
}
