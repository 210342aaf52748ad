//! `POST /api/auth`: a token for a name and a password; `POST /api/auth/factor`: for the code of a second factor; `POST
//! /api/auth/passkeys/sign-in`: for a passkey.

use std::sync::Arc;

use realnet_core::resource::{SignIn, texts};
use realnet_core::{Error, Violation};
use serde_json::Value;

use super::tokens;
use crate::call::Call;
use crate::cookies;
use crate::problem::Problem;
use crate::router::Outcome;

/// Signs in by password; with `"cookie": true`, the tokens come as cookies.
pub(crate) async fn sign_in(call: Call) -> Outcome {
    let mut body = call.document().await?.value;
    let by_cookie = take_cookie(&mut body)?;
    if by_cookie {
        cookies::check_way(&call)?;
    }
    let [username, password, org, code] = texts(body, ["username", "password", "org", "code"], 2)?;
    let (username, password) = (username.unwrap_or_default(), password.unwrap_or_default());
    let request = SignIn { username, password, org, code };
    let (authenticator, origin) = (Arc::clone(&call.state.authenticator), call.origin());
    let done = call.to_its_end(async move { authenticator.sign_in(request, &origin).await });
    tokens::of_sign_in(&call, done.await??, by_cookie)
}

/// The second step: a code for the challenge that the first one has given.
pub(crate) async fn factor(call: Call) -> Outcome {
    let mut body = call.document().await?.value;
    let by_cookie = take_cookie(&mut body)?;
    if by_cookie {
        cookies::check_way(&call)?;
    }
    let [challenge, code] = texts(body, ["challenge", "code"], 2)?;
    let (challenge, code) = (challenge.unwrap_or_default(), code.unwrap_or_default());
    let (authenticator, origin) = (Arc::clone(&call.state.authenticator), call.origin());
    let done = call.to_its_end(async move { authenticator.answer(&challenge, &code, &origin).await });
    tokens::answer(&call, &done.await??, by_cookie)
}

/// Signs in by what a browser has made of the options of a passkey.
pub(crate) async fn passkey(call: Call) -> Outcome {
    let mut body = call.document().await?.value;
    let by_cookie = take_cookie(&mut body)?;
    if by_cookie {
        cookies::check_way(&call)?;
    }
    let credential = body.as_object_mut().and_then(|body| body.remove("credential"));
    let [] = texts(body, [], 0)?;
    let credential =
        credential.ok_or_else(|| Error::invalid(vec![Violation::new("/credential", "is required")]))?;
    let (authenticator, origin) = (Arc::clone(&call.state.authenticator), call.origin());
    let done = call.to_its_end(async move { authenticator.sign_in_by_passkey(credential, &origin).await });
    tokens::answer(&call, &done.await??, by_cookie)
}

/// Whether cookies are wanted.
fn take_cookie(body: &mut Value) -> Result<bool, Problem> {
    match body.as_object_mut().and_then(|body| body.remove("cookie")) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(wanted)) => Ok(wanted),
        Some(_) => Err(Error::invalid(vec![Violation::new("/cookie", "expected true or false")]).into()),
    }
}
