//! A server without a protocol: types, an org with people in it, and short words for operations.

use std::sync::Arc;

use realnet_core::acl::{Caller, OrgRole, Principal};
use realnet_core::change::{ChangeSet, Operation as Change};
use realnet_core::model::{Item, TypeDefinition};
use realnet_core::provider::Access;
use realnet_core::registry::{TypeRegistry, TypeSnapshot};
use realnet_core::resource::{
    Context, Dispatcher, ListRequest, Operation, PatchDocument, Reply, Request, Services, WriteOptions,
};
use realnet_core::{ErrorKind, Result, Uuid};
use realnet_provider_generic::MemoryStore;
use realnet_resource_items::Items;
use serde_json::{Value, json};

pub struct World {
    pub dispatcher: Dispatcher,
    pub org: Uuid,
    pub system: Arc<Caller>,
    pub admin: Arc<Caller>,
    pub ann: Arc<Caller>,
    pub bob: Arc<Caller>,
    pub stranger: Arc<Caller>,
    /// An admin of another org.
    pub foreigner: Arc<Caller>,
}

fn types() -> Vec<TypeDefinition> {
    let any = json!([{"subject": {"type": "role", "id": "user"}, "permissions": ["create"]}]);
    let types = json!([
        {"name": "Item", "base": null, "access": any, "attributes": {"module": "items"}},
        {"name": "Account", "base": "Item", "access": []},
        {"name": "Group", "base": "Item", "access": []},
        {"name": "Role", "base": "Item", "access": []},
        {"name": "Type", "base": "Item", "access": [], "attributes": {"module": "types"}},
        {"name": "Note", "base": "Item"},
        {"name": "Folder", "base": "Item", "attributes": {"inherits_access": true}},
        {"name": "Shape", "base": "Item", "attributes": {"abstract": true}},
        {"name": "Circle", "base": "Shape"},
        {"name": "Ghost", "base": "Item", "attributes": {"module": "ghosts"}},
        {"name": "Product", "base": "Item", "attributes": {"currency": "EUR", "unit": "piece", "icon": "box"}},
        {"name": "Customer", "base": "Item", "attributes": {"endpoint": "clients"},
         "fields": [
            {"name": "tier", "type": "enum", "values": ["free", "pro"], "default": "free", "index": true},
            {"name": "email", "type": "email", "unique": true},
            {"name": "token", "type": "secret"},
            {"name": "chief", "type": "reference", "reference": "Item", "read": ["hr"]},
            {"name": "facts", "type": "json", "read": ["hr"], "schema": {"maxProperties": 1}},
            {"name": "remark", "type": "string", "read": ["hr"]},
            {"name": "salary", "type": "number", "read": ["hr"], "write": ["hr"]},
            {"name": "code", "type": "string", "readonly": true},
            {"name": "manager", "type": "reference", "reference": "Account"},
            {"name": "friends", "type": "reference", "reference": "Item", "multiple": true},
         ],
         "instances": [{"name": "VIP", "attributes": {"tier": "pro"}, "access": null}]},
        {"name": "GoldCustomer", "base": "Customer"},
        {"name": "Safe", "base": "Item", "fields": [
            {"name": "pin", "type": "secret", "required": true},
            {"name": "codes", "type": "secret", "multiple": true},
            {"name": "size", "type": "integer"},
        ]},
    ]);
    let Value::Array(types) = types else { unreachable!("a list was written above") };
    let complete = |(index, mut value): (usize, Value)| {
        let map = value.as_object_mut().unwrap();
        map.insert("id".into(), json!(Uuid::from_u128(index as u128 + 1)));
        map.insert("version".into(), json!(1));
        for (key, empty) in [("attributes", json!({})), ("fields", json!([])), ("instances", json!([]))] {
            map.entry(key).or_insert(empty);
        }
        for key in ["org", "access"] {
            map.entry(key).or_insert(Value::Null);
        }
        serde_json::from_value(value).unwrap()
    };
    types.into_iter().enumerate().map(complete).collect()
}

impl World {
    pub async fn new() -> Self {
        Self::on(Arc::new(MemoryStore::new()), |services| services).await
    }

    /// On this store, with services of the test's own.
    pub async fn on(store: Arc<MemoryStore>, adapt: impl FnOnce(Services) -> Services) -> Self {
        let services = adapt(Services::on(store));
        let org = services.ids.next_id();
        let system = Arc::new(Caller::system(org));
        load(&services, &system).await;
        let mut dispatcher = Dispatcher::new(services);
        dispatcher.register("items", Arc::new(Items));
        let nobody = Arc::new(Caller::anonymous(org));
        let mut world = Self {
            org,
            admin: nobody.clone(),
            ann: nobody.clone(),
            bob: nobody.clone(),
            stranger: nobody.clone(),
            foreigner: nobody,
            system,
            dispatcher,
        };
        world.admin = world.person("admin", OrgRole::Admin, org).await;
        world.ann = world.person("ann", OrgRole::User, org).await;
        world.bob = world.person("bob", OrgRole::User, org).await;
        let elsewhere = world.dispatcher.services().ids.next_id();
        world.foreigner = world.person("foreigner", OrgRole::Admin, elsewhere).await;
        world
    }

    /// The same people before another server, one with these services.
    pub fn before(&self, services: &Services) -> Self {
        let mut dispatcher = Dispatcher::new(services.clone());
        dispatcher.register("items", Arc::new(Items));
        Self {
            dispatcher,
            org: self.org,
            system: self.system.clone(),
            admin: self.admin.clone(),
            ann: self.ann.clone(),
            bob: self.bob.clone(),
            stranger: self.stranger.clone(),
            foreigner: self.foreigner.clone(),
        }
    }

    async fn person(&self, name: &str, role: OrgRole, org: Uuid) -> Arc<Caller> {
        let account = self.create(&self.system, "account", json!({"name": name, "org": org})).await.unwrap();
        let caller = Caller { username: Arc::from(name), ..Caller::anonymous(org) };
        Arc::new(Caller { account: Some(account.id), role: Some(role), ..caller })
    }

    pub fn with_role(caller: &Caller, role: &str) -> Arc<Caller> {
        let role = Principal { id: Uuid::from_u128(77), name: Arc::from(role) };
        Arc::new(Caller { roles: vec![role], ..caller.clone() })
    }

    pub fn context(&self, caller: &Arc<Caller>) -> Context {
        Context::new(self.dispatcher.services(), Arc::clone(caller), Arc::from("test"))
    }

    pub async fn call(&self, caller: &Arc<Caller>, endpoint: &str, operation: Operation) -> Result<Reply> {
        let request = Request { endpoint: endpoint.to_owned(), operation };
        self.dispatcher.dispatch(&self.context(caller), request).await
    }

    pub async fn create(&self, caller: &Arc<Caller>, endpoint: &str, body: Value) -> Result<Item> {
        let operation = Operation::Create { body, options: WriteOptions::default() };
        match self.call(caller, endpoint, operation).await? {
            Reply::Created { mut items, .. } => Ok(items.value.pop().unwrap()),
            other => panic!("{other:?}"),
        }
    }

    pub async fn get(&self, caller: &Arc<Caller>, endpoint: &str, id: Uuid) -> Result<Value> {
        let parameters = ListRequest::default();
        self.call(caller, endpoint, Operation::Get { id, parameters }).await.map(|reply| json_of(&reply))
    }

    pub async fn replace(
        &self,
        caller: &Arc<Caller>,
        endpoint: &str,
        id: Uuid,
        body: Value,
    ) -> Result<Value> {
        let options = WriteOptions::default();
        let operation = Operation::Replace { id, body, options };
        self.call(caller, endpoint, operation).await.map(|reply| json_of(&reply))
    }

    pub async fn merge(&self, caller: &Arc<Caller>, endpoint: &str, id: Uuid, body: Value) -> Result<Value> {
        self.patch(caller, endpoint, id, PatchDocument::Merge(body)).await
    }

    pub async fn patch(
        &self,
        caller: &Arc<Caller>,
        endpoint: &str,
        id: Uuid,
        patch: PatchDocument,
    ) -> Result<Value> {
        let operation = Operation::Patch { id, patch, options: WriteOptions::default() };
        self.call(caller, endpoint, operation).await.map(|reply| json_of(&reply))
    }

    pub async fn delete(&self, caller: &Arc<Caller>, endpoint: &str, id: Uuid) -> Result<Reply> {
        self.call(caller, endpoint, Operation::Delete { id, options: WriteOptions::default() }).await
    }

    pub async fn list(
        &self,
        caller: &Arc<Caller>,
        endpoint: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Value> {
        let operation = Operation::List(parameters_of(parameters));
        self.call(caller, endpoint, operation).await.map(|reply| json_of(&reply))
    }
}

async fn load(services: &Services, system: &Arc<Caller>) {
    let definitions = types();
    let operations =
        definitions.iter().map(|definition| Change::PutType(Box::new(definition.clone()))).collect();
    let mut changes = ChangeSet::new(operations, services.clock.now(), Arc::from("types"));
    let snapshot = TypeSnapshot::of(definitions);
    changes.next_registry = Some(Arc::new(TypeRegistry::build(snapshot).unwrap()));
    let access = Access { caller: Arc::clone(system), registry: services.registry.current() };
    services.items.commit(&access, changes).await.unwrap();
    services.reload_types().await.unwrap();
}

pub fn parameters_of(parameters: &[(&str, &str)]) -> ListRequest {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    ListRequest { parameters: parameters.iter().map(owned).collect() }
}

/// A reply as JSON, read back from the text that was written.
pub fn json_of(reply: &Reply) -> Value {
    let mut text = Vec::new();
    match reply {
        Reply::Page(page) => page.write_json(&mut text),
        Reply::Item(item) | Reply::Changed(item) => item.write_json(&mut text),
        Reply::Created { items, .. } => items.write_json(&mut text),
        Reply::History(history) => history.write_json(&mut text),
        Reply::Batch { results, .. } => results.write_json(&mut text),
        Reply::Deleted(count) | Reply::Affected(count) => return json!(count),
        Reply::Grants(grants) => return json!(grants),
        Reply::Document(value) => return value.clone(),
        other @ (Reply::Data(_) | Reply::Upload(_)) => panic!("no JSON: {other:?}"),
    }
    serde_json::from_slice(&text).unwrap()
}

/// The kind of an error and the places that it names.
pub fn refusal<T: std::fmt::Debug>(result: Result<T>) -> (ErrorKind, Vec<String>) {
    let error = result.unwrap_err();
    let places = error.violations().iter().map(|violation| violation.pointer.clone()).collect();
    (error.kind(), places)
}

pub fn kind<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}
