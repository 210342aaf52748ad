//! Which identities elsewhere an account is linked with. An identity belongs to one account of an org.

use realnet_core::provider::{AuthRecord, EventKind, Expected, RecordKind};
use realnet_core::resource::{Context, ListRequest};
use realnet_core::{Error, ErrorKind, Result, Uuid};
use serde_json::{Value, json};

use super::exchange::Identity;
use super::provider::Provider;
use crate::accounts::Accounts;
use crate::kind::is_superuser;
use crate::notices::Notice;
use crate::sessions::{from, signed_in};
use crate::tokens::{fingerprint, hex};

/// The most identities that an account is linked with.
const MAX_LINKS: usize = 20;

/// What is kept of a link.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Link {
    pub(super) account: Uuid,
    pub(super) provider: Uuid,
    pub(super) issuer: String,
    pub(super) email: Option<String>,
    /// Whether the account was a superuser's when it was linked. Those of before this was noted do not say.
    #[serde(default)]
    pub(super) as_superuser: Option<bool>,
}

impl Link {
    pub(super) fn read(record: &AuthRecord) -> Result<Self> {
        serde_json::from_slice(&record.value)
            .map_err(|error| Error::internal("a link can not be read").with_source(error))
    }
}

fn too_many() -> Error {
    Error::conflict(format!("an account is linked with {MAX_LINKS} identities at most"))
}

/// The name of a link: an identity is its issuer and its subject there, in an org.
pub(super) fn key(org: Uuid, identity: &Identity) -> String {
    // A subject has no control characters, so nothing can stand for another pair.
    format!("{org}:{}", hex(&fingerprint(&format!("{}\0{}", identity.issuer, identity.subject))))
}

impl Accounts {
    /// Links an identity with an account; answers the account that it is linked with.
    pub(super) async fn make_link(
        &self,
        provider: &Provider,
        identity: &Identity,
        (account, as_superuser): (Uuid, bool),
        expected: Expected,
    ) -> Result<Uuid> {
        let link = Link {
            account,
            as_superuser: Some(as_superuser),
            provider: provider.id,
            issuer: identity.issuer.clone(),
            email: identity.email.clone(),
        };
        let value = serde_json::to_vec(&link)
            .map_err(|error| Error::internal("a link can not be kept").with_source(error))?;
        let (now, key) = (self.services.clock.now(), key(provider.org, identity));
        let record =
            AuthRecord::new(RecordKind::Link, key.clone(), value, now).of(Some(account), Some(provider.org));
        if self.services.credentials.put_record(record, expected, now).await? {
            return Ok(account);
        }
        // Somebody else was a moment earlier.
        let record = self.services.credentials.record(RecordKind::Link, &key, now).await?;
        let record = record.ok_or_else(|| Error::conflict("the link has changed meanwhile: begin again"))?;
        Ok(Link::read(&record)?.account)
    }

    /// Sees that an identity is linked with an account still.
    pub(super) async fn check_link(
        &self,
        provider: &Provider,
        identity: &Identity,
        account: Uuid,
    ) -> Result<()> {
        let (now, key) = (self.services.clock.now(), key(provider.org, identity));
        let record = self.services.credentials.record(RecordKind::Link, &key, now).await?;
        match record.as_ref().map(Link::read).transpose()? {
            Some(link) if link.account == account => Ok(()),
            _ => Err(Error::conflict("the link has changed meanwhile: begin again")),
        }
    }

    /// Links the identity that somebody has proved with the account that they have left from.
    pub(super) async fn link(
        &self,
        cx: &Context,
        provider: &Provider,
        identity: &Identity,
        account: Uuid,
        session: Uuid,
    ) -> Result<()> {
        let ended =
            || Error::new(ErrorKind::Unauthenticated, "you have been signed out meanwhile: sign in again");
        let open = self.services.credentials.session(session, cx.now()).await?;
        if open.is_none_or(|open| open.account != account) {
            return Err(ended());
        }
        let item = self.standing(provider.org, account).await?.ok_or_else(ended)?;
        let of = (account, is_superuser(&item));
        if self.make_link(provider, identity, of, Expected::Absent).await? != account {
            return Err(Error::conflict("this identity is linked with another account"));
        }
        // Asked again: several may have been begun together, and the session may have ended meanwhile.
        let is_open = self.services.credentials.session(session, cx.now()).await;
        let is_open = is_open.map(|open| open.is_some());
        let link = key(provider.org, identity);
        if !matches!(is_open, Ok(true)) {
            self.take_back(cx, (RecordKind::Link, &link), (account, provider.org)).await?;
            return Err(is_open.map_or_else(|error| error, |_| ended()));
        }
        if self.is_linked_out(account, MAX_LINKS + 1).await? {
            self.services.credentials.remove_record(RecordKind::Link, &link).await?;
            return Err(too_many());
        }
        let detail = json!({"provider": provider.id, "issuer": identity.issuer});
        let origin = from(cx).with_token(Some(session));
        self.tell(EventKind::Linked, provider.org, Some(account), &origin, detail).await;
        self.notify(&item, Notice::Linked);
        Ok(())
    }

    /// Refuses one identity more than an account is linked with at most.
    pub(super) async fn check_links(&self, account: Uuid) -> Result<()> {
        if self.is_linked_out(account, MAX_LINKS).await? { Err(too_many()) } else { Ok(()) }
    }

    /// Whether an account is linked with so many identities.
    async fn is_linked_out(&self, account: Uuid, count: usize) -> Result<bool> {
        let now = self.services.clock.now();
        Ok(self.services.credentials.records_of(account, RecordKind::Link, now).await?.len() >= count)
    }

    /// The identities of the caller, or of the account that an administrator names.
    pub(crate) async fn list_links(&self, cx: &Context, parameters: &ListRequest) -> Result<Value> {
        let account = self.meant(cx.caller(), parameters).await?;
        let records = self.services.credentials.records_of(account, RecordKind::Link, cx.now()).await?;
        let mut links = Vec::with_capacity(records.len());
        for record in &records {
            let Link { provider, issuer, email, .. } = Link::read(record)?;
            let id = record.key.rsplit(':').next();
            links.push(json!({
                "id": id, "provider": provider, "issuer": issuer, "email": email, "created_at": record.created_at,
            }));
        }
        Ok(links.into())
    }

    /// Removes a link of the caller, unless it is the only way in.
    pub(crate) async fn unlink(&self, cx: &Context, id: &str) -> Result<()> {
        let account = signed_in(cx.caller())?;
        let records = self.services.credentials.records_of(account, RecordKind::Link, cx.now()).await?;
        let found = records.into_iter().find(|record| record.key.rsplit(':').next() == Some(id));
        let record = found.ok_or_else(|| Error::not_found(format_args!("link {id}")))?;
        let link = Link::read(&record)?;
        self.remove_way(record, account).await?;
        let detail = json!({"provider": link.provider, "issuer": link.issuer});
        self.tell(EventKind::Unlinked, cx.caller().org, Some(account), &from(cx), detail).await;
        Ok(())
    }
}
