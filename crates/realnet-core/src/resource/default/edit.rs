//! Replacing and patching one item: the change is computed inside the transaction, by the item's own type.

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::apply::{Applied, apply};
use super::json_patch::JsonPatch;
use super::owner::OwnerChoice;
use super::plan::Plan;
use super::unseen;
use super::violations::{gather, unless_invalid};
use crate::acl::Permission;
use crate::change::{self, Version};
use crate::error::{Error, Result, Violation};
use crate::model::{Attributes, Item, Map};
use crate::provider::Access;
use crate::registry::TypeInfo;
use crate::resource::dispatcher::own_route;
use crate::resource::{Body, Change, Context, Intake, PatchDocument, Rendered, Reply, Route, WriteOptions};

/// Replaces name and attributes; other properties are set where given.
pub async fn replace(
    cx: &Context,
    route: &Route<'_>,
    id: Uuid,
    body: Value,
    options: WriteOptions,
) -> Result<Reply> {
    edit(cx, route, id, Change::Replace(Body::parse(body)?), "replace", options).await
}

/// Patches an item.
pub async fn patch(
    cx: &Context,
    route: &Route<'_>,
    id: Uuid,
    patch: PatchDocument,
    options: WriteOptions,
) -> Result<Reply> {
    let change = match patch {
        PatchDocument::Merge(body) => Change::Merge(Body::parse(body)?),
        PatchDocument::Json(operations) => Change::Json(operations),
    };
    edit(cx, route, id, change, "patch", options).await
}

async fn edit(
    cx: &Context,
    route: &Route<'_>,
    id: Uuid,
    change: Change,
    name: &'static str,
    options: WriteOptions,
) -> Result<Reply> {
    let route = own_route(cx, route, id).await?;
    let mut plan = Plan::default();
    let edited = Edited { id, name, expected_version: options.expected_version, bulk: false };
    plan_edit(cx, &route, edited, change, &mut plan).await?;
    let item = plan.commit(cx, None).await?.items().pop();
    let item = item.ok_or_else(|| Error::internal("an edit gave no item"))?;
    if cx.access.allows(&item, Permission::Read) {
        Ok(Reply::Changed(Rendered::new(cx, item)))
    } else {
        Ok(Reply::Affected(1))
    }
}

/// Which item is edited and how it is asked for.
#[derive(Debug, Clone, Copy)]
pub(in crate::resource) struct Edited {
    /// The item.
    pub(in crate::resource) id: Uuid,
    /// `replace` or `patch`.
    pub(in crate::resource) name: &'static str,
    /// The version that it must have.
    pub(in crate::resource) expected_version: Option<Version>,
    /// Whether the same is asked for many items.
    pub(in crate::resource) bulk: bool,
}

/// Adds an edit to a plan. The route leads to a type whose items all have the same resource.
pub(in crate::resource) async fn plan_edit(
    cx: &Context,
    route: &Route<'_>,
    edited: Edited,
    change: Change,
    plan: &mut Plan,
) -> Result<()> {
    let info = route.info()?;
    let resource = Arc::clone(route.resources.of(info)?);
    let mut intake = Intake { info, id: edited.id, change, bulk: edited.bulk, then: Vec::new() };
    resource.intake(cx, &mut intake).await?;
    unseen::check(cx, info, edited.id, &intake.change).await?;
    let owner = match &intake.change {
        Change::Create(body) | Change::Replace(body) | Change::Merge(body) => {
            OwnerChoice::find(cx, &body.properties).await?
        }
        Change::Json(operations) => OwnerChoice::find(cx, &owner_in_patch(operations)).await?,
    };
    let applied = match intake.change {
        Change::Create(body) | Change::Replace(body) => Applied::Replace(body),
        Change::Merge(body) => Applied::Merge(body),
        Change::Json(operations) => Applied::Patch(JsonPatch::parse(operations)?),
    };
    let change = Prepared { access: cx.access.clone(), base: info.id(), applied, owner };
    let edit = route.resources.edit(&cx.access, move |before| change.edit(before));
    let update = change::Operation::Update { id: edited.id, expected_version: edited.expected_version, edit };
    plan.add(edited.name, update, intake.then, &resource);
    Ok(())
}

/// The owner that a JSON Patch sets, as a property.
fn owner_in_patch(operations: &Value) -> Map {
    let sets = |operation: &&Value| operation.get("path").and_then(Value::as_str) == Some("/owner");
    let last = operations.as_array().and_then(|operations| operations.iter().rfind(sets));
    let value = last.and_then(|operation| operation.get("value")).filter(|value| value.is_string());
    value.map(|value| ("owner".to_owned(), value.clone())).into_iter().collect()
}

/// Everything that the transaction needs to compute an edit.
struct Prepared {
    access: Access,
    base: Uuid,
    applied: Applied,
    owner: Option<OwnerChoice>,
}

impl Prepared {
    fn edit(&self, before: &Item) -> Result<Item> {
        let registry = &self.access.registry;
        if !registry.is_derived_from(before.type_id, self.base) {
            return Err(Error::not_found(format_args!("item {}", before.id)));
        }
        let info = registry.require(before.type_id)?;
        let mut violations = Vec::new();
        let mut after = apply(&self.access, info, before, &self.applied, self.owner, &mut violations)?;
        check_attributes(&self.access, info, before, &mut after, &mut violations)?;
        unless_invalid(violations, after)
    }
}

/// Attributes are checked only where something about them changes, or may have.
fn check_attributes(
    access: &Access,
    info: &TypeInfo,
    before: &Item,
    after: &mut Item,
    violations: &mut Vec<Violation>,
) -> Result<()> {
    let same_instance = before.instance == after.instance;
    let counts = after.version > before.version;
    if same_instance && !counts && before.attributes.as_map() == after.attributes.as_map() {
        return Ok(());
    }
    let (old, new) = (before.attributes.as_map(), after.attributes.as_map());
    gather(violations, info.check_writable(&access.caller, Some(old), new))?;
    let mut attributes = std::mem::take(&mut after.attributes).into_map();
    gather(violations, info.validate_next(after.instance.as_deref(), old, &mut attributes))?;
    after.attributes = Attributes::from_map(attributes);
    Ok(())
}
