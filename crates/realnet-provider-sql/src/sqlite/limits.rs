//! The store as a provider of limits. Only one process uses a file, so buckets stand in its memory.

use async_trait::async_trait;
use realnet_core::Result;
use realnet_core::clock::Timestamp;
use realnet_core::limit::{Allowance, Rate};
use realnet_core::provider::LimitProvider;

use super::SqliteStore;

#[async_trait]
impl LimitProvider for SqliteStore {
    async fn take(&self, bucket: &str, rate: Rate, cost: u32, now: Timestamp) -> Result<Allowance> {
        Ok(self.buckets.lock().take(bucket, rate, cost, now))
    }

    async fn refund(&self, bucket: &str, cost: u32) -> Result<()> {
        self.buckets.lock().refund(bucket, cost);
        Ok(())
    }

    async fn forget(&self, bucket: &str) -> Result<()> {
        self.buckets.lock().forget(bucket);
        Ok(())
    }
}
