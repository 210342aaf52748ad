//! What a store must offer: small object-safe traits, implemented below this crate.

mod capabilities;
mod credentials;
mod items;
mod sources;
mod transaction;
mod types;

pub use capabilities::Capabilities;
pub use credentials::{Credential, CredentialProvider, Session};
pub use items::{Access, ItemProvider, Page};
pub use sources::SourceProvider;
pub use transaction::{Reference, Transaction};
pub use types::TypeProvider;
