//! A new password by whoever runs the server: for administrators who have lost theirs. Needs no session, so it is offered
//! beside the store only, never over a network.

use std::sync::Arc;

use realnet_core::acl::{Caller, Origin};
use realnet_core::change::{ChangeSet, Operation};
use realnet_core::provider::{Access, EventKind};
use realnet_core::{Error, Result};
use serde_json::json;

use crate::accounts::Accounts;
use crate::directory::Directory;
use crate::kind::{is_disabled, username_of};
use crate::policy;

impl Accounts {
    /// Sets the password of an account, ends its sessions and forgets what has failed for it. `org`: its name or id; the
    /// first one when absent. `drop_factor`: takes its second factor away, too, for who has lost that as well.
    ///
    /// # Errors
    /// An account that is not there is not found, a disabled one a conflict; a password that breaks the rules is invalid.
    pub async fn set_lost_password(
        &self,
        org: Option<&str>,
        username: &str,
        password: &str,
        drop_factor: bool,
    ) -> Result<()> {
        policy::length(password)?;
        if policy::is_common(password) {
            // Whoever runs the server may choose; everybody else may not.
            tracing::warn!("the new password is one of the most common ones: change it");
        }
        let services = &self.services;
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
        let password_hash = self.passwords.hash(password).await?;
        let access = Access { caller: Arc::new(Caller::system(org)), registry: services.registry.current() };
        let origin = Origin::new("console");
        let changes = |operation| {
            ChangeSet::new(vec![operation], services.clock.now(), Arc::from("recovery"))
                .with_origin(Some(Arc::new(origin.clone())))
        };
        let new_password = Operation::SetPassword { account: account.id, password_hash };
        services.items.commit(&access, changes(new_password)).await?;
        self.forget_failures(account.id, org, username_of(&account)).await?;
        self.forget_codes(account.id).await?;
        let detail = json!({"by": "operator"});
        self.tell(EventKind::PasswordChanged, org, Some(account.id), &origin, detail.clone()).await;
        if drop_factor && self.drop_lost_factors(account.id).await? {
            // A passkey needs no password: until it was dropped it may have opened another session.
            services.items.commit(&access, changes(Operation::EndSessions(account.id))).await?;
            self.forget();
            self.tell(EventKind::FactorRemoved, org, Some(account.id), &origin, detail).await;
        }
        Ok(())
    }
}
