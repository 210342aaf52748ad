//! The bound of a store of contents: bytes are taken before they are written, so that no two writers exceed it together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use realnet_core::provider::Usage;
use realnet_core::{Error, ErrorKind, Result};

/// Counts the bytes of a store that has a bound; of one that has none, nothing is counted.
#[derive(Debug)]
pub(crate) struct Quota {
    limit: Option<u64>,
    used: AtomicU64,
}

impl Quota {
    /// A bound, of which so much is used already.
    pub(crate) fn new(limit: Option<u64>, used: u64) -> Arc<Self> {
        Arc::new(Self { limit, used: AtomicU64::new(used) })
    }

    /// Takes bytes, or refuses them.
    pub(crate) fn take(&self, bytes: u64) -> Result<()> {
        let Some(limit) = self.limit else { return Ok(()) };
        let add = |used: u64| used.checked_add(bytes).filter(|used| *used <= limit);
        match self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "the storage is full: its quota is {limit} bytes, and there is no room for this content"
                ),
            )),
        }
    }

    /// Gives bytes back.
    pub(crate) fn release(&self, bytes: u64) {
        if self.limit.is_some() {
            let subtract = |used: u64| Some(used.saturating_sub(bytes));
            let _ = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, subtract);
        }
    }

    /// What is used, and the bound.
    pub(crate) fn usage(&self) -> Usage {
        Usage { used: self.limit.map(|_| self.used.load(Ordering::Relaxed)), quota: self.limit }
    }
}

/// Bytes taken for what may still come to nothing: given back when it is dropped, unless they are kept.
#[derive(Debug)]
pub(crate) struct Reservation {
    quota: Arc<Quota>,
    bytes: u64,
}

impl Reservation {
    /// Of nothing yet.
    pub(crate) fn new(quota: &Arc<Quota>) -> Self {
        Self { quota: Arc::clone(quota), bytes: 0 }
    }

    /// Takes more.
    pub(crate) fn grow(&mut self, bytes: u64) -> Result<()> {
        self.quota.take(bytes)?;
        self.bytes += bytes;
        Ok(())
    }

    /// The bytes are stored now.
    pub(crate) fn keep(&mut self) {
        self.bytes = 0;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.quota.release(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_to_nothing_is_given_back() {
        let quota = Quota::new(Some(10), 3);
        let mut first = Reservation::new(&quota);
        first.grow(5).unwrap();
        let mut second = Reservation::new(&quota);
        assert_eq!(second.grow(3).unwrap_err().kind(), ErrorKind::TooLarge);
        second.grow(2).unwrap();
        drop(first);
        second.keep();
        drop(second);
        assert_eq!(quota.usage(), Usage { used: Some(5), quota: Some(10) });
        quota.release(99);
        assert_eq!(quota.usage().used, Some(0));
        assert!(quota.take(u64::MAX).is_err());
        assert_eq!(Quota::new(None, 0).usage(), Usage::default());
    }
}
