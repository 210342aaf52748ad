//! How often somebody may try a password.
//!
//! Every attempt takes a token by network and one by name from buckets of the store, before the password is looked at, so
//! that attempts side by side are counted like those one after the other. Who succeeds gets them back. Three buckets of a
//! name, each slower than the one before, make the wait grow with the failures. Names that do not exist have buckets, too.
//!
//! Networks from which an account has signed in before have buckets of their own: strangers, who share one, lock each other
//! out and not the owner.

use std::time::Duration;

use realnet_core::acl::Origin;
use realnet_core::limit::Rate;
use realnet_core::model::Item;
use realnet_core::provider::EventKind;
use realnet_core::{Result, Uuid};
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;

use crate::accounts::Accounts;
use crate::directory::Directory;
use crate::kind::MAX_USERNAME;
use crate::limits::{home, networks, too_many};

/// Over which time what may fail by one network may fail again.
pub(crate) const ADDRESS: Duration = Duration::from_mins(15);
/// The same by name: so many times as much over so long.
const NAME: [(u32, Duration); 3] =
    [(1, Duration::from_mins(15)), (3, Duration::from_hours(6)), (10, Duration::from_hours(7 * 24))];
/// How many attempts of one name, and by one network, are under way at once: more wait, so that those of one who knows the
/// password are not taken for guesses.
const AT_ONCE: [usize; 2] = [4, 16];

/// An attempt under way.
pub(crate) struct Attempt {
    org: Uuid,
    /// The name as it is kept.
    username: String,
    origin: Origin,
    /// The account of the name, if there is one.
    pub(crate) account: Option<Item>,
    /// What it has taken.
    taken: Vec<String>,
    /// The buckets of the name, to be filled when it succeeds.
    of_name: Vec<String>,
    /// What it has taken the last token of: the bucket, its window, and by what it counts.
    last: Vec<(String, Duration, &'static str)>,
    gates: Vec<OwnedSemaphorePermit>,
}

/// What tokens are taken from.
struct Bucket {
    name: String,
    capacity: u32,
    per: Duration,
    by: &'static str,
}

impl Accounts {
    /// Begins an attempt to sign in, or to prove that one could.
    ///
    /// # Errors
    /// Rate-limited, in the same words whether the name exists or not.
    pub(crate) async fn attempt(&self, org: Uuid, username: &str, origin: &Origin) -> Result<Attempt> {
        // A longer name is nobody's: it fails as a wrong password does, and is kept nowhere.
        let kept = if username.len() > MAX_USERNAME { "" } else { username };
        let mut attempt = Attempt {
            org,
            username: kept.to_ascii_lowercase(),
            origin: origin.clone(),
            account: None,
            taken: Vec::new(),
            of_name: Vec::new(),
            last: Vec::new(),
            gates: Vec::new(),
        };
        let now = self.services.clock.now();
        let refused = [attempt.who(true), attempt.who(false)].map(|who| self.gates.refused(who, now));
        if let Some(wait) = refused.into_iter().flatten().max() {
            return Err(too_many(wait));
        }
        match self.count(&mut attempt, kept).await {
            Ok(()) => Ok(attempt),
            Err(error) => {
                if let Some(wait) = error.retry_after() {
                    self.gates.refuse(attempt.who(attempt.of_name.is_empty()), now, wait);
                }
                self.broke_off(attempt).await;
                Err(error)
            }
        }
    }

    /// Takes the tokens of an attempt: by network first, so that no name that a stranger sends is looked at or kept for nothing.
    async fn count(&self, attempt: &mut Attempt, username: &str) -> Result<()> {
        for (index, (network, factor)) in attempt.networks().into_iter().enumerate() {
            if index == 0 {
                attempt.gates.push(self.gates.pass(("network", &network), AT_ONCE[1]).await?);
            }
            let capacity = self.config.attempts_per_address.saturating_mul(factor);
            let name = format!("sign-in:address:{network}");
            self.draw(attempt, Bucket { name, capacity, per: ADDRESS, by: "address" }).await?;
        }
        if username.is_empty() {
            return Ok(());
        }
        let gate = self.gates.pass(("name", attempt.org, &attempt.username), AT_ONCE[0]).await?;
        attempt.gates.push(gate);
        attempt.account = Directory::new(&self.services).account(attempt.org, username).await?;
        let base = self.counted_as(attempt).await?;
        for (times, per) in NAME {
            let name = format!("{base}:{times}");
            let capacity = self.config.attempts_per_account.saturating_mul(times);
            attempt.of_name.push(name.clone());
            self.draw(attempt, Bucket { name, capacity, per, by: "name" }).await?;
        }
        Ok(())
    }

    /// As what an attempt counts: as one of the owner's networks, or as a stranger's. The same is done for names that do not exist.
    async fn counted_as(&self, attempt: &Attempt) -> Result<String> {
        let id = attempt.account.as_ref().map_or(Uuid::nil(), |account| account.id);
        let known = self.networks_of(id).await?;
        let home = attempt.home().filter(|home| known.iter().any(|(network, _)| network == home));
        Ok(match home {
            Some(network) => of_known(id, &network),
            None => of_strangers(attempt.org, &attempt.username),
        })
    }

    /// Takes a token of another bucket for an attempt, which comes back with the others.
    pub(crate) async fn draw_more(
        &self,
        attempt: &mut Attempt,
        name: String,
        capacity: u32,
        per: Duration,
    ) -> Result<()> {
        self.draw(attempt, Bucket { name, capacity, per, by: "code" }).await
    }

    /// Takes a token.
    async fn draw(&self, attempt: &mut Attempt, bucket: Bucket) -> Result<()> {
        let Some(rate) = Rate::new(bucket.capacity, bucket.per) else { return Ok(()) };
        let allowance = self.take(&bucket.name, rate).await?;
        if !allowance.allowed {
            return Err(too_many(allowance.retry_after));
        }
        if allowance.remaining == 0 {
            attempt.last.push((bucket.name.clone(), bucket.per, bucket.by));
        }
        attempt.taken.push(bucket.name);
        Ok(())
    }

    /// It was the right password: nothing that has failed before counts any more, and who comes again is no stranger.
    pub(crate) async fn succeeded(&self, attempt: Attempt) {
        self.gates.readmit(attempt.who(false));
        if let (Some(account), Some(network)) = (&attempt.account, attempt.home()) {
            self.learn_network(account.id, account.org, &network).await;
        }
        let Attempt { taken, of_name, .. } = attempt;
        for bucket in &of_name {
            if let Err(error) = self.services.credentials.forget(bucket).await {
                tracing::warn!(error = %error.report(), "failed attempts can not be forgotten");
            }
        }
        self.give_back(taken.into_iter().filter(|bucket| !of_name.contains(bucket)).collect()).await;
    }

    /// It was the wrong one; `detail` says more of what for.
    pub(crate) async fn failed(&self, attempt: Attempt, detail: serde_json::Value) {
        self.failed_as(EventKind::SignInFailed, attempt, detail).await;
    }

    /// The same under another name.
    pub(crate) async fn failed_as(&self, kind: EventKind, attempt: Attempt, detail: serde_json::Value) {
        let known = attempt.account.as_ref().map(|account| account.id);
        tracing::info!(account = %known.unwrap_or_default(), "sign-in refused");
        self.tell(kind, attempt.org, known, &attempt.origin, detail).await;
        for (bucket, window, by) in &attempt.last {
            if self.gates.is_news(bucket, self.services.clock.now(), *window) {
                self.tell(EventKind::Locked, attempt.org, known, &attempt.origin, json!({"by": by})).await;
            }
        }
    }

    /// It came to nothing: neither right nor wrong.
    pub(crate) async fn broke_off(&self, attempt: Attempt) {
        self.give_back(attempt.taken).await;
    }

    /// Forgets what has failed for an account, by strangers and from its own networks.
    pub(crate) async fn forget_failures(&self, account: Uuid, org: Uuid, username: &str) -> Result<()> {
        let mut names = vec![of_strangers(org, &username.to_ascii_lowercase())];
        names.extend(self.networks_of(account).await?.iter().map(|(network, _)| of_known(account, network)));
        for name in names {
            for (times, _) in NAME {
                self.services.credentials.forget(&format!("{name}:{times}")).await?;
            }
        }
        self.gates.readmit_all();
        Ok(())
    }

    async fn give_back(&self, taken: Vec<String>) {
        for bucket in taken {
            if let Err(error) = self.services.credentials.refund(&bucket, 1).await {
                tracing::warn!(error = %error.report(), "a limit can not be given back");
            }
        }
    }
}

impl Attempt {
    /// Where it comes from.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The networks that it comes from.
    fn networks(&self) -> Vec<(String, u32)> {
        self.origin.address.map(networks).unwrap_or_default()
    }

    /// The network that the owner would be known by.
    fn home(&self) -> Option<String> {
        self.origin.address.map(home)
    }

    /// Whose attempts are refused alike: all of a network, or those at one name.
    fn who(&self, whatever_name: bool) -> (Option<(Uuid, &str)>, Option<String>) {
        let name = (!whatever_name).then_some((self.org, self.username.as_str()));
        (name, self.networks().into_iter().next().map(|(network, _)| network))
    }
}

/// The buckets of those who have not signed in to a name before.
fn of_strangers(org: Uuid, username: &str) -> String {
    format!("sign-in:account:{org}:{username}")
}

/// The buckets of a network from which an account has signed in before.
fn of_known(account: Uuid, network: &str) -> String {
    format!("sign-in:known:{account}:{network}")
}
