//! Configuration: one typed struct per section, read from flags, the environment and `.env`, checked as a whole
//! before anything starts.

mod accounts;
mod database;
mod environment;
mod names;
mod s3;
mod secrets;
mod server;
mod storage;
mod store_url;
mod web;

pub use accounts::AccountsSection;
pub use database::{DatabaseSection, Format, PostgresSection};
pub use environment::{Environment, Problems};
pub use s3::S3Section;
pub use secrets::SecretsSection;
pub use server::ServerSection;
pub use storage::{StoragePlace, StorageSection};
pub use web::WebSection;

/// Everything that `realnet server` is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address, limits, logs.
    pub server: ServerSection,
    /// Proxies, origins, TLS, limits.
    pub web: WebSection,
    /// Where items are kept.
    pub database: DatabaseSection,
    /// Where contents are kept.
    pub storage: StorageSection,
    /// Signing in.
    pub accounts: AccountsSection,
    /// Keys of secrets.
    pub secrets: SecretsSection,
}

impl Config {
    /// Reads all sections; every problem is reported at once, by variable name.
    pub fn read(environment: &Environment) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let server = ServerSection::read(environment, &mut problems);
        let web = WebSection::read(environment, server.max_body, &mut problems);
        let database = DatabaseSection::read(environment, &mut problems);
        let storage = StorageSection::read(environment, &database, &mut problems);
        let accounts = AccountsSection::read(environment, &mut problems);
        let secrets = SecretsSection::read(environment, &mut problems);
        problems.into_result(Self { server, web, database, storage, accounts, secrets })
    }
}
