//! A plan: the operations of a change set, which of them answer for a step of the request, and who planned them.

use std::sync::Arc;

use super::idempotency::{Kept, Keyed};
use crate::change::{self, ChangeSet, Outcome};
use crate::error::{Error, ErrorKind, Result};
use crate::model::Item;
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

    /// Commits all steps, or none.
    pub(in crate::resource) async fn commit(self, cx: &Context, keyed: Option<Keyed>) -> Result<Done> {
        let Self { operations, steps, resources } = self;
        let mut changes =
            ChangeSet::new(operations, cx.now(), Arc::clone(&cx.request_id)).with_origin(cx.origin.clone());
        if let Some(keyed) = &keyed {
            let steps = steps.clone();
            let now = changes.now;
            let reply_of = keyed.reply_of(now, move |outcomes| Kept::of(&results(&steps, outcomes)));
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
                Ok(Done { results: into_results(&steps, outcomes), replayed: false })
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

fn results(steps: &[Step], outcomes: &[Outcome]) -> Vec<BatchResult> {
    let found = |step: &Step| outcomes.get(step.operation).cloned().map(|outcome| result(step, outcome));
    steps.iter().filter_map(found).collect()
}

fn into_results(steps: &[Step], outcomes: Vec<Outcome>) -> Vec<BatchResult> {
    let mut steps = steps.iter().peekable();
    let mut results = Vec::with_capacity(steps.len());
    for (index, outcome) in outcomes.into_iter().enumerate() {
        if let Some(step) = steps.next_if(|step| step.operation == index) {
            results.push(result(step, outcome));
        }
    }
    results
}

fn result(step: &Step, outcome: Outcome) -> BatchResult {
    let deleted = match &outcome {
        Outcome::Deleted(count) => Some(*count),
        _ => None,
    };
    BatchResult { operation: step.name, item: outcome.into_item(), deleted }
}
