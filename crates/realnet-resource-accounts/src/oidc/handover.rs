//! The session of a sign-in elsewhere: opened for the browser at once, or fetched by the program that began it.

use realnet_core::acl::Origin;
use realnet_core::model::Item;
use realnet_core::resource::SignedIn;
use realnet_core::{Error, ErrorKind, Result, Uuid, Violation};

use super::login::{CODE, Handover, random};
use super::provider::Provider;
use crate::accounts::Accounts;
use crate::directory::Directory;
use crate::kind::is_disabled;
use crate::tokens::{Claims, hash};

/// How long a code waits for its program, in seconds.
const LIFE: i64 = 60;
/// The longest verifier (RFC 7636, section 4.1).
const MAX_VERIFIER: usize = 128;

impl Accounts {
    /// A code by which the program that knows the verifier of `challenge` gets a session of this epoch, once.
    pub(super) async fn hand_over(
        &self,
        provider: &Provider,
        (account, epoch): (&Item, i64),
        challenge: &str,
    ) -> Result<String> {
        let code = random();
        let handover = Handover {
            account: account.id,
            org: account.org,
            epoch,
            provider: provider.id,
            challenge: challenge.to_owned(),
        };
        self.keep(CODE, &code, Some(account.org), &handover, LIFE).await?;
        Ok(code)
    }

    /// Gives the session for a code.
    pub(crate) async fn fetch_session(
        &self,
        code: &str,
        verifier: &str,
        origin: &Origin,
    ) -> Result<SignedIn> {
        let not_good =
            || Error::invalid(vec![Violation::new("/code", "is not valid, was used, or has expired")]);
        let handover: Handover = self.take_up(CODE, code).await?.ok_or_else(not_good)?.value;
        // Who has seen the code only, does not know what the program began with.
        if verifier.len() > MAX_VERIFIER || hash(verifier) != handover.challenge {
            return Err(not_good());
        }
        let account = Directory::new(&self.services).item(handover.account).await?;
        let account = account.filter(|account| account.org == handover.org && !is_disabled(account));
        let account = account.ok_or_else(not_good)?;
        // Whatever ends the sessions of the account from here on ends this one as well: it is opened as of the code's epoch.
        if self.epoch_of(account.id).await? != handover.epoch {
            return Err(not_good());
        }
        // One that is not in use any more opens nothing, whatever it has proved a moment ago.
        self.provider(handover.provider).await.map_err(|error| match error.kind() {
            ErrorKind::NotFound => not_good(),
            _ => error,
        })?;
        self.open_elsewhere((&account, handover.epoch), handover.provider, origin).await
    }

    /// Opens a session of who was proved by a provider, or asks for the second factor where the account has one. The epoch is that
    /// of the account from when the link was there still.
    pub(super) async fn open_elsewhere(
        &self,
        (account, epoch): (&Item, i64),
        provider: Uuid,
        origin: &Origin,
    ) -> Result<SignedIn> {
        tracing::debug!(account = %account.id, %provider, "signed in elsewhere");
        let session = self.services.ids.next_id();
        self.behind_elsewhere(Claims { account: account.id, session, org: account.org, epoch }, origin).await
    }
}
