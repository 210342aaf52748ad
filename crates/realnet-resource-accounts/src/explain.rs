//! Why may somebody do this, and who may: the access rule, asked for its reasons.

use std::collections::HashSet;
use std::sync::Arc;

use realnet_core::acl::{self, Caller, OrgRole, Permission, Reason};
use realnet_core::model::{Item, Visibility};
use realnet_core::query::Cursor;
use realnet_core::registry::TypeRegistry;
use realnet_core::resource::default::readable_sources;
use realnet_core::resource::{Context, ListRequest};
use realnet_core::{Error, Result, Uuid};
use serde_json::{Map, Value, json};

use crate::accounts::Accounts;
use crate::directory::Directory;
use crate::kind::{is_disabled, role_of, username_of};
use crate::principals::of_account;
use crate::sessions::signed_in;

/// So many accounts are judged per request that asks who may.
const JUDGED: usize = 100;

/// The parameters, understood.
#[derive(Default)]
struct Wanted {
    item: Option<Uuid>,
    account: Option<Uuid>,
    who: Option<Permission>,
    /// The account behind which a list of who may goes on.
    cursor: Option<Cursor>,
}

impl Accounts {
    /// What an account may do with an item, and why; or who may do something with it. Who asks must be able to read the
    /// item; for other accounts than one's own one has to be their administrator.
    pub(crate) async fn explain(&self, cx: &Context, parameters: &ListRequest) -> Result<Value> {
        let own = signed_in(cx.caller())?;
        let wanted = Wanted::parse(parameters)?;
        let id = wanted.item.ok_or_else(|| Error::malformed_at("item", "expected the id of an item"))?;
        let item = cx.services.items.get(&cx.access, id).await?;
        let item = item.ok_or_else(|| Error::not_found(format_args!("item {id}")))?;
        let directory = Directory::at(&self.services, Arc::clone(&cx.access.registry));
        if let Some(permission) = wanted.who {
            return who_may(cx, &directory, &item, permission, wanted.cursor).await;
        }
        let caller = self.explained(cx, &directory, wanted.account.unwrap_or(own)).await?;
        let sources = readable_sources(cx, &item).await?;
        Ok(explained(cx.registry(), &caller, &item, &sources))
    }

    /// The account that is explained, as a caller.
    async fn explained(&self, cx: &Context, directory: &Directory<'_>, account: Uuid) -> Result<Caller> {
        if cx.caller().account == Some(account) {
            return Ok(cx.caller().clone());
        }
        let not_there = || Error::not_found(format_args!("account {account}"));
        let found = directory.item(account).await?.filter(|item| directory.is(item, "Account"));
        let found = found.ok_or_else(not_there)?;
        let may = cx.caller().is_superuser() || (cx.caller().is_admin() && cx.caller().org == found.org);
        if !may {
            return Err(not_there());
        }
        if is_disabled(&found) {
            // Nobody signs in as it: it has what everybody has.
            let username = Arc::from(username_of(&found));
            return Ok(Caller { account: Some(account), username, ..Caller::anonymous(found.org) });
        }
        of_account(directory, &found).await
    }
}

impl Wanted {
    fn parse(parameters: &ListRequest) -> Result<Self> {
        let mut wanted = Self::default();
        for (name, value) in &parameters.parameters {
            let id =
                || Uuid::parse_str(value).map_err(|_| Error::malformed_at(name.clone(), "expected an id"));
            match name.as_str() {
                "item" => wanted.item = Some(id()?),
                "account" => wanted.account = Some(id()?),
                "cursor" => wanted.cursor = Some(Cursor::decode(value)?),
                "who" => {
                    let known = Permission::ALL.into_iter().find(|permission| permission.as_str() == value);
                    let known = known.filter(|permission| *permission != Permission::Create);
                    wanted.who = Some(known.ok_or_else(|| {
                        Error::malformed_at("who", "expected read, write, delete, execute, message or share")
                    })?);
                }
                _ => return Err(Error::malformed_at(name.clone(), "not a parameter here")),
            }
        }
        if wanted.who.is_some() && wanted.account.is_some() {
            return Err(Error::malformed_at("who", "asks for all accounts: leave out account"));
        }
        Ok(wanted)
    }
}

/// Each permission on an item, whether the caller has it, and by what.
fn explained(registry: &TypeRegistry, caller: &Caller, item: &Item, sources: &HashSet<Uuid>) -> Value {
    let mut permissions = Map::new();
    for permission in Permission::ALL.into_iter().filter(|permission| *permission != Permission::Create) {
        let reason = acl::explain(registry, caller, item, permission);
        let shown = match &reason {
            Some(reason) => allowed(registry, item, reason, sources),
            None if !caller.scope_allows(registry, item.type_id, permission) => {
                json!({"allowed": false, "reason": "key_scope"})
            }
            None => json!({"allowed": false, "reason": refusal(caller, item)}),
        };
        permissions.insert(permission.as_str().to_owned(), shown);
    }
    json!({
        "item": item.id,
        "type": registry.by_id(item.type_id).map(|info| Arc::clone(info.name())),
        "account": caller.account,
        "username": caller.username,
        "role": caller.role,
        "groups": caller.groups.iter().map(|group| &group.name).collect::<Vec<_>>(),
        "roles": caller.roles.iter().map(|role| &role.name).collect::<Vec<_>>(),
        "permissions": permissions,
    })
}

/// What allows, with the grant and where that stands: an item above is named if it is one of `sources`.
fn allowed(registry: &TypeRegistry, item: &Item, reason: &Reason<'_>, sources: &HashSet<Uuid>) -> Value {
    let mut shown = json!(reason);
    if let Value::Object(shown) = &mut shown {
        if matches!(reason, Reason::InheritedGrant { from, .. } if !sources.contains(from)) {
            shown.shift_remove("from");
        }
        shown.insert("allowed".to_owned(), true.into());
        if let (Reason::TypeGrant { .. }, Some(info)) = (reason, registry.by_id(item.type_id)) {
            let instance = item.instance.as_deref();
            let (key, value) = match registry.access_source(item.org, info, instance) {
                Some(name) => ("of_type", json!(name)),
                None => ("of_instance", json!(instance)),
            };
            shown.insert(key.to_owned(), value);
        }
    }
    shown
}

/// Why nothing allows.
fn refusal(caller: &Caller, item: &Item) -> &'static str {
    if caller.role.is_none() {
        "disabled"
    } else if !caller.is_member_of(item.org) {
        "other_org"
    } else if item.visibility == Visibility::Restricted {
        "restricted"
    } else {
        "no_grant"
    }
}

/// The accounts of the item's org that may do something with it, each with the reason; a bounded number is judged at a time.
async fn who_may(
    cx: &Context,
    directory: &Directory<'_>,
    item: &Item,
    permission: Permission,
    behind: Option<Cursor>,
) -> Result<Value> {
    if !(cx.caller().is_superuser() || (cx.caller().is_admin() && cx.caller().org == item.org)) {
        return Err(Error::forbidden("only administrators see who may"));
    }
    let page = directory.accounts(item.org, behind, JUDGED).await?;
    let next = page.next.as_ref().map(Cursor::encode);
    let sources = readable_sources(cx, item).await?;
    let mut accounts = Vec::new();
    for account in page.items.iter().filter(|account| !is_disabled(account)) {
        // Superusers of other orgs may as well, but are none of this org's business.
        let is_superuser = role_of(account.attributes.as_map()) == OrgRole::Superuser;
        let caller = of_account(directory, account).await?;
        if let Some(reason) = acl::explain(cx.registry(), &caller, item, permission) {
            let mut shown = allowed(cx.registry(), item, &reason, &sources);
            if let Value::Object(shown) = &mut shown {
                shown.insert("account".to_owned(), json!(account.id));
                shown.insert("username".to_owned(), json!(caller.username));
                shown.insert("superuser".to_owned(), is_superuser.into());
                shown.shift_remove("allowed");
            }
            accounts.push(shown);
        }
    }
    let nobody = Caller::anonymous(item.org);
    let public = acl::explain(cx.registry(), &nobody, item, permission).is_some();
    Ok(
        json!({"item": item.id, "permission": permission.as_str(), "public": public, "accounts": accounts, "next": next}),
    )
}
