//! The wiring: the only place that names concrete stores, resources and runners.

mod bucket;
mod builtin;
mod claimed;
mod first_start;
mod give_up;
mod indexes;
mod key_file;
pub mod logging;
pub mod moving;
mod resources;
mod secrets;
mod server;
mod storage;
mod store;
mod web;

pub use builtin::types as built_in_types;
pub use first_start::{FirstStart, Initialized, PasswordReset};
pub use give_up::GivingUp;
pub use server::{Server, listen};
