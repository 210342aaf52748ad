//! A new password by whoever runs the server: for administrators who have lost theirs. Needs no session, so it is offered
//! beside the store only, never over a network.

use std::sync::Arc;

use realnet_core::acl::{Caller, Origin};
use realnet_core::change::{ChangeSet, Operation};
use realnet_core::provider::{Access, AuthEvent, EventKind};
use realnet_core::resource::Services;
use realnet_core::{Error, Result};
use serde_json::json;

use crate::directory::Directory;
use crate::kind::is_disabled;
use crate::passwords::Passwords;
use crate::policy;

/// Sets the password of an account and ends its sessions. `org`: its name or id; the first one when absent.
///
/// # Errors
/// An account that is not there is not found, a disabled one a conflict; a password that breaks the rules is invalid.
pub async fn set_password(
    services: &Services,
    org: Option<&str>,
    username: &str,
    password: &str,
    bcrypt_cost: u32,
) -> Result<()> {
    policy::length(password)?;
    let directory = Directory::new(services);
    let org = if let Some(name) = org {
        directory.org(name).await?.ok_or_else(|| Error::not_found(format_args!("the org {name}")))?
    } else {
        let first = directory.first_org().await?;
        first.ok_or_else(|| Error::conflict("there is no org yet: start the server once"))?
    };
    let found = directory.account(org, username).await?;
    let account = found.ok_or_else(|| Error::not_found(format_args!("the account {username}")))?;
    if is_disabled(&account) {
        return Err(Error::conflict(format!("the account {username} is disabled")));
    }
    let password_hash = Passwords::new(bcrypt_cost).hash(password).await?;
    let access = Access { caller: Arc::new(Caller::system(org)), registry: services.registry.current() };
    let operation = Operation::SetPassword { account: account.id, password_hash };
    let origin = Origin::new("console");
    let changes = ChangeSet::new(vec![operation], services.clock.now(), Arc::from("recovery"))
        .with_origin(Some(Arc::new(origin.clone())));
    services.items.commit(&access, changes).await?;
    let event = AuthEvent {
        id: services.ids.next_id(),
        org,
        account: Some(account.id),
        kind: EventKind::PasswordChanged,
        origin,
        detail: json!({"by": "operator"}),
        at: services.clock.now(),
    };
    services.credentials.append_event(event).await
}
