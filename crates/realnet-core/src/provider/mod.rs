//! What a store must offer: small object-safe traits, implemented below this crate.

mod budget;
mod capabilities;
mod credentials;
mod data;
mod events;
mod items;
mod limits;
mod records;
mod sources;
mod stepped;
mod transaction;
mod transfer;
mod types;

pub use budget::Budget;
pub use capabilities::Capabilities;
pub use credentials::{Credential, CredentialProvider, Session};
pub use data::{
    ByteRange, Checksum, Content, ContentEntry, ContentId, ContentPage, ContentRead, ContentSource,
    DataCapabilities, DataProvider, DataProviderExt, DataStream, DownloadTerms, Expectation, Meter,
    OwnedContents, SignedRequest, UploadProvider, UploadTerms, Usage,
};
pub use events::{AuthEvent, EventFilter, EventKind, EventProvider};
pub use items::{Access, ItemProvider, Page};
pub use limits::LimitProvider;
pub use records::{AuthRecord, Expected, RecordKind, RecordProvider};
pub use sources::SourceProvider;
pub use stepped::{CommitStep, SteppedItems};
pub use transaction::{ChildrenOf, Part, Reference, Transaction};
pub use transfer::{
    Census, DumpProvider, MARK_SETTING, RecordClass, RecordStream, RestoreProvider, StoreRecord, TURN_SETTING,
};
pub use types::TypeProvider;
