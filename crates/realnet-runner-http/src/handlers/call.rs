//! Whatever a resource adds below its endpoint: the runner only carries it there.

use std::sync::Arc;

use realnet_core::acl::Caller;
use realnet_core::resource::{self, Operation, Verb, WriteOptions};
use serde_json::Value;

use crate::answer;
use crate::call::Call;
use crate::problem::Problem;
use crate::router::Outcome;
use crate::who::Anyone;

pub(crate) async fn get(call: Call, Anyone(caller): Anyone) -> Outcome {
    let operation = operation(&call, &caller, Verb::Get).await?;
    let reply = call.read(&caller, operation).await?;
    answer::of_reply(&call, reply)
}

pub(crate) async fn post(call: Call, Anyone(caller): Anyone) -> Outcome {
    write(call, &caller, Verb::Post).await
}

pub(crate) async fn put(call: Call, Anyone(caller): Anyone) -> Outcome {
    write(call, &caller, Verb::Put).await
}

pub(crate) async fn patch(call: Call, Anyone(caller): Anyone) -> Outcome {
    write(call, &caller, Verb::Patch).await
}

pub(crate) async fn delete(call: Call, Anyone(caller): Anyone) -> Outcome {
    write(call, &caller, Verb::Delete).await
}

/// Carries a call that may change something.
pub(super) async fn write(call: Call, caller: &Arc<Caller>, verb: Verb) -> Outcome {
    let operation = operation(&call, caller, verb).await?;
    let reply = call.write(caller, operation).await?;
    answer::of_reply(&call, reply)
}

/// The call as the resource sees it. The body may be absent.
pub(super) async fn operation(call: &Call, caller: &Arc<Caller>, verb: Verb) -> Result<Operation, Problem> {
    let mut options = WriteOptions::default();
    if verb != Verb::Get {
        options.expected_version = call.expected_revision()?;
    }
    let body = match call.optional_document().await? {
        Some(json) => {
            if verb == Verb::Post {
                options.idempotency = call.idempotency(caller, &json.bytes)?;
            }
            json.value
        }
        None => Value::Null,
    };
    let path = call.path.rest.clone();
    let parameters = call.parameters()?;
    Ok(Operation::Call(resource::Call { path, verb, body, parameters, options }))
}
