//! Who is at the other end of a request: the peer, or the client that trusted proxies name.

use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::{HeaderMap, HeaderName};

use crate::proxies::TrustedProxies;

/// The addresses that a request has passed, written by each proxy behind what it was sent.
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// By which scheme the client speaks with the proxy.
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Who asks, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client {
    /// The address; `None` when the socket has none any more.
    pub(crate) address: Option<IpAddr>,
    /// Whether nobody on the way can read along.
    pub(crate) is_https: bool,
    /// Whether somebody who is not trusted says where a request comes from.
    pub(crate) is_pretended: bool,
}

impl Client {
    /// The client of a request that came from `peer`.
    pub(crate) fn of(
        peer: Option<SocketAddr>,
        is_tls: bool,
        headers: &HeaderMap,
        trusted: &TrustedProxies,
    ) -> Self {
        let address = peer.map(|peer| peer.ip().to_canonical());
        match address.filter(|peer| trusted.contains(*peer)) {
            Some(proxy) => Self {
                address: Some(behind(proxy, headers, trusted)),
                is_https: scheme(headers).map_or(is_tls, |scheme| scheme.eq_ignore_ascii_case("https")),
                is_pretended: false,
            },
            None => Self { address, is_https: is_tls, is_pretended: headers.contains_key(X_FORWARDED_FOR) },
        }
    }
}

/// Walks the addresses from the right, as long as the one that wrote them is trusted. What can not be read ends the walk.
fn behind(proxy: IpAddr, headers: &HeaderMap, trusted: &TrustedProxies) -> IpAddr {
    let mut address = proxy;
    let lines: Vec<&str> =
        headers.get_all(X_FORWARDED_FOR).map(|line| line.to_str().unwrap_or_default()).collect();
    for entry in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        let Some(next) = parse(entry.trim()) else { break };
        address = next;
        if !trusted.contains(address) {
            break;
        }
    }
    address
}

/// An address, with or without a port.
fn parse(entry: &str) -> Option<IpAddr> {
    let address = entry.parse().ok();
    let address = address.or_else(|| entry.parse().ok().map(|socket: SocketAddr| socket.ip()));
    let bare = || entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    address.or_else(bare).map(|address: IpAddr| address.to_canonical())
}

/// The last word is that of the proxy next to us.
fn scheme(headers: &HeaderMap) -> Option<&str> {
    let line = headers.get_all(X_FORWARDED_PROTO).last()?.to_str().unwrap_or_default();
    line.rsplit(',').next().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn client(peer: &str, lines: &[&'static str], trusted: &str) -> Client {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_static(line));
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
        Client::of(Some(peer), false, &headers, &trusted.parse().unwrap())
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        for (peer, lines, trusted, expected) in [
            ("192.0.2.9", &["198.51.100.1"][..], "", "192.0.2.9"),
            ("192.0.2.9", &["198.51.100.1"], "10.0.0.0/8", "192.0.2.9"),
            ("10.0.0.1", &[], "10.0.0.0/8", "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "10.0.0.0/8", "198.51.100.1"),
            ("::ffff:10.0.0.1", &["198.51.100.1:99"], "10.0.0.0/8", "198.51.100.1"),
            ("10.0.0.1", &["[2001:db8::1]:99"], "10.0.0.0/8", "2001:db8::1"),
            ("10.0.0.1", &["[2001:db8::1]"], "10.0.0.0/8", "2001:db8::1"),
            // What a client pretends stands to the left of what a proxy saw.
            ("10.0.0.1", &["1.2.3.4, 198.51.100.1, 10.0.0.2"], "10.0.0.0/8", "198.51.100.1"),
            ("10.0.0.1", &["1.2.3.4", "198.51.100.1", "10.0.0.2"], "10.0.0.0/8", "198.51.100.1"),
            // All are trusted: the one furthest away.
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.0/8", "10.0.0.3"),
            // What can not be read ends the walk.
            ("10.0.0.1", &["198.51.100.1, unknown, 10.0.0.2"], "10.0.0.0/8", "10.0.0.2"),
            ("10.0.0.1", &["198.51.100.1,"], "10.0.0.0/8", "10.0.0.1"),
            ("10.0.0.1", &["_hidden"], "10.0.0.0/8", "10.0.0.1"),
        ] {
            let found = client(peer, lines, trusted);
            assert_eq!(found.address, expected.parse().ok(), "{peer} {lines:?} {trusted}");
        }
        assert!(client("192.0.2.9", &["1.2.3.4"], "10.0.0.1").is_pretended);
        assert!(!client("10.0.0.1", &["1.2.3.4"], "10.0.0.1").is_pretended);
    }

    #[test]
    fn the_scheme_is_that_of_the_socket_or_of_a_trusted_proxy() {
        let of = |peer: &str, is_tls, proto: &'static str| {
            let mut headers = HeaderMap::new();
            if !proto.is_empty() {
                headers.append(X_FORWARDED_PROTO, HeaderValue::from_static(proto));
            }
            let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
            Client::of(Some(peer), is_tls, &headers, &"10.0.0.1".parse().unwrap()).is_https
        };
        assert!(of("10.0.0.1", false, "https") && of("10.0.0.1", false, "http, HTTPS"));
        assert!(!of("10.0.0.1", false, "https, http") && !of("10.0.0.1", true, "http"));
        assert!(!of("192.0.2.9", false, "https") && of("192.0.2.9", true, "http"));
        assert!(of("10.0.0.1", true, "") && !of("10.0.0.1", false, ""));
    }
}
