//! The dispatcher: endpoint → type → resource, for every protocol alike.
//!
//! Fixed names come first (`items`, `types`), then declared endpoints, then type names, then resources that have no type. A
//! write is carried out by the resource of the item's own type, whatever endpoint named the item.

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::{Context, Operation, Reply, Request, Resource, Resources, Route, Services, batch, scope};
use crate::error::{Error, ErrorKind, Result};

/// The module whose resource carries out operations on types and documents (plan, apply, drift).
const TYPES: &str = "types";
/// The module whose resource carries out uploads in several requests.
const FILES: &str = "files";

/// Routes requests to resources.
#[derive(Clone)]
pub struct Dispatcher {
    services: Services,
    resources: Arc<Resources>,
}

impl Dispatcher {
    /// A dispatcher without resources.
    pub fn new(services: Services) -> Self {
        Self { services, resources: Arc::default() }
    }

    /// Registers a resource under the module name that types refer to.
    pub fn register(&mut self, module: &str, resource: Arc<dyn Resource>) -> &mut Self {
        Arc::make_mut(&mut self.resources).insert(module, resource);
        self
    }

    /// The services that contexts are made of.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// The registered resources.
    pub fn resources(&self) -> &Resources {
        &self.resources
    }

    /// Carries out a request.
    pub async fn dispatch(&self, cx: &Context, request: Request) -> Result<Reply> {
        let Request { endpoint, operation } = request;
        match operation {
            Operation::Batch { body, options } => batch::batch(cx, &self.resources, body, options).await,
            operation @ (Operation::Plan { .. } | Operation::Drift | Operation::Type(_)) => {
                scope::check_types(cx, &operation)?;
                self.resources.module(TYPES)?.execute(cx, &self.resources, operation).await
            }
            Operation::Resumable(operation) => {
                scope::check_uploads(cx)?;
                self.resources.module(FILES)?.resumable(cx, &self.resources, operation).await
            }
            operation => {
                let (route, resource) = route(cx, &self.resources, &endpoint)?;
                scope::check_endpoint(cx, route.info, operation.permission())?;
                let (route, resource) = match &operation {
                    Operation::Create { body, .. } => {
                        (route, resource_of_bodies(cx, &route, body)?.unwrap_or(resource))
                    }
                    Operation::Replace { id, .. }
                    | Operation::Patch { id, .. }
                    | Operation::Delete { id, .. }
                    | Operation::SetGrants { id, .. }
                    | Operation::ReadData { id, .. }
                    | Operation::WriteData { id, .. }
                    | Operation::DeleteData { id, .. } => {
                        let own = own_route(cx, &route, *id).await?;
                        (own, own.resources.of(own.info()?)?)
                    }
                    _ => (route, resource),
                };
                carry_out(cx, &route, &**resource, operation).await
            }
        }
    }
}

impl std::fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Dispatcher({:?})", self.resources)
    }
}

/// The route of an endpoint, and the resource of its type.
pub(super) fn route<'a>(
    cx: &'a Context,
    resources: &'a Arc<Resources>,
    endpoint: &'a str,
) -> Result<(Route<'a>, &'a Arc<dyn Resource>)> {
    let registry = cx.registry();
    let org = cx.caller().org;
    let fixed = if endpoint.eq_ignore_ascii_case("items") {
        registry.root()
    } else if endpoint.eq_ignore_ascii_case("types") {
        registry.system("Type")
    } else {
        None
    };
    match fixed.or_else(|| registry.endpoint(org, endpoint)) {
        Some(info) => Ok((Route { endpoint, info: Some(info), resources }, resources.of(info)?)),
        None => resources
            .module(endpoint)
            .map(|resource| (Route { endpoint, info: None, resources }, resource))
            .map_err(|_| {
                Error::new(
                    ErrorKind::NotFound,
                    format!("there is no type or endpoint {endpoint}: GET /api/types lists the types"),
                )
            }),
    }
}

/// The route of a write by id: leads to the type of the endpoint where all its types share one resource, else to the
/// item's own type, which is looked up. An item that the caller can not read is not found.
pub(super) async fn own_route<'a>(cx: &'a Context, route: &Route<'a>, id: Uuid) -> Result<Route<'a>> {
    let info = route.info()?;
    if route.resources.common(cx.registry(), info)?.is_some() {
        return Ok(*route);
    }
    let missing = || Error::not_found(format_args!("item {id}"));
    let item = cx.services.items.get(&cx.access, id).await?.ok_or_else(missing)?;
    if !cx.registry().is_derived_from(item.type_id, info.id()) {
        return Err(missing());
    }
    Ok(Route { info: Some(cx.registry().require(item.type_id)?), ..*route })
}

/// The resource that all documents of a creation agree on; none when they differ or say nothing (hooks then see to each).
fn resource_of_bodies<'a>(
    cx: &'a Context,
    route: &Route<'a>,
    body: &Value,
) -> Result<Option<&'a Arc<dyn Resource>>> {
    let documents = match body {
        Value::Array(documents) => documents.as_slice(),
        document => std::slice::from_ref(document),
    };
    let mut found: Option<&Arc<dyn Resource>> = None;
    for document in documents {
        let Some(name) = document.get("type").and_then(Value::as_str) else { return Ok(None) };
        let Some(info) = cx.registry().find(cx.caller().org, name) else { return Ok(None) };
        let resource = route.resources.of(info)?;
        if found.is_some_and(|other| other.name() != resource.name()) {
            return Ok(None);
        }
        found = Some(resource);
    }
    Ok(found)
}

async fn carry_out(
    cx: &Context,
    route: &Route<'_>,
    resource: &dyn Resource,
    operation: Operation,
) -> Result<Reply> {
    match operation {
        Operation::List(request) => resource.list(cx, route, request).await,
        Operation::Get { id, parameters } => resource.get(cx, route, id, parameters).await,
        Operation::Create { body, options } => resource.create(cx, route, body, options).await,
        Operation::Replace { id, body, options } => resource.replace(cx, route, id, body, options).await,
        Operation::Patch { id, patch, options } => resource.patch(cx, route, id, patch, options).await,
        Operation::Delete { id, options } => resource.delete(cx, route, id, options).await,
        Operation::PatchMany { parameters, patch } => resource.patch_many(cx, route, parameters, patch).await,
        Operation::DeleteMany { parameters } => resource.delete_many(cx, route, parameters).await,
        Operation::Children { id, parameters } => resource.children(cx, route, id, parameters).await,
        Operation::Aggregate(request) => resource.aggregate(cx, route, request).await,
        Operation::History { id, parameters } => resource.history(cx, route, id, parameters).await,
        Operation::GetGrants { id } => resource.get_grants(cx, route, id).await,
        Operation::SetGrants { id, grants, options } => {
            resource.set_grants(cx, route, id, grants, options).await
        }
        Operation::ReadData { id, wanted } => resource.read_data(cx, route, id, wanted).await,
        Operation::WriteData { id, upload, options } => {
            resource.write_data(cx, route, id, upload, options).await
        }
        Operation::DeleteData { id, conditions, options } => {
            resource.delete_data(cx, route, id, conditions, options).await
        }
        Operation::Upload(files) => resource.upload(cx, route, files).await,
        Operation::Call(call) => resource.call(cx, route, call).await,
        Operation::Batch { .. }
        | Operation::Plan { .. }
        | Operation::Drift
        | Operation::Type(_)
        | Operation::Resumable(_) => {
            Err(Error::internal("types, documents, batches and uploads are routed elsewhere"))
        }
    }
}
