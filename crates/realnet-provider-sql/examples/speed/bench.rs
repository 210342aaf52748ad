//! The store under measurement: one type with two indexed fields, and items of it.

use std::sync::Arc;
use std::time::Instant;

use realnet_core::acl::{Caller, OrgRole};
use realnet_core::change::{ChangeSet, Operation};
use realnet_core::clock::{Clock as _, IdSource as _, System};
use realnet_core::model::{Attributes, Item, Location, TypeDefinition};
use realnet_core::provider::{Access, ItemProvider, TypeProvider};
use realnet_core::query::{self, Query};
use realnet_core::registry::{TypeRegistry, TypeSnapshot};
use realnet_core::{Result, Uuid};
use serde_json::json;

use super::report;

/// The ids of org, types and user: the same in every run, so that a store that was kept is known again.
const ORG: Uuid = Uuid::from_u128(0x6f_7267);
const ROOT: Uuid = Uuid::from_u128(0x72_6f6f_7400);
const MEMO: Uuid = Uuid::from_u128(0x6d65_6d6f_0000);
const USER: Uuid = Uuid::from_u128(0x7573_6572_0000_0000);

/// A store, and who asks it.
#[derive(Clone)]
pub struct Bench {
    pub store: Arc<dyn ItemProvider>,
    pub system: Access,
    /// A user who has a grant on the type.
    pub user: Access,
    /// Somebody who may everything in all orgs.
    pub superuser: Access,
}

impl Bench {
    /// Takes a store, and fills it with that many items when it is empty.
    pub async fn new(store: impl ItemProvider + TypeProvider + 'static, rows: usize) -> Result<Self> {
        let is_new = store.load_types().await?.definitions.is_empty();
        let definitions = vec![
            definition(&json!({"id": ROOT, "name": "Item", "base": null})),
            definition(&json!({"id": MEMO, "name": "Memo", "base": "Item",
            "access": [{"subject": {"type": "role", "id": "user"}, "permissions": ["create", "read", "write"]}],
            "fields": [
                {"name": "title", "type": "string"},
                {"name": "state", "type": "enum", "values": ["open", "done", "late"], "index": true},
                {"name": "priority", "type": "integer", "index": true},
            ]})),
        ];
        let before = Arc::new(TypeRegistry::build(TypeSnapshot::default())?);
        let snapshot = TypeSnapshot::of(definitions.clone());
        let registry = Arc::new(TypeRegistry::build(snapshot)?);
        let system = Arc::new(Caller::system(ORG));
        if is_new {
            let operations = definitions.into_iter().map(|one| Operation::PutType(Box::new(one))).collect();
            let mut changes = ChangeSet::new(operations, System.now(), Arc::from("types"));
            changes.next_registry = Some(Arc::clone(&registry));
            store.commit(&Access { caller: Arc::clone(&system), registry: before }, changes).await?;
        }
        let signed_in = |role: OrgRole| Caller {
            account: Some(USER),
            username: Arc::from("user"),
            role: Some(role),
            ..Caller::anonymous(ORG)
        };
        let access = |caller: Arc<Caller>| Access { caller, registry: Arc::clone(&registry) };
        let superuser = access(Arc::new(signed_in(OrgRole::Superuser)));
        let user = access(Arc::new(signed_in(OrgRole::User)));
        let bench = Self { store: Arc::new(store), system: access(system), user, superuser };
        if is_new {
            bench.fill(rows).await?;
        }
        Ok(bench)
    }

    async fn fill(&self, rows: usize) -> Result<()> {
        let begun = Instant::now();
        let mut done = 0;
        while done < rows {
            let operations: Vec<Operation> =
                (0..1000.min(rows - done)).map(|n| self.create(done + n)).collect();
            done += operations.len();
            self.commit(operations).await?;
        }
        report("filled, in sets of 1000, per row", begun.elapsed(), rows);
        Ok(())
    }

    /// The ids of all items.
    pub async fn ids(&self) -> Result<Arc<Vec<Uuid>>> {
        let mut query = Self::query(&self.system, &[("limit", "1000")])?;
        let mut ids = Vec::new();
        loop {
            let page = self.store.list(&self.system, &query).await?;
            ids.extend(page.items.iter().map(|item| item.id));
            query.after = page.next;
            if query.after.is_none() {
                return Ok(Arc::new(ids));
            }
        }
    }

    pub fn memo(&self, n: usize) -> Item {
        let state = ["open", "done", "late"][n % 3];
        let rare = if n.is_multiple_of(500) { "rare" } else { "usual" };
        let attributes = json!({
            "title": format!("A {rare} memo number{n} about things that have to be done"),
            "body": "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt",
            "state": state,
            "priority": (n * 7919) % 1_000_003,
        });
        let place = [((n * 31) % 36_000) as f64 / 100.0 - 180.0, ((n * 17) % 17_000) as f64 / 100.0 - 85.0];
        let now = System.now();
        Item {
            name: format!("memo {n}"),
            attributes: Attributes::from_map(attributes.as_object().cloned().unwrap()),
            location: n.is_multiple_of(4).then_some(Location::Point(place)),
            owner: self.user.caller.account,
            created_at: now,
            updated_at: now,
            ..Item::new(System.next_id(), MEMO, Arc::from("Memo"), ORG)
        }
    }

    pub fn create(&self, n: usize) -> Operation {
        Operation::Create(Box::new(self.memo(n)))
    }

    pub async fn commit(&self, operations: Vec<Operation>) -> Result<Vec<realnet_core::change::Outcome>> {
        let changes = ChangeSet::new(operations, System.now(), Arc::from("speed"));
        self.store.commit(&self.system, changes).await
    }

    pub fn query(access: &Access, parameters: &[(&str, &str)]) -> Result<Query> {
        let parameters: Vec<(String, String)> =
            parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let registry = &access.registry;
        let parsed = query::parse(registry, &access.caller, registry.by_id(MEMO), &parameters, System.now())?;
        Ok(parsed.query)
    }
}

fn definition(document: &serde_json::Value) -> TypeDefinition {
    let mut whole =
        json!({"org": null, "attributes": {}, "fields": [], "access": null, "instances": [], "version": 1});
    whole.as_object_mut().unwrap().extend(document.as_object().cloned().unwrap());
    serde_json::from_value(whole).unwrap()
}
