//! The OpenAPI 3.1 description, made from the registry: the types that are declared are in it.

mod components;
mod document;
mod names;
mod operations;
mod parameters;
mod paths;
mod responses;
mod schemas;

use std::collections::HashMap;

use bytes::Bytes;
use parking_lot::Mutex;
use realnet_core::Uuid;
use realnet_core::acl::Caller;
use realnet_core::registry::{TypeInfo, TypeRegistry};

use crate::problem::Problem;

/// The most documents that are kept at a time.
const KEPT: usize = 64;

/// Documents by org and whether the caller knows its types, for one revision of the types.
#[derive(Default)]
pub(crate) struct OpenApiCache(Mutex<Cached>);

#[derive(Default)]
struct Cached {
    revision: i64,
    documents: HashMap<(Uuid, bool), Bytes>,
}

impl OpenApiCache {
    /// The document for `caller`, made when the types have changed since it was asked for last.
    pub(crate) fn document(&self, registry: &TypeRegistry, caller: &Caller) -> Result<Bytes, Problem> {
        let key = (caller.org, caller.knows_types());
        {
            let mut cached = self.0.lock();
            if cached.revision != registry.revision() || cached.documents.len() >= KEPT {
                *cached = Cached { revision: registry.revision(), documents: HashMap::new() };
            }
            if let Some(document) = cached.documents.get(&key) {
                return Ok(document.clone());
            }
        }
        // Made without the lock: two callers may both make it, which costs less than making others wait.
        let document = document::build(registry, &visible(registry, caller));
        let text = serde_json::to_vec(&document)
            .map_err(|error| Problem::internal(format!("the description can not be written: {error}")))?;
        let text = Bytes::from(text);
        let mut cached = self.0.lock();
        if cached.revision == registry.revision() {
            cached.documents.insert(key, text.clone());
        }
        Ok(text)
    }
}

/// The types that a caller may know of: members know all of their org, strangers and keys of some types the built-in ones.
fn visible<'a>(registry: &'a TypeRegistry, caller: &Caller) -> Vec<&'a TypeInfo> {
    let is_member = caller.knows_types();
    let seen = registry.types_of(caller.org).filter(|info| is_member || info.org().is_none());
    // A type of the system whose name an org uses for its own has no endpoint there.
    let is_named = |info: &&TypeInfo| {
        registry.find(caller.org, info.name()).is_some_and(|found| found.id() == info.id())
    };
    seen.filter(is_named).collect()
}

#[cfg(test)]
mod tests {
    use realnet_core::registry::TypeRegistry;

    use super::document;
    use crate::routes;

    #[test]
    fn every_route_is_described() {
        let document = document::build(&TypeRegistry::default(), &[]);
        // Pages for people, and what only a resource knows.
        let left_out = ["/", "/docs", "/docs/{name}", "/api/{resource}/{*rest}"];
        for (method, pattern) in
            routes::offers().into_iter().filter(|(_, pattern)| !left_out.contains(pattern))
        {
            let operation = &document["paths"][pattern][method.to_lowercase()];
            assert!(operation.is_object(), "{method} {pattern}");
        }
    }
}
