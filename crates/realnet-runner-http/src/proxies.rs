//! Reverse proxies whose word about the client is taken.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use realnet_core::{Error, Result};

/// Addresses and networks of trusted proxies. Nobody is trusted unless named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Whether the peer of this address is trusted.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Whether nobody is trusted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for TrustedProxies {
    type Err = Error;

    /// Addresses and networks (`10.0.0.0/8`), separated by commas.
    fn from_str(text: &str) -> Result<Self> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(network).collect::<Result<_>>().map(Self)
    }
}

fn network(text: &str) -> Result<IpNet> {
    let address = || text.parse().ok().map(|address: IpAddr| IpNet::from(address.to_canonical()));
    let network = text.parse::<IpNet>().ok().and_then(canonical).or_else(address);
    network.ok_or_else(|| {
        Error::malformed("expected addresses and networks such as 127.0.0.1, 10.0.0.0/8, fd00::/8")
    })
}

/// Addresses are looked at in their canonical form, so a network of IPv4 that is written as one of IPv6 becomes what it is.
/// `None` for one that is neither.
fn canonical(network: IpNet) -> Option<IpNet> {
    match network.addr().to_canonical() {
        address @ IpAddr::V4(_) if matches!(network, IpNet::V6(_)) => {
            IpNet::new(address, network.prefix_len().checked_sub(96)?).ok()
        }
        _ => Some(network),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_networks_are_trusted() {
        let proxies: TrustedProxies = "127.0.0.1, 10.1.0.0/16,fd00::/8, ::ffff:192.0.2.1".parse().unwrap();
        for trusted in ["127.0.0.1", "10.1.2.3", "::ffff:10.1.2.3", "fd12::1", "192.0.2.1"] {
            assert!(proxies.contains(trusted.parse().unwrap()), "{trusted}");
        }
        for other in ["127.0.0.2", "10.2.0.1", "fe80::1", "::1"] {
            assert!(!proxies.contains(other.parse().unwrap()), "{other}");
        }
        assert!(TrustedProxies::default().is_empty());
        let mapped: TrustedProxies = "::ffff:10.0.0.0/104".parse().unwrap();
        assert_eq!(mapped, "10.0.0.0/8".parse().unwrap());
        assert!(
            mapped.contains("10.1.2.3".parse().unwrap()) && !mapped.contains("11.1.2.3".parse().unwrap())
        );
        for bad in ["localhost", "10.0.0.0/33", "1.2.3", "*", "::ffff:10.0.0.0/90"] {
            assert!(bad.parse::<TrustedProxies>().is_err(), "{bad}");
        }
    }
}
