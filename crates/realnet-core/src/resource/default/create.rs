//! Creating items: document → complete, validated item → change set.

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::data::{NewContent, check_has_content, describe};
use super::idempotency::{Begin, begin};
use super::owner::OwnerChoice;
use super::plan::Plan;
use super::violations::{gather, unless_invalid};
use super::{property, property::parse_id};
use crate::acl::{self, OrgRole, Permission};
use crate::change;
use crate::error::{Error, ErrorKind, Result, Violation};
use crate::model::{Attributes, Item};
use crate::registry::TypeInfo;
use crate::resource::{Body, Change, Context, Intake, Rendered, Reply, Resource, Route, WriteOptions};

/// The most items that one request creates.
const MAX_ITEMS: usize = 1000;

/// Creates one item (an object) or several atomically (an array).
pub async fn create(cx: &Context, route: &Route<'_>, body: Value, options: WriteOptions) -> Result<Reply> {
    let keyed = match begin(cx, options.idempotency, &body).await? {
        Begin::Replay(kept) => return Ok(created(cx, kept.into_items(), kept_single(&body), true)),
        Begin::Fresh(keyed) => keyed,
    };
    let single = kept_single(&body);
    let documents = match body {
        Value::Array(documents) => documents,
        document => vec![document],
    };
    if documents.is_empty() {
        return Err(Error::malformed_at("", "expected at least one item"));
    }
    if documents.len() > MAX_ITEMS {
        return Err(Error::new(ErrorKind::TooLarge, format!("at most {MAX_ITEMS} items at once")));
    }
    let mut plan = Plan::default();
    for (index, document) in documents.into_iter().enumerate() {
        let planned = plan_create(cx, route, document, None, &mut plan).await;
        planned.map_err(|error| if single { error } else { error.at_operation(index) })?;
    }
    let done = plan.commit(cx, keyed).await?;
    let replayed = done.replayed;
    Ok(created(cx, done.items(), single, replayed))
}

fn kept_single(body: &Value) -> bool {
    !body.is_array()
}

pub(super) fn created(cx: &Context, items: Vec<Item>, single: bool, replayed: bool) -> Reply {
    Reply::Created { items: Rendered::new(cx, items), single, replayed }
}

/// Adds the creation of one item to a plan, perhaps of one with a content.
pub(in crate::resource) async fn plan_create(
    cx: &Context,
    route: &Route<'_>,
    document: Value,
    content: Option<&NewContent>,
    plan: &mut Plan,
) -> Result<()> {
    let body = Body::parse(document)?;
    let info = type_of(cx, route, &body)?;
    if content.is_some() {
        // It may have been taken while the type was another.
        check_has_content(cx, info)?;
    }
    let resource = Arc::clone(route.resources.of(info)?);
    // Before anything costly: whether the caller may create such items at all, in its own org at least.
    let instance = body.property("instance").and_then(Value::as_str);
    acl::may_create(cx.registry(), cx.caller(), info, instance, cx.caller().org)?;
    let mut violations = Vec::new();
    let id = match content.and_then(NewContent::item) {
        Some(id) => {
            if body.property("id").is_some_and(|given| given.as_str().and_then(parse_id) != Some(id)) {
                let detail = "is that of the upload, and no other is given";
                return Err(Error::invalid(vec![Violation::new("/id", detail)]));
            }
            id
        }
        None => id_of(cx, &*resource, &body, &mut violations),
    };
    let mut intake = Intake { info, id, change: Change::Create(body), bulk: false, then: Vec::new() };
    resource.intake(cx, &mut intake).await?;
    let Change::Create(body) = intake.change else {
        return Err(Error::internal(format!("the resource {} turned a creation round", resource.name())));
    };
    let mut item = draft(cx, info, id, &body, &mut violations).await?;
    fill(cx, info, &*resource, &mut item, body, content, &mut violations).await?;
    let mut item = unless_invalid(violations, item)?;
    item.attributes.slim();
    plan.add("create", change::Operation::Create(Box::new(item)), intake.then, &resource);
    Ok(())
}

/// The id of a new item: one of our own, unless an administrator brings one along, as who moves items from one server to another does. One
/// that is in use, by whomever, is refused by the store.
fn id_of(cx: &Context, resource: &dyn Resource, body: &Body, violations: &mut Vec<Violation>) -> Uuid {
    let refusal = match body.property("id") {
        None => return cx.services.ids.next_id(),
        Some(_) if !resource.takes_ids() => "is made by the server for items of this type",
        Some(_) if !cx.caller().is_admin() => "is set by the server, unless an administrator gives it",
        Some(given) => match given.as_str().and_then(parse_id) {
            Some(id) if !id.is_nil() && !id.is_max() => return id,
            _ => "expected an id, as UUID",
        },
    };
    violations.push(Violation::new("/id", refusal));
    cx.services.ids.next_id()
}

/// The type that a document names, or the endpoint's.
pub(super) fn type_of<'a>(cx: &'a Context, route: &Route<'a>, body: &Body) -> Result<&'a TypeInfo> {
    let base = route.info()?;
    let Some(value) = body.property("type") else { return Ok(base) };
    let refuse = |detail: String| Error::invalid(vec![Violation::new("/type", detail)]);
    let name = value.as_str().ok_or_else(|| refuse("expected the name of a type".to_owned()))?;
    let found = cx.registry().find(cx.caller().org, name);
    let info = found.ok_or_else(|| refuse(format!("there is no type {name}")))?;
    if cx.registry().is_derived_from(info.id(), base.id()) {
        Ok(info)
    } else {
        Err(refuse(format!("{} is not derived from {}", info.name(), base.name())))
    }
}

/// An item with the properties of the document, as far as they are valid; without attributes.
async fn draft(
    cx: &Context,
    info: &TypeInfo,
    id: Uuid,
    body: &Body,
    violations: &mut Vec<Violation>,
) -> Result<Item> {
    violations.extend(property::refuse_fixed(&body.properties));
    let org = org_of(cx, body).unwrap_or_else(|violation| {
        violations.push(violation);
        cx.caller().org
    });
    let mut item = info.item(id, org);
    for (key, value) in &body.properties {
        if let Err(detail) = property::set(&mut item, info, key, value) {
            violations.push(Violation::new(format!("/{key}"), detail));
        }
    }
    property::check_validity(&item, violations);
    let owner = OwnerChoice::find(cx, &body.properties).await?;
    match owner.filter(|_| body.property("owner").is_some()) {
        Some(choice) => {
            if let Err(violation) = choice.claim(cx.caller(), &mut item) {
                violations.push(violation);
            }
        }
        None => item.owner = cx.caller().account,
    }
    Ok(item)
}

/// The caller's org; a superuser may name another.
fn org_of(cx: &Context, body: &Body) -> Result<Uuid, Violation> {
    let caller = cx.caller();
    let Some(value) = body.property("org") else { return Ok(caller.org) };
    match value.as_str().and_then(parse_id) {
        Some(org) if org == caller.org || caller.has_role(OrgRole::Superuser) => Ok(org),
        Some(_) => Err(Violation::new("/org", "only superusers create items in another org")),
        None => Err(Violation::new("/org", "expected the id of an org")),
    }
}

/// Attributes, defaults, what the resource adds, validation.
async fn fill(
    cx: &Context,
    info: &TypeInfo,
    resource: &dyn crate::resource::Resource,
    item: &mut Item,
    body: Body,
    content: Option<&NewContent>,
    violations: &mut Vec<Violation>,
) -> Result<()> {
    // An instance that is not there stays in the eyes of validation: others' constants may be what is missing.
    let instance = body.property("instance").and_then(Value::as_str);
    let mut attributes = body.attributes.clone();
    gather(violations, info.check_writable(cx.caller(), None, &attributes))?;
    info.apply_defaults(item.instance.as_deref(), &mut attributes);
    if let Some(content) = content {
        content.note(&mut attributes);
        item.content = Some(content.id());
    }
    item.attributes = Attributes::from_map(attributes);
    if let Some(content) = content {
        let described = resource.describe_content(cx, item, Some(content.described())).await?;
        let mut attributes = std::mem::take(&mut item.attributes).into_map();
        describe(&mut attributes, &described);
        item.attributes = Attributes::from_map(attributes);
    }
    gather(violations, resource.prepare_create(cx, item).await)?;
    let mut attributes = std::mem::take(&mut item.attributes).into_map();
    gather(violations, info.validate(item.instance.as_deref().or(instance), &mut attributes))?;
    item.attributes = Attributes::from_map(attributes);
    let may_share = || {
        let holds = |permission| cx.access.allows(item, permission);
        holds(Permission::Share) && holds(Permission::Read)
    };
    if item.public && !may_share() {
        return Err(Error::forbidden("you may not make this item public"));
    }
    Ok(())
}
