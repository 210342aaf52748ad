//! Who is calling: what a handler's signature asks for, established before the handler runs.

use std::future::Future;
use std::sync::Arc;

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use realnet_core::ErrorKind;
use realnet_core::acl::Caller;

use crate::call::Call;
use crate::problem::Problem;
use crate::{cookies, limits};

/// A form in which a handler wants its caller.
pub(crate) trait Who: Sized + 'static {
    /// Establishes it.
    fn of(call: &Call) -> impl Future<Output = Result<Self, Problem>>;
}

/// Whoever it is: signed in, or not and then seeing what is public. A bad token is refused.
pub(crate) struct Anyone(pub(crate) Arc<Caller>);

/// Somebody who is signed in.
pub(crate) struct Member(pub(crate) Arc<Caller>);

impl Who for Anyone {
    async fn of(call: &Call) -> Result<Self, Problem> {
        // A page that sends a token itself needs no cookie, and one that was planted does not count then.
        let bearer = bearer(call.headers())?;
        let names = cookies::names(call);
        let cookie = if bearer.is_none() { names.token(call.headers())? } else { None };
        let caller =
            call.state.authenticator.authenticate(bearer.or(cookie), call.client.address).await.map_err(
                |error| {
                    let is_over = cookie.is_some() && error.kind() == ErrorKind::Unauthenticated;
                    let problem = Problem::from(error);
                    if is_over { names.forget_token(problem) } else { problem }
                },
            )?;
        // Pages have sessions. A key in a cookie is not of our making.
        if cookie.is_some() && caller.session.is_none() {
            let problem = Problem::unauthenticated("the cookie holds no session: sign in again");
            return Err(names.forget_token(problem));
        }
        call.note_caller(&caller);
        limits::count_caller(call, &caller).await?;
        if cookie.is_some() {
            cookies::check_write(call, &caller)?;
        }
        Ok(Self(caller))
    }
}

impl Who for Member {
    async fn of(call: &Call) -> Result<Self, Problem> {
        let Anyone(caller) = Anyone::of(call).await?;
        if caller.role.is_none() {
            return Err(Problem::unauthenticated("this needs a signed-in account"));
        }
        Ok(Self(caller))
    }
}

/// The bearer token of a request, if it has an `Authorization` header.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let parts = value.to_str().ok().and_then(|text| text.trim().split_once(' '));
    match parts {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => {
            Ok(Some(token.trim()))
        }
        _ => Err(Problem::unauthenticated("expected 'Authorization: Bearer TOKEN'")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn read(values: &[&'static str]) -> Result<Option<String>, ()> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.insert(AUTHORIZATION, HeaderValue::from_static(value));
        }
        bearer(&headers).map(|token| token.map(str::to_owned)).map_err(|_| ())
    }

    #[test]
    fn only_one_bearer_token_is_taken() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["bearer  abc "]), Ok(Some("abc".to_owned())));
        for bad in [&["Basic abc"][..], &["Bearer"], &["Bearer "], &["abc"]] {
            assert_eq!(read(bad), Err(()), "{bad:?}");
        }
    }
}
