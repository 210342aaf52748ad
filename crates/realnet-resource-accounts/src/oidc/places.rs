//! Where a browser may be sent: back to a path of this server, to a program on the browser's own machine, and to providers.

use percent_encoding::percent_decode_str;
use realnet_core::{Error, Result};
use url::{Host, Url};

/// The longest place to return to, in bytes.
const MAX: usize = 2048;
/// So often a place is decoded when it is looked at: proxies and pages on the way may do so once more.
const DEPTH: usize = 3;

/// Checks a place to return to: a path of this server, with or without query and fragment, and nothing that a browser, a
/// proxy or a page could take for another host.
pub(super) fn local(text: &str) -> Result<()> {
    let refused = || Error::malformed_at("return_to", "expected a path of this server, such as /start");
    if text.len() > MAX || !text.bytes().all(|byte| (0x21..0x7f).contains(&byte)) {
        return Err(refused());
    }
    let mut seen = text.to_owned();
    for _ in 0..=DEPTH {
        if !is_path(&seen) {
            return Err(refused());
        }
        seen = percent_decode_str(&seen).decode_utf8().map_err(|_| refused())?.into_owned();
    }
    Ok(())
}

/// Whether a text leads to another path of the same place only, however it is read.
fn is_path(text: &str) -> bool {
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let is_plain = path.starts_with('/') && !path.contains("//") && !path.contains('\\');
    if !is_plain || text.chars().any(char::is_control) {
        return false;
    }
    let Ok(here) = Url::parse("https://here.invalid/") else { return false };
    here.join(text).is_ok_and(|url| url.origin() == here.origin() && !url.path().starts_with("//"))
}

/// Reads where a program listens for its answer: on the machine of the browser, by address and port (RFC 8252, section 7.3).
pub(super) fn loopback(text: &str) -> Result<Url> {
    let refused = || {
        let expected = "expected http://127.0.0.1:PORT/… or http://[::1]:PORT/…, where the program listens";
        Error::malformed_at("redirect_uri", expected)
    };
    let url = Url::parse(text).ok().filter(|_| text.len() <= MAX).ok_or_else(refused)?;
    let is_near = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    };
    let is_bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if url.scheme() == "http" && is_near && is_bare && url.port().is_some() {
        Ok(url)
    } else {
        Err(refused())
    }
}

/// Adds parameters to a place that was checked.
pub(super) fn with(place: &str, parameters: &[(&str, &str)]) -> String {
    let (rest, fragment) = match place.split_once('#') {
        Some((rest, fragment)) => (rest, Some(fragment)),
        None => (place, None),
    };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    let joint = if rest.contains('?') { '&' } else { '?' };
    let mut place = format!("{rest}{joint}{}", query.finish());
    if let Some(fragment) = fragment {
        place.push('#');
        place.push_str(fragment);
    }
    place
}

/// The same in the fragment, which stays in the browser: neither servers nor their logs see it. One that is there already gives way.
pub(super) fn with_fragment(place: &str, parameters: &[(&str, &str)]) -> String {
    let rest = place.split('#').next().unwrap_or_default();
    let mut fragment = url::form_urlencoded::Serializer::new(String::new());
    fragment.extend_pairs(parameters);
    format!("{rest}#{}", fragment.finish())
}

/// Checks the address of a provider: encrypted, or on this machine where that is allowed. Which addresses its name stands for
/// is looked at when it is connected to.
pub(super) fn provider(url: &Url, private: bool) -> Result<()> {
    let is_near = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let is_fit = url.scheme() == "https" || (url.scheme() == "http" && private && is_near);
    let is_bare = url.username().is_empty() && url.password().is_none();
    if is_fit && is_bare && url.host().is_some() {
        return Ok(());
    }
    Err(Error::unavailable("the provider is not reached by https"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_server_are_returned_to() {
        for good in ["/", "/start", "/a/b?c=d&e=%2Fx#f", "/caf%C3%A9", "/a?next=https://app.test//x"] {
            assert!(local(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "start",
            "//evil.test",
            "///evil.test",
            "/\\evil.test",
            "\\\\evil.test",
            "https://evil.test",
            "https:evil.test",
            "javascript:alert(1)",
            "/%2Fevil.test",
            "/%2f%2fevil.test",
            "%2F%2Fevil.test",
            "/%5Cevil.test",
            "/%255Cevil.test",
            "/%252Fevil.test",
            "/%25252Fevil.test",
            "/\t/evil.test",
            "/%09/evil.test",
            "/\r\nLocation: x",
            "/%0d%0aLocation:x",
            "/ x",
            "/a\u{0}",
            "/%00",
            "/..//evil.test",
            "/.//evil.test",
            "/a//b",
            "/%ff",
            "/\u{2215}evil.test",
            "@evil.test",
        ] {
            assert!(local(bad).is_err(), "{bad:?}");
        }
        assert!(local(&format!("/{}", "a".repeat(MAX))).is_err());
    }

    #[test]
    fn programs_listen_on_the_browsers_own_machine() {
        for good in ["http://127.0.0.1:7000/done?state=x", "http://[::1]:7000/"] {
            assert!(loopback(good).is_ok(), "{good}");
        }
        for bad in [
            "http://localhost:7000/",
            "https://127.0.0.1:7000/",
            "http://127.0.0.1/",
            "http://evil.test:7000/",
            "http://me@127.0.0.1:7000/",
            "http://127.0.0.1:7000/#x",
            "http://127.0.0.1.evil.test:7000/",
            "app:/done",
            "",
        ] {
            assert!(loopback(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn parameters_stand_before_the_fragment() {
        assert_eq!(with("/a", &[("code", "x y")]), "/a?code=x+y");
        assert_eq!(with("/a?b=c#d", &[("code", "x"), ("e", "&")]), "/a?b=c&code=x&e=%26#d");
    }

    #[test]
    fn providers_are_reached_by_https() {
        let ok = |text: &str, private| provider(&Url::parse(text).unwrap(), private).is_ok();
        assert!(ok("https://idp.test/x", false) && ok("https://localhost/", false));
        assert!(
            ok("http://localhost:9000/", true)
                && ok("http://127.0.0.1:9000/", true)
                && ok("http://[::1]:1/", true)
        );
        for bad in [
            "http://localhost:9000/",
            "http://127.0.0.1/",
            "ftp://idp.test/",
            "file:///etc/passwd",
            "https://me:pw@idp.test/",
        ] {
            assert!(!ok(bad, false), "{bad}");
        }
        assert!(!ok("http://idp.test/", true) && !ok("http://10.0.0.1/", true));
    }
}
