//! `/api/auth/{id}` and `/api/auth/oidc`: signing in at a provider of identities. Browsers are sent there and back, to an address
//! that the provider has for itself or to the one of all; what binds both ways to one browser is a cookie that lives for as long as
//! the sign-in may take.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LOCATION, REFERRER_POLICY};
use realnet_core::Uuid;
use realnet_core::acl::Caller;
use realnet_core::resource::{Arrival, Arrived, Departed, Departure, texts};
use serde_json::json;

use super::tokens;
use crate::answer;
use crate::call::Call;
use crate::cookies;
use crate::problem::Problem;
use crate::router::Outcome;
use crate::who::Anyone;

/// What a browser leaves for.
#[derive(Default)]
struct Way {
    own_callback: bool,
    links: bool,
    /// Password and code.
    proofs: [Option<String>; 2],
}

/// `GET …/{id}`: to the provider, which sends the browser back to an address of its own.
pub(crate) async fn begin(call: Call) -> Outcome {
    leave(&call, Way { own_callback: true, ..Way::default() }).await
}

/// `GET …/oidc/{id}/start`: to the provider, which sends the browser back to the address of all.
pub(crate) async fn start(call: Call) -> Outcome {
    leave(&call, Way::default()).await
}

/// Nobody is asked who they are: they are about to say so.
async fn leave(call: &Call, way: Way) -> Outcome {
    let caller = call.state.authenticator.authenticate(None, call.client.address).await?;
    let departed = depart(call, &caller, way).await?;
    let mut response = found(&departed.location)?;
    cookies::give_login(&call.client, &mut response, &departed.binding, departed.life);
    Ok(response)
}

/// `POST …/oidc/{id}/link`: where the page that asks goes to, to link the caller's account with an identity.
pub(crate) async fn link(call: Call, Anyone(caller): Anyone) -> Outcome {
    let proofs = match call.optional_document().await? {
        Some(json) => texts(json.value, ["current_password", "code"], 0)?,
        None => [None, None],
    };
    let departed = depart(&call, &caller, Way { links: true, proofs, ..Way::default() }).await?;
    let document = json!({"location": departed.location});
    let mut response = answer::document(StatusCode::OK, &document).map(answer::uncacheable)?;
    cookies::give_login(&call.client, &mut response, &departed.binding, departed.life);
    Ok(response)
}

/// Begins a sign-in, or a link.
async fn depart(call: &Call, caller: &Arc<Caller>, way: Way) -> Result<Departed, Problem> {
    cookies::check_way(call)?;
    let Way { own_callback, links, proofs: [current_password, code] } = way;
    let departure = Departure {
        provider: call.path.id,
        parameters: call.parameters()?,
        links,
        current_password,
        code,
        base: cookies::local_base(call),
        own_callback,
    };
    let context = call.context_from_here(caller);
    let authenticator = Arc::clone(&call.state.authenticator);
    Ok(call.to_its_end(async move { authenticator.depart(&context, departure).await }).await??)
}

/// `GET …/{id}/callback`: back from the provider at its own address, with a session or with a failure.
pub(crate) async fn own_callback(call: Call) -> Outcome {
    arrive(&call, Some(call.path.id)).await
}

/// `GET …/oidc/callback`: the same at the address of all.
pub(crate) async fn callback(call: Call) -> Outcome {
    arrive(&call, None).await
}

async fn arrive(call: &Call, provider: Option<Uuid>) -> Outcome {
    cookies::check_way(call)?;
    let caller = call.state.authenticator.authenticate(None, call.client.address).await?;
    let binding = cookies::names(call).login(call.headers())?.map(str::to_owned);
    let arrival = Arrival { parameters: call.parameters()?, binding, provider };
    let context = call.context_from_here(&caller);
    let authenticator = Arc::clone(&call.state.authenticator);
    let done = call.to_its_end(async move { authenticator.arrive(&context, arrival).await });
    let Arrived { location, tokens } = done.await??;
    let mut response = found(&location)?;
    cookies::take_back_login(&call.client, &mut response);
    if let Some(tokens) = &tokens {
        call.note_caller(&tokens.caller);
        cookies::give(call, &mut response, tokens);
    }
    Ok(response)
}

/// `POST …/oidc/token`: the session for the code that a program was given, once.
pub(crate) async fn token(call: Call) -> Outcome {
    let body = call.document().await?.value;
    let [code, verifier] = texts(body, ["code", "verifier"], 2)?;
    let (code, verifier) = (code.unwrap_or_default(), verifier.unwrap_or_default());
    let (authenticator, origin) = (Arc::clone(&call.state.authenticator), call.origin());
    let done = call.to_its_end(async move { authenticator.redeem(&code, &verifier, &origin).await });
    tokens::of_sign_in(&call, done.await??, false)
}

/// Elsewhere. What stands in the address that the browser comes from is nobody's business there.
fn found(location: &str) -> Outcome {
    let location = HeaderValue::from_str(location)
        .map_err(|error| Problem::internal(format!("a place to go to is no header: {error}")))?;
    let mut response = HttpResponse::new(StatusCode::FOUND);
    let headers = response.headers_mut();
    headers.insert(LOCATION, location);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(answer::uncacheable(response))
}
