//! Sessions of web pages: tokens in cookies that no script can read, and the proof that a write comes from such a page.
//!
//! Under HTTPS the names begin with `__Host-` or `__Secure-`: browsers take them from this server only, so that nobody can
//! plant others. Without HTTPS there are cookies on this very machine only, for development.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use realnet_core::Error;
use realnet_core::acl::Caller;
use realnet_core::clock::Timestamp;
use realnet_core::resource::Tokens;

use crate::call::Call;
use crate::client::Client;
use crate::keys::Keys;
use crate::problem::Problem;

/// Proves that a write by cookie comes from a page of the session.
pub(crate) const X_CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");

/// What the cookies are called.
pub(crate) struct Names {
    token: &'static str,
    refresh: &'static str,
    /// The one that scripts read, to send it back as `X-CSRF-Token`.
    csrf: &'static str,
    attributes: &'static str,
}

const SECURE: Names = Names {
    token: "__Host-realnet",
    refresh: "__Secure-realnet-refresh",
    csrf: "__Host-realnet-csrf",
    attributes: "; SameSite=Strict; Secure",
};

const LOCAL: Names = Names {
    token: "realnet",
    refresh: "realnet-refresh",
    csrf: "realnet-csrf",
    attributes: "; SameSite=Strict",
};

/// The only path that the refresh token is sent to.
const REFRESH_PATH: &str = "/api/auth/refresh";

/// The names for a client.
pub(crate) fn names(client: &Client) -> &'static Names {
    if client.is_https { &SECURE } else { &LOCAL }
}

impl Names {
    /// The access token.
    pub(crate) fn token<'a>(&self, headers: &'a HeaderMap) -> Result<Option<&'a str>, Problem> {
        find(headers, self.token)
    }

    /// The refresh token.
    pub(crate) fn refresh<'a>(&self, headers: &'a HeaderMap) -> Result<Option<&'a str>, Problem> {
        find(headers, self.refresh)
    }

    /// Whether the request proves that it can read the cookies of this server, which pages of others can not.
    pub(crate) fn is_proved(&self, headers: &HeaderMap) -> Result<bool, Problem> {
        let shown = headers.get(X_CSRF_TOKEN).and_then(|value| value.to_str().ok());
        Ok(shown.is_some() && find(headers, self.csrf)? == shown)
    }
}

/// A cookie, which stands at most once: of two, one was planted.
fn find<'a>(headers: &'a HeaderMap, wanted: &str) -> Result<Option<&'a str>, Problem> {
    let mut found = None;
    for pair in headers.get_all(COOKIE).filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'))
    {
        let Some((name, value)) = pair.trim().split_once('=') else { continue };
        if name != wanted || value.is_empty() {
            continue;
        }
        if found.replace(value).is_some() {
            return Err(Error::malformed_at("Cookie", format!("{wanted} stands more than once")).into());
        }
    }
    Ok(found)
}

/// Refuses to give cookies where somebody on the way could read them.
pub(crate) fn check_way(call: &Call) -> Result<(), Problem> {
    let host = call.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name);
    let is_here = ["localhost", "127.0.0.1", "[::1]"].contains(&name)
        && call.client.address.is_some_and(|address| address.is_loopback());
    if call.client.is_https || is_here {
        return Ok(());
    }
    let detail = "cookies are given under HTTPS only (by REALNET_TLS_CERT, or a proxy in REALNET_TRUSTED_PROXIES), \
                  or on this machine as http://localhost";
    Err(Error::malformed_at("/cookie", detail).into())
}

/// Refuses a write by cookie that does not show the token of its session.
pub(crate) fn check_write(call: &Call, caller: &Caller) -> Result<(), Problem> {
    let shown = call.headers().get(X_CSRF_TOKEN).and_then(|value| value.to_str().ok());
    let proved = |session| shown.is_some_and(|text| call.state.keys.is_csrf_token(session, text));
    if call.request.method().is_safe() || caller.session.is_some_and(proved) {
        return Ok(());
    }
    let detail = "a write by cookie shows the token of its session in the header X-CSRF-Token";
    Err(Error::forbidden(detail).into())
}

/// Gives the tokens as cookies.
pub(crate) fn give(call: &Call, response: &mut HttpResponse, tokens: &Tokens) {
    let names = names(&call.client);
    let now = call.state.dispatcher.services().clock.now();
    let csrf = csrf_of(&call.state.keys, &tokens.caller);
    let life = call.state.config.session_life;
    let left = seconds_until(tokens.expires, now);
    set(
        response,
        &format!("{}={}; Path=/; Max-Age={left}; HttpOnly{}", names.token, tokens.token, names.attributes),
    );
    for (name, value, path) in [
        (names.refresh, tokens.refresh_token.as_str(), format!("{REFRESH_PATH}; HttpOnly")),
        (names.csrf, csrf.as_str(), "/".to_owned()),
    ] {
        set(
            response,
            &format!("{name}={value}; Path={path}; Max-Age={}{}", life.as_secs(), names.attributes),
        );
    }
}

/// Takes the cookies back.
pub(crate) fn take_back(client: &Client, response: &mut HttpResponse) {
    let names = names(client);
    for (name, path) in [(names.token, "/"), (names.refresh, REFRESH_PATH), (names.csrf, "/")] {
        set(response, &format!("{name}=; Path={path}; Max-Age=0{}", names.attributes));
    }
}

/// What a page of the caller's session shows with its writes; empty when there is no session.
pub(crate) fn csrf_of(keys: &Keys, caller: &Caller) -> String {
    caller.session.map(|session| keys.csrf_token(session)).unwrap_or_default()
}

fn set(response: &mut HttpResponse, cookie: &str) {
    // Tokens are base64url, hexadecimal digits and dots.
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}

fn seconds_until(end: Timestamp, now: Timestamp) -> u64 {
    Duration::from_micros(end.as_micros().saturating_sub(now.as_micros()).max(0) as u64).as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_stands_once() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; realnet=x.y; realnet-csrf=;b"));
        assert_eq!(find(&headers, "realnet").unwrap(), Some("x.y"));
        assert_eq!(find(&headers, "realnet-csrf").unwrap(), None);
        assert_eq!(find(&headers, "b").unwrap(), None);
        headers.append(COOKIE, HeaderValue::from_static("realnet=z"));
        assert!(find(&headers, "realnet").is_err());
    }
}
