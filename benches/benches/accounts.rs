//! What each request with a token or a key costs: checking it and resolving who calls. On the store in memory, so that
//! it is this alone.
#![allow(missing_docs, reason = "criterion's macros make functions without")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench that can not run must stop")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use realnet_benches::sample;
use realnet_core::Uuid;
use realnet_core::acl::{Caller, Origin};
use realnet_core::change::ChangeSet;
use realnet_core::clock::{Clock, System};
use realnet_core::provider::{Access, ItemProvider};
use realnet_core::resource::{
    Authenticator, Call, Context, ListRequest, Reply, Services, SignIn, Verb, WriteOptions,
};
use realnet_provider_generic::MemoryStore;
use realnet_resource_accounts::{Accounts, AccountsConfig, Bootstrap, bootstrap};
use serde_json::json;

/// As in a server that nobody has configured, but for the cost of passwords: they have no part in this.
fn config() -> AccountsConfig {
    AccountsConfig {
        jwt_key: Some(vec![7; 32]),
        access_ttl: Duration::from_hours(24),
        refresh_ttl: Duration::from_hours(48),
        bcrypt_cost: 4,
        ..AccountsConfig::default()
    }
}

async fn services() -> Services {
    let store = Arc::new(MemoryStore::new());
    let services = Services::on(store.clone());
    let plan = sample::load_types(&sample::documents(&sample::files().unwrap()).unwrap()).unwrap();
    let access =
        Access { caller: Arc::new(Caller::system(Uuid::nil())), registry: services.registry.current() };
    let mut changes = ChangeSet::new(plan.operations, System.now(), Arc::from("types"));
    changes.next_registry = plan.next_registry;
    store.commit(&access, changes).await.unwrap();
    services.reload_types().await.unwrap();
    services
}

/// An access token and a key of the same account.
async fn signed_in() -> (Arc<Accounts>, String, String) {
    let services = services().await;
    let first = Bootstrap {
        org: "Bench".to_owned(),
        username: "root".to_owned(),
        password: "a long password".to_owned(),
        email: None,
        bcrypt_cost: 4,
    };
    bootstrap(&services, first).await.unwrap();
    let accounts = Accounts::new(&services, config()).await.unwrap();
    let request =
        SignIn { username: "root".to_owned(), password: "a long password".to_owned(), org: None, code: None };
    let tokens = accounts.sign_in(request, &Origin::default()).await.unwrap().tokens().unwrap();
    let asked = Call {
        path: vec!["keys".to_owned()],
        verb: Verb::Post,
        body: json!({"name": "bench", "scopes": [{"resource": "items", "permissions": ["read"]}]}),
        parameters: ListRequest::default(),
        options: WriteOptions::default(),
    };
    let cx = Context::new(&services, Arc::clone(&tokens.caller), Arc::from("bench"));
    let Reply::Document(made) = Authenticator::call(&*accounts, &cx, asked).await.unwrap() else {
        panic!("a key is a document")
    };
    (accounts, tokens.token, made["key"].as_str().unwrap().to_owned())
}

fn authenticating(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (accounts, token, key) = runtime.block_on(signed_in());
    criterion.bench_function("token checked, caller resolved", |bencher| {
        bencher.iter(|| runtime.block_on(accounts.authenticate(Some(black_box(&token)), None)).unwrap());
    });
    criterion.bench_function("key checked, caller resolved", |bencher| {
        bencher.iter(|| runtime.block_on(accounts.authenticate(Some(black_box(&key)), None)).unwrap());
    });
    let forged = format!("{}x", &token[..token.len() - 1]);
    criterion.bench_function("forged token refused", |bencher| {
        bencher.iter(|| runtime.block_on(accounts.authenticate(Some(black_box(&forged)), None)).unwrap_err());
    });
}

criterion_group!(accounts, authenticating);
criterion_main!(accounts);
