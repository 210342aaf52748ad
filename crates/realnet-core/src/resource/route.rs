//! Which resource carries out what: the table of resources by module, and the way of one request.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::{Context, Resource};
use crate::change::{Edit, Guard};
use crate::error::{Error, ErrorKind, Result};
use crate::model::Item;
use crate::provider::Access;
use crate::registry::{TypeInfo, TypeRegistry};

/// The module of types that name none.
const PLAIN: &str = "items";

/// The resources of a server, by the module name that types refer to.
#[derive(Clone, Default)]
pub struct Resources(HashMap<String, Arc<dyn Resource>>);

impl Resources {
    /// Adds a resource; one of the same module is replaced.
    pub(super) fn insert(&mut self, module: &str, resource: Arc<dyn Resource>) {
        self.0.insert(module.to_lowercase(), resource);
    }

    /// The resource of a module; a module that is not built in is unsupported and named.
    pub fn module(&self, module: &str) -> Result<&Arc<dyn Resource>> {
        self.0.get(module).or_else(|| self.0.get(&module.to_lowercase())).ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, format!("the resource {module} is not part of this server"))
        })
    }

    /// The resource that carries out operations on items of a type.
    pub fn of(&self, info: &TypeInfo) -> Result<&Arc<dyn Resource>> {
        self.module(info.module().unwrap_or(PLAIN))
    }

    /// The one resource of a type and all types derived from it, unless there are several.
    pub(super) fn common(
        &self,
        registry: &TypeRegistry,
        info: &TypeInfo,
    ) -> Result<Option<&Arc<dyn Resource>>> {
        let module = info.module().unwrap_or(PLAIN);
        let same = |other: &TypeInfo| other.module().unwrap_or(PLAIN) == module;
        if registry.derived(info, None).all(same) { self.module(module).map(Some) } else { Ok(None) }
    }

    /// Completes or refuses a new item by the resource of its type, as [`Resource::prepare_create`] does; to be asked
    /// before an item that is not made from a request's body (a document, a copy) goes into a change set.
    pub async fn create(&self, cx: &Context, item: &mut Item) -> Result<()> {
        let info = cx.registry().require(item.type_id)?;
        self.of(info)?.prepare_create(cx, item).await
    }

    /// An edit that also asks the resource of the item's type.
    pub fn edit(
        self: &Arc<Self>,
        access: &Access,
        edit: impl Fn(&Item) -> Result<Item> + Send + Sync + 'static,
    ) -> Edit {
        let (resources, access) = (Arc::clone(self), access.clone());
        Arc::new(move |before| {
            let mut after = edit(before)?;
            let info = access.registry.require(before.type_id)?;
            resources.of(info)?.check_edit(&access, before, &mut after)?;
            Ok(after)
        })
    }

    /// A guard that asks the resource of each item that a deletion takes along.
    pub fn delete(self: &Arc<Self>, access: &Access) -> Guard {
        let (resources, access) = (Arc::clone(self), access.clone());
        Arc::new(move |item| {
            let info = access.registry.require(item.type_id)?;
            resources.of(info)?.check_delete(&access, item)
        })
    }

    /// The names of all registered modules, sorted.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }
}

impl fmt::Debug for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// Where a request goes: the endpoint with its type, and the resources that may be concerned.
#[derive(Clone, Copy)]
pub struct Route<'a> {
    /// The endpoint as asked for.
    pub endpoint: &'a str,
    /// The type that it means; none for a resource without a type.
    pub info: Option<&'a TypeInfo>,
    /// All resources: hooks are looked up by an item's own type.
    pub resources: &'a Arc<Resources>,
}

impl<'a> Route<'a> {
    /// The type of the endpoint.
    pub fn info(&self) -> Result<&'a TypeInfo> {
        self.info.ok_or_else(|| {
            Error::new(ErrorKind::NotAllowed, format!("{} does not hold items", self.endpoint))
        })
    }
}

impl fmt::Debug for Route<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Route({} → {:?})", self.endpoint, self.info.map(TypeInfo::name))
    }
}
