//! Who changes their own password or address shows once more who they are: a token that was stolen is not enough to keep
//! an account.

use realnet_core::model::Item;
use realnet_core::resource::Context;
use realnet_core::{Error, Result, Violation};
use serde_json::json;

use crate::accounts::Accounts;
use crate::kind::username_of;
use crate::sessions::from;

/// So many seconds after signing in nothing more is asked for.
const RECENT: i64 = 600;

impl Accounts {
    /// Checks the present password of the caller, or that it has signed in a moment ago. Guesses count as those at signing in do.
    pub(crate) async fn prove_oneself(&self, cx: &Context, own: &Item, current: Option<&str>) -> Result<()> {
        let Some(current) = current else {
            if self.signed_in_recently(cx).await? {
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

    async fn signed_in_recently(&self, cx: &Context) -> Result<bool> {
        let Some(session) = cx.caller().session else { return Ok(false) };
        let now = cx.now();
        let session = self.services.credentials.session(session, now).await?;
        Ok(session.is_some_and(|session| session.created_at.plus_seconds(RECENT) > now))
    }
}

fn refused(detail: &str) -> Error {
    Error::invalid(vec![Violation::new("/current_password", detail)])
}
