//! Buckets of tokens as a store keeps them, by name; see [`crate::limit`].

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::limit::{Allowance, Rate};

/// Keeps buckets: in the process, or shared by all processes of a store that several use. They may be lost when a process or
/// a database ends by a crash, and are all full then.
#[async_trait]
pub trait LimitProvider: Send + Sync {
    /// Takes `cost` tokens from a bucket if there are enough. However many do so at once, no more is given out than the rate
    /// allows. A store that is shared goes by its own clock instead of `now`.
    async fn take(&self, bucket: &str, rate: Rate, cost: u32, now: Timestamp) -> Result<Allowance>;

    /// Gives tokens back: what they were taken for does not count after all.
    async fn refund(&self, bucket: &str, cost: u32) -> Result<()>;

    /// Makes a bucket full.
    async fn forget(&self, bucket: &str) -> Result<()>;
}
