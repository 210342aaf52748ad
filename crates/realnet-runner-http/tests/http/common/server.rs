//! A server of one's own: started on a free port, stopped when dropped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use realnet_core::Uuid;
use realnet_core::acl::Caller;
use realnet_core::change::ChangeSet;
use realnet_core::clock::{Clock, System};
use realnet_core::load;
use realnet_core::provider::Access;
use realnet_core::resource::{Dispatcher, Services};
use realnet_provider_generic::{MemoryData, MemoryStore};
use realnet_resource_accounts::{Accounts, AccountsConfig, Bootstrap, bootstrap};
use realnet_resource_files::Files;
use realnet_resource_items::Items;
use realnet_resource_types::Types;
use realnet_runner_http::{HttpConfig, HttpServer};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::client::{Answer, Connection, request};
use super::resources::{Echo, Fragile, Slow, Trouble};
use super::storage::Stuck;

pub const PASSWORD: &str = "correct-horse-battery";
/// The most bytes of one content, and of all together.
pub const MAX_CONTENT: u64 = 8 << 20;
const QUOTA: u64 = 20 << 20;

/// A running server with the types of `types.json` and the superuser `admin`.
pub struct TestServer {
    pub address: SocketAddr,
    pub admin: String,
    /// The contents that it keeps.
    pub data: MemoryData,
    /// The same, as the server has it.
    pub storage: Stuck,
    is_away: Arc<AtomicBool>,
    finished: Arc<AtomicUsize>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TestServer {
    pub fn start() -> Self {
        Self::with(HttpConfig::default())
    }

    /// With limits of the test's own.
    pub fn with(config: HttpConfig) -> Self {
        let mut server = Self::unready(config);
        server.admin = server.sign_in("admin", PASSWORD);
        server
    }

    /// Without a token for the superuser.
    pub fn unready(config: HttpConfig) -> Self {
        let config = HttpConfig { port: 0, workers: 2, store: "memory".to_owned(), ..config };
        let is_away = Arc::new(AtomicBool::new(false));
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, started) = std::sync::mpsc::channel();
        let away = Arc::clone(&is_away);
        let finished = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&finished);
        let data = MemoryData::with_quota(Some(QUOTA));
        let storage = Stuck::new(data.clone());
        let kept = storage.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let server = assemble(config, away, count, kept).await;
                ready.send(server.addresses()[0]).unwrap();
                server.run(async move { drop(stopped.await) }).await.unwrap();
            });
        });
        let address = started.recv_timeout(Duration::from_secs(30)).expect("the server starts");
        let (stop, thread) = (Some(stop), Some(thread));
        Self { address, admin: String::new(), data, storage, is_away, finished, stop, thread }
    }

    /// How often signing in as `slow` has come to its end.
    pub fn finished(&self) -> usize {
        self.finished.load(Ordering::SeqCst)
    }

    /// Takes the store away, or gives it back.
    pub fn take_store_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::SeqCst);
    }

    /// Tells the server to stop, without waiting for it.
    pub fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    /// Waits for the end of the server.
    pub fn wait(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }

    /// Sends a request on a connection of its own.
    #[track_caller]
    pub fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut connection = Connection::open(self.address);
        connection.send(&request(method, target, headers, body));
        connection.read(method != "HEAD").expect("an answer instead of the end of the connection")
    }

    /// As the superuser, with a JSON body unless it is null.
    #[track_caller]
    pub fn admin(&self, method: &str, target: &str, body: &Value) -> Answer {
        self.by(&self.admin, method, target, body)
    }

    /// With a token, with a JSON body unless it is null.
    #[track_caller]
    pub fn by(&self, token: &str, method: &str, target: &str, body: &Value) -> Answer {
        let authorization = format!("Bearer {token}");
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, target, &headers, body.as_bytes())
    }

    /// As the superuser, with headers and a body as it is.
    #[track_caller]
    pub fn admin_with(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let authorization = format!("Bearer {}", self.admin);
        let mut all = vec![("Authorization", authorization.as_str())];
        all.extend_from_slice(headers);
        self.send(method, target, &all, body)
    }

    /// As the superuser, without a body.
    #[track_caller]
    pub fn get(&self, target: &str) -> Answer {
        self.admin("GET", target, &Value::Null)
    }

    /// Without a token.
    #[track_caller]
    pub fn get_anonymous(&self, target: &str) -> Answer {
        self.send("GET", target, &[], b"")
    }

    /// A token for a name and a password.
    #[track_caller]
    pub fn sign_in(&self, username: &str, password: &str) -> String {
        let body = json!({"username": username, "password": password}).to_string();
        let answer = self.send("POST", "/api/auth", &[("Content-Type", "application/json")], body.as_bytes());
        answer.expect(200)["token"].as_str().unwrap().to_owned()
    }

    /// Creates an account and gives its token.
    #[track_caller]
    pub fn account(&self, username: &str, role: &str) -> String {
        let body = json!({"name": username, "username": username, "password": PASSWORD, "role": role});
        self.admin("POST", "/api/accounts", &body).expect(201);
        self.sign_in(username, PASSWORD)
    }

    /// Creates a customer and gives it.
    #[track_caller]
    pub fn customer(&self, body: &Value) -> Value {
        self.admin("POST", "/api/customers", body).expect(201)
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop();
        self.wait();
    }
}

async fn assemble(
    config: HttpConfig,
    is_away: Arc<AtomicBool>,
    finished: Arc<AtomicUsize>,
    data: Stuck,
) -> HttpServer {
    let store = Arc::new(MemoryStore::new());
    let fragile = Arc::new(Fragile { store: store.clone(), is_away });
    let services = Services { items: fragile, ..Services::on(store) }.storing(Arc::new(data), MAX_CONTENT);
    load_types(&services).await;
    let first = Bootstrap {
        org: "Test".to_owned(),
        username: "admin".to_owned(),
        password: PASSWORD.to_owned(),
        email: None,
        bcrypt_cost: 4,
    };
    bootstrap(&services, first).await.unwrap().expect("an empty store");
    let settings = AccountsConfig { bcrypt_cost: 4, ..AccountsConfig::default() };
    let accounts = Accounts::new(&services, settings).await.unwrap();
    let types = Types::new(services.clone());
    let mut dispatcher = Dispatcher::new(services);
    dispatcher
        .register("items", Arc::new(Items))
        .register("types", Arc::new(types))
        .register("files", Arc::new(Files::default()))
        .register("accounts", accounts.clone())
        .register("echo", Arc::new(Echo))
        .register("trouble", Arc::new(Trouble));
    let slow = Slow { authenticator: accounts, finished };
    HttpServer::bind(config, Arc::new(dispatcher), Arc::new(slow)).unwrap()
}

async fn load_types(services: &Services) {
    let document = load::parse_json("types.json", include_str!("types.json")).unwrap();
    let caller = Arc::new(Caller::system(Uuid::nil()));
    let registry = services.registry.current();
    let (sources, items, secrets) = (Vec::new(), Vec::new(), services.secrets.clone());
    let state = load::State { registry: Arc::clone(&registry), sources, items, secrets };
    let target = load::Target::of(Arc::clone(&caller));
    let plan = load::plan(&state, &[document], &target, load::Options::default(), &*services.ids).unwrap();
    let mut changes = ChangeSet::new(plan.operations, System.now(), Arc::from("test"));
    changes.next_registry = plan.next_registry;
    services.items.commit(&Access { caller, registry }, changes).await.unwrap();
    services.reload_types().await.unwrap();
}
