//! Who calls by a token of a client: from memory while that is fresh, else from the store.

use std::sync::Arc;

use realnet_core::acl::Caller;
use realnet_core::model::Item;
use realnet_core::provider::RecordKind;
use realnet_core::resource::Services;
use realnet_core::{Error, ErrorKind, Result, Uuid};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::scopes::narrowed;
use super::secret::account_of;
use crate::accounts::Accounts;
use crate::directory::Directory;
use crate::keys::{Kept, may_stand_for};
use crate::kind::{is_disabled, is_superuser};
use crate::principals::of_account;
use crate::tokens::Claims;

impl Accounts {
    /// The caller of verified claims of a client. Every token has a place of its own in the memory.
    pub(crate) async fn caller_of_client(&self, claims: Claims, scope: Option<&str>) -> Result<Arc<Caller>> {
        let now = || self.services.clock.now();
        let load = async {
            let client = client_of(&self.services, claims.account).await?;
            let client = client.filter(|client| client.org == claims.org).ok_or_else(over)?;
            let footing = footing(&self.services, &client).await?;
            // What was given for something that has ended since does not count again when that comes back.
            if footing.mark != claims.epoch {
                return Err(over());
            }
            caller_of(&self.services, &client, scope, &footing).await
        };
        self.clients.get(claims.session, now, load).await
    }
}

/// A client that may sign in.
pub(super) async fn client_of(services: &Services, id: Uuid) -> Result<Option<Item>> {
    let directory = Directory::new(services);
    let is_enabled =
        |client: &Item| client.attributes.get("enabled").and_then(Value::as_bool).unwrap_or(true);
    Ok(directory.item(id).await?.filter(|client| directory.is(client, "Client") && is_enabled(client)))
}

/// What the tokens of a client stand on.
pub(super) struct Footing {
    pub(super) kept: Kept,
    /// The account as which it acts.
    account: Item,
    /// A number by which tokens name all of it: no two are likely to have the same one, however often something is taken away and
    /// given back.
    pub(super) mark: i64,
}

/// What the tokens of a client stand on, as the store has it now. What has ended is refused.
pub(super) async fn footing(services: &Services, client: &Item) -> Result<Footing> {
    let directory = Directory::new(services);
    let now = services.clock.now();
    let record = services.credentials.record(RecordKind::Key, &client.id.to_string(), now).await?;
    let kept = Kept::read(&record.ok_or_else(over)?)?;
    let account = match account_of(client) {
        Some(account) => directory.item(account).await?,
        None => None,
    };
    let account = account.filter(|account| {
        account.org == client.org && directory.is(account, "Account") && !is_disabled(account)
    });
    let account = account.ok_or_else(over)?;
    if !may_stand_for(&directory, &account, &kept).await? {
        return Err(over());
    }
    let epoch = services.credentials.credential(account.id).await?.map_or(0, |known| known.epoch);
    let mark = mark(&kept, client, epoch);
    Ok(Footing { kept, account, mark })
}

/// The secret by its hash, the client's item by its version, and the account, which stands in that item, by its epoch.
fn mark(kept: &Kept, client: &Item, epoch: i64) -> i64 {
    let mut hash = Sha256::new();
    hash.update(kept.hash);
    hash.update(client.version.to_be_bytes());
    hash.update(epoch.to_be_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash.finalize()[..8]);
    i64::from_be_bytes(first)
}

/// The caller that a client is, within a scope.
pub(super) async fn caller_of(
    services: &Services,
    client: &Item,
    scope: Option<&str>,
    footing: &Footing,
) -> Result<Arc<Caller>> {
    let Footing { kept, account, .. } = footing;
    let registry = services.registry.current();
    let scope = narrowed(&registry, client, scope).map_err(|_| over())?;
    // Administrators write the items of clients. As a superuser a client acts only as far as its item said when a superuser
    // made its secret.
    let is_as_made = kept.acts_as == Some(account.id) && kept.scope().covers(&registry, &scope);
    if is_superuser(account) && !is_as_made {
        return Err(over());
    }
    let caller = of_account(&Directory::new(services), account).await?;
    Ok(Arc::new(Caller { key: Some(client.id), scope: Some(Arc::new(scope)), ..caller }))
}

fn over() -> Error {
    Error::new(ErrorKind::Unauthenticated, "the token of the client counts no more: ask for another")
}
