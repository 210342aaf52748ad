//! From a session to the caller: account, org role, groups and roles, as the store has them now.

use std::sync::Arc;

use realnet_core::acl::Caller;
use realnet_core::model::Item;
use realnet_core::resource::Services;
use realnet_core::{Error, ErrorKind, Result};

use crate::directory::Directory;
use crate::factor::has_factor;
use crate::kind::{is_disabled, role_of, username_of};
use crate::tokens::Claims;

/// The caller behind a session, with the session's epoch.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn {
    pub(crate) caller: Arc<Caller>,
    pub(crate) epoch: i64,
}

/// Resolves the claims of a token. Whatever has ended since it was signed is refused.
pub(crate) async fn load(services: &Services, claims: Claims) -> Result<SignedIn> {
    let ended = || Error::new(ErrorKind::Unauthenticated, "the session has ended: sign in again");
    let session = services.credentials.session(claims.session, services.clock.now()).await?;
    let session = session.ok_or_else(ended)?;
    if session.account != claims.account {
        return Err(ended());
    }
    let directory = Directory::new(services);
    let account = directory.item(claims.account).await?.ok_or_else(ended)?;
    if account.org != claims.org || !directory.is(&account, "Account") || is_disabled(&account) {
        return Err(ended());
    }
    // A factor that was turned off, or taken away, since stands for nothing: however long the session goes on.
    let factor = session.factor && has_factor(services, &account).await?;
    let caller = Caller { session: Some(claims.session), factor, ..of_account(&directory, &account).await? };
    let awaits = !factor && directory.requires_factor(account.org).await?;
    let caller = if awaits { caller.awaiting_factor() } else { caller };
    Ok(SignedIn { caller: Arc::new(caller), epoch: session.epoch })
}

/// The caller that an account is: its org role, groups and roles, as the store has them now.
pub(crate) async fn of_account(directory: &Directory<'_>, account: &Item) -> Result<Caller> {
    let role = role_of(account.attributes.as_map()).min(directory.highest_role(account));
    let (org, id) = (account.org, account.id);
    let (groups, linked, named) = tokio::join!(
        directory.memberships(org, id, "AccountGroup", "group", "Group"),
        directory.memberships(org, id, "AccountRole", "role", "Role"),
        directory.roles_named(org, role.as_str()),
    );
    let mut roles = named?;
    for principal in linked? {
        if !roles.contains(&principal) {
            roles.push(principal);
        }
    }
    Ok(Caller {
        account: Some(id),
        username: Arc::from(username_of(account)),
        org,
        role: Some(role),
        groups: groups?,
        roles,
        session: None,
        factor: false,
        key: None,
        scope: None,
    })
}
