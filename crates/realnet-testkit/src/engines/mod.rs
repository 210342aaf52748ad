//! Real engines for tests: servers that are installed on the machine, started for the occasion and
//! gone afterwards. No double stands in for them.
//!
//! Most tests need only [`fresh_database`]. A test that stops, crashes or freezes a server starts
//! its own [`Postgres`], or [`ObjectServer`] where objects are kept.

mod database;
mod oidc;
mod postgres;
mod s3;
mod server;

pub use database::{Login, TestDatabase, fresh_database};
pub use oidc::{IdentityProvider, browse, passkeys};
pub use postgres::{POSTGRES_VARIABLE, Paused, Postgres, postgres_url};
pub use s3::{ObjectServer, S3_VARIABLE, S3Place, s3_place};
pub use server::{EngineError, Settings, free_port};
