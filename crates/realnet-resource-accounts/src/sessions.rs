//! Looking at sessions and ending them: one's own, and for administrators those of the accounts of their org.

use realnet_core::acl::{Caller, OrgRole, Origin};
use realnet_core::provider::{EventKind, Session};
use realnet_core::resource::{Context, ListRequest};
use realnet_core::{Error, ErrorKind, Result, Uuid};
use serde_json::{Value, json};

use crate::accounts::Accounts;
use crate::directory::Directory;
use crate::kind::role_of;

impl Accounts {
    /// The sessions of the caller, or of the account that an administrator names.
    pub(crate) async fn list_sessions(&self, cx: &Context, parameters: &ListRequest) -> Result<Value> {
        let account = self.meant(cx.caller(), parameters).await?;
        let sessions = self.services.credentials.sessions_of(account, cx.now()).await?;
        let current = cx.caller().session;
        Ok(sessions.iter().map(|session| shown(session, current)).collect())
    }

    /// Ends all sessions of the caller but the one that asks, or all of the account that an administrator names.
    pub(crate) async fn end_sessions_of(&self, cx: &Context, parameters: &ListRequest) -> Result<Value> {
        let account = self.meant(cx.caller(), parameters).await?;
        let open = self.services.credentials.sessions_of(account, cx.now()).await?;
        let except = cx.caller().session;
        let ended = self.services.credentials.close_sessions(account, except).await?;
        for session in open.iter().filter(|session| Some(session.id) != except) {
            self.callers.forget(session.id);
        }
        let org = self.org_of(account).await?;
        let detail = json!({"by": cx.caller().account, "sessions": ended});
        self.tell(EventKind::SessionEnded, org, Some(account), &from(cx), detail).await;
        Ok(json!({"ended": ended}))
    }

    /// Ends one session.
    pub(crate) async fn end_session(&self, cx: &Context, id: Uuid) -> Result<()> {
        signed_in(cx.caller())?;
        let not_there = || Error::not_found(format_args!("session {id}"));
        let session = self.services.credentials.session(id, cx.now()).await?.ok_or_else(not_there)?;
        let org = self.may_manage(cx.caller(), session.account).await.map_err(|error| {
            // Whose sessions one may not see have none.
            if error.kind() == ErrorKind::NotFound { not_there() } else { error }
        })?;
        self.services.credentials.close_session(id).await?;
        self.callers.forget(id);
        let detail = json!({"by": cx.caller().account, "session": id});
        self.tell(EventKind::SessionEnded, org, Some(session.account), &from(cx), detail).await;
        Ok(())
    }

    /// The account that a request is about.
    pub(crate) async fn meant(&self, caller: &Caller, parameters: &ListRequest) -> Result<Uuid> {
        let own = signed_in(caller)?;
        let mut meant = own;
        for (name, value) in &parameters.parameters {
            if name != "account" {
                return Err(Error::malformed_at(name.clone(), "not a parameter here"));
            }
            meant = Uuid::parse_str(value)
                .map_err(|_| Error::malformed_at("account", "expected the id of an account"))?;
        }
        if meant != own {
            self.may_manage(caller, meant).await?;
        }
        Ok(meant)
    }

    /// The org of an account whose sessions and locks the caller may look at, or end.
    pub(crate) async fn may_manage(&self, caller: &Caller, account: Uuid) -> Result<Uuid> {
        let not_there = || Error::not_found(format_args!("account {account}"));
        let directory = Directory::new(&self.services);
        let item = directory.item(account).await?.filter(|item| directory.is(item, "Account"));
        let item = item.ok_or_else(not_there)?;
        if caller.account == Some(account) || caller.is_superuser() {
            return Ok(item.org);
        }
        if !caller.is_admin() || caller.org != item.org {
            return Err(not_there());
        }
        if role_of(item.attributes.as_map()) == OrgRole::Superuser {
            return Err(Error::forbidden("only superusers see and end how a superuser is signed in"));
        }
        Ok(item.org)
    }

    async fn org_of(&self, account: Uuid) -> Result<Uuid> {
        let item = Directory::new(&self.services).item(account).await?;
        Ok(item.map_or(Uuid::nil(), |item| item.org))
    }
}

/// The account of a caller who is signed in.
pub(crate) fn signed_in(caller: &Caller) -> Result<Uuid> {
    let unknown = || Error::new(ErrorKind::Unauthenticated, "this needs a signed-in account");
    caller.account.ok_or_else(unknown)
}

/// Where a request came from.
pub(crate) fn from(cx: &Context) -> Origin {
    cx.origin.as_deref().cloned().unwrap_or_default()
}

/// A session as its owner sees it.
fn shown(session: &Session, current: Option<Uuid>) -> Value {
    json!({
        "id": session.id,
        "current": current == Some(session.id),
        "method": session.method,
        "factor": session.factor,
        "created_at": session.created_at,
        "used_at": session.used_at,
        "expires_at": session.expires_at,
        "address": session.address,
        "agent": session.agent,
    })
}
