//! Whether a code is right, once; and how often somebody may try one.

use std::time::Duration;

use realnet_core::acl::Origin;
use realnet_core::model::Item;
use realnet_core::provider::{AuthRecord, EventKind, Expected};
use realnet_core::{Error, ErrorKind, Result, Uuid, Violation};
use serde_json::json;

use super::kept::Factor;
use super::totp::{Verdict, is_code, judged};
use crate::accounts::Accounts;
use crate::attempts::Attempt;
use crate::kind::username_of;

/// What is said of a code that is not right.
const WRONG: &str = "the code is not right";
/// What is said of one that would be right again: it opens nothing, and who gives it has proved the rest before.
const SPENT: &str = "the code is not right any more, since it or a later one was used: wait for the next one";

/// How often a code is looked at again when another was accepted at the same moment.
const ATTEMPTS: usize = 10;
/// So many wrong codes of an account in so long, whatever is set for passwords, and whatever else somebody can prove: a right
/// password gives no more of them.
const LIMITS: [(u32, Duration); 3] =
    [(10, Duration::from_mins(15)), (30, Duration::from_hours(6)), (100, Duration::from_hours(7 * 24))];

/// What has become of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Taken,
    Spent,
    Refused,
}

impl Accounts {
    /// Ends an attempt by a code: of the authenticator, or a recovery code.
    ///
    /// # Errors
    /// Unauthenticated when the code is not right; rate-limited after too many of those.
    pub(crate) async fn check_code(&self, mut attempt: Attempt, account: &Item, code: &str) -> Result<()> {
        let checked = async {
            // Nobody finds a recovery code by trying, and whoever tries those of the app keeps nobody from using one.
            if is_code(code.trim()) {
                self.draw_codes(&mut attempt, account.id).await?;
            }
            self.is_right(account, code.trim(), &attempt).await
        };
        match checked.await {
            Ok(Use::Taken) => {
                self.succeeded(attempt).await;
                Ok(())
            }
            Ok(used) => {
                self.failed_as(EventKind::FactorFailed, attempt, json!({"for": "code"})).await;
                let words = if used == Use::Spent { SPENT } else { WRONG };
                Err(Error::new(ErrorKind::Unauthenticated, words))
            }
            Err(error) => {
                self.broke_off(attempt).await;
                Err(error)
            }
        }
    }

    /// Checks the first code of a factor that is not on yet; answers its step. Wrong ones count like all others: whoever has got
    /// hold of a session while its owner turns a factor on would try them all.
    ///
    /// # Errors
    /// Invalid at `/code`; rate-limited.
    pub(super) async fn check_first_code(
        &self,
        origin: &Origin,
        own: &Item,
        factor: &Factor,
        code: &str,
    ) -> Result<i64> {
        let mut attempt = self.attempt(own.org, username_of(own), origin).await?;
        if let Err(error) = self.draw_codes(&mut attempt, own.id).await {
            self.broke_off(attempt).await;
            return Err(error);
        }
        // Nothing has used a code of a new secret up.
        let now = self.services.clock.now();
        let Verdict::Right(step) = judged(&factor.secret, code.trim(), now, factor.step) else {
            self.failed_as(EventKind::FactorFailed, attempt, json!({"for": "first code"})).await;
            return Err(Error::invalid(vec![Violation::new("/code", "is not right")]));
        };
        // It proves that the authenticator works and no password: what has failed before still counts.
        self.broke_off(attempt).await;
        Ok(step)
    }

    /// Counts a code before it is looked at.
    async fn draw_codes(&self, attempt: &mut Attempt, account: Uuid) -> Result<()> {
        for (capacity, per) in LIMITS {
            self.draw_more(attempt, bucket(account, capacity), capacity, per).await?;
        }
        Ok(())
    }

    /// Forgets the wrong codes of an account.
    pub(crate) async fn forget_codes(&self, account: Uuid) -> Result<()> {
        for (capacity, _) in LIMITS {
            self.services.credentials.forget(&bucket(account, capacity)).await?;
        }
        Ok(())
    }

    async fn is_right(&self, account: &Item, code: &str, attempt: &Attempt) -> Result<Use> {
        if is_code(code) {
            return self.use_code(account.id, code).await;
        }
        let is_right = self.use_recovery(account.id, code).await?;
        if is_right {
            let left = self.recovery_left(account.id).await?;
            let detail = json!({"left": left});
            self.tell(EventKind::RecoveryUsed, account.org, Some(account.id), attempt.origin(), detail).await;
        }
        Ok(if is_right { Use::Taken } else { Use::Refused })
    }

    /// Uses a code of the authenticator up: the step that it belongs to is kept, and of two who give the same, one succeeds.
    async fn use_code(&self, account: Uuid, code: &str) -> Result<Use> {
        for _ in 0..ATTEMPTS {
            let Some(record) = self.factor_of(account).await? else { return Ok(Use::Refused) };
            let factor = Factor::read(&self.services.secrets, account, &record)?;
            let now = self.services.clock.now();
            let step = match judged(&factor.secret, code, now, factor.step) {
                Verdict::Right(step) => step,
                Verdict::Spent => return Ok(Use::Spent),
                Verdict::Wrong => return Ok(Use::Refused),
            };
            let value = Factor { step, ..factor }.write(&self.services.secrets, account)?;
            let expected = Expected::Version(record.version);
            let next = AuthRecord { value, ..record };
            if self.services.credentials.put_record(next, expected, now).await? {
                return Ok(Use::Taken);
            }
        }
        Err(Error::conflict("the second factor is in use: try again"))
    }
}

fn bucket(account: Uuid, capacity: u32) -> String {
    format!("sign-in:code:{account}:{capacity}")
}
