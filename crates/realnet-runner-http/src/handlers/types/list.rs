//! `GET /api/types[?name=PREFIX&limit=N&cursor=…]`: the types that the caller's org sees, by name.

use actix_web::http::StatusCode;
use actix_web::http::header::LINK;
use realnet_core::resource::{ListRequest, Operation, Reply, TypeList, TypeOperation};
use realnet_core::{Error, Uuid};
use serde_json::Value;

use super::TYPES;
use crate::answer;
use crate::call::Call;
use crate::problem::Problem;
use crate::request::query;
use crate::router::Outcome;
use crate::who::Anyone;

/// The most types of a page.
const MAX_LIMIT: usize = 1000;

/// Lists the types: all of them, unless a limit is given.
pub(crate) async fn list(call: Call, Anyone(caller): Anyone) -> Outcome {
    call.refuse_conditions()?;
    let (wanted, limit) = wanted(call.parameters()?)?;
    let operation = Operation::Type(TypeOperation::List(wanted));
    let mut types = match call.read_at(&caller, TYPES, operation).await? {
        Reply::Document(Value::Array(types)) => types,
        other => return answer::of_reply(&call, other),
    };
    let goes_on = limit.is_some_and(|limit| types.len() > limit);
    types.truncate(limit.unwrap_or(usize::MAX));
    let mut response = answer::document(StatusCode::OK, &types)?;
    if let Some(cursor) = types.last().filter(|_| goes_on).and_then(cursor_behind)
        && let Some(link) = answer::next(&call.request, &["cursor"], "cursor", &cursor)
    {
        response.headers_mut().insert(LINK, link);
    }
    Ok(response)
}

/// What is asked for, of which one type more than the limit: so that the end is known.
fn wanted(mut list: ListRequest) -> Result<(TypeList, Option<usize>), Problem> {
    let limit = match query::take(&mut list, "limit")? {
        Some(text) => {
            Some(text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)).ok_or_else(|| {
                Error::malformed_at("limit", format!("expected a whole number from 1 to {MAX_LIMIT}"))
            })?)
        }
        None => None,
    };
    let after = query::take(&mut list, "cursor")?;
    let after = after.map(|text| {
        let (name, id) = text.rsplit_once('.')?;
        Some((name.to_owned(), Uuid::try_parse(id).ok()?))
    });
    let after = match after {
        Some(None) => return Err(Error::malformed_at("cursor", "is none of this list").into()),
        after => after.flatten(),
    };
    let prefix = query::take(&mut list, "name")?;
    query::refuse_rest(&list)?;
    Ok((TypeList { prefix, after, limit: limit.map(|limit: usize| limit + 1) }, limit))
}

/// Names of types are letters, digits and underscores.
fn cursor_behind(document: &Value) -> Option<String> {
    Some(format!("{}.{}", document.get("name")?.as_str()?, document.get("id")?.as_str()?))
}
