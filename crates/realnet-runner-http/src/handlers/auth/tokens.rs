//! What signing in and refreshing answer, and how an account is shown there.

use actix_web::http::StatusCode;
use realnet_core::acl::Caller;
use realnet_core::resource::{Challenge, SignedIn, Tokens};
use serde_json::{Value, json};

use crate::answer;
use crate::call::Call;
use crate::cookies;
use crate::problem::Problem;
use crate::router::Outcome;

/// `{"token","expires","refresh_token","account"}`; nobody may keep it. By cookie, the tokens are in cookies only, where no
/// script reads them, and `csrf_token` is what writes have to show.
pub(super) fn answer(call: &Call, tokens: &Tokens, by_cookie: bool) -> Outcome {
    if by_cookie {
        let document = json!({
            "expires": tokens.expires,
            "csrf_token": cookies::csrf_of(&call.state.keys, &tokens.caller),
            "account": account(&tokens.caller),
        });
        let mut response = answer::document(StatusCode::OK, &document).map(answer::uncacheable)?;
        cookies::give(call, &mut response, tokens);
        return Ok(response);
    }
    let document = json!({
        "token": tokens.token,
        "expires": tokens.expires,
        "refresh_token": tokens.refresh_token,
        "account": account(&tokens.caller),
    });
    answer::document(StatusCode::OK, &document).map(answer::uncacheable)
}

/// The tokens, or what has to be answered before there are any.
pub(super) fn of_sign_in(call: &Call, signed_in: SignedIn, by_cookie: bool) -> Outcome {
    match signed_in {
        SignedIn::Tokens(tokens) => answer(call, &tokens, by_cookie),
        SignedIn::Challenge(challenge) => Err(required(&challenge)),
    }
}

/// What was proved is right, and something more is required.
fn required(challenge: &Challenge) -> Problem {
    let detail = "a code of the second factor is required: POST /api/auth/factor takes it with the challenge";
    Problem::unauthenticated(detail)
        .named("second-factor-required")
        .saying("challenge", challenge.token.clone())
        .saying("expires", challenge.expires.to_string())
}

/// The account of a caller.
pub(super) fn account(caller: &Caller) -> Value {
    let names = |principals: &[realnet_core::acl::Principal]| {
        principals.iter().map(|one| json!({"id": one.id, "name": &*one.name})).collect::<Vec<_>>()
    };
    let mut account = json!({
        "id": caller.account,
        "username": &*caller.username,
        "org": caller.org,
        "role": caller.role,
        "groups": names(&caller.groups),
        "roles": names(&caller.roles),
    });
    if caller.awaits_factor() {
        account["factor_required"] = json!(true);
    }
    account
}
