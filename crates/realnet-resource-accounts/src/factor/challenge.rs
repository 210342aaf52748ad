//! The second step of signing in: a right password, or a sign-in elsewhere, gives a challenge, and a code that answers it a session.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use realnet_core::acl::Origin;
use realnet_core::clock::Timestamp;
use realnet_core::model::Item;
use realnet_core::provider::{AuthRecord, Credential, Expected, RecordKind};
use realnet_core::resource::{Challenge, SignedIn, Tokens};
use realnet_core::{Error, ErrorKind, Result, Uuid};

use crate::accounts::Accounts;
use crate::attempts::Attempt;
use crate::directory::Directory;
use crate::kind::{is_disabled, username_of};
use crate::sign_in::{Method, Way};
use crate::tokens::{Claims, fingerprint};

/// How long a challenge can be answered.
const LIFE: Duration = Duration::from_mins(5);
/// How many answers it takes, wrong ones included.
const ANSWERS: u32 = 5;
/// The longest text that is looked at.
const MAX_TOKEN: usize = 128;

/// What a challenge stands for.
#[derive(serde::Serialize, serde::Deserialize)]
struct Asked {
    /// The account's epoch: a new password, or an end of all sessions, makes it void.
    epoch: i64,
    /// How many answers it has had.
    answers: u32,
    /// What was proved before.
    #[serde(default)]
    method: Method,
}

impl Accounts {
    /// Goes on behind a right password: opens a session, or asks for the second factor where the account has one.
    pub(crate) async fn behind_password(
        &self,
        attempt: Attempt,
        (account, credential): (&Item, &Credential),
        code: Option<String>,
        origin: &Origin,
    ) -> Result<SignedIn> {
        let claims = Claims {
            account: account.id,
            session: self.services.ids.next_id(),
            org: account.org,
            epoch: credential.epoch,
        };
        let factor = match self.factor_of(account.id).await {
            Ok(factor) => factor,
            Err(error) => {
                self.broke_off(attempt).await;
                return Err(error);
            }
        };
        match (factor, code) {
            (None, _) => {
                self.succeeded(attempt).await;
                self.open(claims, Way { method: Method::Password, factor: false }, origin)
                    .await
                    .map(SignedIn::Tokens)
            }
            (Some(_), Some(code)) => {
                self.check_code(attempt, account, &code).await?;
                self.open(claims, Way { method: Method::Password, factor: true }, origin)
                    .await
                    .map(SignedIn::Tokens)
            }
            (Some(_), None) => {
                // Half of a proof: nothing that has failed before is forgotten for it.
                self.broke_off(attempt).await;
                self.ask(claims, Method::Password).await.map(SignedIn::Challenge)
            }
        }
    }

    /// Goes on behind a proof that was given elsewhere, as behind a right password.
    pub(crate) async fn behind_elsewhere(&self, claims: Claims, origin: &Origin) -> Result<SignedIn> {
        let method = Method::Oidc;
        match self.factor_of(claims.account).await? {
            Some(_) => self.ask(claims, method).await.map(SignedIn::Challenge),
            None => self.open(claims, Way { method, factor: false }, origin).await.map(SignedIn::Tokens),
        }
    }

    async fn ask(&self, claims: Claims, method: Method) -> Result<Challenge> {
        let now = self.services.clock.now();
        let token = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let expires = now.plus_seconds(i64::try_from(LIFE.as_secs()).unwrap_or(i64::MAX));
        let value = written(&Asked { epoch: claims.epoch, answers: 0, method })?;
        let record = AuthRecord::new(RecordKind::Challenge, key(&token), value, now)
            .of(Some(claims.account), Some(claims.org))
            .until(expires);
        if self.services.credentials.put_record(record, Expected::Absent, now).await? {
            Ok(Challenge { token, expires })
        } else {
            Err(Error::internal("a random challenge was there already"))
        }
    }

    /// Opens a session for the answer to a challenge.
    pub(crate) async fn answer_challenge(&self, token: &str, code: &str, origin: &Origin) -> Result<Tokens> {
        let now = self.services.clock.now();
        let (record, asked) = self.counted_answer(token, now).await?;
        let account = self.asked_account(record.account, asked.epoch).await?;
        let attempt = self.attempt(account.org, username_of(&account), origin).await?;
        self.check_code(attempt, &account, code).await?;
        // Of two right answers one opens a session.
        let taken = self.services.credentials.take_record(RecordKind::Challenge, &record.key, now).await?;
        taken.ok_or_else(void)?;
        let session = self.services.ids.next_id();
        let claims = Claims { account: account.id, session, org: account.org, epoch: asked.epoch };
        self.open(claims, Way { method: asked.method, factor: true }, origin).await
    }

    /// The challenge of a token, with this answer counted before it is looked at.
    async fn counted_answer(&self, token: &str, now: Timestamp) -> Result<(AuthRecord, Asked)> {
        if token.len() > MAX_TOKEN {
            return Err(void());
        }
        let records = &self.services.credentials;
        let record = records.record(RecordKind::Challenge, &key(token), now).await?.ok_or_else(void)?;
        let asked: Asked = serde_json::from_slice(&record.value).map_err(|_| void())?;
        if asked.answers >= ANSWERS {
            records.remove_record(RecordKind::Challenge, &record.key).await?;
            return Err(void());
        }
        let asked = Asked { answers: asked.answers + 1, ..asked };
        let value = written(&asked)?;
        let expected = Expected::Version(record.version);
        let counted = AuthRecord { value, ..record };
        if !records.put_record(counted.clone(), expected, now).await? {
            return Err(Error::conflict("the challenge is being answered by another request"));
        }
        Ok((counted, asked))
    }

    /// The account that was asked, if it may sign in still and has the password of then.
    async fn asked_account(&self, account: Option<Uuid>, epoch: i64) -> Result<Item> {
        let id = account.unwrap_or(Uuid::nil());
        let directory = Directory::new(&self.services);
        let account =
            directory.item(id).await?.filter(|item| directory.is(item, "Account") && !is_disabled(item));
        let account = account.ok_or_else(void)?;
        if self.epoch_of(id).await? == epoch { Ok(account) } else { Err(void()) }
    }
}

fn key(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(fingerprint(token))
}

fn written(asked: &Asked) -> Result<Vec<u8>> {
    serde_json::to_vec(asked)
        .map_err(|error| Error::internal("a challenge can not be kept").with_source(error))
}

/// One answer for all that can be wrong with a challenge.
fn void() -> Error {
    Error::new(ErrorKind::Unauthenticated, "the challenge was used, or has expired: sign in again")
}
