//! From the bytes of a request to the values of an operation. Everything a client sends is judged here first.

pub(crate) mod body;
pub(crate) mod conditions;
pub(crate) mod disposition;
pub(crate) mod encoding;
pub(crate) mod headers;
pub(crate) mod idempotency;
pub(crate) mod media;
pub(crate) mod multipart;
pub(crate) mod path;
pub(crate) mod prefer;
pub(crate) mod query;
pub(crate) mod range;
pub(crate) mod upload;
mod weight;
