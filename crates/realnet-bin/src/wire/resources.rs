//! The resources, in core → resource → app order. A program that embeds RealNet adds its own here.

use std::sync::Arc;

use realnet_core::resource::{Dispatcher, Services};
use realnet_resource_accounts::Accounts;
use realnet_resource_files::Files;
use realnet_resource_items::Items;
use realnet_resource_types::Types;

/// A dispatcher that knows every resource of this build.
pub fn dispatcher(services: &Services, accounts: &Arc<Accounts>) -> Dispatcher {
    let mut dispatcher = Dispatcher::new(services.clone());
    // Core.
    dispatcher.register("items", Arc::new(Items));
    dispatcher.register("types", Arc::new(Types::new(services.clone())));
    // Resources.
    dispatcher.register("files", Arc::new(Files::default()));
    dispatcher.register("accounts", Arc::clone(accounts) as _);
    dispatcher
}
