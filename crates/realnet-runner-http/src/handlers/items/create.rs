//! `POST /api/{resource}`: creates an item, or several atomically; of files, see [`super::upload`].

use actix_web::http::header::{CONTENT_ENCODING, TRANSFER_ENCODING};
use realnet_core::acl::{self, Caller};
use realnet_core::registry::TypeInfo;
use realnet_core::resource::{Operation, Verb, WriteOptions};

use super::upload;
use crate::call::Call;
use crate::handlers::call as calls;
use crate::notices::base_of;
use crate::problem::Problem;
use crate::request::{query, upload as bodies};
use crate::router::Outcome;
use crate::who::Anyone;

/// Longer bodies are read only of who may create something: their values take a multiple of them.
const LONG: u64 = 64 * 1024;

/// Creates.
pub(crate) async fn create(call: Call, Anyone(caller): Anyone) -> Outcome {
    if call.is_untyped(&caller) {
        return calls::write(call, &caller, Verb::Post).await;
    }
    if upload::is_meant(&call, &caller) {
        return upload::upload(call, caller).await;
    }
    call.refuse_conditions()?;
    upload::refuse_unclear(&call, &caller)?;
    query::refuse_rest(&call.parameters()?)?;
    refuse_in_vain(&call, &caller)?;
    let json = call.document().await?;
    let idempotency = call.idempotency(&caller, &json.bytes)?;
    let options = WriteOptions { idempotency, ..WriteOptions::default() };
    let written = call.written(&caller, &json.value);
    let reply = call.write(&caller, Operation::Create { body: json.value, options }).await?;
    call.answer_written(&caller, &written, reply)
}

/// Refuses a body that may be long, of somebody who may create nothing at the endpoint, before any of it is read. Strangers have
/// small ones only.
fn refuse_in_vain(call: &Call, caller: &Caller) -> Result<(), Problem> {
    let headers = call.headers();
    let is_long = headers.contains_key(TRANSFER_ENCODING)
        || headers.contains_key(CONTENT_ENCODING)
        || bodies::length(headers).is_some_and(|length| length > LONG);
    if !is_long || caller.role.is_none() {
        return Ok(());
    }
    let registry = call.registry();
    let Some(base) = base_of(&registry, caller, &call.path.name) else { return Ok(()) };
    let check = |info: &TypeInfo, instance: Option<&str>| {
        acl::may_create(&registry, caller, info, instance, caller.org)
    };
    let is_of_use = registry.derived(base, Some(caller.org)).any(|info| {
        let mut instances = registry.instances_with_access(caller.org, info);
        check(info, None).is_ok() || instances.any(|name| check(info, Some(&*name)).is_ok())
    });
    if is_of_use { Ok(()) } else { check(base, None).map_err(Problem::from) }
}
