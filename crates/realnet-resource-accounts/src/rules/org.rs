//! The rules of orgs.

use realnet_core::acl::Caller;
use realnet_core::model::Item;
use realnet_core::resource::Context;
use realnet_core::{Error, Result, Violation};

use crate::directory::Directory;

/// Only superusers create orgs. An org is its own org, and stands by itself.
pub(crate) async fn create(cx: &Context, org: &mut Item) -> Result<()> {
    superusers_only(cx.caller())?;
    stands_alone(org)?;
    if org.name.trim().is_empty() {
        return Err(Error::invalid(vec![Violation::new("/name", "an org needs a name")]));
    }
    let directory = Directory::at(&cx.services, std::sync::Arc::clone(&cx.access.registry));
    // The name is what people sign in with.
    if directory.org(&org.name).await?.is_some() {
        return Err(Error::conflict(format!("there is an org named {} already", org.name)));
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
    stands_alone(after)
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
    let directory = Directory::at(&cx.services, std::sync::Arc::clone(&cx.access.registry));
    if directory.has_items(org.id).await? {
        return Err(Error::conflict("the org still has items"));
    }
    Ok(())
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
