//! Services on stores in memory, with the types that every database has.

use std::sync::Arc;

use realnet_core::acl::Caller;
use realnet_core::change::ChangeSet;
use realnet_core::clock::{Clock as _, System};
use realnet_core::provider::{Access, DataProvider};
use realnet_core::resource::Services;
use realnet_core::{Uuid, load};
use realnet_provider_generic::MemoryStore;

/// A database that has its contents there.
pub async fn on(data: Arc<dyn DataProvider>) -> Services {
    let services = Services::on(Arc::new(MemoryStore::new())).storing(data, 1 << 20);
    let core = concat!(env!("CARGO_MANIFEST_DIR"), "/../../static/initialization/core.json");
    let core = std::fs::read_to_string(core).unwrap();
    let document = load::parse_json("core.json", &core).unwrap();
    let caller = Arc::new(Caller::system(Uuid::nil()));
    let registry = services.registry.current();
    let (sources, items, secrets) = (Vec::new(), Vec::new(), services.secrets.clone());
    let state = load::State { registry: Arc::clone(&registry), sources, items, secrets };
    let target = load::Target::of(Arc::clone(&caller));
    let plan = load::plan(&state, &[document], &target, load::Options::default(), &System).unwrap();
    let mut changes = ChangeSet::new(plan.operations, System.now(), Arc::from("test"));
    changes.next_registry = plan.next_registry;
    services.items.commit(&Access { caller, registry }, changes).await.unwrap();
    services.reload_types().await.unwrap();
    services
}

/// Somebody who may do everything, and has an account.
pub fn somebody() -> Arc<Caller> {
    let account = Some(Uuid::from_u128(77));
    Arc::new(Caller { account, ..Caller::system(Uuid::from_u128(7)) })
}
