//! The secret of a client: made and replaced by administrators, shown once, kept as a hash.

use realnet_core::acl::OrgRole;
use realnet_core::model::Item;
use realnet_core::provider::{AuthRecord, EventKind, Expected, RecordKind};
use realnet_core::resource::Context;
use realnet_core::{Error, Result, Uuid};
use serde_json::{Value, json};

use super::scopes::scope_of;
use crate::accounts::Accounts;
use crate::directory::Directory;
use crate::keys::{Kept, KeptRule, KeyText};
use crate::sessions::{from, signed_in};

/// What every secret of a client begins with.
pub(super) const PREFIX: &str = "rns_";

impl Accounts {
    /// Makes the secret of a client; the one before and the tokens that were given for it count no more.
    pub(crate) async fn make_secret(&self, cx: &Context, id: Uuid) -> Result<Value> {
        let client = self.client_to_manage(cx, id).await?;
        self.check_session(cx).await?;
        if account_of(&client).is_none() {
            let words = "the client names no account to act as, so no secret would be right: \
                set `account` of its item first";
            return Err(Error::conflict(words));
        }
        let (secret, now) = (KeyText::new(id), cx.now());
        let scope = scope_of(cx.registry(), &client);
        let kept = Kept {
            name: client.name.clone(),
            hash: secret.hash(),
            scopes: scope.rules().iter().map(KeptRule::from).collect(),
            by: cx.caller().account,
            by_superuser: cx.caller().has_role(OrgRole::Superuser),
            acts_as: account_of(&client),
            used_at: None,
            used_from: None,
        };
        // It belongs to the client's item, and goes with it.
        let record = AuthRecord::new(RecordKind::Key, id.to_string(), kept.value()?, now)
            .of(Some(id), Some(client.org));
        self.services.credentials.put_record(record, Expected::Any, now).await?;
        self.clients.clear();
        // Asked again behind it: the session may have ended meanwhile. The secret of before has gone by now, so the client has none.
        if let Err(error) = self.check_session(cx).await {
            self.services.credentials.remove_record(RecordKind::Key, &id.to_string()).await?;
            self.clients.clear();
            return Err(error);
        }
        let detail = json!({"by": cx.caller().account, "client": id});
        self.tell(EventKind::KeyMade, client.org, account_of(&client), &from(cx), detail).await;
        Ok(json!({"client_id": id, "client_secret": secret.text(PREFIX), "created_at": now}))
    }

    /// Takes the secret of a client away: it can not sign in any more.
    pub(crate) async fn end_secret(&self, cx: &Context, id: Uuid) -> Result<()> {
        let client = self.client_to_manage(cx, id).await?;
        let had = self.services.credentials.remove_record(RecordKind::Key, &id.to_string()).await?;
        self.clients.clear();
        if had {
            let detail = json!({"by": cx.caller().account, "client": id});
            self.tell(EventKind::KeyEnded, client.org, account_of(&client), &from(cx), detail).await;
        }
        Ok(())
    }

    /// A client whose secret the caller may make.
    async fn client_to_manage(&self, cx: &Context, id: Uuid) -> Result<Item> {
        let caller = cx.caller();
        signed_in(caller)?;
        let directory = Directory::new(&self.services);
        let client = cx.services.items.get(&cx.access, id).await?;
        let client = client.filter(|client| directory.is(client, "Client"));
        let client = client.ok_or_else(|| Error::not_found(format_args!("client {id}")))?;
        if caller.key.is_some() {
            return Err(Error::forbidden("not by a key: sign in for this"));
        }
        if !(caller.is_superuser() || (caller.is_admin() && caller.is_member_of(client.org))) {
            return Err(Error::forbidden("only administrators make secrets of clients"));
        }
        Ok(client)
    }
}

/// The account as which a client acts.
pub(super) fn account_of(client: &Item) -> Option<Uuid> {
    client.attributes.get("account").and_then(Value::as_str).and_then(|text| Uuid::parse_str(text).ok())
}
