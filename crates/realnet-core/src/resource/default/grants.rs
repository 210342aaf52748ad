//! The grants on an item.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::get::find;
use super::plan::Plan;
use crate::acl::{Caller, Grant, Permission, ShownGrants, Subject};
use crate::change;
use crate::error::{Error, Result, Violation};
use crate::model::Item;
use crate::provider::Access;
use crate::resource::{Context, Reply, Route, WriteOptions};

/// The grants on an item, and those that it inherits: for those who may share it.
pub async fn get_grants(cx: &Context, route: &Route<'_>, id: Uuid) -> Result<Reply> {
    let item = find(cx, route, id).await?;
    if !cx.access.allows(&item, Permission::Share) {
        return Err(Error::forbidden("only who may share an item sees the grants on it"));
    }
    shown(cx, item).await.map(Reply::Grants)
}

async fn shown(cx: &Context, item: Item) -> Result<ShownGrants> {
    let sources = readable_sources(cx, &item).await?;
    let inherited = item
        .inherited
        .into_iter()
        .map(|one| (one.grant, Some(one.from).filter(|from| sources.contains(from))));
    Ok(ShownGrants { own: item.grants, inherited: inherited.collect() })
}

/// Of the items that an item inherits grants of, those that the caller may read.
pub async fn readable_sources(cx: &Context, item: &Item) -> Result<HashSet<Uuid>> {
    let sources: HashSet<Uuid> = item.inherited.iter().map(|one| one.from).collect();
    if sources.is_empty() {
        return Ok(sources);
    }
    let sources: Vec<Uuid> = sources.into_iter().collect();
    let found = cx.services.items.get_all(&cx.access, &sources).await?;
    Ok(found.into_iter().map(|item| item.id).collect())
}

/// Replaces the grants on an item.
pub async fn set_grants(
    cx: &Context,
    route: &Route<'_>,
    id: Uuid,
    grants: Vec<Grant>,
    options: WriteOptions,
) -> Result<Reply> {
    let item = find(cx, route, id).await?;
    let info = cx.registry().require(item.type_id)?;
    let resource = route.resources.of(info)?;
    check_subjects(cx, &item, &grants).await?;
    resource.check_grants(cx, &item, &grants).await?;
    let expected_version = options.expected_version;
    let mut plan = Plan::default();
    plan.add("patch", change::Operation::SetGrants { id, expected_version, grants }, Vec::new(), resource);
    let done = plan.commit(cx, None).await?.items().pop();
    match done {
        Some(item) => shown(cx, item).await.map(Reply::Grants),
        None => Ok(Reply::Grants(ShownGrants::default())),
    }
}

/// New grants must speak of somebody in the item's org, by id, and of what can be done with an item.
async fn check_subjects(cx: &Context, item: &Item, grants: &[Grant]) -> Result<()> {
    let added = || grants.iter().enumerate().filter(|(_, grant)| !item.grants.contains(grant));
    let ids: Vec<Uuid> =
        added().filter_map(|(_, grant)| principal(&grant.subject)).map(|(id, _)| id).collect();
    // Who shares need not be able to read accounts and groups: only whether they exist is looked at.
    let system =
        Access { caller: Arc::new(Caller::system(item.org)), registry: Arc::clone(&cx.access.registry) };
    let found = cx.services.items.get_all(&system, &ids).await?;
    let known: HashMap<Uuid, Item> = found.into_iter().map(|item| (item.id, item)).collect();
    let mut violations = Vec::new();
    for (index, grant) in added() {
        if let Some(detail) = refusal(cx, item, grant, &known) {
            violations.push(Violation::new(format!("/{index}"), detail));
        }
    }
    if violations.is_empty() { Ok(()) } else { Err(Error::invalid(violations)) }
}

/// The item that a subject must be, with the name of its type.
fn principal(subject: &Subject) -> Option<(Uuid, &'static str)> {
    match subject {
        Subject::Account(id) => Some((*id, "Account")),
        Subject::Group(id) => Some((*id, "Group")),
        Subject::Role(id) => Some((*id, "Role")),
        Subject::Public | Subject::Org(_) | Subject::NamedGroup(_) | Subject::NamedRole(_) => None,
    }
}

fn refusal(cx: &Context, item: &Item, grant: &Grant, known: &HashMap<Uuid, Item>) -> Option<String> {
    if grant.permissions.contains(Permission::Create) {
        return Some("create is granted on types only".to_owned());
    }
    match &grant.subject {
        Subject::Org(org) if *org != item.org => Some("an item is shared within its org only".to_owned()),
        Subject::NamedGroup(_) | Subject::NamedRole(_) => {
            Some("on an item, groups and roles are given by id".to_owned())
        }
        subject => {
            let (id, name) = principal(subject)?;
            let info = cx.registry().system(name)?;
            let fits = |found: &&Item| {
                found.org == item.org && cx.registry().is_derived_from(found.type_id, info.id())
            };
            let is_known = known.get(&id).as_ref().is_some_and(fits);
            (!is_known).then(|| format!("{id} is no {name} of the item's org"))
        }
    }
}
