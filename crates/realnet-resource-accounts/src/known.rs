//! What signing in has taught: from which networks an account signs in, so that strangers who guess at its password do not
//! lock out its owner; and what hashes have cost.

use realnet_core::clock::Timestamp;
use realnet_core::provider::{AuthRecord, Expected, RecordKind};
use realnet_core::{Result, Uuid};

use crate::accounts::Accounts;

/// How many networks are remembered of an account: the latest.
const NETWORKS: usize = 16;
/// How long, in seconds.
const LIFE: i64 = 180 * 86_400;
/// A network that was seen within so many seconds is not noted again.
const FRESH: i64 = 86_400;
/// How often a note is tried that others write as well.
const TRIES: usize = 3;
/// Where the highest cost of hashes stands.
const COST: &str = "hash-cost";

/// A network, and when it was last signed in from, in seconds.
type Network = (String, i64);

impl Accounts {
    /// The networks from which an account has signed in.
    pub(crate) async fn networks_of(&self, account: Uuid) -> Result<Vec<Network>> {
        let now = self.services.clock.now();
        let record = self.services.credentials.record(RecordKind::Known, &account.to_string(), now).await?;
        Ok(record.map(|record| read(&record, now)).unwrap_or_default())
    }

    /// Notes that the owner of an account comes from a network. Signing in does not depend on it.
    pub(crate) async fn learn_network(&self, account: Uuid, org: Uuid, network: &str) {
        for _ in 0..TRIES {
            match self.note_network(account, org, network).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(error = %error.report(), "a network can not be noted");
                    return;
                }
            }
        }
    }

    /// Answers whether it is noted: others may note at the same time.
    async fn note_network(&self, account: Uuid, org: Uuid, network: &str) -> Result<bool> {
        let (now, key) = (self.services.clock.now(), account.to_string());
        let record = self.services.credentials.record(RecordKind::Known, &key, now).await?;
        let mut networks = record.as_ref().map(|record| read(record, now)).unwrap_or_default();
        if networks.iter().any(|(known, at)| known == network && seconds(now) - at < FRESH) {
            return Ok(true);
        }
        networks.retain(|(known, _)| known != network);
        networks.insert(0, (network.to_owned(), seconds(now)));
        networks.truncate(NETWORKS);
        let expected = record.map_or(Expected::Absent, |record| Expected::Version(record.version));
        let value = serde_json::to_vec(&networks).unwrap_or_default();
        let record = AuthRecord::new(RecordKind::Known, key, value, now)
            .of(Some(account), Some(org))
            .until(now.plus_seconds(LIFE));
        self.services.credentials.put_record(record, expected, now).await
    }

    /// Learns at the start what hashes have cost before: whoever fails takes as long as for the costliest.
    pub(crate) async fn recall_cost(&self) -> Result<()> {
        let record =
            self.services.credentials.record(RecordKind::Known, COST, self.services.clock.now()).await?;
        let known = record.and_then(|record| String::from_utf8(record.value).ok()?.parse().ok()).unwrap_or(0);
        self.recorded_cost.fetch_max(known, std::sync::atomic::Ordering::Relaxed);
        self.passwords.has_met(known);
        self.keep_cost().await;
        Ok(())
    }

    /// Keeps the highest cost that was met, when it has risen.
    pub(crate) async fn keep_cost(&self) {
        let highest = self.passwords.highest();
        if self.recorded_cost.fetch_max(highest, std::sync::atomic::Ordering::Relaxed) >= highest {
            return;
        }
        let now = self.services.clock.now();
        let record = AuthRecord::new(RecordKind::Known, COST, highest.to_string(), now);
        if let Err(error) = self.services.credentials.put_record(record, Expected::Any, now).await {
            tracing::warn!(error = %error.report(), "the cost of hashes can not be kept");
        }
    }
}

/// The networks in a record that are not too long ago.
fn read(record: &AuthRecord, now: Timestamp) -> Vec<Network> {
    let networks: Vec<Network> = serde_json::from_slice(&record.value).unwrap_or_default();
    networks.into_iter().filter(|(_, at)| seconds(now) - at < LIFE).collect()
}

fn seconds(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(1_000_000)
}
