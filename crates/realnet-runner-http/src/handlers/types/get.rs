//! `GET /api/types/{name}`: a type and what it inherits.

use actix_web::http::StatusCode;
use realnet_core::resource::{Operation, Reply, TypeOperation};

use super::TYPES;
use super::tagged::tagged;
use crate::answer;
use crate::call::Call;
use crate::request::query;
use crate::router::Outcome;
use crate::who::Anyone;

/// Shows a type.
pub(crate) async fn get(call: Call, Anyone(caller): Anyone) -> Outcome {
    call.refuse_write_condition()?;
    query::refuse_rest(&call.parameters()?)?;
    let operation = TypeOperation::Get { name: call.path.name.clone() };
    match call.read_at(&caller, TYPES, Operation::Type(operation)).await? {
        Reply::Document(document) => tagged(&call, &caller, StatusCode::OK, &document),
        other => answer::of_reply(&call, other),
    }
}
