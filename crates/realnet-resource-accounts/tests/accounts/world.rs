//! A store with the types of accounts, a first org with its superuser, and people in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use realnet_core::acl::{Caller, Origin};
use realnet_core::change::{ChangeSet, Edit, Operation as Change};
use realnet_core::clock::{Clock, Timestamp};
use realnet_core::model::{Attributes, Item, TypeDefinition};
use realnet_core::provider::{Access, EventFilter, EventKind};
use realnet_core::registry::{TypeRegistry, TypeSnapshot};
use realnet_core::resource::{
    Authenticator, Call, Context, Dispatcher, ListRequest, Operation, PatchDocument, Reply, Request,
    Resource, Services, SignIn, Tokens, Verb, WriteOptions,
};
use realnet_core::secret::{Keyring, unlock};
use realnet_core::{Error, ErrorKind, Result, Uuid};
use realnet_provider_generic::MemoryStore;
use realnet_resource_accounts::{Accounts, AccountsConfig, Bootstrap, bootstrap};
use serde_json::{Value, json};

pub const KEY: [u8; 32] = [42; 32];
pub const PASSWORD: &str = "correct horse";

/// A clock that stands still until it is told to go on.
pub struct StoppedClock(AtomicI64);

impl StoppedClock {
    pub fn advance(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::Relaxed);
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }
}

/// A resource without rules, for the other types.
struct Plain;

impl Resource for Plain {
    fn name(&self) -> &'static str {
        "items"
    }
}

pub struct World {
    pub services: Services,
    pub clock: Arc<StoppedClock>,
    pub accounts: Arc<Accounts>,
    pub dispatcher: Dispatcher,
    pub org: Uuid,
    /// Signed-in people.
    pub root: Arc<Caller>,
    pub admin: Arc<Caller>,
    pub ann: Arc<Caller>,
    pub bob: Arc<Caller>,
}

fn types() -> Vec<TypeDefinition> {
    let users_create = json!([{"subject": {"type": "role", "id": "user"}, "permissions": ["create"]}]);
    let accounts = json!({"module": "accounts"});
    let admins = json!(["superuser", "admin"]);
    let link = |name: &str, field: &str, of: &str| {
        // Carelessly open, so that what refuses is the rule and not the missing grant.
        json!({"name": name, "base": "Item", "attributes": accounts, "access": users_create, "fields": [
            {"name": "account", "type": "reference", "reference": "Account", "on_delete": "cascade", "index": true},
            {"name": field, "type": "reference", "reference": of, "on_delete": "cascade", "index": true}]})
    };
    let types = json!([
        {"name": "Item", "base": null, "access": users_create, "attributes": {"module": "items"}},
        {"name": "Folder", "base": "Item", "attributes": {"inherits_access": true}},
        {"name": "Org", "base": "Item", "access": [], "attributes": {"module": "accounts", "endpoint": "orgs"}, "fields": [
            {"name": "description", "type": "text"},
            {"name": "require_factor", "type": "boolean"},
            {"name": "settings", "type": "json"}]},
        {"name": "Account", "base": "Item", "access": users_create,
         "attributes": {"module": "accounts", "endpoint": "accounts"}, "fields": [
            {"name": "username", "type": "string", "required": true, "unique": true, "index": true, "min_length": 1},
            {"name": "email", "type": "email", "unique": true},
            {"name": "role", "type": "enum", "values": ["superuser", "admin", "user", "visitor"], "default": "user",
             "required": true, "index": true, "write": admins},
            {"name": "disabled", "type": "boolean", "default": false, "write": admins},
            {"name": "email_verified", "type": "boolean", "default": false, "write": admins},
            {"name": "display_name", "type": "string"}]},
        {"name": "Staff", "base": "Account", "attributes": {"role": "superuser"}},
        {"name": "Group", "base": "Item", "access": users_create, "attributes": accounts},
        {"name": "Role", "base": "Item", "access": users_create, "attributes": accounts},
        {"name": "Client", "base": "Item", "access": users_create,
         "attributes": {"module": "accounts", "endpoint": "clients"}, "fields": [
            {"name": "description", "type": "text"},
            {"name": "account", "type": "reference", "reference": "Account", "on_delete": "clear"},
            {"name": "scopes", "type": "string", "multiple": true},
            {"name": "enabled", "type": "boolean", "default": true}]},
        link("AccountGroup", "group", "Group"),
        link("AccountRole", "role", "Role"),
        {"name": "Auth", "base": "Item", "access": users_create, "attributes": {"module": "accounts", "endpoint": "auths"}, "fields": [
            {"name": "issuer", "type": "url", "required": true},
            {"name": "client_id", "type": "string", "required": true},
            {"name": "client_secret", "type": "secret"},
            {"name": "scopes", "type": "string", "multiple": true, "default": ["openid", "email", "profile"]},
            {"name": "create_accounts", "type": "boolean", "default": false},
            {"name": "role", "type": "enum", "values": ["visitor", "user", "admin"], "default": "user"},
            {"name": "link_by_email", "type": "boolean", "default": false},
            {"name": "allowed_domains", "type": "string", "multiple": true},
            {"name": "enabled", "type": "boolean", "default": true}]},
    ]);
    let Value::Array(types) = types else { unreachable!("a list was written above") };
    types.into_iter().enumerate().map(|(index, value)| definition(index, value)).collect()
}

/// A definition with everything that a type may leave out.
fn definition(index: usize, mut value: Value) -> TypeDefinition {
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
}

/// A store with types and nothing else.
pub async fn empty_store() -> (Services, Arc<StoppedClock>) {
    let clock = Arc::new(StoppedClock(AtomicI64::new(1_800_000_000_000_000)));
    let services = Services { clock: clock.clone(), ..Services::on(Arc::new(MemoryStore::new())) };
    let secrets = unlock(&*services.credentials, Keyring::generate().unwrap()).await.unwrap();
    let services = services.sealing(secrets);
    let definitions = types();
    let operations =
        definitions.iter().map(|definition| Change::PutType(Box::new(definition.clone()))).collect();
    let mut changes = ChangeSet::new(operations, services.clock.now(), Arc::from("types"));
    let snapshot = TypeSnapshot::of(definitions);
    changes.next_registry = Some(Arc::new(TypeRegistry::build(snapshot).unwrap()));
    let caller = Arc::new(Caller::system(Uuid::nil()));
    let access = Access { caller, registry: services.registry.current() };
    services.items.commit(&access, changes).await.unwrap();
    services.reload_types().await.unwrap();
    (services, clock)
}

pub fn config() -> AccountsConfig {
    AccountsConfig { jwt_key: Some(KEY.to_vec()), bcrypt_cost: 4, ..AccountsConfig::default() }
}

pub fn first(username: &str) -> Bootstrap {
    Bootstrap {
        org: "First".to_owned(),
        username: username.to_owned(),
        password: PASSWORD.to_owned(),
        email: Some(format!("{username}@first.test")),
        bcrypt_cost: 4,
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(config()).await
    }

    pub async fn with(config: AccountsConfig) -> Self {
        Self::on(empty_store().await, config).await
    }

    /// On a store that has types and nothing else.
    pub async fn on((services, clock): (Services, Arc<StoppedClock>), config: AccountsConfig) -> Self {
        let created = bootstrap(&services, first("root")).await.unwrap().unwrap();
        let accounts = Accounts::new(&services, config).await.unwrap();
        let mut dispatcher = Dispatcher::new(services.clone());
        dispatcher.register("items", Arc::new(Plain)).register("accounts", accounts.clone());
        let nobody = Arc::new(Caller::anonymous(created.org));
        let mut world = Self {
            root: nobody.clone(),
            admin: nobody.clone(),
            ann: nobody.clone(),
            bob: nobody,
            org: created.org,
            services,
            clock,
            accounts,
            dispatcher,
        };
        world.root = world.sign_in("root").await.caller;
        for (name, role) in [("admin", "admin"), ("ann", "user"), ("bob", "user")] {
            world.person(name, role).await;
        }
        world.admin = world.sign_in("admin").await.caller;
        world.ann = world.sign_in("ann").await.caller;
        world.bob = world.sign_in("bob").await.caller;
        world
    }

    /// Puts a type of the caller's org in place of the one of its name, as the resource of types does.
    pub async fn define(&self, caller: &Arc<Caller>, value: Value) -> Result<()> {
        let registry = self.services.registry.current();
        let mut snapshot = registry.snapshot();
        let mut definition = definition(snapshot.definitions.len(), value);
        definition.org = Some(caller.org);
        if let Some(stored) = registry.find(caller.org, &definition.name) {
            definition.id = stored.id();
        }
        snapshot.definitions.retain(|other| other.id != definition.id);
        snapshot.definitions.push(definition.clone());
        snapshot.revision += 1;
        let operations = vec![Change::PutType(Box::new(definition))];
        let mut changes = ChangeSet::new(operations, self.services.clock.now(), Arc::from("types"));
        changes.next_registry = Some(Arc::new(TypeRegistry::build(snapshot)?));
        let access = Access { caller: Arc::clone(caller), registry };
        self.services.items.commit(&access, changes).await?;
        self.services.reload_types().await
    }

    /// A new account, made by the superuser.
    pub async fn person(&self, username: &str, role: &str) -> Uuid {
        let email = format!("{username}@first.test");
        let body = json!({"username": username, "password": PASSWORD, "role": role, "email": email});
        id_of(&self.create(&self.root, "accounts", body).await.unwrap())
    }

    pub async fn sign_in(&self, username: &str) -> Tokens {
        self.try_sign_in(username, PASSWORD).await.unwrap()
    }

    pub async fn try_sign_in(&self, username: &str, password: &str) -> Result<Tokens> {
        let request =
            SignIn { username: username.to_owned(), password: password.to_owned(), org: None, code: None };
        self.accounts.sign_in(request, &Origin::default()).await?.tokens()
    }

    /// Signs in from somewhere.
    pub async fn sign_in_from(&self, address: &str, username: &str, password: &str) -> Result<Tokens> {
        let request =
            SignIn { username: username.to_owned(), password: password.to_owned(), org: None, code: None };
        self.accounts.sign_in(request, &from(address)).await?.tokens()
    }

    /// A call below `/api/auth`.
    pub async fn auth(&self, caller: &Arc<Caller>, verb: Verb, path: &str, body: Value) -> Result<Value> {
        let (path, parameters) = path.split_once('?').unwrap_or((path, ""));
        let pairs = parameters.split('&').filter_map(|pair| pair.split_once('='));
        let parameters = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let call = Call {
            path: path.split('/').map(str::to_owned).collect(),
            verb,
            body,
            parameters: ListRequest { parameters: parameters.collect() },
            options: WriteOptions::default(),
        };
        let cx = Context::new(&self.services, Arc::clone(caller), Arc::from("test"));
        let cx = cx.with_origin(Arc::new(from("192.0.2.1").with_token(caller.session)));
        Authenticator::call(&*self.accounts, &cx, call).await.map(|reply| json_of(&reply))
    }

    /// Whoever is not signed in.
    pub fn stranger(&self) -> Arc<Caller> {
        Arc::new(Caller::anonymous(self.org))
    }

    /// The kinds of the events of an account, oldest first.
    pub async fn events(&self, account: Option<Uuid>) -> Vec<&'static str> {
        let filter = EventFilter { account, ..EventFilter::default() };
        let events = self.services.credentials.events(self.org, &filter, None, 1000).await.unwrap();
        events.iter().rev().map(|event| event.kind.as_str()).collect()
    }

    /// What the events of a kind say, oldest first.
    pub async fn details(&self, kind: &str) -> Vec<Value> {
        let filter = EventFilter { kind: EventKind::parse(kind), ..EventFilter::default() };
        let events = self.services.credentials.events(self.org, &filter, None, 1000).await.unwrap();
        events.into_iter().rev().map(|event| event.detail).collect()
    }

    /// Waits until something that is done in the background has come true.
    pub async fn until(&self, what: &str, is_true: impl AsyncFn() -> bool) {
        for _ in 0..2000 {
            if is_true().await {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("never: {what}")
    }

    pub async fn call(&self, caller: &Arc<Caller>, endpoint: &str, operation: Operation) -> Result<Value> {
        let cx = Context::new(&self.services, Arc::clone(caller), Arc::from("test"));
        let request = Request { endpoint: endpoint.to_owned(), operation };
        self.dispatcher.dispatch(&cx, request).await.map(|reply| json_of(&reply))
    }

    /// Creates an item from somewhere.
    pub async fn create_from(
        &self,
        caller: &Arc<Caller>,
        address: &str,
        endpoint: &str,
        body: Value,
    ) -> Result<Uuid> {
        let cx = Context::new(&self.services, Arc::clone(caller), Arc::from("test"));
        let cx = cx.with_origin(Arc::new(from(address).with_token(caller.session)));
        let operation = Operation::Create { body, options: WriteOptions::default() };
        let request = Request { endpoint: endpoint.to_owned(), operation };
        self.dispatcher.dispatch(&cx, request).await.map(|reply| id_of(&json_of(&reply)[0]))
    }

    pub async fn create(&self, caller: &Arc<Caller>, endpoint: &str, body: Value) -> Result<Value> {
        let operation = Operation::Create { body, options: WriteOptions::default() };
        self.call(caller, endpoint, operation).await.map(|mut items| items[0].take())
    }

    pub async fn get(&self, caller: &Arc<Caller>, endpoint: &str, id: Uuid) -> Result<Value> {
        self.call(caller, endpoint, Operation::Get { id, parameters: ListRequest::default() }).await
    }

    pub async fn merge(&self, caller: &Arc<Caller>, endpoint: &str, id: Uuid, body: Value) -> Result<Value> {
        self.call(caller, endpoint, merge(id, body)).await
    }

    pub async fn delete(&self, caller: &Arc<Caller>, endpoint: &str, id: Uuid) -> Result<Value> {
        self.call(caller, endpoint, Operation::Delete { id, options: WriteOptions::default() }).await
    }

    /// Changes an attribute in the store, past all rules and without ending any session: as a fault, or somebody who forgot about
    /// one of several lines of defence, would.
    pub async fn set_silently(&self, id: Uuid, key: &'static str, value: Value) {
        let edit: Edit = Arc::new(move |before| {
            let mut attributes = before.attributes.as_map().clone();
            attributes.insert(key.to_owned(), value.clone());
            Ok(Item { attributes: Attributes::from_map(attributes), ..before.clone() })
        });
        let operations = vec![Change::Update { id, expected_version: None, edit }];
        let changes = ChangeSet::new(operations, self.services.clock.now(), Arc::from("silence"));
        let access =
            Access { caller: Arc::new(Caller::system(self.org)), registry: self.services.registry.current() };
        self.services.items.commit(&access, changes).await.unwrap();
    }

    pub async fn token_works(&self, token: &str) -> bool {
        match self.accounts.authenticate(Some(token), None).await {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
                false
            }
        }
    }
}

/// An origin with an address.
pub fn from(address: &str) -> Origin {
    Origin::new("test").with_address(address.parse().ok()).with_agent(Some("tests"))
}

pub fn merge(id: Uuid, body: Value) -> Operation {
    Operation::Patch { id, patch: PatchDocument::Merge(body), options: WriteOptions::default() }
}

pub fn json_patch(id: Uuid, operations: Value) -> Operation {
    Operation::Patch { id, patch: PatchDocument::Json(operations), options: WriteOptions::default() }
}

pub fn replace(id: Uuid, body: Value) -> Operation {
    Operation::Replace { id, body, options: WriteOptions::default() }
}

pub fn batch(operation: &Value) -> Operation {
    Operation::Batch { body: json!({"operations": [operation]}), options: WriteOptions::default() }
}

pub fn filter(name: &str, value: &str) -> ListRequest {
    ListRequest { parameters: vec![(name.to_owned(), value.to_owned())] }
}

pub fn id_of(item: &Value) -> Uuid {
    Uuid::parse_str(item["id"].as_str().unwrap()).unwrap()
}

pub fn id(caller: &Caller) -> Uuid {
    caller.account.unwrap()
}

pub fn kind<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.map_err(|error: Error| error.kind()).unwrap_err()
}

fn json_of(reply: &Reply) -> Value {
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
