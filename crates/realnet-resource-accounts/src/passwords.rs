//! Hashing and verifying passwords: slow by design, so off the async threads and never more at once than there are cores.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use realnet_core::{Error, Result, Violation};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

/// The shortest password, in characters.
const MIN_CHARACTERS: usize = 8;
/// The longest password, in bytes.
const MAX_BYTES: usize = 1024;
/// Longer passwords are hashed once before: bcrypt looks at 72 bytes, of which the last ends the text.
const BCRYPT_BYTES: usize = 71;
/// How many may wait per core; more would wait longer than a caller does.
const WAITING_PER_CORE: usize = 128;

/// Hashes passwords.
pub(crate) struct Passwords {
    cost: u32,
    working: Semaphore,
    waiting: Semaphore,
}

impl Passwords {
    /// Hashes with 2^`cost` rounds.
    pub(crate) fn new(cost: u32) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let waiting = Semaphore::new(cores * WAITING_PER_CORE);
        Self { cost, working: Semaphore::new(cores), waiting }
    }

    /// Whether a password may be set.
    pub(crate) fn check(password: &str) -> Result<()> {
        let detail = if password.chars().count() < MIN_CHARACTERS {
            format!("at least {MIN_CHARACTERS} characters")
        } else if password.len() > MAX_BYTES {
            format!("at most {MAX_BYTES} bytes")
        } else {
            return Ok(());
        };
        Err(Error::invalid(vec![Violation::new("/password", detail)]))
    }

    /// The hash of a password, in its modular text form.
    pub(crate) async fn hash(&self, password: &str) -> Result<String> {
        let (input, cost) = (input(password), self.cost);
        self.blocking(move || bcrypt::non_truncating_hash(input, cost)).await
    }

    /// Whether a password is the one of a hash. Without a hash the work is done all the same, and it is not.
    pub(crate) async fn verify(&self, password: &str, hash: Option<String>) -> Result<bool> {
        if password.len() > MAX_BYTES {
            return Ok(false);
        }
        let input = input(password);
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| dummy(self.cost));
        let same = self.blocking(move || bcrypt::non_truncating_verify(input, &hash)).await?;
        Ok(same && known)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> bcrypt::BcryptResult<T> + Send + 'static,
    ) -> Result<T> {
        let _place = self
            .waiting
            .try_acquire()
            .map_err(|_| Error::unavailable("too many sign-ins at once: try again in a moment"))?;
        let _turn = self.working.acquire().await.map_err(|_| Error::internal("hashing has ended"))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn long_passwords_are_not_cut() {
        let passwords = Passwords::new(4);
        for length in [8, 71, 72, 73, 200] {
            let password = "é".repeat(length / 2) + if length % 2 == 1 { "x" } else { "" };
            let hash = passwords.hash(&password).await.unwrap();
            assert!(passwords.verify(&password, Some(hash.clone())).await.unwrap(), "{length}");
            for other in [format!("{password}y"), format!("z{password}")] {
                assert!(!passwords.verify(&other, Some(hash.clone())).await.unwrap(), "{length}");
            }
        }
    }

    #[tokio::test]
    async fn repetitions_behind_nul_are_other_passwords() {
        let passwords = Passwords::new(4);
        let hash = passwords.hash("password").await.unwrap();
        assert!(!passwords.verify("password\0password", Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn without_a_hash_the_work_is_done_and_fails() {
        assert!(bcrypt::verify("x", &dummy(4)).is_ok(), "the dummy must be a hash, or there is no work");
        assert!(!Passwords::new(4).verify("whatever", None).await.unwrap());
    }

    #[test]
    fn weak_and_endless_passwords_are_refused() {
        assert!(Passwords::check("1234567").is_err());
        assert!(Passwords::check("ééééééé").is_err());
        assert!(Passwords::check("12345678").is_ok());
        assert!(Passwords::check(&"x".repeat(1025)).is_err());
    }
}
