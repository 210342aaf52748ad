//! Making changes of edits by hand: the same checks as for any other change, the same record of it.

use std::collections::HashSet;
use std::sync::Arc;

use realnet_core::acl::{Caller, Origin};
use realnet_core::change::{ChangeSet, Operation, Outcome, Version};
use realnet_core::clock::{Clock as _, System, Timestamp};
use realnet_core::error::{Error, ErrorKind, Result};
use realnet_core::model::{Attributes, Item};
use realnet_core::provider::{Access, ItemProvider};
use realnet_core::registry::{RegistryHandle, TypeRegistry};
use realnet_core::{Uuid, Violation};
use serde_json::Value;

use super::items::check_place;
use super::layout::Place;
use super::problem::Problem;
use super::shape;
use super::watch::{Edit, Watch};
use crate::memory::State;

/// What helps against another version.
const WITHOUT_VERSION: &str = " (a document without 'version' replaces what is there)";

/// So many edits are made one change, when all of them are in order.
const TOGETHER: usize = 1000;

/// Changes that follow from one edit.
struct Planned {
    edit: Edit,
    operations: Vec<Operation>,
}

/// Whoever edits documents may do everything.
fn by_hand() -> Caller {
    Caller::system(Uuid::nil())
}

/// The same, with the types.
pub(super) fn access(registry: Arc<TypeRegistry>) -> Access {
    Access { caller: Arc::new(by_hand()), registry }
}

/// A change set of what was done by hand.
pub(super) fn change_set(operations: Vec<Operation>) -> ChangeSet {
    let origin = Some(Arc::new(Origin::new("documents")));
    ChangeSet::new(operations, System.now(), Arc::from("by hand")).with_origin(origin)
}

/// Why a change is refused, in one line.
pub(super) fn words(error: &Error) -> String {
    match error.violations() {
        [] => error.message().to_owned(),
        violations => {
            let said = violations.iter().map(|Violation { pointer, detail }| format!("{pointer} {detail}"));
            said.collect::<Vec<_>>().join("; ")
        }
    }
}

impl Watch {
    /// Makes edits of items changes: all at once, or else each that is in order.
    pub(super) async fn change_items(
        &self,
        edits: Vec<Edit>,
        items: &dyn ItemProvider,
        registry: &RegistryHandle,
    ) -> Result<()> {
        let mut planned = Vec::with_capacity(edits.len());
        let (current, orgs) = (registry.current(), self.orgs());
        for edit in self.without_what_goes_along(edits) {
            match self.plan(&edit, &current, &orgs) {
                Ok(operations) => planned.push(Planned { edit, operations }),
                Err(problem) if edit.stamp.is_none() => {
                    self.come_back(&edit, &Error::conflict(problem.fault.message)).await?;
                }
                Err(problem) => self.refuse(edit.stamp, &problem),
            }
        }
        let access = access(current);
        while !planned.is_empty() {
            let rest = planned.split_off(planned.len().min(TOGETHER));
            self.change_together(planned, items, &access).await?;
            planned = rest;
        }
        Ok(())
    }

    fn orgs(&self) -> Vec<Uuid> {
        self.store.peek(|state| {
            let orgs = state.items.values().filter(|item| &*item.type_name == "Org");
            orgs.map(|item| item.id).collect()
        })
    }

    /// Leaves out items that go with one above them, whose document was removed, too.
    fn without_what_goes_along(&self, mut edits: Vec<Edit>) -> Vec<Edit> {
        let removed = edits.iter().filter(|edit| edit.stamp.is_none());
        let removed: HashSet<Uuid> = removed.filter_map(Edit::item).collect();
        if removed.len() > 1 {
            let goes_along = |state: &State, id| {
                let above = state.ancestors(id, Item::MAX_DEPTH);
                above.iter().any(|id| removed.contains(id))
            };
            let along: HashSet<Uuid> = self
                .store
                .peek(|state| removed.iter().copied().filter(|id| goes_along(state, *id)).collect());
            edits.retain(|edit| edit.item().is_none_or(|id| !along.contains(&id)));
        }
        edits
    }

    async fn change_together(
        &self,
        mut planned: Vec<Planned>,
        items: &dyn ItemProvider,
        access: &Access,
    ) -> Result<()> {
        let all: Vec<&Planned> = planned.iter().collect();
        let error = match self.commit(&all, items, access).await {
            Ok(()) => return Ok(()),
            Err(error) if error.is_retryable() => return Err(error),
            Err(error) => error,
        };
        if let [only] = planned.as_slice() {
            return self.decline(only, &error).await;
        }
        // What one needs, another may bring: as long as some are in order, the others are tried again.
        loop {
            let mut declined = Vec::new();
            let count = planned.len();
            for one in planned {
                match self.commit(&[&one], items, access).await {
                    Ok(()) => {}
                    Err(error) if error.is_retryable() => return Err(error),
                    Err(error) => declined.push((one, error)),
                }
            }
            if declined.len() == count || declined.is_empty() {
                for (one, error) in &declined {
                    self.decline(one, error).await?;
                }
                return Ok(());
            }
            planned = declined.into_iter().map(|(one, _)| one).collect();
        }
    }

    async fn commit(&self, planned: &[&Planned], items: &dyn ItemProvider, access: &Access) -> Result<()> {
        let edits: Vec<&Edit> = planned.iter().map(|one| &one.edit).collect();
        let operations: Vec<Operation> = planned.iter().flat_map(|one| one.operations.clone()).collect();
        // Before the change, so that the document that it writes finds nothing that it does not know.
        let accepted = self.accept(&edits);
        let outcomes = if operations.is_empty() {
            Ok(Vec::new())
        } else {
            items.commit(access, change_set(operations)).await
        };
        let outcomes = match outcomes {
            Ok(outcomes) => outcomes,
            Err(error) => {
                self.give_back(&accepted);
                return Err(error);
            }
        };
        for one in planned {
            let document = &one.edit.document;
            if let Some(Operation::Delete { .. }) = one.operations.first() {
                tracing::info!(document, "a document was removed by hand: its item goes");
            } else {
                tracing::debug!(document, "an edit by hand is taken over");
            }
        }
        let mut outcomes = outcomes.iter();
        let unchanged = planned.iter().filter(|one| {
            let of_one: Vec<&Outcome> = outcomes.by_ref().take(one.operations.len()).collect();
            of_one.iter().all(|outcome| matches!(outcome, Outcome::Unchanged(_)))
        });
        let documents = unchanged.filter_map(|one| {
            let Edit { document, stamp, .. } = &one.edit;
            Some((document.clone(), one.edit.item()?, (*stamp)?))
        });
        let documents = documents.collect();
        self.note_unchanged(documents).await
    }

    /// Refuses an edit; a document that was removed comes back.
    async fn decline(&self, one: &Planned, error: &Error) -> Result<()> {
        if one.edit.stamp.is_none() {
            return self.come_back(&one.edit, error).await;
        }
        let message = match error.kind() {
            ErrorKind::PreconditionFailed => {
                format!("{}{WITHOUT_VERSION}", error.message())
            }
            _ => words(error),
        };
        self.refuse(one.edit.stamp, &Problem::new(&one.edit.document, message));
        Ok(())
    }

    /// What an edit of an item means.
    fn plan(
        &self,
        edit: &Edit,
        registry: &Arc<TypeRegistry>,
        orgs: &[Uuid],
    ) -> Result<Vec<Operation>, Problem> {
        let problem = |message: String| Problem::new(&edit.document, message);
        let Place::Item(id) = edit.place else {
            return Err(problem("is read when the server is started".to_owned()));
        };
        let before = self.store.peek(|state| state.items.get(&id).cloned());
        let (before, value) = match (before, edit.value.clone()) {
            (Some(_), None) => {
                let expected_version = edit.version.map(Version::from);
                return Ok(vec![Operation::Delete { id, expected_version, guard: None }]);
            }
            (None, None) => return Ok(Vec::new()),
            (before, Some(value)) => (before, value),
        };
        let version = value.get("version").and_then(Value::as_i64);
        let item = shape::item(value, id, registry, orgs, System.now()).map_err(problem)?;
        check_place(&item, &edit.document, self.codec.extension())?;
        check_validity(&item).map_err(problem)?;
        match before {
            None => create(item, registry).map(|operation| vec![operation]),
            Some(before) => update(item, &before, version.map(Version::from), registry),
        }
        .map_err(|error| problem(words(&error)))
    }
}

/// Refuses an item that is never valid.
pub(super) fn check_validity(item: &Item) -> Result<(), String> {
    match (item.valid_from, item.valid_to) {
        (Some(from), Some(to)) if from >= to => Err("'valid_to' must be later than 'valid_from'".to_owned()),
        _ => Ok(()),
    }
}

fn create(item: Item, registry: &TypeRegistry) -> Result<Operation> {
    let info = registry.require(item.type_id)?;
    if item.content.is_some() {
        return Err(Error::conflict("the content of an item comes by an upload"));
    }
    let mut attributes = item.attributes.clone().into_map();
    info.apply_defaults(item.instance.as_deref(), &mut attributes);
    info.validate(item.instance.as_deref(), &mut attributes)?;
    info.check_writable(&by_hand(), None, &attributes)?;
    Ok(Operation::Create(Box::new(Item { attributes: Attributes::from_map(attributes), ..item })))
}

fn update(
    item: Item,
    before: &Item,
    expected_version: Option<Version>,
    registry: &Arc<TypeRegistry>,
) -> Result<Vec<Operation>> {
    check_fixed(&item, before)?;
    let (id, grants, registry) = (item.id, item.grants.clone(), Arc::clone(registry));
    let sets_grants = grants != before.grants;
    let edit = Arc::new(move |before: &Item| edited(&item, before, &registry));
    let mut operations = vec![Operation::Update { id, expected_version, edit }];
    if sets_grants {
        operations.push(Operation::SetGrants { id, expected_version: None, grants });
    }
    Ok(operations)
}

/// What no document changes.
fn check_fixed(item: &Item, before: &Item) -> Result<()> {
    let fixed = |name: &str| Err(Error::conflict(format!("an item keeps its {name}")));
    match item {
        item if item.type_id != before.type_id => fixed("type"),
        item if item.org != before.org => fixed("org"),
        item if item.content != before.content => fixed("content"),
        _ => Ok(()),
    }
}

/// Sees that an edit would be taken, as far as that follows from the item alone.
pub(super) fn check(
    item: Item,
    version: Option<i64>,
    before: Option<&Item>,
    registry: &TypeRegistry,
) -> Result<(), String> {
    check_validity(&item)?;
    let checked = match before {
        None => create(item, registry).map(drop),
        Some(before) => match version.filter(|version| *version != before.version) {
            Some(version) => {
                let present = before.version;
                return Err(format!("the item is at version {present}, not {version}{WITHOUT_VERSION}"));
            }
            None => check_fixed(&item, before).and_then(|()| edited(&item, before, registry).map(drop)),
        },
    };
    checked.map_err(|error| words(&error))
}

/// The next state of an item by what its document says.
fn edited(item: &Item, before: &Item, registry: &TypeRegistry) -> Result<Item> {
    let info = registry.require(before.type_id)?;
    let mut attributes = item.attributes.clone();
    if item.instance != before.instance || attributes != before.attributes {
        let mut map = attributes.into_map();
        info.validate_next(item.instance.as_deref(), before.attributes.as_map(), &mut map)?;
        info.check_writable(&by_hand(), Some(before.attributes.as_map()), &map)?;
        attributes = Attributes::from_map(map);
    }
    Ok(Item { attributes, version: before.version, content: before.content, ..item.clone() })
}

/// The beginning of time: every item was written since.
pub(super) const EVER: Timestamp = Timestamp::from_micros(i64::MIN);
