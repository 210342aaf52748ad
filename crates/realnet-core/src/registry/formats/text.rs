//! Text with a format: e-mail addresses, URLs, slugs.

use url::Url;

/// Schemes without a host that lead somewhere harmless.
const HOSTLESS: &[&str] = &["mailto", "tel", "urn"];

/// One address: a local part of at most 64 bytes and a domain, in any script; neither comments nor quotes.
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let is_atom = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let local_ok =
        local.len() <= 64 && local.split('.').all(|part| !part.is_empty() && part.chars().all(is_atom));
    let label_ok = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    text.len() <= 254 && local_ok && domain.split('.').all(label_ok)
}

/// An absolute URL; schemes that would run as code where it is shown as a link are no addresses.
pub(super) fn is_url(text: &str) -> bool {
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return false;
    }
    Url::parse(text).is_ok_and(|url| {
        url.host_str().is_some_and(|host| !host.is_empty()) || HOSTLESS.contains(&url.scheme())
    })
}

/// Lower-case letters, digits and single hyphens.
pub(super) fn is_slug(text: &str) -> bool {
    text.split('-').all(|part| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}
