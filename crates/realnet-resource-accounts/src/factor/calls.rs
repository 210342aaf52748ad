//! Turning the second factor on and off: one's own, and for administrators that of who has lost it.

use std::time::Duration;

use realnet_core::change::Operation;
use realnet_core::model::Item;
use realnet_core::provider::{AuthRecord, EventKind, Expected, RecordKind};
use realnet_core::resource::{Context, ListRequest, Verb, texts};
use realnet_core::{Error, Result, Uuid, Violation};
use serde_json::{Value, json};

use super::kept::{Factor, key, pending_key};
use super::recovery::CODES;
use super::totp;
use crate::accounts::Accounts;
use crate::directory::Directory;
use crate::kind::username_of;
use crate::notices::Notice;
use crate::sessions::{from, signed_in};

/// How long a new secret waits for its first code.
const LIFE: Duration = Duration::from_mins(10);
/// Who gives out codes, unless the public address of the application says it better.
const ISSUER: &str = "RealNet";

impl Accounts {
    /// What there is below `/api/auth/totp`.
    pub(crate) async fn factor_call(
        &self,
        cx: &Context,
        verb: Verb,
        path: &[&str],
        body: Value,
        parameters: &ListRequest,
    ) -> Result<Value> {
        // All but the codes may be absent, and with them the body.
        let body = if body.is_null() { json!({}) } else { body };
        if verb != Verb::Delete
            && let Some((name, _)) = parameters.parameters.first()
        {
            return Err(Error::malformed_at(name.clone(), "not a parameter here"));
        }
        match (verb, path) {
            (Verb::Get, []) => self.show_factor(cx).await,
            (Verb::Post, []) => {
                let [current] = texts(body, ["current_password"], 0)?;
                self.begin_factor(cx, current.as_deref()).await
            }
            (Verb::Post, ["confirm"]) => {
                let [code] = texts(body, ["code"], 1)?;
                self.confirm_factor(cx, &code.unwrap_or_default()).await
            }
            (Verb::Post, ["recovery"]) => {
                self.renew_recovery(cx, texts(body, ["current_password", "code"], 0)?).await
            }
            (Verb::Delete, []) => {
                self.remove_factor(cx, parameters, texts(body, ["current_password", "code"], 0)?).await?;
                Ok(Value::Null)
            }
            _ => Err(Error::not_found(format_args!("/auth/totp/{}", path.join("/")))),
        }
    }

    /// Whether the caller has a factor, since when, and how many recovery codes are left.
    async fn show_factor(&self, cx: &Context) -> Result<Value> {
        let own = signed_in(cx.caller())?;
        Ok(match self.factor_of(own).await? {
            None => json!({"enabled": false}),
            Some(record) => json!({
                "enabled": true,
                "since": record.created_at,
                "recovery_codes": self.recovery_left(own).await?,
            }),
        })
    }

    /// A new secret for the caller's authenticator. Nothing is asked for it before a code has confirmed it.
    async fn begin_factor(&self, cx: &Context, current: Option<&str>) -> Result<Value> {
        let own = self.own_account(cx).await?;
        self.prove_oneself(cx, &own, current).await?;
        if self.factor_of(own.id).await?.is_some() {
            return Err(there_already());
        }
        let secret = rand::random::<[u8; totp::SECRET]>().to_vec();
        let now = cx.now();
        let expires = now.plus_seconds(i64::try_from(LIFE.as_secs()).unwrap_or(i64::MAX));
        let uri = totp::uri(&secret, &self.issuer(), username_of(&own));
        let shown = totp::base32(&secret);
        let begun = Factor { secret, step: 0, session: cx.caller().session, codes: None };
        let value = begun.write(&self.services.secrets, own.id)?;
        let record = AuthRecord::new(RecordKind::Factor, pending_key(own.id), value, now)
            .of(Some(own.id), Some(own.org))
            .until(expires);
        self.services.credentials.put_record(record, Expected::Any, now).await?;
        Ok(json!({"secret": shown, "uri": uri, "expires": expires}))
    }

    /// Turns the factor on by a first code; answers the recovery codes, which are not shown again.
    async fn confirm_factor(&self, cx: &Context, code: &str) -> Result<Value> {
        let own = self.own_account(cx).await?;
        self.check_enrolment(cx, &own).await?;
        let (records, now) = (&self.services.credentials, cx.now());
        let factor = self.begun_factor(cx, own.id).await?;
        if self.factor_of(own.id).await?.is_some() {
            return Err(there_already());
        }
        let step = self.check_first_code(&from(cx), &own, &factor, code).await?;
        let (set, codes) = self.make_recovery(own.id, own.org).await?;
        let on = Factor { step, session: None, codes: Some(set), ..factor };
        let value = on.write(&self.services.secrets, own.id)?;
        let record =
            AuthRecord::new(RecordKind::Factor, key(own.id), value, now).of(Some(own.id), Some(own.org));
        if !records.put_record(record, Expected::Absent, now).await? {
            self.drop_set(own.id, Some(set)).await;
            return Err(there_already());
        }
        if let Err(error) = self.check_session(cx).await {
            self.drop_factor(own.id).await?;
            self.commit_as_system(cx, own.org, Operation::EndSessions(own.id)).await?;
            return Err(error);
        }
        records.remove_record(RecordKind::Factor, &pending_key(own.id)).await?;
        let detail = json!({"kind": "totp"});
        self.tell(EventKind::FactorAdded, own.org, Some(own.id), &from(cx), detail).await;
        self.notify(&own, Notice::FactorOn);
        Ok(json!({"recovery_codes": codes}))
    }

    /// The factor that waits for its first code, for the session that has begun it: whoever has another one of the account was not
    /// shown the secret.
    async fn begun_factor(&self, cx: &Context, own: Uuid) -> Result<Factor> {
        let pending =
            self.services.credentials.record(RecordKind::Factor, &pending_key(own), cx.now()).await?;
        let factor =
            pending.map(|pending| Factor::read(&self.services.secrets, own, &pending)).transpose()?;
        factor.filter(|factor| factor.session == cx.caller().session).ok_or_else(|| {
            Error::conflict(
                "there is nothing to confirm: POST /api/auth/totp begins, and has to be confirmed in time and in the same session",
            )
        })
    }

    /// Turns a factor off: the caller's own, by password and code, or whatever an account has that an administrator names.
    async fn remove_factor(
        &self,
        cx: &Context,
        parameters: &ListRequest,
        [current, code]: [Option<String>; 2],
    ) -> Result<()> {
        let named = named(parameters)?.filter(|account| cx.caller().account != Some(*account));
        let account = match named {
            Some(account) => self.others_factor(cx, account).await?,
            None => self.proved_twice(cx, [current, code]).await?,
        };
        let passkeys = self.services.credentials.records_of(account.id, RecordKind::Passkey, cx.now());
        if self.factor_of(account.id).await?.is_none() && passkeys.await?.is_empty() {
            return Err(Error::conflict("the account has no second factor"));
        }
        if named.is_some() {
            // Whoever has found the device may be signed in with it, and about to add another factor: what is confirmed behind the end of
            // its session goes away by itself (see `check_session`), what was confirmed before is dropped here. Until it was dropped it
            // may have opened another session, which ends behind it.
            self.commit_as_system(cx, account.org, Operation::EndSessions(account.id)).await?;
            self.drop_lost_factors(account.id).await?;
            self.commit_as_system(cx, account.org, Operation::EndSessions(account.id)).await?;
        } else {
            self.drop_factor(account.id).await?;
        }
        self.forget_codes(account.id).await?;
        let detail = json!({"by": cx.caller().account});
        self.tell(EventKind::FactorRemoved, account.org, Some(account.id), &from(cx), detail).await;
        self.notify(&account, Notice::FactorOff);
        Ok(())
    }

    /// New recovery codes in the place of the caller's.
    async fn renew_recovery(&self, cx: &Context, proofs: [Option<String>; 2]) -> Result<Value> {
        let own = self.proved_twice(cx, proofs).await?;
        let codes = self.replace_recovery(&own).await?;
        let detail = json!({"codes": CODES});
        self.tell(EventKind::RecoveryMade, own.org, Some(own.id), &from(cx), detail).await;
        Ok(json!({"recovery_codes": codes}))
    }

    pub(crate) async fn own_account(&self, cx: &Context) -> Result<Item> {
        let own = signed_in(cx.caller())?;
        let found = Directory::new(&self.services).item(own).await?;
        found.ok_or_else(|| Error::not_found(format_args!("account {own}")))
    }

    /// The account of the caller, who has given its password and a code: however lately it has signed in.
    async fn proved_twice(&self, cx: &Context, [current, code]: [Option<String>; 2]) -> Result<Item> {
        let own = self.own_account(cx).await?;
        if self.factor_of(own.id).await?.is_none() {
            return Err(Error::conflict("the account has no second factor"));
        }
        let missing = |name: &str| Violation::new(format!("/{name}"), "is required");
        let (Some(current), Some(code)) = (&current, &code) else {
            let given = [("current_password", current.is_some()), ("code", code.is_some())];
            let missing = given.iter().filter(|(_, given)| !given).map(|(name, _)| missing(name));
            return Err(Error::invalid(missing.collect()));
        };
        self.prove_oneself(cx, &own, Some(current)).await?;
        self.prove_by_code(cx, &own, code).await?;
        Ok(own)
    }

    /// An account whose factor the caller may take away: administrators that of their members, never of a superuser.
    async fn others_factor(&self, cx: &Context, account: Uuid) -> Result<Item> {
        signed_in(cx.caller())?;
        self.may_manage(cx.caller(), account).await?;
        let found = Directory::new(&self.services).item(account).await?;
        found.ok_or_else(|| Error::not_found(format_args!("account {account}")))
    }

    fn issuer(&self) -> String {
        let host = self.config.mail.public_url.as_ref().and_then(|url| url.host_str());
        host.unwrap_or(ISSUER).to_owned()
    }
}

fn named(parameters: &ListRequest) -> Result<Option<Uuid>> {
    let mut account = None;
    for (name, value) in &parameters.parameters {
        if name != "account" {
            return Err(Error::malformed_at(name.clone(), "not a parameter here"));
        }
        let id = Uuid::parse_str(value);
        account = Some(id.map_err(|_| Error::malformed_at("account", "expected the id of an account"))?);
    }
    Ok(account)
}

fn there_already() -> Error {
    Error::conflict("the account has a second factor already: turn it off first")
}
