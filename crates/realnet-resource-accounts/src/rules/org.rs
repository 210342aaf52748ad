//! The rules of orgs.

use std::sync::Arc;

use realnet_core::acl::Caller;
use realnet_core::change::{Guard, Operation};
use realnet_core::clock::Timestamp;
use realnet_core::model::Item;
use realnet_core::registry::{TypeInfo, TypeRegistry};
use realnet_core::resource::{Change, Context};
use realnet_core::{Error, Result, Uuid, Violation};
use serde_json::Value;

use crate::directory::{Directory, REQUIRES};

/// Only superusers create orgs. An org is its own org, and stands by itself.
pub(crate) async fn create(cx: &Context, org: &mut Item) -> Result<()> {
    superusers_only(cx.caller())?;
    stands_alone(org)?;
    has_factor_to_require(cx.caller(), None, org)?;
    if org.name.trim().is_empty() {
        return Err(Error::invalid(vec![Violation::new("/name", "an org needs a name")]));
    }
    let directory = Directory::at(&cx.services, Arc::clone(&cx.access.registry));
    // The name is what people sign in with.
    if directory.org(&org.name).await?.is_some() {
        return Err(taken(&org.name));
    }
    org.org = org.id;
    org.owner = None;
    Ok(())
}

/// Administrators change their own org.
pub(crate) fn edit(caller: &Caller, before: &Item, after: &Item) -> Result<()> {
    if !caller.is_admin() {
        return Err(Error::forbidden("only administrators change an org"));
    }
    if before.owner != after.owner {
        return Err(Error::invalid(vec![Violation::new("/owner", "an org has no owner")]));
    }
    if before.name != after.name {
        superusers_only(caller)?;
    }
    has_factor_to_require(caller, Some(before), after)?;
    stands_alone(after)
}

/// Whoever requires a second factor of an org has signed in by one: else they would shut themselves out by the same write, be it a
/// request or a document. No key makes it so, or otherwise.
fn has_factor_to_require(caller: &Caller, before: Option<&Item>, after: &Item) -> Result<()> {
    let requires = |org: &Item| org.attributes.get(REQUIRES) == Some(&Value::Bool(true));
    // The system signs in nowhere.
    if caller.account.is_none() || before.is_some_and(requires) == requires(after) {
        return Ok(());
    }
    if caller.key.is_some() {
        return Err(Error::forbidden(
            "whether an org requires a second factor is for people to say: sign in for this",
        ));
    }
    if caller.factor || !requires(after) {
        return Ok(());
    }
    let detail = "is for those who have signed in by a second factor themselves: turn one on \
        (`realnet factor on`, or POST /api/auth/totp), sign in with it, and set this then";
    Err(Error::invalid(vec![Violation::new(format!("/{REQUIRES}"), detail)]))
}

/// Only superusers delete orgs, and only from outside.
pub(crate) fn delete(caller: &Caller, org: &Item) -> Result<()> {
    superusers_only(caller)?;
    if caller.org == org.id && caller.account.is_some() {
        return Err(Error::conflict("your own org can not be deleted"));
    }
    Ok(())
}

/// An org with items in it stays.
pub(crate) async fn before_delete(cx: &Context, org: &Item) -> Result<()> {
    // Whether it has items is for those who could delete it.
    delete(cx.caller(), org)?;
    let directory = Directory::at(&cx.services, Arc::clone(&cx.access.registry));
    if directory.has_items(org.id).await? {
        return Err(Error::conflict("the org still has items"));
    }
    Ok(())
}

/// An org of the name that a write gives is looked for once more in the transaction: people sign in by it, so two of one name
/// would be one of them.
pub(crate) fn one_of_a_name(registry: &TypeRegistry, id: Uuid, change: &Change) -> Result<Option<Operation>> {
    let (Some(name), Some(info)) = (next_name(change)?, registry.system("Org")) else { return Ok(None) };
    let types = registry.derived(info, None).map(TypeInfo::id).collect();
    let guard: Guard = Arc::new(move |org| {
        if org.id != id && org.name == name {
            return Err(taken(&name));
        }
        Ok(())
    });
    Ok(Some(Operation::Recheck { types, since: Timestamp::from_micros(0), guard }))
}

/// The name that a write gives.
fn next_name(change: &Change) -> Result<Option<String>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let operations = match change {
        Change::Create(body) | Change::Replace(body) | Change::Merge(body) => {
            return Ok(body.property("name").and_then(text));
        }
        Change::Json(operations) => operations,
    };
    let mut name = None;
    for operation in operations.as_array().into_iter().flatten() {
        let kind = |key: &str| operation.get(key).and_then(Value::as_str);
        let (value, path) = (operation.get("value"), kind("path").unwrap_or_default());
        match (kind("op"), path) {
            (Some("test"), _) => {}
            (Some("move" | "copy"), "/name" | "") => {
                let detail = "the name of an org is given as it is";
                return Err(Error::invalid(vec![Violation::new("/name", detail)]));
            }
            (_, "/name") => name = value.and_then(text),
            (_, "") => name = value.and_then(|value| value.get("name")).and_then(text),
            _ => {}
        }
    }
    Ok(name)
}

fn taken(name: &str) -> Error {
    Error::conflict(format!("there is an org named {name} already"))
}

fn superusers_only(caller: &Caller) -> Result<()> {
    if caller.is_superuser() {
        Ok(())
    } else {
        Err(Error::forbidden("only superusers create, rename and delete orgs"))
    }
}

/// Below a parent it could be deleted along with it, unseen.
fn stands_alone(org: &Item) -> Result<()> {
    if org.parent_id.is_none() {
        return Ok(());
    }
    Err(Error::invalid(vec![Violation::new("/parent_id", "an org has no parent")]))
}
