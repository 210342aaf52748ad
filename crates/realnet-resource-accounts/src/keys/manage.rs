//! Making keys, looking at them and ending them: one's own, and for administrators those of the accounts of their org.

use realnet_core::acl::{Caller, OrgRole};
use realnet_core::clock::Timestamp;
use realnet_core::provider::{AuthRecord, EventKind, Expected, RecordKind};
use realnet_core::resource::{Context, ListRequest, Verb};
use realnet_core::{Error, ErrorKind, Result, Uuid, Violation};
use serde_json::{Value, json};

use super::asked::Asked;
use super::kept::Kept;
use super::text::{KeyText, PREFIX};
use crate::accounts::Accounts;
use crate::sessions::{from, signed_in};

/// The most keys of an account.
const MAX_KEYS: usize = 100;

impl Accounts {
    /// The keys of the caller, or of the account that an administrator names.
    pub(crate) async fn list_keys(&self, cx: &Context, parameters: &ListRequest) -> Result<Value> {
        let account = self.meant(cx.caller(), parameters).await?;
        let records = self.services.credentials.records_of(account, RecordKind::Key, cx.now()).await?;
        let shown = |record: &AuthRecord| Ok(Kept::read(record)?.shown(record, cx.registry()));
        records.iter().map(shown).collect()
    }

    /// One key.
    pub(crate) async fn show_key(&self, cx: &Context, id: Uuid) -> Result<Value> {
        let (record, _) = self.key_of(cx, id).await?;
        Ok(Kept::read(&record)?.shown(&record, cx.registry()))
    }

    /// Makes a key. What is answered is the only time that it is seen.
    pub(crate) async fn make_key(&self, cx: &Context, body: Value) -> Result<Value> {
        let own = signed_in(cx.caller())?;
        let asked = Asked::parse(body)?;
        let account = asked.account.unwrap_or(own);
        let org = self.may_manage(cx.caller(), account).await?;
        let scopes = asked.rules(cx.registry(), org)?;
        let expires = self.expiry(asked.expires, cx.now())?;
        let key = KeyText::new(self.services.ids.next_id());
        let kept = Kept {
            name: asked.name,
            hash: key.hash(),
            scopes,
            by: Some(own),
            by_superuser: cx.caller().has_role(OrgRole::Superuser),
            acts_as: None,
            used_at: None,
            used_from: None,
        };
        let mut record = AuthRecord::new(RecordKind::Key, key.id.to_string(), kept.value()?, cx.now())
            .of(Some(account), Some(org));
        record.expires_at = expires;
        self.keep_key(record.clone(), account).await?;
        if let Err(error) = self.check_session(cx).await {
            self.services.credentials.remove_record(RecordKind::Key, &record.key).await?;
            return Err(error);
        }
        let detail = json!({"by": own, "key": key.id, "name": kept.name});
        self.tell(EventKind::KeyMade, org, Some(account), &from(cx), detail).await;
        let mut shown = kept.shown(&record, cx.registry());
        shown["key"] = key.text(PREFIX).into();
        Ok(shown)
    }

    /// Keeps a new key, if its account has room for one more. Those of one account wait for each other.
    async fn keep_key(&self, record: AuthRecord, account: Uuid) -> Result<()> {
        let _one = self.gates.pass(("keys", account), 1).await?;
        let now = record.created_at;
        let held = self.services.credentials.records_of(account, RecordKind::Key, now).await?;
        if held.len() >= MAX_KEYS {
            let message =
                format!("the account has {MAX_KEYS} keys already: end those that are not used any more");
            return Err(Error::conflict(message));
        }
        if self.services.credentials.put_record(record, Expected::Absent, now).await? {
            Ok(())
        } else {
            Err(Error::internal("the id of a new key was there already"))
        }
    }

    /// When a new key ends.
    fn expiry(&self, asked: Option<Timestamp>, now: Timestamp) -> Result<Option<Timestamp>> {
        let refused = |detail: String| Error::invalid(vec![Violation::new("/expires", detail)]);
        if asked.is_some_and(|end| end <= now) {
            return Err(refused("is over already".to_owned()));
        }
        let Some(days) = self.config.key_days else { return Ok(asked) };
        let last = now.plus_seconds(i64::from(days) * 86_400);
        match asked {
            Some(end) if end > last => Err(refused(format!("keys last {days} days at most"))),
            asked => Ok(asked.or(Some(last))),
        }
    }

    /// Ends a key at once.
    pub(crate) async fn end_key(&self, cx: &Context, id: Uuid) -> Result<()> {
        let (record, org) = self.key_of(cx, id).await?;
        self.services.credentials.remove_record(RecordKind::Key, &record.key).await?;
        self.keys.forget(id);
        let name = Kept::read(&record).map(|kept| kept.name).unwrap_or_default();
        let detail = json!({"by": cx.caller().account, "key": id, "name": name});
        self.tell(EventKind::KeyEnded, org, record.account, &from(cx), detail).await;
        Ok(())
    }

    /// A key that the caller may see and end, with the org of its account. Others do not exist.
    async fn key_of(&self, cx: &Context, id: Uuid) -> Result<(AuthRecord, Uuid)> {
        signed_in(cx.caller())?;
        let not_there = || Error::not_found(format_args!("key {id}"));
        let record = self.services.credentials.record(RecordKind::Key, &id.to_string(), cx.now()).await?;
        let record = record.ok_or_else(not_there)?;
        let account = record.account.ok_or_else(not_there)?;
        let org = self
            .may_manage(cx.caller(), account)
            .await
            .map_err(|error| if error.kind() == ErrorKind::NotFound { not_there() } else { error })?;
        Ok((record, org))
    }
}

/// Whether somebody who calls by a key may do this. What makes, proves and ends who one is takes more than a key, whatever is
/// added; a key may always look at itself and end itself.
pub(crate) fn may_call(caller: &Caller, verb: Verb, path: &[&str]) -> Result<()> {
    if caller.awaits_factor() {
        return turns_one_on(path);
    }
    let Some(key) = caller.key else { return Ok(()) };
    let is_itself = |id: &str| Uuid::parse_str(id) == Ok(key);
    match (verb, path) {
        (_, ["explain" | "providers"] | ["password-reset", ..] | ["verify-email", "confirm"]) => Ok(()),
        (Verb::Get | Verb::Delete, ["keys", id]) if is_itself(id) => Ok(()),
        (_, ["audit" | "unlock"]) | (Verb::Get | Verb::Delete, ["keys", ..]) if !caller.is_limited() => {
            Ok(())
        }
        (_, ["audit" | "unlock"]) | (Verb::Get | Verb::Delete, ["keys", ..]) => Err(Error::forbidden(
            "outside of the key's scope: this takes a key with all permissions on everything (*)",
        )),
        _ => Err(Error::forbidden("not by a key: sign in for this")),
    }
}

/// What is left to who has signed in without the second factor that the org requires: turning one on, and looking after one's sessions.
fn turns_one_on(path: &[&str]) -> Result<()> {
    match path {
        ["totp" | "passkeys" | "sessions", ..] => Ok(()),
        _ => Err(Error::forbidden("your org requires a second factor: turn one on, and sign in by it")),
    }
}
