//! How often somebody may try: before a password is looked at, and before mail is sent for a stranger.
//!
//! Every attempt to sign in takes a token by address and one by name from buckets of the store, before anything is looked up,
//! so that attempts side by side are counted like those one after the other. Who succeeds gets them back. Three buckets of a
//! name, each slower than the one before, make the wait grow with the failures. Names that do not exist have buckets, too.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use realnet_core::acl::Origin;
use realnet_core::limit::{Allowance, Rate};
use realnet_core::{Error, ErrorKind, Result, Uuid};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::accounts::Accounts;

/// Over which time what may fail by one address may fail again.
const ADDRESS: Duration = Duration::from_mins(15);
/// The same by name: so many times as much over so long.
const NAME: [(u32, Duration); 3] =
    [(1, Duration::from_mins(15)), (3, Duration::from_hours(6)), (10, Duration::from_hours(7 * 24))];
/// How many attempts of one name, and by one address, are under way at once: more wait, so that those of one who knows the
/// password are not taken for guesses.
const AT_ONCE: [usize; 2] = [4, 16];
/// The longest wait for those before.
const PATIENCE: Duration = Duration::from_secs(10);

/// Those who wait for each other, by name or address.
pub(crate) struct Gates(Cache<String, Arc<Semaphore>>);

impl Default for Gates {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(100_000).time_to_idle(Duration::from_mins(1)).build())
    }
}

impl Gates {
    async fn pass(&self, name: String, at_once: usize) -> Result<OwnedSemaphorePermit> {
        let gate = self.0.get_with(name, || Arc::new(Semaphore::new(at_once)));
        match tokio::time::timeout(PATIENCE, gate.acquire_owned()).await {
            Ok(permit) => permit.map_err(|_| Error::internal("a gate was closed")),
            Err(_) => Err(Error::unavailable("too many sign-ins at once: try again in a moment")),
        }
    }
}

/// An attempt under way.
pub(crate) struct Attempt {
    /// What it has taken.
    taken: Vec<String>,
    /// The buckets of the name, to be filled when it succeeds.
    of_name: Vec<String>,
    /// Whether it is the last one for a while.
    pub(crate) is_last: bool,
    gates: Vec<OwnedSemaphorePermit>,
}

impl Accounts {
    /// Begins an attempt to sign in.
    ///
    /// # Errors
    /// Rate-limited, in the same words whether the name exists or not.
    pub(crate) async fn attempt(&self, org: Uuid, username: &str, origin: &Origin) -> Result<Attempt> {
        let mut attempt =
            Attempt { taken: Vec::new(), of_name: Vec::new(), is_last: false, gates: Vec::new() };
        // As exact as names are: with a common count, signing in to one would forget what failed for the other.
        let name = format!("sign-in:account:{org}:{username}");
        if let Some(address) = origin.address.map(network) {
            let bucket = format!("sign-in:address:{address}");
            attempt.gates.push(self.gates.pass(bucket.clone(), AT_ONCE[1]).await?);
            attempt.gates.push(self.gates.pass(name.clone(), AT_ONCE[0]).await?);
            self.try_take(&mut attempt, bucket, self.config.attempts_per_address, ADDRESS).await?;
        } else {
            attempt.gates.push(self.gates.pass(name.clone(), AT_ONCE[0]).await?);
        }
        for (times, per) in NAME {
            let bucket = format!("{name}:{times}");
            let capacity = self.config.attempts_per_account.saturating_mul(times);
            attempt.of_name.push(bucket.clone());
            let left = self.try_take(&mut attempt, bucket, capacity, per).await?;
            attempt.is_last |= left == Some(0);
        }
        Ok(attempt)
    }

    /// Takes a token, or gives back what the attempt has taken before. Answers how many are left, when there is a limit.
    async fn try_take(
        &self,
        attempt: &mut Attempt,
        bucket: String,
        capacity: u32,
        per: Duration,
    ) -> Result<Option<u32>> {
        let Some(rate) = Rate::new(capacity, per) else { return Ok(None) };
        let allowance = self.take(&bucket, rate).await;
        match allowance {
            Ok(allowance) if allowance.allowed => {
                attempt.taken.push(bucket);
                Ok(Some(allowance.remaining))
            }
            refused => {
                self.give_back(std::mem::take(&mut attempt.taken)).await;
                Err(too_many(&refused?))
            }
        }
    }

    /// It was the right password: nothing that has failed before counts any more.
    pub(crate) async fn succeeded(&self, attempt: Attempt) {
        let Attempt { taken, of_name, .. } = attempt;
        for bucket in &of_name {
            if let Err(error) = self.services.credentials.forget(bucket).await {
                tracing::warn!(error = %error.report(), "failed attempts can not be forgotten");
            }
        }
        self.give_back(taken.into_iter().filter(|bucket| !of_name.contains(bucket)).collect()).await;
    }

    /// It came to nothing: neither right nor wrong.
    pub(crate) async fn broke_off(&self, attempt: Attempt) {
        self.give_back(attempt.taken).await;
    }

    /// Forgets what has failed for a name.
    pub(crate) async fn forget_failures(&self, org: Uuid, username: &str) -> Result<()> {
        for (times, _) in NAME {
            let bucket = format!("sign-in:account:{org}:{username}:{times}");
            self.services.credentials.forget(&bucket).await?;
        }
        Ok(())
    }

    async fn give_back(&self, taken: Vec<String>) {
        for bucket in taken {
            if let Err(error) = self.services.credentials.refund(&bucket, 1).await {
                tracing::warn!(error = %error.report(), "a limit can not be given back");
            }
        }
    }

    async fn take(&self, bucket: &str, rate: Rate) -> Result<Allowance> {
        self.services.credentials.take(bucket, rate, 1, self.services.clock.now()).await
    }

    /// Takes a token of `name` by the address that a request comes from.
    pub(crate) async fn limit_address(&self, name: &str, rate: Rate, origin: &Origin) -> Result<()> {
        let Some(address) = origin.address.map(network) else { return Ok(()) };
        self.limit(&format!("{name}:address:{address}"), rate).await
    }

    /// Takes a token.
    ///
    /// # Errors
    /// Rate-limited when there is none.
    pub(crate) async fn limit(&self, bucket: &str, rate: Rate) -> Result<()> {
        let allowance = self.take(bucket, rate).await?;
        if allowance.allowed { Ok(()) } else { Err(too_many(&allowance)) }
    }
}

fn too_many(allowance: &Allowance) -> Error {
    let seconds = allowance.retry_after.as_millis().div_ceil(1000).max(1);
    let after = Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX));
    Error::new(ErrorKind::RateLimited, "too many attempts: try again later").with_retry_after(after)
}

/// What one customer of a network has: an IPv4 address, or an IPv6 network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_counts_once() {
        let network = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_ne!(network("2001:db8:1:3::1"), network("2001:db8:1:2::1"));
    }

    #[test]
    fn waits_are_whole_seconds_and_never_none() {
        let allowance = |millis| Allowance {
            allowed: false,
            remaining: 0,
            retry_after: Duration::from_millis(millis),
            reset_after: Duration::ZERO,
        };
        for (millis, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (90_000, 90)] {
            assert_eq!(too_many(&allowance(millis)).retry_after(), Some(Duration::from_secs(seconds)));
        }
    }
}
