//! A plan: the operations of a change set, which of them answer for a step of the request, and who planned them.

use std::borrow::Cow;
use std::sync::Arc;

use super::idempotency::{Kept, Keyed};
use crate::acl::Permission;
use crate::change::{self, ChangeSet, Outcome, Trial};
use crate::error::{Error, ErrorKind, Result};
use crate::model::Item;
use crate::provider::{Access, Budget};
use crate::resource::{BatchResult, Context, Resource};

/// One step of a request: a creation, an edit or a deletion, with the operation that answers for it.
#[derive(Debug, Clone, Copy)]
struct Step {
    name: &'static str,
    operation: usize,
}

/// Operations gathered step by step, committed as one change set.
#[derive(Default)]
pub(in crate::resource) struct Plan {
    operations: Vec<change::Operation>,
    steps: Vec<Step>,
    resources: Vec<Arc<dyn Resource>>,
    /// Whether its results show items only as far as they fit one answer.
    is_bounded: bool,
}

/// What a plan did.
pub(in crate::resource) struct Done {
    /// One per step.
    pub(in crate::resource) results: Vec<BatchResult>,
    /// Whether it was done by an earlier request.
    pub(in crate::resource) replayed: bool,
}

impl Done {
    /// The items of all steps.
    pub(super) fn items(self) -> Vec<Item> {
        self.results.into_iter().filter_map(|result| result.item).collect()
    }
}

impl Plan {
    /// A plan whose results show items only as far as they fit one answer.
    pub(in crate::resource) fn bounded() -> Self {
        Self { is_bounded: true, ..Self::default() }
    }

    /// Adds a step: its operation, and what follows from it.
    pub(super) fn add(
        &mut self,
        name: &'static str,
        operation: change::Operation,
        then: Vec<change::Operation>,
        resource: &Arc<dyn Resource>,
    ) {
        self.steps.push(Step { name, operation: self.operations.len() });
        self.operations.push(operation);
        self.operations.extend(then);
        if !self.resources.iter().any(|known| known.name() == resource.name()) {
            self.resources.push(Arc::clone(resource));
        }
    }

    /// Commits all steps, or none; or only tries to. Answers how many items that changes, or deletes with their descendants.
    pub(super) async fn carry_out(self, cx: &Context, dry_run: bool) -> Result<usize> {
        if dry_run {
            return self.try_out(cx).await;
        }
        let done = self.commit(cx, None).await?;
        Ok(done.results.iter().map(|result| result.deleted.unwrap_or(1)).sum())
    }

    async fn try_out(self, cx: &Context) -> Result<usize> {
        let trial = Arc::new(Trial::default());
        let mut changes = ChangeSet::new(self.operations, cx.now(), Arc::clone(&cx.request_id))
            .with_origin(cx.origin.clone())
            .with_room(cx.room.clone());
        changes.trial = Some(Arc::clone(&trial));
        let tried = cx.services.items.commit(&cx.access, changes).await;
        cx.forget_noted();
        let changed = self.steps.iter().filter(|step| step.name != "delete").count();
        match (trial.deleted(), tried) {
            (Some(deleted), _) => Ok(changed + deleted),
            (None, Err(error)) => Err(at_step(error, &self.steps)),
            (None, Ok(_)) => Err(Error::internal("what was to be tried has been done")),
        }
    }

    /// Commits all steps, or none.
    pub(in crate::resource) async fn commit(self, cx: &Context, keyed: Option<Keyed>) -> Result<Done> {
        let Self { operations, steps, resources, is_bounded } = self;
        let bound = is_bounded.then(|| cx.access.clone());
        let mut changes = ChangeSet::new(operations, cx.now(), Arc::clone(&cx.request_id))
            .with_origin(cx.origin.clone())
            .with_room(cx.room.clone());
        if let Some(keyed) = &keyed {
            let (steps, bound) = (steps.clone(), bound.clone());
            let now = changes.now;
            let reply_of =
                keyed.reply_of(now, move |outcomes| Kept::of(&results(&steps, outcomes, bound.as_ref())));
            changes.reply = Some((keyed.key.clone(), reply_of));
        }
        let committed = cx.services.items.commit(&cx.access, changes).await;
        if committed.is_err() {
            cx.forget_noted();
        }
        match committed {
            Ok(outcomes) => {
                for resource in &resources {
                    resource.committed(cx);
                }
                cx.keep_noted().await;
                Ok(Done { results: into_results(&steps, outcomes, bound.as_ref()), replayed: false })
            }
            // Somebody else may have used the key between the look and the commit.
            Err(error) if error.kind() == ErrorKind::Conflict && keyed.is_some() => {
                let kept = match &keyed {
                    Some(keyed) => keyed.look_up(cx).await?,
                    None => None,
                };
                kept.map(Kept::into_done).ok_or_else(|| at_step(error, &steps))
            }
            Err(error) => Err(at_step(error, &steps)),
        }
    }
}

/// An error of an operation names the step that it belongs to.
fn at_step(error: Error, steps: &[Step]) -> Error {
    let Some(operation) = error.operation_index() else { return error };
    let step = steps.partition_point(|step| step.operation <= operation).saturating_sub(1);
    error.at_operation(step)
}

fn results(steps: &[Step], outcomes: &[Outcome], bound: Option<&Access>) -> Vec<BatchResult> {
    let mut shown = Shown::within(bound);
    let found =
        |step: &Step| outcomes.get(step.operation).map(|outcome| shown.result(step, Cow::Borrowed(outcome)));
    steps.iter().filter_map(found).collect()
}

fn into_results(steps: &[Step], outcomes: Vec<Outcome>, bound: Option<&Access>) -> Vec<BatchResult> {
    let mut shown = Shown::within(bound);
    let mut steps = steps.iter().peekable();
    let mut results = Vec::with_capacity(steps.len());
    for (index, outcome) in outcomes.into_iter().enumerate() {
        if let Some(step) = steps.next_if(|step| step.operation == index) {
            results.push(shown.result(step, Cow::Owned(outcome)));
        }
    }
    results
}

/// How much of an answer is taken by the items that are shown already, where that is bounded.
struct Shown<'a>(Option<(&'a Access, Budget)>);

impl<'a> Shown<'a> {
    fn within(bound: Option<&'a Access>) -> Self {
        Self(bound.map(|access| (access, Budget::default())))
    }

    /// The result of a step. Of an item that finds no room any more only id and version are told, to those who may read it.
    fn result(&mut self, step: &Step, outcome: Cow<'_, Outcome>) -> BatchResult {
        let deleted = match *outcome {
            Outcome::Deleted(count) => Some(count),
            _ => None,
        };
        let mut result = BatchResult { operation: step.name, item: None, deleted, left_out: None };
        let Some(item) = outcome.item() else { return result };
        let is_shown = self.0.as_mut().is_none_or(|(_, budget)| budget.admits(item.size()));
        match &self.0 {
            Some((access, _)) if !is_shown => {
                let may_see = step.name == "create" || access.allows(item, Permission::Read);
                result.left_out = may_see.then_some((item.id, item.version));
            }
            _ => result.item = outcome.into_owned().into_item(),
        }
        result
    }
}
