//! Sessions of web pages: tokens in cookies that no script can read, and the proof that a write comes from such a page.
//!
//! Under HTTPS all names begin with `__Host-`: browsers take such cookies from this very host under HTTPS only, so that neither
//! its siblings nor anybody on the way can plant others. Without HTTPS there are cookies on this very machine only, for
//! development.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{
    AUTHORIZATION, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, SET_COOKIE,
};
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
    /// The one of a sign-in at a provider of identities, with which browsers come back from other sites.
    login: &'static str,
    attributes: &'static str,
    login_attributes: &'static str,
    /// Whether cookies of these names are ours where they come from.
    count: bool,
}

const SECURE: Names = Names {
    token: "__Host-realnet",
    refresh: "__Host-realnet-refresh",
    csrf: "__Host-realnet-csrf",
    login: "__Host-realnet-login",
    attributes: "; SameSite=Strict; Secure",
    login_attributes: "; HttpOnly; SameSite=Lax; Secure",
    count: true,
};

const LOCAL: Names = Names {
    token: "realnet",
    refresh: "realnet-refresh",
    csrf: "realnet-csrf",
    login: "realnet-login",
    attributes: "; SameSite=Strict",
    login_attributes: "; HttpOnly; SameSite=Lax",
    count: true,
};

/// Where no cookies are given, none are ours: a sibling of the host, or somebody on the way, has planted them.
const ELSEWHERE: Names = Names { count: false, ..LOCAL };

/// The names for a request.
pub(crate) fn names(call: &Call) -> &'static Names {
    match &call.client {
        client if client.is_https => &SECURE,
        client if is_near(client) && is_asked_here(call.headers()) => &LOCAL,
        _ => &ELSEWHERE,
    }
}

/// The names of what is given to a client, or taken back from it.
fn given(client: &Client) -> &'static Names {
    if client.is_https { &SECURE } else { &LOCAL }
}

impl Names {
    /// The access token.
    pub(crate) fn token<'a>(&self, headers: &'a HeaderMap) -> Result<Option<&'a str>, Problem> {
        self.find(headers, self.token)
    }

    /// The refresh token.
    pub(crate) fn refresh<'a>(&self, headers: &'a HeaderMap) -> Result<Option<&'a str>, Problem> {
        self.find(headers, self.refresh)
    }

    /// What binds a sign-in at a provider of identities to this browser.
    pub(crate) fn login<'a>(&self, headers: &'a HeaderMap) -> Result<Option<&'a str>, Problem> {
        self.find(headers, self.login)
    }

    /// Whether a request goes by cookies of ours. One that brings a token itself does not.
    pub(crate) fn count(&self, headers: &HeaderMap) -> Result<bool, Problem> {
        if headers.contains_key(AUTHORIZATION) {
            return Ok(false);
        }
        for name in [self.token, self.refresh, self.csrf] {
            if self.find(headers, name)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Refuses what does not prove that it can read the cookies of this server, which pages of others can not.
    pub(crate) fn check_proof(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let shown = headers.get(X_CSRF_TOKEN).and_then(|value| value.to_str().ok());
        if shown.is_some() && self.find(headers, self.csrf)? == shown {
            return Ok(());
        }
        let detail = "a refresh by cookie shows the cookie's token in the header X-CSRF-Token";
        Err(Error::forbidden(detail).into())
    }

    /// Takes back an access token that counts no more, so that the next request does not come with it.
    pub(crate) fn forget_token(&self, problem: Problem) -> Problem {
        match HeaderValue::from_str(&self.taken_back(self.token)) {
            Ok(value) => problem.with(SET_COOKIE, value),
            Err(_) => problem,
        }
    }

    fn find<'a>(&self, headers: &'a HeaderMap, wanted: &str) -> Result<Option<&'a str>, Problem> {
        if self.count { find(headers, wanted) } else { Ok(None) }
    }

    fn taken_back(&self, name: &str) -> String {
        format!("{name}=; Path=/; Max-Age=0{}", self.attributes)
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
    if call.client.is_https || is_near(&call.client) && is_asked_here(call.headers()) {
        return Ok(());
    }
    let detail = "cookies are given under HTTPS only (by REALNET_TLS_CERT, or a proxy in REALNET_TRUSTED_PROXIES), \
                  or on this machine as http://localhost";
    Err(Error::malformed_at("/cookie", detail).into())
}

/// Whether the other end is on this machine.
fn is_near(client: &Client) -> bool {
    client.address.is_some_and(|address| address.is_loopback())
}

/// Whether a page of this machine asks, and no proxy that was forgotten stands before us. Proxies come from this machine, too,
/// and under a name of it; but the pages of other hosts say their origin with every sign-in.
fn is_asked_here(headers: &HeaderMap) -> bool {
    let is_here = |name: &HeaderName, scheme: &str| {
        let value = headers.get(name)?.to_str().ok()?;
        Some(value.strip_prefix(scheme).is_some_and(is_local))
    };
    let is_proxied = headers.keys().any(|name| {
        name.as_str().starts_with("x-forwarded-")
            || ["forwarded", "x-real-ip", "via"].contains(&name.as_str())
    });
    is_here(&HOST, "") == Some(true)
        && !is_proxied
        && headers.get(ORIGIN).is_none_or(|_| is_here(&ORIGIN, "http://") == Some(true))
}

/// Whether a host, with or without a port, is this machine.
fn is_local(host: &str) -> bool {
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name);
    ["localhost", "127.0.0.1", "[::1]"].contains(&name)
}

/// Whether a request names this machine as its host.
pub(crate) fn is_this_machine(headers: &HeaderMap) -> bool {
    headers.get(HOST).and_then(|host| host.to_str().ok()).is_some_and(is_local)
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
    let names = names(call);
    let now = call.state.dispatcher.services().clock.now();
    let csrf = csrf_of(&call.state.keys, &tokens.caller);
    let life = call.state.config.session_life;
    let left = seconds_until(tokens.expires, now);
    set(
        response,
        &format!("{}={}; Path=/; Max-Age={left}; HttpOnly{}", names.token, tokens.token, names.attributes),
    );
    for (name, value, reader) in
        [(names.refresh, tokens.refresh_token.as_str(), "; HttpOnly"), (names.csrf, csrf.as_str(), "")]
    {
        let attributes = names.attributes;
        set(response, &format!("{name}={value}; Path=/; Max-Age={}{reader}{attributes}", life.as_secs()));
    }
}

/// Binds a sign-in at a provider of identities to a browser, for `life` seconds.
pub(crate) fn give_login(client: &Client, response: &mut HttpResponse, binding: &str, life: u64) {
    let names = given(client);
    set(response, &format!("{}={binding}; Path=/; Max-Age={life}{}", names.login, names.login_attributes));
}

/// Such a sign-in is over.
pub(crate) fn take_back_login(client: &Client, response: &mut HttpResponse) {
    give_login(client, response, "", 0);
}

/// Where browsers of this machine reach this server. Of other hosts the request is not believed: proxies and attackers name
/// what they like.
pub(crate) fn local_base(call: &Call) -> Option<String> {
    let host = call.headers().get(HOST)?.to_str().ok().filter(|host| is_local(host))?;
    let scheme = if call.client.is_https { "https" } else { "http" };
    Some(format!("{scheme}://{host}"))
}

/// Takes the cookies back.
pub(crate) fn take_back(client: &Client, response: &mut HttpResponse) {
    let names = given(client);
    for name in [names.token, names.refresh, names.csrf] {
        set(response, &names.taken_back(name));
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

    #[test]
    fn the_cookie_of_a_sign_in_comes_back_from_other_sites_and_to_no_script() {
        let given = |is_https| {
            let client = Client { address: None, is_https, is_pretended: false };
            let mut response = HttpResponse::new(actix_web::http::StatusCode::FOUND);
            give_login(&client, &mut response, "b", 600);
            response.headers().get(SET_COOKIE).unwrap().to_str().unwrap().to_owned()
        };
        let attributes = "Path=/; Max-Age=600; HttpOnly; SameSite=Lax";
        assert_eq!(given(true), format!("__Host-realnet-login=b; {attributes}; Secure"));
        assert_eq!(given(false), format!("realnet-login=b; {attributes}"));
    }

    #[test]
    fn only_pages_of_this_machine_ask_here() {
        let asks = |lines: &[(&'static str, &'static str)]| {
            let lines = lines
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            is_asked_here(&lines.collect())
        };
        let host = ("host", "localhost:8080");
        for lines in [
            &[host][..],
            &[("host", "127.0.0.1")],
            &[("host", "[::1]:80"), ("origin", "http://[::1]")],
            // A page that is served by the tools of its developer.
            &[host, ("origin", "http://localhost:5173")],
        ] {
            assert!(asks(lines), "{lines:?}");
        }
        for lines in [
            &[][..],
            &[("host", "app.example.org")],
            &[("host", "localhost.example.org")],
            &[host, ("origin", "https://app.example.org")],
            &[host, ("origin", "http://app.example.org")],
            &[host, ("origin", "https://localhost")],
            &[host, ("origin", "null")],
            &[host, ("x-forwarded-for", "127.0.0.1")],
            &[host, ("x-forwarded-host", "localhost")],
            &[host, ("forwarded", "for=127.0.0.1")],
            &[host, ("x-real-ip", "127.0.0.1")],
            &[host, ("via", "1.1 proxy")],
        ] {
            assert!(!asks(lines), "{lines:?}");
        }
    }
}
