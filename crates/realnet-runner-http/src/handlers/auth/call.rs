//! Everything else below `/api/auth`, keys, the audit, and explanations: the authenticator knows what it means and who may, the
//! runner carries it there.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LOCATION};
use realnet_core::acl::Caller;
use realnet_core::resource::{self, Reply, Verb, WriteOptions};
use serde_json::Value;

use crate::answer;
use crate::call::Call;
use crate::problem::Problem;
use crate::request::path;
use crate::router::Outcome;
use crate::who::Anyone;

pub(crate) async fn get(call: Call, Anyone(caller): Anyone) -> Outcome {
    carry(call, caller, Verb::Get).await
}

pub(crate) async fn post(call: Call, Anyone(caller): Anyone) -> Outcome {
    carry(call, caller, Verb::Post).await
}

/// As [`post`], and nobody is asked who they are: they are about to say so, whatever cookies they still have.
pub(crate) async fn post_as_nobody(call: Call) -> Outcome {
    let nobody = call.state.authenticator.authenticate(None, call.client.address).await?;
    carry(call, nobody, Verb::Post).await
}

pub(crate) async fn delete(call: Call, Anyone(caller): Anyone) -> Outcome {
    carry(call, caller, Verb::Delete).await
}

/// As [`post`], where that makes something of its own: the answer says where it is.
pub(crate) async fn make(call: Call, Anyone(caller): Anyone) -> Outcome {
    let path = call.request.path().trim_end_matches('/').to_owned();
    let Reply::Document(document) = ask(&call, &caller, Verb::Post).await? else {
        return Err(Problem::internal("what was made is not shown"));
    };
    let mut response = answer::document(StatusCode::CREATED, &document).map(answer::uncacheable)?;
    let location = document["id"].as_str().map(|id| HeaderValue::from_str(&format!("{path}/{id}")));
    if let Some(Ok(location)) = location {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// Carries a call to its end even when the client goes away, and its answer back. Nobody may keep it.
async fn carry(call: Call, caller: Arc<Caller>, verb: Verb) -> Outcome {
    match ask(&call, &caller, verb).await? {
        Reply::Document(Value::Null) | Reply::Deleted(_) => Ok(answer::empty()),
        Reply::Document(document) => answer::document(StatusCode::OK, &document),
        reply => answer::of_reply(&call, reply),
    }
    .map(answer::uncacheable)
}

async fn ask(call: &Call, caller: &Arc<Caller>, verb: Verb) -> Result<Reply, Problem> {
    call.refuse_conditions()?;
    if verb != Verb::Get {
        call.refuse_idempotency("is not understood here: no answer is kept")?;
    }
    let body = match verb {
        Verb::Get => Value::Null,
        _ => call.optional_document().await?.map_or(Value::Null, |json| json.value),
    };
    let (path, parameters) = (below_auth(call)?, call.parameters()?);
    let asked = resource::Call { path, verb, body, parameters, options: WriteOptions::default() };
    let context = call.context_from_here(caller);
    let authenticator = Arc::clone(&call.state.authenticator);
    Ok(call.to_its_end(async move { authenticator.call(&context, asked).await }).await??)
}

/// The segments behind `/api/auth`, or behind `/api` for what has a path of its own, in lower case: names there are matched
/// without regard to it, and so are ids.
fn below_auth(call: &Call) -> Result<Vec<String>, Problem> {
    let segments = path::segments(call.request.path())?;
    let mut segments: Vec<String> = segments.iter().skip(1).map(|segment| segment.to_lowercase()).collect();
    if segments.first().is_some_and(|first| first == "auth") {
        segments.remove(0);
    }
    Ok(segments)
}
