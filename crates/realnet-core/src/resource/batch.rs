//! A batch: several writes in order, all or none, as one change set.

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::default::{Begin, Edited, Plan, begin, plan_create, plan_delete, plan_edit};
use super::dispatcher::{own_route, route};
use super::{Body, Change, Context, Rendered, Reply, Resources, WriteOptions, scope, version_of_etag};
use crate::acl::Permission;
use crate::change::Version;
use crate::error::{Error, ErrorKind, Result};

/// The most operations of a batch.
const MAX_OPERATIONS: usize = 1000;

/// One operation as it stands in the body.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    operation: Kind,
    resource: String,
    #[serde(default)]
    id: Option<Uuid>,
    #[serde(default)]
    body: Option<Value>,
    #[serde(default)]
    if_match: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Create,
    Replace,
    Patch,
    Delete,
}

impl Kind {
    /// The permission that it begins with.
    fn permission(self) -> Permission {
        match self {
            Self::Create => Permission::Create,
            Self::Replace | Self::Patch => Permission::Write,
            Self::Delete => Permission::Delete,
        }
    }
}

/// Carries out `{"operations": […]}`.
pub(super) async fn batch(
    cx: &Context,
    resources: &Arc<Resources>,
    body: Value,
    options: WriteOptions,
) -> Result<Reply> {
    let done = match begin(cx, options.idempotency, &body).await? {
        Begin::Replay(kept) => kept.into_done(),
        Begin::Fresh(keyed) => {
            let entries = entries(body)?;
            let mut plan = Plan::bounded();
            for (index, entry) in entries.into_iter().enumerate() {
                add(cx, resources, entry, &mut plan).await.map_err(|error| error.at_operation(index))?;
            }
            plan.commit(cx, keyed).await?
        }
    };
    let mut results = done.results;
    for result in &mut results {
        // Who may write an item without reading it learns nothing from having written it.
        if result.operation != "create" {
            result.item = result.item.take().filter(|item| cx.access.allows(item, Permission::Read));
        }
    }
    Ok(Reply::Batch { results: Rendered::new(cx, results), replayed: done.replayed })
}

fn entries(body: Value) -> Result<Vec<Entry>> {
    let Value::Object(mut body) = body else {
        return Err(Error::malformed_at("", "expected {\"operations\": […]}"));
    };
    let operations = match body.remove("operations") {
        Some(Value::Array(operations)) if body.is_empty() => operations,
        _ => {
            return Err(Error::malformed_at("/operations", "expected a list of operations and nothing else"));
        }
    };
    if operations.is_empty() {
        return Err(Error::malformed_at("/operations", "expected at least one operation"));
    }
    if operations.len() > MAX_OPERATIONS {
        return Err(Error::new(ErrorKind::TooLarge, format!("at most {MAX_OPERATIONS} operations at once")));
    }
    let entry = |(index, value): (usize, Value)| {
        serde_json::from_value(value).map_err(|error| {
            Error::malformed_at(format!("/operations/{index}"), error.to_string()).at_operation(index)
        })
    };
    operations.into_iter().enumerate().map(entry).collect()
}

async fn add(cx: &Context, resources: &Arc<Resources>, entry: Entry, plan: &mut Plan) -> Result<()> {
    let expected_version = entry.if_match.as_ref().map(version).transpose()?;
    let (route, _) = route(cx, resources, &entry.resource)?;
    scope::check_endpoint(cx, route.info, Some(entry.operation.permission()))?;
    if entry.operation == Kind::Create {
        if entry.id.is_some() || expected_version.is_some() {
            return Err(Error::malformed("a creation has neither id nor if_match"));
        }
        let body = entry.body.ok_or_else(|| Error::malformed("a creation needs a body"))?;
        return plan_create(cx, &route, body, None, plan).await;
    }
    let id = entry.id.ok_or_else(|| Error::malformed("the operation needs the id of an item"))?;
    let route = own_route(cx, &route, id).await?;
    if entry.operation == Kind::Delete {
        if entry.body.is_some() {
            return Err(Error::malformed("a deletion has no body"));
        }
        return plan_delete(cx, &route, id, expected_version, plan).await;
    }
    let body = entry.body.ok_or_else(|| Error::malformed("the operation needs a body"))?;
    let (name, change) = match entry.operation {
        Kind::Replace => ("replace", Change::Replace(Body::parse(body)?)),
        // A list can only be a JSON Patch, an object only a merge patch.
        _ if body.is_array() => ("patch", Change::Json(body)),
        _ => ("patch", Change::Merge(Body::parse(body)?)),
    };
    plan_edit(cx, &route, Edited { id, name, expected_version, bulk: false }, change, plan).await
}

/// A version as a number, or an entity tag as a read gave it.
fn version(value: &Value) -> Result<Version> {
    let version = value.as_i64().map(Version::from).or_else(|| value.as_str().and_then(version_of_etag));
    version.ok_or_else(|| Error::malformed("if_match is a version or an entity tag"))
}
