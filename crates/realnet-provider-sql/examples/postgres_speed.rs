//! Measures the PostgreSQL store alone, beside the bare driver running one statement on the same tables: look-ups,
//! lists, creates and updates, without HTTP.
//!
//! `cargo run --release -p realnet-provider-sql --example postgres_speed -- postgres://… ROWS`, on an empty database.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "a program for people"
)]

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use realnet_core::acl::{Caller, OrgRole};
use realnet_core::change::{ChangeSet, Operation};
use realnet_core::clock::{Clock as _, IdSource as _, System};
use realnet_core::model::{Attributes, Item, Location, TypeDefinition, Visibility};
use realnet_core::provider::{Access, ItemProvider as _};
use realnet_core::query::{self, Count};
use realnet_core::registry::{TypeRegistry, TypeSnapshot};
use realnet_core::{Result, Uuid};
use realnet_provider_sql::postgres::{PostgresConfig, PostgresStore};
use serde_json::json;
use tokio_postgres::{Client, NoTls, Statement};

const TASKS: usize = 32;
const CONNECTIONS: usize = 16;

#[derive(Clone)]
struct Bench {
    store: PostgresStore,
    system: Access,
    user: Access,
    memo: Uuid,
    bare: Arc<Vec<Bare>>,
}

struct Bare {
    client: Client,
    get: Statement,
    insert: Statement,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(run()).unwrap();
}

async fn run() -> Result<()> {
    let url = std::env::args().nth(1).expect("the URL of an empty database");
    let rows: usize = std::env::args().nth(2).and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let bench = Bench::new(&url).await?;
    let begun = Instant::now();
    let mut ids = Vec::new();
    for start in (0..rows).step_by(1000) {
        let drafts = (start..rows.min(start + 1000)).map(|n| bench.memo(n));
        let operations =
            drafts.inspect(|item| ids.push(item.id)).map(|item| Operation::Create(Box::new(item)));
        bench.commit(operations.collect()).await?;
    }
    report("filled, in sets of 1000, per row", begun.elapsed(), rows);
    let ids = Arc::new(ids);
    for round in 1..=2 {
        println!("round {round}");
        bench.gets(&ids).await;
        bench.lists().await?;
        bench.writes(&ids).await;
    }
    bench.store.close();
    Ok(())
}

fn report(what: &str, time: Duration, count: usize) {
    let each = time.as_secs_f64() / count as f64;
    println!("{what:50} {:10.1} µs {:10.0}/s", each * 1e6, 1.0 / each);
}

/// Runs `each` rounds of work in all tasks at once.
async fn together<F: Future<Output = ()> + Send + 'static>(
    what: &str,
    each: usize,
    work: impl Fn(usize, usize) -> F,
) {
    let begun = Instant::now();
    let tasks: Vec<_> = (0..TASKS).map(|task| tokio::spawn(work(task, each))).collect();
    for task in tasks {
        task.await.unwrap();
    }
    report(what, begun.elapsed(), TASKS * each);
}

impl Bench {
    async fn new(url: &str) -> Result<Self> {
        let store = PostgresStore::connect(PostgresConfig::from_url(url)?).await?;
        let org = System.next_id();
        let (root, memo) = (System.next_id(), System.next_id());
        let definitions = vec![
            definition(json!({"id": root, "name": "Item", "base": null})),
            definition(json!({"id": memo, "name": "Memo", "base": "Item",
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
        let system = Arc::new(Caller::system(org));
        let operations = definitions.into_iter().map(|one| Operation::PutType(Box::new(one))).collect();
        let mut changes = ChangeSet::new(operations, System.now(), Arc::from("types"));
        changes.next_registry = Some(Arc::clone(&registry));
        store.commit(&Access { caller: Arc::clone(&system), registry: before }, changes).await?;
        let user = Caller {
            account: Some(System.next_id()),
            username: Arc::from("user"),
            role: Some(OrgRole::User),
            ..Caller::anonymous(org)
        };
        let access = |caller: Arc<Caller>| Access { caller, registry: Arc::clone(&registry) };
        let mut bare = Vec::new();
        for _ in 0..CONNECTIONS {
            bare.push(Bare::connect(url).await);
        }
        Ok(Self { store, system: access(system), user: access(Arc::new(user)), memo, bare: Arc::new(bare) })
    }

    fn memo(&self, n: usize) -> Item {
        let now = System.now();
        let rare = if n.is_multiple_of(500) { "rare" } else { "usual" };
        let state = ["open", "done", "late"][n % 3];
        let attributes = json!({
            "title": format!("A {rare} memo number{n} about things that have to be done"),
            "body": "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt",
            "state": state,
            "priority": (n * 7919) % 1_000_003,
        });
        let place = [((n * 31) % 36_000) as f64 / 100.0 - 180.0, ((n * 17) % 17_000) as f64 / 100.0 - 85.0];
        Item {
            id: System.next_id(),
            type_id: self.memo,
            type_name: Arc::from("Memo"),
            instance: None,
            name: format!("memo {n}"),
            attributes: Attributes::from_map(attributes.as_object().cloned().unwrap()),
            tags: Vec::new(),
            status: None,
            visibility: Visibility::Visible,
            location: n.is_multiple_of(4).then_some(Location::Point(place)),
            valid_from: None,
            valid_to: None,
            parent_id: None,
            linked_item_id: None,
            owner: self.user.caller.account,
            org: self.user.caller.org,
            public: false,
            version: 1,
            created_at: now,
            updated_at: now,
            grants: Vec::new(),
        }
    }

    async fn commit(&self, operations: Vec<Operation>) -> Result<()> {
        let changes = ChangeSet::new(operations, System.now(), Arc::from("speed"));
        self.store.commit(&self.system, changes).await.map(drop)
    }

    async fn gets(&self, ids: &Arc<Vec<Uuid>>) {
        let each = 1500;
        together("get, 32 tasks", each, |task, each| {
            let (bench, ids) = (self.clone(), Arc::clone(ids));
            async move {
                for n in 0..each {
                    let id = ids[(task * 7919 + n * 31) % ids.len()];
                    assert!(bench.store.get(&bench.user, id).await.unwrap().is_some());
                }
            }
        })
        .await;
        together("  bare driver, 8 connections", each, |task, each| {
            let (bench, ids) = (self.clone(), Arc::clone(ids));
            async move {
                let bare = &bench.bare[task % 8];
                for n in 0..each {
                    let id = ids[(task * 7919 + n * 31) % ids.len()].to_string();
                    bare.client.query_one(&bare.get, &[&id]).await.unwrap();
                }
            }
        })
        .await;
    }

    async fn lists(&self) -> Result<()> {
        for (what, parameters, count) in [
            ("list", &[][..], false),
            ("list with total", &[][..], true),
            ("state=open, newest first", &[("state", "open"), ("order", "created_at.desc")][..], false),
            ("  with total", &[("state", "open"), ("order", "created_at.desc")][..], true),
            (
                "state=open, by priority downwards",
                &[("state", "open"), ("order", "priority.desc")][..],
                false,
            ),
            ("by priority upwards", &[("order", "priority")][..], false),
            ("priority.lt.500", &[("priority", "lt.500")][..], false),
            ("by name downwards", &[("order", "name.desc")][..], false),
            ("search=rare", &[("search", "rare")][..], false),
            ("search=memo", &[("search", "memo")][..], false),
            ("near, 100 km", &[("near", "8.5,47.4,100000")][..], false),
            ("near, 2000 km", &[("near", "8.5,47.4,2000000")][..], false),
        ] {
            self.list(what, parameters, count).await?;
        }
        Ok(())
    }

    async fn list(&self, what: &str, parameters: &[(&str, &str)], count: bool) -> Result<()> {
        let parameters: Vec<(String, String)> =
            parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let registry = &self.user.registry;
        let base = registry.by_id(self.memo);
        let mut query = query::parse(registry, &self.user.caller, base, &parameters, System.now())?.query;
        query.count = if count { Count::Exact } else { Count::None };
        let page = self.store.list(&self.user, &query).await?;
        let first = Instant::now();
        self.store.list(&self.user, &query).await?;
        let rounds = (Duration::from_millis(400).as_nanos() / first.elapsed().as_nanos().max(1))
            .clamp(1, 2000) as usize;
        let begun = Instant::now();
        for _ in 0..rounds {
            self.store.list(&self.user, &query).await?;
        }
        let total = page.total.map(|total| format!(" of {total}")).unwrap_or_default();
        report(&format!("{what} [{}{total}]", page.items.len()), begun.elapsed(), rounds);
        Ok(())
    }

    async fn writes(&self, ids: &Arc<Vec<Uuid>>) {
        let each = 500;
        together("create, 32 tasks", each, |task, each| {
            let bench = self.clone();
            async move {
                for n in 0..each {
                    let item = bench.memo(1_000_000 + task * each + n);
                    bench.commit(vec![Operation::Create(Box::new(item))]).await.unwrap();
                }
            }
        })
        .await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        together("  bare driver, 16 connections, one statement", each, |task, each| {
            let bench = self.clone();
            async move {
                let bare = &bench.bare[task % CONNECTIONS];
                for n in 0..each {
                    bare.create(&bench.memo(n)).await;
                }
            }
        })
        .await;
        together("update of an indexed field, 32 tasks", each, |task, each| {
            let (bench, ids) = (self.clone(), Arc::clone(ids));
            async move {
                for n in 0..each {
                    let id = ids[(task * each + n) % ids.len()];
                    bench.commit(vec![update(id, n)]).await.unwrap();
                }
            }
        })
        .await;
    }
}

impl Bare {
    async fn connect(url: &str) -> Self {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        tokio::spawn(connection);
        let get = client.prepare("SELECT * FROM items WHERE id = $1::text::uuid").await.unwrap();
        let insert = client
            .prepare(
                "WITH item AS (INSERT INTO items (id, org, type, name, attributes, tags, visibility, owner, public, \
                 version, created_at, updated_at, search) VALUES ($1::text::uuid, $2::text::uuid, $3::text::uuid, \
                 $4, $5, '{}', 0, $6::text::uuid, false, 1, $7, $7, '')), \
                 keys AS (INSERT INTO keys (field, org, value, item) VALUES \
                 (1, $2::text::uuid, $8, $1::text::uuid), (2, $2::text::uuid, $9, $1::text::uuid)) \
                 INSERT INTO changes (org, item, type, kind, version, after, at, request) \
                 VALUES ($2::text::uuid, $1::text::uuid, $3::text::uuid, 'create', 1, $10, $7, '')",
            )
            .await
            .unwrap();
        Self { client, get, insert }
    }

    async fn create(&self, item: &Item) {
        let text = |id: Uuid| id.to_string();
        let (id, org, type_id) = (text(item.id), text(item.org), text(item.type_id));
        let owner = item.owner.map(text);
        let at = item.created_at.as_micros();
        let after = serde_json::to_string(item).unwrap();
        let (one, other) = (b"\x30open".to_vec(), at.to_be_bytes().to_vec());
        let attributes = item.attributes.as_text();
        self.client
            .execute(
                &self.insert,
                &[&id, &org, &type_id, &item.name, &attributes, &owner, &at, &one, &other, &after],
            )
            .await
            .unwrap();
    }
}

fn update(id: Uuid, n: usize) -> Operation {
    let edit = move |item: &Item| {
        let mut map = item.attributes.as_map().clone();
        map.insert("priority".to_owned(), json!(n));
        Ok(Item { attributes: Attributes::from_map(map), ..item.clone() })
    };
    Operation::Update { id, expected_version: None, edit: Arc::new(edit) }
}

fn definition(document: serde_json::Value) -> TypeDefinition {
    let mut whole =
        json!({"org": null, "attributes": {}, "fields": [], "access": null, "instances": [], "version": 1});
    whole.as_object_mut().unwrap().extend(document.as_object().cloned().unwrap());
    serde_json::from_value(whole).unwrap()
}
