//! Hashing and verifying passwords: slow by design, so off the async threads and never more at once than there are cores.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use realnet_core::{Error, Result};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::policy::MAX_BYTES;

/// Longer passwords are hashed once before: bcrypt looks at 72 bytes, of which the last ends the text.
const BCRYPT_BYTES: usize = 71;
/// How many may wait per core; more would wait longer than a caller does.
const WAITING_PER_CORE: usize = 128;

/// How many of them may wait per core to set a password.
const SETTING_PER_CORE: usize = 32;

/// The highest cost that there is.
const MAX_COST: u32 = 31;

/// Hashes passwords.
pub(crate) struct Passwords {
    cost: u32,
    /// The highest cost that was met: what a check that fails takes in all.
    highest: AtomicU32,
    /// How many rounds were done, in tests.
    #[cfg(test)]
    rounds: std::sync::Arc<std::sync::atomic::AtomicU64>,
    working: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// Passwords being set take half of the cores at most, so that those who sign in never wait for them alone.
    setting: Arc<Semaphore>,
    waiting_to_set: Arc<Semaphore>,
}

impl Passwords {
    /// Hashes with 2^`cost` rounds.
    pub(crate) fn new(cost: u32) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let waiting = Arc::new(Semaphore::new(cores * WAITING_PER_CORE));
        Self {
            cost,
            highest: AtomicU32::new(cost),
            #[cfg(test)]
            rounds: std::sync::Arc::default(),
            working: Arc::new(Semaphore::new(cores)),
            waiting,
            setting: Arc::new(Semaphore::new((cores / 2).max(1))),
            waiting_to_set: Arc::new(Semaphore::new(cores * SETTING_PER_CORE)),
        }
    }

    /// The hash of a password that is being set, behind those that are set already.
    pub(crate) async fn hash_new(&self, password: &str) -> Result<String> {
        let _place = self.waiting_to_set.try_acquire().map_err(|_| {
            Error::unavailable("too many passwords are being set at once: try again in a moment")
        })?;
        let turn = Arc::clone(&self.setting).acquire_owned().await;
        let turn = turn.map_err(|_| Error::internal("hashing has ended"))?;
        let (input, cost) = (input(password), self.cost);
        self.blocking(move || {
            let _until_done = turn;
            bcrypt::non_truncating_hash(input, cost)
        })
        .await
    }

    /// The hash of a password, in its modular text form.
    pub(crate) async fn hash(&self, password: &str) -> Result<String> {
        let (input, cost) = (input(password), self.cost);
        self.blocking(move || bcrypt::non_truncating_hash(input, cost)).await
    }

    /// Whether a hash costs an attacker less than new ones.
    pub(crate) fn is_cheap(&self, hash: &str) -> bool {
        cost_of(hash).is_some_and(|cost| cost < self.cost)
    }

    /// The highest cost that was met.
    pub(crate) fn highest(&self) -> u32 {
        self.highest.load(Ordering::Relaxed)
    }

    /// Says what hashes have cost before this process began.
    pub(crate) fn has_met(&self, cost: u32) {
        self.highest.fetch_max(cost.min(MAX_COST), Ordering::Relaxed);
    }

    /// Whether a password is the one of a hash, of somebody who may sign in. Without a hash the work is done all the same, and
    /// it is not. A failure takes the same work whatever the hash costs, so that old hashes do not tell which names exist,
    /// and whoever may not sign in fails by the right password as by any other.
    pub(crate) async fn verify(&self, password: &str, hash: Option<String>, may: bool) -> Result<bool> {
        if password.len() > MAX_BYTES {
            return Ok(false);
        }
        let input = input(password);
        let known = hash.as_deref().and_then(cost_of);
        let highest = self.highest.fetch_max(known.unwrap_or_default(), Ordering::Relaxed);
        let highest = highest.max(known.unwrap_or_default());
        #[cfg(test)]
        let rounds = std::sync::Arc::clone(&self.rounds);
        self.blocking(move || {
            let check = |hash: &str| {
                let same = bcrypt::non_truncating_verify(&input, hash);
                #[cfg(test)]
                rounds.fetch_add(1 << cost_of(hash).unwrap_or_default(), Ordering::Relaxed);
                same
            };
            let Some((hash, cost)) = hash.zip(known) else {
                return check(&dummy(highest)).map(|_| false);
            };
            if check(&hash)? && may {
                return Ok(true);
            }
            // 2^cost + 2^cost + 2^(cost + 1) + … + 2^(highest - 1) is 2^highest.
            for cost in cost..highest {
                check(&dummy(cost))?;
            }
            Ok(false)
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> bcrypt::BcryptResult<T> + Send + 'static,
    ) -> Result<T> {
        let place = Arc::clone(&self.waiting)
            .try_acquire_owned()
            .map_err(|_| Error::unavailable("too many sign-ins at once: try again in a moment"))?;
        let turn = Arc::clone(&self.working).acquire_owned().await;
        let turn = turn.map_err(|_| Error::internal("hashing has ended"))?;
        // The work goes on when whoever waits for it goes away, and counts until it is done.
        let work = move || {
            let _until_done = (place, turn);
            work()
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| Error::internal("hashing a password was cut short").with_source(error))?
            .map_err(|error| Error::internal("a password can not be hashed").with_source(error))
    }
}

/// What bcrypt is given: the password itself where it sees all of it. It takes the text round and round, separated by NUL,
/// so a NUL inside would let different passwords look alike.
fn input(password: &str) -> Vec<u8> {
    if password.len() <= BCRYPT_BYTES && !password.contains('\0') {
        return password.as_bytes().to_vec();
    }
    STANDARD_NO_PAD.encode(Sha256::digest(password)).into_bytes()
}

/// A hash of nothing in particular, as costly to verify as any other.
fn dummy(cost: u32) -> String {
    format!("$2b${cost:02}${}", ".".repeat(53))
}

/// The cost in a hash.
fn cost_of(hash: &str) -> Option<u32> {
    hash.split('$').nth(2)?.parse().ok().filter(|cost| (4..=MAX_COST).contains(cost))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn long_passwords_are_not_cut() {
        let passwords = Passwords::new(4);
        for length in [8, 71, 72, 73, 200] {
            let password = "é".repeat(length / 2) + if length % 2 == 1 { "x" } else { "" };
            let hash = passwords.hash(&password).await.unwrap();
            assert!(passwords.verify(&password, Some(hash.clone()), true).await.unwrap(), "{length}");
            for other in [format!("{password}y"), format!("z{password}")] {
                assert!(!passwords.verify(&other, Some(hash.clone()), true).await.unwrap(), "{length}");
            }
        }
    }

    #[tokio::test]
    async fn repetitions_behind_nul_are_other_passwords() {
        let passwords = Passwords::new(4);
        let hash = passwords.hash("password").await.unwrap();
        assert!(!passwords.verify("password\0password", Some(hash), true).await.unwrap());
    }

    #[tokio::test]
    async fn without_a_hash_the_work_is_done_and_fails() {
        assert!(bcrypt::verify("x", &dummy(4)).is_ok(), "the dummy must be a hash, or there is no work");
        assert!(!Passwords::new(4).verify("whatever", None, true).await.unwrap());
    }

    #[tokio::test]
    async fn every_failure_takes_the_same_work() {
        let passwords = Passwords::new(7);
        let (old, new) =
            (Passwords::new(4).hash("correct horse").await.unwrap(), passwords.hash("x").await.unwrap());
        assert!(passwords.is_cheap(&old) && !passwords.is_cheap(&new));
        let work = || passwords.rounds.swap(0, Ordering::Relaxed);
        for (name, hash) in [("nobody", None), ("old", Some(old.clone())), ("new", Some(new))] {
            assert!(!passwords.verify("wrong", hash, true).await.unwrap());
            assert_eq!(work(), 1 << 7, "{name}");
        }
        assert!(!passwords.verify("correct horse", Some(old.clone()), false).await.unwrap());
        assert_eq!(work(), 1 << 7, "who may not sign in is told nothing by the time");
        assert!(passwords.verify("correct horse", Some(old), true).await.unwrap());
        // A cost that was lowered: hashes of before set the measure.
        let costly = Passwords::new(8).hash("x").await.unwrap();
        assert!(!passwords.verify("wrong", Some(costly), true).await.unwrap());
        work();
        assert!(!passwords.verify("wrong", None, true).await.unwrap());
        assert_eq!(work(), 1 << 8);
    }

    #[tokio::test]
    async fn costs_of_before_set_the_measure() {
        let passwords = Passwords::new(4);
        passwords.has_met(6);
        assert!(!passwords.verify("wrong", None, true).await.unwrap());
        assert_eq!(passwords.rounds.load(Ordering::Relaxed), 1 << 6);
        passwords.has_met(5);
        assert_eq!(passwords.highest(), 6);
    }

    #[tokio::test]
    async fn those_who_set_passwords_leave_room_for_those_who_sign_in() {
        let slow = Passwords::new(12);
        let cores = slow.working.available_permits();
        let mut many: Vec<_> = (0..=cores).map(|_| Box::pin(slow.hash_new("x"))).collect();
        begun(&mut many).await;
        assert_eq!(cores - slow.working.available_permits(), (cores / 2).max(1), "of {cores} cores");

        let quick = Passwords::new(4);
        let places = cores * SETTING_PER_CORE;
        let mut many: Vec<_> = (0..places).map(|_| Box::pin(quick.hash_new("x"))).collect();
        begun(&mut many).await;
        let refused = quick.hash_new("x").await.unwrap_err();
        assert_eq!(refused.kind(), realnet_core::ErrorKind::Unavailable);
        for hashed in many {
            hashed.await.unwrap();
        }
        assert_eq!(quick.waiting_to_set.available_permits(), places);
    }

    /// Waits for nothing but the beginning of each.
    async fn begun<F: Future>(many: &mut [std::pin::Pin<Box<F>>]) {
        std::future::poll_fn(|context| {
            assert!(many.iter_mut().all(|one| one.as_mut().poll(context).is_pending()));
            std::task::Poll::Ready(())
        })
        .await;
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_counts_until_it_is_done() {
        let passwords = Passwords::new(12);
        let all = passwords.working.available_permits();
        let mut verify = Box::pin(passwords.verify("wrong", None, true));
        std::future::poll_fn(|context| {
            assert!(verify.as_mut().poll(context).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
        drop(verify);
        assert_eq!(passwords.working.available_permits(), all - 1, "the work goes on");
        while passwords.working.available_permits() < all {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert_eq!(passwords.rounds.load(Ordering::Relaxed), 1 << 12, "and has been done");
    }
}
