//! Who changes their own password or address shows once more who they are: a token that was stolen is not enough to keep
//! an account.

use realnet_core::change::Operation;
use realnet_core::model::Item;
use realnet_core::provider::{RecordKind, Session};
use realnet_core::resource::Context;
use realnet_core::{Error, ErrorKind, Result, Uuid, Violation};
use serde_json::json;

use crate::accounts::Accounts;
use crate::kind::username_of;
use crate::passkeys::has_passkey;
use crate::sessions::from;

/// So many seconds after signing in nothing more is asked for.
const RECENT: i64 = 600;

impl Accounts {
    /// Checks the present password of the caller, or that it has signed in a moment ago. Guesses count as those at signing in do.
    pub(crate) async fn prove_oneself(&self, cx: &Context, own: &Item, current: Option<&str>) -> Result<()> {
        self.check_enrolment(cx, own).await?;
        let Some(current) = current else {
            if self.recent_session(cx).await?.is_some() {
                return Ok(());
            }
            return Err(refused("is required: you have signed in more than ten minutes ago"));
        };
        let attempt = self.attempt(own.org, username_of(own), &from(cx)).await?;
        match self.check(Some(own), current).await {
            Ok(Some(_)) => {
                self.succeeded(attempt).await;
                Ok(())
            }
            Ok(None) => {
                self.failed(attempt, json!({"for": "current_password"})).await;
                Err(refused("is not right"))
            }
            Err(error) => {
                self.broke_off(attempt).await;
                Err(error)
            }
        }
    }

    /// Refuses who still lacks the second factor that is required, to an account that has one: a passkey, whose owner signs in by
    /// it. Else a password that was stolen would be enough to add another, or to take the owner's away. One that does not open the
    /// account does not count: its owner could do nothing but be refused in turn.
    pub(crate) async fn check_enrolment(&self, cx: &Context, own: &Item) -> Result<()> {
        if !cx.caller().awaits_factor() || !has_passkey(&self.services, own).await? {
            return Ok(());
        }
        Err(Error::forbidden(
            "your account has a passkey: sign in by it, or ask an administrator to take it away",
        ))
    }

    /// The same by a code as well, where the account has a second factor, or by having signed in with one a moment ago.
    pub(crate) async fn prove_by_all(
        &self,
        cx: &Context,
        own: &Item,
        [current, code]: [Option<&str>; 2],
    ) -> Result<()> {
        self.prove_oneself(cx, own, current).await?;
        if self.factor_of(own.id).await?.is_none() {
            return Ok(());
        }
        match code {
            Some(code) => self.prove_by_code(cx, own, code).await,
            None if self.recent_session(cx).await?.is_some_and(|session| session.factor) => Ok(()),
            None => Err(Error::invalid(vec![Violation::new(
                "/code",
                "is required: you have not signed in by the second factor within ten minutes",
            )])),
        }
    }

    /// Checks a code of the caller, who is signed in.
    pub(crate) async fn prove_by_code(&self, cx: &Context, own: &Item, code: &str) -> Result<()> {
        let attempt = self.attempt(own.org, username_of(own), &from(cx)).await?;
        self.check_code(attempt, own, code).await.map_err(|error| match error.kind() {
            // It is the code that is refused.
            ErrorKind::Unauthenticated => {
                let detail = error.message().strip_prefix("the code ").unwrap_or("is not right").to_owned();
                Error::invalid(vec![Violation::new("/code", detail)])
            }
            _ => error,
        })
    }

    /// Sees that the session of the caller is open still, as the store has it: callers are remembered for a moment. Asked behind what is
    /// made in it and would go on without it.
    ///
    /// # Errors
    /// Unauthenticated when it has ended.
    pub(crate) async fn check_session(&self, cx: &Context) -> Result<()> {
        let Some(session) = cx.caller().session else { return Ok(()) };
        match self.services.credentials.session(session, cx.now()).await? {
            Some(_) => Ok(()),
            None => Err(Error::new(ErrorKind::Unauthenticated, "the session has ended: sign in again")),
        }
    }

    /// Takes back a way in that was made in a session which is found to have ended, and ends what it has opened in between: whoever
    /// has ended the sessions of an account, because of somebody else who had one, must not find that one signed in again.
    pub(crate) async fn take_back(
        &self,
        cx: &Context,
        (kind, key): (RecordKind, &str),
        (account, org): (Uuid, Uuid),
    ) -> Result<()> {
        self.services.credentials.remove_record(kind, key).await?;
        self.commit_as_system(cx, org, Operation::EndSessions(account)).await
    }

    /// The session of the caller, if it was opened a moment ago.
    async fn recent_session(&self, cx: &Context) -> Result<Option<Session>> {
        let Some(session) = cx.caller().session else { return Ok(None) };
        let now = cx.now();
        let session = self.services.credentials.session(session, now).await?;
        Ok(session.filter(|session| session.created_at.plus_seconds(RECENT) > now))
    }
}

fn refused(detail: &str) -> Error {
    Error::invalid(vec![Violation::new("/current_password", detail)])
}
