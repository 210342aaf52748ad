//! Planning the items of a load: what to create, change and delete, and in which order.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::flat::{self, Flat};
use super::gather::Gathered;
use super::hidden::Hidden;
use super::mask::{masked, recorded};
use super::merge::{Merged, Rule, merge, taken};
use super::nodes::{Node, nodes};
use super::place::refused;
use super::plan::{Action, BY_HAND, FieldChange, Input, Output, PlanEntry, record};
use super::resolve::{Resolver, Said};
use super::{leftovers, topology};
use crate::change::{Edit, Operation, SourceKind, SourceRecord, Version};
use crate::error::{Error, Result, Violation};
use crate::model::{Attributes, Item};
use crate::registry::TypeRegistry;

struct Planner<'a> {
    nodes: &'a [Node<'a>],
    said: &'a [Said],
    input: Input<'a>,
    output: &'a mut Output,
    /// Nodes that are not there and will not be.
    absent: HashSet<usize>,
    violations: Vec<Violation>,
}

/// Plans all items against the types after the load.
pub(super) fn plan<'a>(
    gathered: &mut Gathered<'a>,
    input: Input<'a>,
    registry: &'a TypeRegistry,
    output: &mut Output,
) -> Result<()> {
    let mut violations = Vec::new();
    let nodes = nodes(gathered, input, registry, &mut violations);
    let resolver = Resolver::new(&nodes, input, registry);
    let said: Vec<Said> = (0..nodes.len()).map(|index| resolver.said(index, &mut violations)).collect();
    let needs: Vec<Vec<usize>> = said.iter().map(|said| said.needs.clone()).collect();
    let order = match topology::sorted(&needs) {
        Ok(order) => order,
        Err(cycle) => {
            let names: Vec<&str> = cycle.iter().map(|index| nodes[*index].path.as_str()).collect();
            let first = &nodes[cycle[0]];
            let detail =
                format!("items refer to each other (a cycle): {} → {}", names.join(" → "), first.path);
            violations.push(first.entry.place.violation(detail));
            return Err(refused(violations));
        }
    };
    let mut planner =
        Planner { nodes: &nodes, said: &said, input, output, absent: HashSet::new(), violations };
    for index in order {
        planner.one(index)?;
    }
    let violations = planner.violations;
    if !violations.is_empty() {
        return Err(refused(violations));
    }
    let kept: HashMap<Uuid, &Node<'_>> = nodes.iter().map(|node| (node.id, node)).collect();
    leftovers::plan(gathered, &kept, input, registry, output)
}

impl Planner<'_> {
    fn one(&mut self, index: usize) -> Result<()> {
        let node = &self.nodes[index];
        let (secrets, caller) = (&self.input.state.secrets, &self.input.target.caller);
        let document = masked(&self.said[index].flat, node.info, node.id, secrets, caller);
        let options = self.input.options;
        let missing = self.said[index].needs.iter().find(|need| self.absent.contains(need)).copied();
        if node.is_gone() && !options.force {
            self.absent.insert(index);
            let unchanged =
                node.record.is_some_and(|record| self.before(index, record, &document).0 == document);
            let action = if unchanged { Action::Keep } else { Action::Conflict };
            self.enter(action, node, Vec::new(), Some(BY_HAND));
            return Ok(());
        }
        if let Some(missing) = missing {
            let note = format!("needs {}, which was deleted by hand", self.nodes[missing].path);
            if node.stored.is_none() {
                self.absent.insert(index);
            }
            self.enter(Action::Conflict, node, Vec::new(), Some(&note));
            return Ok(());
        }
        let Some(stored) = node.stored else { return self.create(index, &document) };
        let known = node.record;
        let ours = known.is_some_and(|record| *record.source == **node.entry.place.source())
            || known.is_some_and(|record| self.is_source_of_load(&record.source));
        if !ours && !options.adopt {
            let note = match known {
                Some(record) => format!("is of the source {} (adopt takes it over)", record.source),
                None => "is there without a source (adopt takes it over)".to_owned(),
            };
            self.enter(Action::Conflict, node, Vec::new(), Some(&note));
            return Ok(());
        }
        self.change(index, stored, &document, ours)
    }

    fn is_source_of_load(&self, source: &str) -> bool {
        self.nodes.iter().any(|node| **node.entry.place.source() == *source)
    }

    fn create(&mut self, index: usize, document: &Flat) -> Result<()> {
        let node = &self.nodes[index];
        let id = node.id;
        let item = flat::onto_item(&self.said[index].flat, self.blank(node, id))?;
        let mut attributes = item.attributes.clone().into_map();
        let writable = node.info.check_writable(&self.input.target.caller, None, &attributes);
        self.check_caller(node, writable);
        node.info.apply_defaults(item.instance.as_deref(), &mut attributes);
        let valid = node.info.validate(item.instance.as_deref(), &mut attributes);
        self.check(node, valid);
        if let Some(gone) = node.record {
            self.output.steps.forget(gone);
        }
        let item = Item { attributes: Attributes::from_map(attributes), ..item };
        self.output.steps.writes.push(Operation::Create(Box::new(item)));
        self.enter(Action::Create, node, Vec::new(), None);
        let source = node.entry.place.source();
        let org = Some(self.input.target.org);
        self.output.steps.record(None, record(org, SourceKind::Item, id, source, document));
        Ok(())
    }

    fn blank(&self, node: &Node<'_>, id: Uuid) -> Item {
        let owner = self.input.target.caller.account;
        Item { owner, ..node.info.item(id, self.input.target.org) }
    }

    /// What `document` is compared with, and what it leaves as it is.
    fn before(&self, index: usize, record: &SourceRecord, document: &Flat) -> (Flat, Flat) {
        let (node, said) = (&self.nodes[index], &self.said[index].flat);
        let (secrets, caller) = (&self.input.state.secrets, &self.input.target.caller);
        let recorded = recorded(record, said, node.info, node.id, secrets, caller);
        Hidden::of(node.info, caller).part(recorded, document, self.input.options.force)
    }

    fn change(&mut self, index: usize, stored: &Item, document: &Flat, ours: bool) -> Result<()> {
        let node = &self.nodes[index];
        let now = flat::of_item(stored);
        let known = node.record;
        // What is taken over from elsewhere keeps all that the document does not speak of.
        let before = known.filter(|_| ours).map(|record| self.before(index, record, document));
        let (before, left) = before.unwrap_or_default();
        let rule = if self.input.options.force || !ours { Rule::Force } else { Rule::KeepHand };
        // Whoever applies a document is told no more than an item would tell.
        let caller = Arc::clone(&self.input.target.caller);
        let hidden = Hidden::of(node.info, &caller);
        let mut merged = merge(&before, &now, document, rule, hidden.paths());
        merged.applied.extend(left);
        if !merged.take.is_empty() {
            let next = taken(&now, &self.said[index].flat, &merged.take);
            let unseen = hidden.names(&merged.take);
            self.write(node, stored, &next, &merged, &unseen)?;
        }
        for (action, changes, note) in [
            (Action::Change, merged.changes, None),
            (Action::Keep, merged.kept, Some("was changed by hand")),
            (
                Action::Conflict,
                merged.conflicts,
                Some("was changed by hand and in the document (force overwrites)"),
            ),
        ] {
            if !changes.is_empty() {
                self.enter(action, node, changes, note);
            }
        }
        let source = node.entry.place.source();
        let org = Some(self.input.target.org);
        self.output.steps.record(known, record(org, SourceKind::Item, stored.id, source, &merged.applied));
        Ok(())
    }

    /// An update of properties and attributes, and one of the grants, where these change. `unseen`: what is set without the
    /// caller seeing what it is; that counts as a change whatever it was.
    fn write(
        &mut self,
        node: &Node<'_>,
        stored: &Item,
        next: &Flat,
        merged: &Merged,
        unseen: &[&str],
    ) -> Result<()> {
        let item = flat::onto_item(next, stored.clone())?;
        let mut attributes = item.attributes.clone().into_map();
        let before = stored.attributes.as_map();
        let valid = node.info.validate_next(item.instance.as_deref(), before, &mut attributes);
        self.check(node, valid);
        let caller = Arc::clone(&self.input.target.caller);
        let is_refused =
            |name: &&&str| node.info.field(name).is_none_or(|field| !field.is_writable_by(&caller));
        let writable = match unseen.iter().find(is_refused) {
            Some(name) => Err(Error::forbidden(format!("you may not set the field {name}"))),
            None => node.info.check_writable(&caller, Some(before), &attributes),
        };
        self.check_caller(node, writable);
        let grants = item.grants.clone();
        let version = item.version + i64::from(!unseen.is_empty());
        let item = Item { attributes: Attributes::from_map(attributes), version, ..item };
        let writes = &mut self.output.steps.writes;
        let mut version = Version::of(stored);
        if merged.take.iter().any(|path| path != "access") {
            let edit: Edit = Arc::new(move |_| Ok(item.clone()));
            writes.push(Operation::Update { id: stored.id, expected_version: Some(version), edit });
            version.number += 1;
        }
        if merged.take.iter().any(|path| path == "access") {
            writes.push(Operation::SetGrants { id: stored.id, expected_version: Some(version), grants });
        }
        Ok(())
    }

    /// Gives violations of an item the places of the document.
    fn check(&mut self, node: &Node<'_>, result: Result<()>) {
        let Err(error) = result else { return };
        for violation in error.violations() {
            let place = node.entry.place.below(violation.pointer.trim_start_matches('/'));
            let key = violation.pointer.trim_start_matches("/attributes/").trim_start_matches('/');
            let detail = format!("item {}: {key}: {}", node.entry.name, violation.detail);
            self.violations.push(place.violation(detail));
        }
        if error.violations().is_empty() {
            self.violations.push(node.entry.place.violation(format!("item {}: {error}", node.entry.name)));
        }
    }

    /// Fields of the system may be set by documents of a superuser only.
    fn check_caller(&mut self, node: &Node<'_>, result: Result<()>) {
        if !self.input.target.caller.is_superuser() {
            self.check(node, result);
        }
    }

    fn enter(&mut self, action: Action, node: &Node<'_>, changes: Vec<FieldChange>, note: Option<&str>) {
        self.output.entries.push(PlanEntry {
            action,
            kind: SourceKind::Item,
            name: node.entry.name.clone(),
            path: node.path.clone(),
            changes,
            note: note.map(str::to_owned),
        });
    }
}
