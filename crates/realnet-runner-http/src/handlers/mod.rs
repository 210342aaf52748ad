//! The handlers: one operation per file. Each extracts, calls the dispatcher and answers; none decides anything itself.

pub(crate) mod auth;
pub(crate) mod batch;
pub(crate) mod call;
pub(crate) mod docs;
pub(crate) mod documents;
pub(crate) mod health;
pub(crate) mod info;
pub(crate) mod items;
pub(crate) mod landing;
pub(crate) mod metrics;
pub(crate) mod openapi;
pub(crate) mod types;
pub(crate) mod uploads;
