//! What each account has of the memory for large bodies and answers: one that does not read what it asked for, or send what it
//! announced, leaves the others half of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use realnet_core::{Error, Result, Uuid};

/// Bytes of what is on its way, by account.
#[derive(Debug, Default)]
pub(crate) struct Shares(Mutex<HashMap<Uuid, usize>>);

/// The bytes of one body or answer; given back when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    shares: Arc<Shares>,
    account: Uuid,
    bytes: usize,
}

impl Shares {
    /// A share of so many bytes, unless that is more than `most` together with others that the account has: a single one may
    /// be as large as it likes.
    pub(crate) fn take(self: &Arc<Self>, account: Uuid, bytes: usize, most: usize) -> Result<Share> {
        let mut shares = self.held();
        let held = shares.entry(account).or_default();
        if *held > 0 && held.saturating_add(bytes) > most {
            return Err(Error::unavailable(
                "what this account reads and sends takes too much memory: end some of it first",
            ));
        }
        *held = held.saturating_add(bytes);
        Ok(Share { shares: Arc::clone(self), account, bytes })
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Uuid, usize>> {
        // The counts are whole even when somebody panicked beside them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut shares = self.shares.held();
        if let Some(held) = shares.get_mut(&self.account) {
            *held = held.saturating_sub(self.bytes);
            if *held == 0 {
                shares.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_account_does_not_take_all() {
        let shares = Arc::new(Shares::default());
        let [ann, bob] = [1, 2].map(Uuid::from_u128);
        let first = shares.take(ann, 90, 50).unwrap();
        assert!(shares.take(ann, 1, 50).is_err());
        let others = [30, 20].map(|bytes| shares.take(bob, bytes, 50).unwrap());
        let refused = shares.take(bob, 1, 50).unwrap_err();
        assert!(refused.retry_after().is_some());
        drop(first);
        shares.take(ann, 90, 50).unwrap();
        drop(others);
        assert!(shares.held().is_empty(), "nobody is remembered");
    }
}
