//! A store in memory with the resources that the tests need.
#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::sync::Arc;

use realnet_core::acl::{Caller, OrgRole};
use realnet_core::clock::{IdSource as _, System};
use realnet_core::load::{Document, parse_json};
use realnet_core::model::Item;
use realnet_core::provider::{Access, ItemProvider};
use realnet_core::query::{OrgScope, Query};
use realnet_core::resource::{
    Context, Dispatcher, Operation, Reply, Request, Resource, Services, TypeOperation,
};
use realnet_core::secret::{Keyring, unlock};
use realnet_core::{Result, Uuid};
use realnet_provider_generic::MemoryStore;
use realnet_resource_types::Types;
use serde_json::Value;

/// The initialization files, in their order.
pub const FILES: [&str; 11] = [
    "core.json",
    "controls.json",
    "views.json",
    "forms.json",
    "geometry.json",
    "kubernetes.json",
    "websites.json",
    "crm.json",
    "crm_apps.json",
    "apps.json",
    "access.json",
];

/// The initialization files, parsed.
pub fn documents() -> Vec<Document> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../static/initialization");
    let read = |name: &&str| {
        let text = std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
        parse_json(name, &text).unwrap()
    };
    FILES.iter().map(read).collect()
}

/// A resource without rules of its own.
struct Plain(&'static str);

impl Resource for Plain {
    fn name(&self) -> &str {
        self.0
    }
}

pub struct World {
    pub services: Services,
    pub dispatcher: Dispatcher,
    pub org: Uuid,
}

impl World {
    pub fn new() -> Self {
        Self::on(Services::on(Arc::new(MemoryStore::new())), System.next_id())
    }

    /// One with a key that secrets are sealed under.
    pub async fn sealing() -> Self {
        let store = Arc::new(MemoryStore::new());
        let secrets = unlock(&*store, Keyring::generate().unwrap()).await.unwrap();
        Self::on(Services::on(store).sealing(secrets), System.next_id())
    }

    /// The same world with its items behind another provider.
    pub fn behind<P: ItemProvider + 'static>(self, wrap: impl FnOnce(Arc<dyn ItemProvider>) -> P) -> Self {
        let items = Arc::new(wrap(Arc::clone(&self.services.items)));
        Self::on(Services { items, ..self.services }, self.org)
    }

    fn on(services: Services, org: Uuid) -> Self {
        let mut dispatcher = Dispatcher::new(services.clone());
        for module in ["items", "accounts"] {
            dispatcher.register(module, Arc::new(Plain(module)));
        }
        dispatcher.register("types", Arc::new(Types::new(services.clone())));
        Self { services, dispatcher, org }
    }

    pub fn caller(&self, role: OrgRole) -> Arc<Caller> {
        Arc::new(Caller { role: Some(role), ..Caller::anonymous(self.org) })
    }

    pub async fn call(&self, caller: Arc<Caller>, operation: Operation) -> Result<Reply> {
        let cx = Context::new(&self.services, caller, Arc::from("test"));
        self.dispatcher.dispatch(&cx, Request { endpoint: String::new(), operation }).await
    }

    pub async fn on_type(&self, role: OrgRole, operation: TypeOperation) -> Result<Reply> {
        self.call(self.caller(role), Operation::Type(operation)).await
    }

    pub async fn load(&self, role: OrgRole, document: Value, apply: bool) -> Result<Value> {
        let operation = Operation::Plan {
            document,
            source: "test.json".to_owned(),
            prune: false,
            force: false,
            adopt: false,
            compat: false,
            apply,
        };
        self.call(self.caller(role), operation).await.map(document_of)
    }

    pub async fn items(&self, type_name: &str) -> Vec<Item> {
        let registry = self.services.registry.current();
        let info = registry.find(self.org, type_name).unwrap();
        let types = registry.derived(info, None).map(realnet_core::registry::TypeInfo::id).collect();
        let access = Access { caller: Arc::new(Caller::system(self.org)), registry: registry.clone() };
        let query = Query { limit: 1000, ..Query::of(OrgScope::One(self.org), types) };
        self.services.items.list(&access, &query).await.unwrap().items
    }
}

pub fn document_of(reply: Reply) -> Value {
    match reply {
        Reply::Document(value) => value,
        other => panic!("{other:?}"),
    }
}
