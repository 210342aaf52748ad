//! From a protocol to a store: operations, the dispatcher that routes them, and the resources that carry them out.

mod context;
mod operation;

pub use context::{Authenticator, Context, Services, SignIn, Tokens};
pub use operation::{
    AttributeSet, ListRequest, Operation, PatchDocument, Projection, Rendered, Reply, Request, Selection,
    TypeOperation, WriteOptions,
};
