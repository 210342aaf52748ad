//! `POST /api/auth`: a token for a name and a password.

use realnet_core::resource::{SignIn, texts};

use super::tokens;
use crate::call::Call;
use crate::router::Outcome;

/// Signs in by password.
pub(crate) async fn sign_in(call: Call) -> Outcome {
    let body = call.document().await?.value;
    // The code of a second factor is understood, so that clients need not know whether an account has one.
    let [username, password, org, _code] = texts(body, ["username", "password", "org", "code"], 2)?;
    let request =
        SignIn { username: username.unwrap_or_default(), password: password.unwrap_or_default(), org };
    tokens::answer(&call.state.authenticator.sign_in(request, &call.origin()).await?)
}
