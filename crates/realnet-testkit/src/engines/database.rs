//! A database of one's own on the shared server, so that tests run side by side and leave nothing
//! behind; and a login that needs a password, for tests of refused ones.

use std::hash::{BuildHasher, RandomState};
use std::thread;
use std::time::Duration;

use tokio_postgres::{Client, NoTls};
use url::Url;

use super::postgres::postgres_url;
use super::server::{EngineError, PASSWORD_ROLE};

/// An empty database that exists as long as this value.
#[derive(Debug)]
pub struct TestDatabase {
    server: Url,
    name: String,
    url: Url,
    role: Option<String>,
}

/// Creates an empty database with a random name on the server that this run's tests share
/// ([`postgres_url`]).
///
/// ```no_run
/// # async fn example() -> Result<(), realnet_testkit::engines::EngineError> {
/// let database = realnet_testkit::engines::fresh_database().await?;
/// println!("{}", database.url()); // postgres://test@127.0.0.1:…/t_5f0c…
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// There is no server, it can not be reached, or it refuses to create a database.
pub async fn fresh_database() -> Result<TestDatabase, EngineError> {
    TestDatabase::create(&postgres_url().await?).await
}

impl TestDatabase {
    /// Creates a database on the server with that URL; its user must be allowed to.
    ///
    /// # Errors
    /// The URL is none, the server can not be reached, or it refuses to create a database.
    pub async fn create(server: &str) -> Result<Self, EngineError> {
        let server = Url::parse(server).map_err(refused("reading the server's URL"))?;
        let name = format!("t_{}", random_word());
        let mut url = server.clone();
        url.set_path(&name);
        // template0: nobody is ever connected to it, which would make the copy fail.
        let statement = format!("CREATE DATABASE {name} TEMPLATE template0");
        execute(&server, &[statement]).await?;
        Ok(Self { server, name, url, role: None })
    }

    /// Its URL, for the server's own user: `postgres://USER@HOST:PORT/NAME`.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes a new role with a random password (SCRAM) the owner of the database. The servers of
    /// this module insist on the password; another server does when its access rules say so.
    ///
    /// # Errors
    /// The server can not be reached or refuses.
    pub async fn require_password(&mut self) -> Result<Login, EngineError> {
        let user = format!("u_{}", random_word());
        let password = random_word();
        let statements = [
            // Two tests may create the group at the same moment.
            format!(
                "DO $$ BEGIN CREATE ROLE {PASSWORD_ROLE} NOLOGIN; \
             EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
            ),
            "SET password_encryption = 'scram-sha-256'".to_owned(),
            format!("CREATE ROLE {user} LOGIN PASSWORD '{password}' IN ROLE {PASSWORD_ROLE}"),
            format!("ALTER DATABASE {} OWNER TO {user}", self.name),
        ];
        execute(&self.server, &statements).await?;
        self.role = Some(user.clone());
        Ok(Login { database: self.url.clone(), user, password })
    }
}

impl Drop for TestDatabase {
    /// Best effort: sessions that are still open are ended. What can not be dropped (the server is
    /// down) goes with the server.
    fn drop(&mut self) {
        let server = self.server.clone();
        let mut statements = vec![format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)];
        if let Some(role) = &self.role {
            statements.push(format!("DROP ROLE IF EXISTS {role}"));
        }
        // A thread of its own: this may run inside an async runtime, where blocking is forbidden.
        let worker = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(async {
                    let drop = execute(&server, &statements);
                    let _ = tokio::time::timeout(Duration::from_secs(10), drop).await;
                });
            }
        });
        let _ = worker.join();
    }
}

/// A role that logs in with a password, and the database it owns.
#[derive(Clone)]
pub struct Login {
    database: Url,
    user: String,
    password: String,
}

impl Login {
    /// The URL with the right password.
    pub fn url(&self) -> String {
        self.url_with(&self.password)
    }

    /// The URL with another password, for tests of refused logins.
    pub fn url_with(&self, password: &str) -> String {
        let mut url = self.database.clone();
        // Refused only for URLs without a host; a server's URL has one.
        let _ = url.set_username(&self.user);
        let _ = url.set_password(Some(password));
        url.into()
    }

    /// The role's name.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The role's password.
    pub fn password(&self) -> &str {
        &self.password
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Connects, runs the statements one by one and closes the connection. One by one, because CREATE
/// and DROP DATABASE refuse to share a transaction with anything.
async fn execute(server: &Url, statements: &[String]) -> Result<(), EngineError> {
    let client = connect(server).await?;
    for statement in statements {
        client.batch_execute(statement).await.map_err(refused("preparing a test database"))?;
    }
    Ok(())
}

async fn connect(server: &Url) -> Result<Client, EngineError> {
    let (client, connection) = tokio_postgres::connect(server.as_str(), NoTls)
        .await
        .map_err(refused("connecting to the test server"))?;
    // Ends when the client is dropped; an error shows in the client's own calls.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(client)
}

fn refused<E>(action: &str) -> impl FnOnce(E) -> EngineError
where
    E: std::error::Error + Send + Sync + 'static,
{
    let action = action.to_owned();
    move |source| EngineError::Refused { action, source: Box::new(source) }
}

/// 32 hexadecimal digits from the system's random source, which seeds every `RandomState`.
fn random_word() -> String {
    let half = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", half(), half())
}
