//! Measures the SQLite store alone: creates, look-ups, lists and totals, without HTTP.
//!
//! `cargo run --release -p realnet-provider-sql --example sqlite_speed -- ROWS [FOLDER]`

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for people")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use realnet_core::acl::{Caller, OrgRole};
use realnet_core::change::{ChangeSet, Operation};
use realnet_core::clock::{Clock as _, IdSource as _, System};
use realnet_core::model::{Attributes, Item, Location, TypeDefinition, Visibility};
use realnet_core::provider::{Access, ItemProvider as _};
use realnet_core::query::{self, Count, Query};
use realnet_core::registry::{TypeRegistry, TypeSnapshot};
use realnet_core::{Result, Uuid};
use realnet_provider_sql::{SqliteConfig, SqliteStore};
use serde_json::json;

const TASKS: usize = 32;

struct Bench {
    store: Arc<SqliteStore>,
    system: Access,
    user: Access,
    memo: Uuid,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(run()).unwrap();
}

async fn run() -> Result<()> {
    let rows: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let folder = match std::env::args().nth(2) {
        Some(folder) => tempfile::tempdir_in(folder).unwrap(),
        None => tempfile::tempdir().unwrap(),
    };
    let bench = Bench::new(&folder).await?;
    let begun = Instant::now();
    let mut id = None;
    let mut done = 0;
    while done < rows {
        let operations: Vec<Operation> =
            (0..1000.min(rows - done)).map(|n| Operation::Create(Box::new(bench.memo(done + n)))).collect();
        done += operations.len();
        let outcomes = bench.commit(operations).await?;
        id = outcomes.first().and_then(|outcome| outcome.item()).map(|item| item.id).or(id);
    }
    report("filled, in sets of 1000, per row", begun.elapsed(), rows);
    let id = id.unwrap();
    bench.reads(id).await?;
    bench.writes(rows).await?;
    bench.mixed(rows, id).await?;
    bench.store.close().await?;
    let size = std::fs::metadata(folder.path().join("store.db")).unwrap().len();
    println!("{:50} {:10.1} MB", "file", size as f64 / 1e6);
    Ok(())
}

fn report(what: &str, time: Duration, count: usize) {
    let each = time.as_secs_f64() / count as f64;
    println!("{what:50} {:10.1} µs {:10.0}/s", each * 1e6, 1.0 / each);
}

impl Bench {
    async fn new(folder: &tempfile::TempDir) -> Result<Self> {
        let store = Arc::new(SqliteStore::open(SqliteConfig::new(folder.path().join("store.db")))?);
        let org = System.next_id();
        let (root, memo) = (System.next_id(), System.next_id());
        let definitions = vec![
            definition(&json!({"id": root, "name": "Item", "base": null})),
            definition(&json!({"id": memo, "name": "Memo", "base": "Item",
            "access": [{"subject": {"type": "role", "id": "user"}, "permissions": ["create", "read", "write"]}],
            "fields": [
                {"name": "title", "type": "string"},
                {"name": "state", "type": "enum", "values": ["open", "done", "late"], "index": true},
                {"name": "priority", "type": "integer", "index": true},
            ]})),
        ];
        let before = Arc::new(TypeRegistry::build(TypeSnapshot::default())?);
        let snapshot = TypeSnapshot { revision: 1, definitions: definitions.clone(), grants: Vec::new() };
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
        Ok(Self { store, system: access(system), user: access(Arc::new(user)), memo })
    }

    fn memo(&self, n: usize) -> Item {
        let now = System.now();
        let state = ["open", "done", "late"][n % 3];
        let rare = if n.is_multiple_of(500) { "rare" } else { "usual" };
        Item {
            id: System.next_id(),
            type_id: self.memo,
            type_name: Arc::from("Memo"),
            instance: None,
            name: format!("memo {n}"),
            attributes: Attributes::from_map(
                json!({
                    "title": format!("A {rare} memo number{n} about things that have to be done"),
                    "body": "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt",
                    "state": state,
                    "priority": (n * 7919) % 1_000_003,
                })
                .as_object()
                .cloned()
                .unwrap(),
            ),
            tags: Vec::new(),
            status: None,
            visibility: Visibility::Visible,
            location: n.is_multiple_of(4).then(|| {
                Location::Point([((n * 31) % 36_000) as f64 / 100.0 - 180.0, ((n * 17) % 17_000) as f64 / 100.0 - 85.0])
            }),
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

    async fn commit(&self, operations: Vec<Operation>) -> Result<Vec<realnet_core::change::Outcome>> {
        let changes = ChangeSet::new(operations, System.now(), Arc::from("speed"));
        self.store.commit(&self.system, changes).await
    }

    fn query(&self, parameters: &[(&str, &str)]) -> Result<Query> {
        let parameters: Vec<(String, String)> =
            parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let registry = &self.user.registry;
        let parsed =
            query::parse(registry, &self.user.caller, registry.by_id(self.memo), &parameters, System.now())?;
        Ok(parsed.query)
    }

    async fn reads(&self, id: Uuid) -> Result<()> {
        self.store.get(&self.user, id).await?;
        let begun = Instant::now();
        for _ in 0..20_000 {
            assert!(self.store.get(&self.user, id).await?.is_some());
        }
        report("get", begun.elapsed(), 20_000);
        for (what, parameters) in [
            ("list", &[][..]),
            ("state=open, newest first", &[("state", "open"), ("order", "created_at.desc")][..]),
            ("state=open, by priority downwards", &[("state", "open"), ("order", "priority.desc")][..]),
            ("by priority upwards", &[("order", "priority")][..]),
            ("priority.lt.500", &[("priority", "lt.500")][..]),
            (
                "priority.gt.500000, newest first",
                &[("priority", "gt.500000"), ("order", "created_at.desc")][..],
            ),
            ("by name downwards", &[("order", "name.desc")][..]),
            ("name=eq.memo 77", &[("name", "eq.memo 77")][..]),
            ("title=like.*number77*", &[("title", "like.*number77*")][..]),
            ("search=rare", &[("search", "rare")][..]),
            ("search=memo", &[("search", "memo")][..]),
            ("search=memo by id", &[("search", "memo"), ("order", "created_at")][..]),
            ("near, 100 km", &[("near", "8.5,47.4,100000")][..]),
            ("near, 2000 km", &[("near", "8.5,47.4,2000000")][..]),
        ] {
            let query = self.query(parameters)?;
            self.list(what, query.clone()).await?;
            if what.contains("state") || what.starts_with("near") || what == "list" {
                self.list(&format!("  with total ({what})"), Query { count: Count::Exact, ..query }).await?;
            }
        }
        Ok(())
    }

    async fn list(&self, what: &str, query: Query) -> Result<()> {
        let page = self.store.list(&self.user, &query).await?;
        let first = Instant::now();
        self.store.list(&self.user, &query).await?;
        let rounds = (Duration::from_millis(300).as_nanos() / first.elapsed().as_nanos().max(1))
            .clamp(1, 5000) as usize;
        let begun = Instant::now();
        for _ in 0..rounds {
            self.store.list(&self.user, &query).await?;
        }
        let what = format!(
            "{what} [{}{}]",
            page.items.len(),
            page.total.map(|n| format!(" of {n}")).unwrap_or_default()
        );
        report(&what, begun.elapsed(), rounds);
        Ok(())
    }

    async fn writes(self: &Bench, rows: usize) -> Result<()> {
        const EACH: usize = 1000;
        let created = self.concurrently(EACH, move |bench, n| bench.create(rows + n)).await?;
        report("create, 32 tasks", created, TASKS * EACH);
        let query = self.query(&[("limit", "1000")])?;
        let page = self.store.list(&self.system, &query).await?;
        let ids: Arc<Vec<Uuid>> = Arc::new(page.items.iter().map(|item| item.id).collect());
        let updated = self.concurrently(EACH, move |_, n| update(ids[n % ids.len()], n)).await?;
        report("update of one indexed field, 32 tasks", updated, TASKS * EACH);
        Ok(())
    }

    fn create(&self, n: usize) -> Operation {
        Operation::Create(Box::new(self.memo(n)))
    }

    async fn concurrently(
        &self,
        each: usize,
        make: impl Fn(&Bench, usize) -> Operation + Send + Sync + 'static,
    ) -> Result<Duration> {
        let make = Arc::new(make);
        let begun = Instant::now();
        let mut tasks = Vec::new();
        for task in 0..TASKS {
            let bench = self.share();
            let make = Arc::clone(&make);
            tasks.push(tokio::spawn(async move {
                for n in 0..each {
                    bench.commit(vec![make(&bench, task * each + n)]).await?;
                }
                Result::<()>::Ok(())
            }));
        }
        for task in tasks {
            task.await.unwrap()?;
        }
        Ok(begun.elapsed())
    }

    fn share(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            system: self.system.clone(),
            user: self.user.clone(),
            memo: self.memo,
        }
    }

    async fn mixed(&self, rows: usize, id: Uuid) -> Result<()> {
        let bench = self.share();
        let writing =
            tokio::spawn(
                async move { bench.concurrently(300, move |bench, n| bench.create(rows * 2 + n)).await },
            );
        let mut slowest = Duration::ZERO;
        let (begun, mut reads) = (Instant::now(), 0);
        while !writing.is_finished() {
            let one = Instant::now();
            self.store.get(&self.user, id).await?;
            slowest = slowest.max(one.elapsed());
            reads += 1;
            tokio::task::yield_now().await;
        }
        report("get while 32 tasks create", begun.elapsed(), reads);
        println!("{:50} {:10.1} µs", "  slowest", slowest.as_secs_f64() * 1e6);
        Ok(())
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

fn definition(document: &serde_json::Value) -> TypeDefinition {
    let mut whole =
        json!({"org": null, "attributes": {}, "fields": [], "access": null, "instances": [], "version": 1});
    whole.as_object_mut().unwrap().extend(document.as_object().cloned().unwrap());
    serde_json::from_value(whole).unwrap()
}
