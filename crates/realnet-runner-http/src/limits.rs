//! How often an address, an account or a key may ask: buckets of tokens, kept by the store, and told in every answer.

use std::net::IpAddr;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use realnet_core::acl::Caller;
use realnet_core::limit::{Allowance, Rate};
use realnet_core::{Error, ErrorKind};

use crate::call::{Call, Noted};
use crate::client::Client;
use crate::problem::Problem;
use crate::state::State;

/// What is left, in the form of the draft "RateLimit header fields for HTTP".
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The limits that hold, in the same form.
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// How often requests may come. Nothing is limited unless it is said. Signing in has limits of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// From one address; of IPv6, from one network of 64 bits.
    pub address: Option<Rate>,
    /// By one account, however it is signed in.
    pub account: Option<Rate>,
    /// By one session or key.
    pub key: Option<Rate>,
}

/// A limit that a request was counted against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quota {
    name: &'static str,
    rate: Rate,
    left: Allowance,
}

/// Counts a request against the limit of its address.
pub(crate) async fn count_address(state: &State, client: &Client, noted: &Noted) -> Result<(), Problem> {
    let (Some(rate), Some(address)) = (state.config.rate_limits.address, client.address) else {
        return Ok(());
    };
    let quota = take(state, "address", rate, &network(address)).await?;
    noted.quotas.borrow_mut().push(quota);
    check(&quota)
}

/// Counts a request against the limits of its caller.
pub(crate) async fn count_caller(call: &Call, caller: &Caller) -> Result<(), Problem> {
    let limits = &call.state.config.rate_limits;
    for (name, rate, id) in [("account", limits.account, caller.account), ("key", limits.key, caller.token())]
    {
        let (Some(rate), Some(id)) = (rate, id) else { continue };
        let quota = take(&call.state, name, rate, &id.to_string()).await?;
        call.note_quota(quota);
        check(&quota)?;
    }
    Ok(())
}

async fn take(state: &State, name: &'static str, rate: Rate, who: &str) -> Result<Quota, Problem> {
    let services = state.dispatcher.services();
    let bucket = format!("http:{name}:{who}");
    let left = services.credentials.take(&bucket, rate, 1, services.clock.now()).await?;
    Ok(Quota { name, rate, left })
}

fn check(quota: &Quota) -> Result<(), Problem> {
    if quota.left.allowed {
        return Ok(());
    }
    let detail = format!("too many requests of this {}: try again later", quota.name);
    // A second more than is needed at most, and never one too few.
    let wait = quota.left.retry_after + std::time::Duration::from_nanos(999_999_999);
    Err(Error::new(ErrorKind::RateLimited, detail).with_retry_after(wait).into())
}

/// Who has one address of a network of IPv6 has them all.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// Tells the limits that the request was counted against.
pub(crate) fn tell(headers: &mut HeaderMap, quotas: &[Quota]) {
    if quotas.is_empty() {
        return;
    }
    let list = |write: fn(&Quota) -> String| quotas.iter().map(write).collect::<Vec<_>>().join(", ");
    let policy = list(|Quota { name, rate, .. }| {
        format!("\"{name}\";q={};w={}", rate.capacity(), rate.per().as_secs().max(1))
    });
    let left = list(|Quota { name, left, .. }| {
        format!("\"{name}\";r={};t={}", left.remaining, left.reset_after.as_secs_f64().ceil() as u64)
    });
    for (name, text) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, left)] {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_of_ipv6_count_as_one() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    }
}
