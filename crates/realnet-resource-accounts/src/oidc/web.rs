//! How providers of identities are reached: requests to servers elsewhere, carried out by the program that embeds the accounts.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use async_trait::async_trait;
use realnet_core::Result;
use realnet_core::resource::Verb;
use url::Url;

/// A request.
#[derive(Clone)]
pub struct WebRequest {
    /// `Get` or `Post`.
    pub verb: Verb,
    /// Where to.
    pub url: Url,
    /// Headers: name in lower case, and value.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl fmt::Debug for WebRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers and body hold secrets, and so may the query.
        write!(
            f,
            "WebRequest({:?} {}{})",
            self.verb,
            self.url.host_str().unwrap_or_default(),
            self.url.path()
        )
    }
}

/// An answer.
#[derive(Clone)]
pub struct WebResponse {
    /// The status.
    pub status: u16,
    /// The media type, as it was sent.
    pub content_type: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl fmt::Debug for WebResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebResponse({}, {} bytes)", self.status, self.body.len())
    }
}

/// Carries out requests to providers of identities.
///
/// The addresses come from administrators of orgs, not from who runs the server. So an implementation follows no redirects,
/// bounds times and sizes, and connects to no address that [`is_public_address`] is false for, unless it was told to.
#[async_trait]
pub trait WebClient: Send + Sync {
    /// The answer, whatever its status.
    ///
    /// # Errors
    /// Unavailable when there is none in time, or none that is small enough.
    async fn send(&self, request: WebRequest) -> Result<WebResponse>;
}

/// Whether an address is one of the public internet: not of this machine, its networks, or nobody.
pub fn is_public_address(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = address.is_unspecified()
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation();
    // "This network", carriers' own, protocol assignments, benchmarks, reserved and broadcast.
    let is_reserved = a == 0
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b))
        || a >= 240;
    !is_special && !is_reserved
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, .., high, low] = address.segments();
    // 64:ff9b::/96 carries an IPv4 address.
    if address.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        return is_public_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    }
    // What is global is in 2000::/3; of it, protocol assignments (2001::/23), documentation and 6to4 are not.
    (first & 0xe000) == 0x2000
        && !(first == 0x2001 && second < 0x200)
        && first != 0x2002
        && !is_documentation(first, second)
}

fn is_documentation(first: u16, second: u16) -> bool {
    (first == 0x2001 && second == 0xdb8) || (first == 0x3fff && second < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_machine_and_its_networks_are_not_public() {
        for address in [
            "127.0.0.1",
            "127.8.8.8",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:1::",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "3fff::1",
        ] {
            assert!(!is_public_address(address.parse().unwrap()), "{address}");
        }
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "192.0.1.1",
            "2606:4700::1111",
            "64:ff9b::808:808",
            "::ffff:8.8.8.8",
        ] {
            assert!(is_public_address(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let request = WebRequest {
            verb: Verb::Post,
            url: Url::parse("https://idp.test/token?code=hunter2").unwrap(),
            headers: vec![("authorization".to_owned(), "hunter2".to_owned())],
            body: b"hunter2".to_vec(),
        };
        let response = WebResponse { status: 200, content_type: None, body: b"hunter2".to_vec() };
        assert!(!format!("{request:?} {response:?}").contains("hunter2"));
    }
}
