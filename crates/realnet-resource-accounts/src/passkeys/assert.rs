//! Signing in by a passkey: nobody says who they are before, the passkey does. Its owner has proved to the device that they are, so it
//! counts for password and second factor.

use std::time::Duration;

use passki::{
    AuthenticationCredential, AuthenticationOptions, AuthenticationState, ClientData, Passki, PasskiError,
    UserVerificationRequirement,
};
use realnet_core::acl::Origin;
use realnet_core::model::Item;
use realnet_core::provider::{AuthRecord, EventKind, Expected, RecordKind};
use realnet_core::resource::{Context, Tokens};
use realnet_core::{Error, ErrorKind, Result, Uuid};
use serde_json::{Value, json};

use super::kept::{Kept, key};
use super::{ASSERTION, LIFE, document, patience, read};
use crate::accounts::Accounts;
use crate::limits::Limited;
use crate::notices::Notice;
use crate::sessions::from;
use crate::sign_in::{Method, Way};
use crate::tokens::Claims;
use crate::under_way::TakenUp;

/// How many sign-ins one network begins, in which time.
const BY_NETWORK: (u32, Duration) = (60, Duration::from_mins(10));
/// How often a passkey is looked at again that another sign-in has changed.
const ATTEMPTS: usize = 10;

/// What an authenticator has proved.
enum Proof {
    /// That it holds the key; the counter is this.
    Right(u32),
    /// The same with a counter that another one has passed: there are two of it.
    Copied,
}

impl Accounts {
    /// Options for a sign-in. They name no passkey: which there are is told to nobody.
    pub(super) async fn passkey_options(&self, cx: &Context) -> Result<Value> {
        let (party, origin) = (self.party()?, from(cx));
        let limited = Limited { what: "passkey", org: Uuid::nil(), account: None, origin: &origin };
        self.limit_network(&limited, BY_NETWORK.0, BY_NETWORK.1).await?;
        let mut options = AuthenticationOptions::default();
        options.timeout = patience();
        options.user_verification = UserVerificationRequirement::Required;
        let (challenge, state) = party
            .start_passkey_authentication(&[], options)
            .map_err(|error| Error::internal("a sign-in can not be begun").with_source(error))?;
        self.keep(ASSERTION, &challenge.challenge, None, &state, LIFE).await?;
        Ok(json!({"publicKey": document(&challenge)?, "expires": cx.now().plus_seconds(LIFE)}))
    }

    /// Opens a session for what the browser has made of them.
    pub(crate) async fn assert_passkey(&self, credential: Value, origin: &Origin) -> Result<Tokens> {
        let credential: AuthenticationCredential = read(credential)?;
        let asked = ClientData::from_base64(&credential.response.client_data_json);
        let asked = asked.map_err(|_| not_right("no client data"))?.challenge;
        // From here on it can not be used again, whatever comes of it.
        let begun: Option<TakenUp<AuthenticationState>> = self.take_up(ASSERTION, &asked).await?;
        let begun = begun.ok_or_else(|| not_right("no such ceremony"))?;
        let party = self.party()?;
        let id = Passki::base64_decode(&credential.raw_id).map_err(|_| not_right("no id"))?;
        let (account, epoch) = match self.proved_by(&party, &key(&id), &credential, &begun).await {
            Ok(proved) => proved,
            Err(Refused { owner, error, reason }) => {
                let (account, org) = owner.map_or((None, Uuid::nil()), |(account, org)| (Some(account), org));
                let detail = json!({"method": "passkey", "reason": reason});
                self.tell(EventKind::SignInFailed, org, account, origin, detail).await;
                return Err(error);
            }
        };
        let claims =
            Claims { account: account.id, session: self.services.ids.next_id(), org: account.org, epoch };
        self.open(claims, Way { method: Method::Passkey, factor: true }, origin).await
    }

    /// The account whose passkey has signed, and its epoch from when the passkey was there still; the passkey has been used then.
    async fn proved_by(
        &self,
        party: &Passki,
        key: &str,
        credential: &AuthenticationCredential,
        begun: &TakenUp<AuthenticationState>,
    ) -> std::result::Result<(Item, i64), Refused> {
        for _ in 0..ATTEMPTS {
            let now = self.services.clock.now();
            let record = self.services.credentials.record(RecordKind::Passkey, key, now).await?;
            let record = record.ok_or_else(|| not_right("unknown"))?;
            let kept = Kept::read(&record)?;
            let (account, org) = owner(&record, credential)?;
            let refused = |error, reason| Refused { owner: Some((account, org)), error, reason };
            let proved = proof(party, credential, &begun.value, &kept);
            // What there is to say of the account is for those who have proved that it is theirs.
            let counter = match proved {
                Ok(Proof::Right(counter)) => counter,
                // Of two that were under way at once, the later one may have come first.
                Ok(Proof::Copied) if kept.used_at.is_some_and(|used| begun.begun_at < used) => {
                    return Err(refused(overtaken(), "overtaken"));
                }
                Ok(Proof::Copied) => {
                    tracing::warn!(%account, "a passkey has turned up twice");
                    if let Ok(Some(item)) = self.standing(org, account).await {
                        self.notify(&item, Notice::PasskeyCopied);
                    }
                    return Err(refused(copied(), "copied"));
                }
                Err(error) => {
                    tracing::info!(%account, %error, "a passkey was refused");
                    return Err(refused(not_right("not proved"), "not proved"));
                }
            };
            let standing = self.standing(org, account).await;
            let item = standing.and_then(|item| item.ok_or_else(|| not_right("no account")));
            let item = item.map_err(|error| refused(error, "account"))?;
            if !kept.opens(&item) {
                return Err(refused(of_before(), "of before the raise"));
            }
            // Read before the use is noted, which fails once the passkey is removed: what ends the sessions behind a removal ends those,
            // too, that were about to be opened by it.
            let epoch = self.epoch_of(account).await?;
            let mut next = Kept { used_at: Some(now), ..kept };
            next.passkey.counter = counter;
            let expected = Expected::Version(record.version);
            let next = AuthRecord { value: next.write()?, ..record };
            if self.services.credentials.put_record(next, expected, now).await? {
                return Ok((item, epoch));
            }
        }
        Err(Error::conflict("the passkey is in use: try again").into())
    }
}

/// The account of a passkey and its org, which the authenticator has to name as well.
fn owner(record: &AuthRecord, credential: &AuthenticationCredential) -> Result<(Uuid, Uuid)> {
    let owner = record.account.zip(record.org).ok_or_else(|| not_right("nobody's"))?;
    match credential.response.user_handle.as_deref().map(Passki::base64_decode) {
        Some(Ok(named)) if named == owner.0.as_bytes() => Ok(owner),
        _ => Err(not_right("of another user")),
    }
}

/// Checks what was signed. A counter that does not rise is a sign of a copy only where the signature is right: else anybody could
/// say so.
fn proof(
    party: &Passki,
    credential: &AuthenticationCredential,
    state: &AuthenticationState,
    kept: &Kept,
) -> std::result::Result<Proof, PasskiError> {
    match party.finish_passkey_authentication(credential, state, &kept.passkey) {
        Ok(proved) => Ok(Proof::Right(proved.counter)),
        Err(PasskiError::CounterRegression) => {
            let mut uncounted = kept.passkey.clone();
            uncounted.counter = 0;
            party.finish_passkey_authentication(credential, state, &uncounted).map(|_| Proof::Copied)
        }
        Err(error) => Err(error),
    }
}

/// Why a sign-in was refused, and whose it would have been.
struct Refused {
    owner: Option<(Uuid, Uuid)>,
    error: Error,
    reason: &'static str,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self { owner: None, error, reason: "refused" }
    }
}

/// One answer for all that can be wrong with a passkey.
fn not_right(reason: &'static str) -> Error {
    let words = "the passkey is not known here, or the sign-in was used or has taken too long: begin again";
    Error::new(ErrorKind::Unauthenticated, words).with_internal(reason)
}

fn of_before() -> Error {
    let words = "this passkey was added before the account became a superuser's: sign in by the password, remove it and add it anew";
    Error::new(ErrorKind::Unauthenticated, words)
}

fn overtaken() -> Error {
    Error::conflict("another sign-in by this passkey was faster: begin again")
}

fn copied() -> Error {
    let words = "this passkey is in use in two places: sign in otherwise, and remove it";
    Error::new(ErrorKind::Unauthenticated, words)
}
