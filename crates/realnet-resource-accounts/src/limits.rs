//! Limits by name and by network, from buckets of the store: before a password is looked at, before mail is sent for a
//! stranger, before an account is made.

use std::net::IpAddr;
use std::time::Duration;

use realnet_core::acl::Origin;
use realnet_core::limit::{Allowance, Rate};
use realnet_core::provider::EventKind;
use realnet_core::{Error, ErrorKind, Result, Uuid};
use serde_json::json;

use crate::accounts::Accounts;

/// So many times as much is allowed to the network of an IPv6 provider's customer as to one of its parts.
const SITE: u32 = 8;

/// What is limited, for whom and for whose ears.
pub(crate) struct Limited<'a> {
    /// Its name.
    pub(crate) what: &'static str,
    /// Where it is told.
    pub(crate) org: Uuid,
    /// Of which account, if it is known.
    pub(crate) account: Option<Uuid>,
    /// Who asks.
    pub(crate) origin: &'a Origin,
}

impl Accounts {
    /// Takes a token by the networks that a request comes from.
    ///
    /// # Errors
    /// Rate-limited when there is none.
    pub(crate) async fn limit_network(&self, limited: &Limited<'_>, times: u32, per: Duration) -> Result<()> {
        let Some(address) = limited.origin.address else { return Ok(()) };
        for (network, factor) in networks(address) {
            let Some(rate) = Rate::new(times.saturating_mul(factor), per) else { continue };
            self.limit(limited, &format!("address:{network}"), rate, per).await?;
        }
        Ok(())
    }

    /// Takes a token of somebody.
    ///
    /// # Errors
    /// Rate-limited when there is none, which is told once per window.
    pub(crate) async fn limit(
        &self,
        limited: &Limited<'_>,
        who: &str,
        rate: Rate,
        per: Duration,
    ) -> Result<()> {
        let bucket = format!("{}:{who}", limited.what);
        let allowance = self.take(&bucket, rate).await?;
        if allowance.allowed {
            return Ok(());
        }
        if self.gates.is_news(&bucket, self.services.clock.now(), per) {
            let detail = json!({"limit": limited.what});
            self.tell(EventKind::RateLimited, limited.org, limited.account, limited.origin, detail).await;
        }
        Err(too_many(allowance.retry_after))
    }

    pub(crate) async fn take(&self, bucket: &str, rate: Rate) -> Result<Allowance> {
        self.services.credentials.take(bucket, rate, 1, self.services.clock.now()).await
    }
}

/// The one answer to all that is too much.
pub(crate) fn too_many(retry_after: Duration) -> Error {
    let seconds = retry_after.as_millis().div_ceil(1000).max(1);
    let after = Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX));
    Error::new(ErrorKind::RateLimited, "too many attempts: try again later").with_retry_after(after)
}

/// The networks by which an address counts, the smallest first, and how many times as much each is allowed: one IPv4
/// address; of IPv6 the 64 bits of a network, and the 48 bits that one customer has at most.
pub(crate) fn networks(address: IpAddr) -> Vec<(String, u32)> {
    match address {
        IpAddr::V4(address) => vec![(address.to_string(), 1)],
        IpAddr::V6(_) => vec![(prefix(address, 64), 1), (prefix(address, 48), SITE)],
    }
}

/// The network in which an address is at home: whoever signs in from it again is no stranger. Wide enough for lines that get
/// another address every day.
pub(crate) fn home(address: IpAddr) -> String {
    prefix(address, if address.is_ipv4() { 24 } else { 48 })
}

/// The first bits of an address, as `ADDRESS/BITS`.
fn prefix(address: IpAddr, bits: u32) -> String {
    let network = match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or_default();
            IpAddr::from((u32::from(address) & mask).to_be_bytes())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or_default();
            IpAddr::from((u128::from(address) & mask).to_be_bytes())
        }
    };
    format!("{network}/{bits}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_counts_once() {
        let networks = |text: &str| networks(text.parse().unwrap());
        assert_eq!(networks("192.0.2.7"), [("192.0.2.7".to_owned(), 1)]);
        let six = |network: &str, site: &str| vec![(network.to_owned(), 1), (site.to_owned(), 8)];
        assert_eq!(networks("2001:db8:1:2:3:4:5:6"), six("2001:db8:1:2::/64", "2001:db8:1::/48"));
        assert_eq!(networks("2001:db8:1:3::1"), six("2001:db8:1:3::/64", "2001:db8:1::/48"));
    }

    #[test]
    fn a_home_is_a_line_and_not_an_address() {
        let home = |text: &str| home(text.parse().unwrap());
        assert_eq!((home("192.0.2.7"), home("192.0.2.9")), ("192.0.2.0/24".into(), "192.0.2.0/24".into()));
        assert_eq!(home("2001:db8:1:2::1"), "2001:db8:1::/48");
        assert_ne!(home("192.0.3.7"), home("192.0.2.7"));
    }

    #[test]
    fn waits_are_whole_seconds_and_never_none() {
        for (millis, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (90_000, 90)] {
            let error = too_many(Duration::from_millis(millis));
            assert_eq!(error.retry_after(), Some(Duration::from_secs(seconds)));
        }
    }
}
