//! From a protocol to a store: operations, the dispatcher that routes them, and the resources that carry them out.

mod batch;
mod body;
mod context;
mod data;
pub mod default;
mod dispatcher;
mod intake;
mod login;
mod operation;
mod render;
mod reply;
mod route;
mod scope;
mod texts;
mod traits;

pub use body::Body;
pub use context::{Authenticator, Challenge, Context, Services, SignIn, SignedIn, Tokens};
pub use data::{
    Conditions, Contents, DataReply, DataRequest, Delivery, FilePart, Files, Part, ResumableOperation,
    Upload, UploadState,
};
pub use dispatcher::Dispatcher;
pub use intake::{Change, Intake};
pub use login::{Arrival, Arrived, Departed, Departure};
pub use operation::{
    Call, ListRequest, Operation, PatchDocument, Request, TypeList, TypeOperation, Verb, WriteOptions,
};
pub use render::version_of_etag;
pub use reply::{AttributeSet, BatchResult, Projection, Rendered, Reply, Selection};
pub use route::{Resources, Route};
pub use texts::texts;
pub use traits::Resource;
