//! Opening one connection: log in, set the session up, and name what went wrong.

use std::fmt;
use std::time::Duration;

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use realnet_core::{Error, ErrorKind};
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode as DriverSslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::config::{PostgresConfig, SslMode};

/// The stream of an encrypted connection.
type TlsOf = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// What a connection is for; decides on the settings of its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Reads: read-only, bounded in time.
    Read,
    /// Writes: waits for locks only so long.
    Write,
    /// The one of the background work.
    Background,
}

/// Why no connection could be opened. Kept typed on its way through the pool.
#[derive(Debug)]
pub(super) struct ConnectFailure {
    reason: Reason,
    database: String,
    place: String,
    source: Box<dyn std::error::Error + Send + Sync>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    Unreachable,
    Password,
    Rule,
    Unencrypted,
    Database,
    Full,
    Starting,
    NoTls,
    Certificate,
    Other,
}

impl fmt::Display for ConnectFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}: {}", self.place, self.reason, self.source)
    }
}

impl std::error::Error for ConnectFailure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.source()
    }
}

impl ConnectFailure {
    /// The error for callers: names the cause and the next step, and the place only for the log.
    pub(super) fn to_error(&self) -> Error {
        let error = Error::new(ErrorKind::Unavailable, self.message()).with_internal(self.to_string());
        match self.reason {
            Reason::Unreachable | Reason::Starting => error.with_retry_after(Duration::from_secs(2)),
            Reason::Full => error.with_retry_after(Duration::from_secs(5)),
            _ => error,
        }
    }

    fn message(&self) -> String {
        let text = match self.reason {
            Reason::Unreachable => "can not be reached: is it running, and is that its host and port?",
            Reason::Password => "refuses the user or its password: set those of a user that may log in",
            Reason::Rule => {
                "has no rule that lets this user in from this machine: add one to its pg_hba.conf"
            }
            Reason::Unencrypted => {
                "has no rule that lets this user in unencrypted from this machine: set sslmode=require, or add a rule to \
                 its pg_hba.conf"
            }
            Reason::Database => {
                let name = self.database.replace('"', "\"\"");
                return format!(
                    "the PostgreSQL server has no such database: create it (CREATE DATABASE \"{name}\") or set another"
                );
            }
            Reason::Full => "has too many connections: raise its max_connections",
            Reason::Starting => "is starting up or shutting down",
            Reason::NoTls => {
                "offers no encryption: set sslmode=disable or prefer, or switch ssl on in the server"
            }
            Reason::Certificate => {
                "can not be spoken to encrypted: is its certificate valid for that host, and its authority known?"
            }
            Reason::Other => "refuses the connection",
        };
        format!("the PostgreSQL server {text}")
    }

    fn new(config: &PostgresConfig, error: &tokio_postgres::Error) -> Self {
        let words = with_causes(error);
        let reason = match error.code() {
            Some(code) => reason_of(code, &words),
            // Found out by the client itself, before it asks.
            None if words.contains("password missing") => Reason::Password,
            None if words.contains("does not support TLS") => Reason::NoTls,
            None if is_tls(error) => Reason::Certificate,
            None => Reason::Unreachable,
        };
        Self::of(reason, config, words)
    }

    fn of(
        reason: Reason,
        config: &PostgresConfig,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { reason, database: config.database.clone(), place: place(config), source: source.into() }
    }
}

/// The driver's messages stop at "error connecting to server": the reason is among the causes.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn reason_of(code: &SqlState, words: &str) -> Reason {
    // The server's words for what its pg_hba.conf does not allow, which differ between versions.
    let refuses_plain = words.contains("no encryption") || words.contains("SSL off");
    if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION && words.contains("pg_hba.conf") {
        if refuses_plain { Reason::Unencrypted } else { Reason::Rule }
    } else if *code == SqlState::INVALID_PASSWORD || *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION {
        Reason::Password
    } else if *code == SqlState::INVALID_CATALOG_NAME {
        Reason::Database
    } else if *code == SqlState::TOO_MANY_CONNECTIONS {
        Reason::Full
    } else if *code == SqlState::CANNOT_CONNECT_NOW || *code == SqlState::ADMIN_SHUTDOWN {
        Reason::Starting
    } else {
        Reason::Other
    }
}

/// A failed handshake is no network problem: waiting does not help.
fn is_tls(error: &tokio_postgres::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<std::io::Error>();
        if error.is::<rustls::Error>()
            || io
                .and_then(std::io::Error::get_ref)
                .is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
        {
            return true;
        }
        cause = error.source();
    }
    error.to_string().contains("TLS")
}

fn place(config: &PostgresConfig) -> String {
    format!("user {} at {}:{}/{}", config.user, config.host, config.port, config.database)
}

/// A connection and the task that reads and writes for it, which ends with it.
pub(super) struct Driven {
    /// Large, and handed around.
    client: Box<AsyncPgConnection>,
    driver: JoinHandle<()>,
}

impl Driven {
    /// The connection.
    pub(super) fn client(&self) -> &AsyncPgConnection {
        &self.client
    }

    /// Whether the server has not ended it, as far as that has been heard of.
    pub(super) fn is_open(&self) -> bool {
        !self.driver.is_finished()
    }
}

/// Opens a connection and sets its session up. It belongs to the present runtime.
pub(super) async fn open_driven(
    config: &PostgresConfig,
    tls: &MakeRustlsConnect,
    role: Role,
) -> Result<Driven, ConnectFailure> {
    let attempt = async {
        let (client, connection) = connect(config, tls, role).await?;
        let driver = tokio::spawn(async move {
            // Whoever uses the connection hears of it.
            let _ = connection.await;
        });
        let mut client = AsyncPgConnection::try_from(client).await.map_err(|error| other(config, error))?;
        client.batch_execute(&session(config, role)).await.map_err(|error| other(config, error))?;
        Ok(Driven { client: Box::new(client), driver })
    };
    timely(config, attempt).await
}

/// As [`open_driven`], for one that gives notifications too.
pub(super) async fn open(
    config: &PostgresConfig,
    tls: &MakeRustlsConnect,
    role: Role,
) -> Result<AsyncPgConnection, ConnectFailure> {
    let attempt = async {
        let (client, connection) = connect(config, tls, role).await?;
        let mut connection = AsyncPgConnection::try_from_client_and_connection(client, connection)
            .await
            .map_err(|error| other(config, error))?;
        connection.batch_execute(&session(config, role)).await.map_err(|error| other(config, error))?;
        Ok(connection)
    };
    timely(config, attempt).await
}

/// A client, and the other half, which has to be driven.
async fn connect(
    config: &PostgresConfig,
    tls: &MakeRustlsConnect,
    role: Role,
) -> Result<(Client, tokio_postgres::Connection<Socket, TlsOf>), ConnectFailure> {
    let connected = driver_config(config, role).connect(tls.clone()).await;
    connected.map_err(|error| ConnectFailure::new(config, &error))
}

async fn timely<T>(
    config: &PostgresConfig,
    attempt: impl Future<Output = Result<T, ConnectFailure>>,
) -> Result<T, ConnectFailure> {
    tokio::time::timeout(config.connect_timeout, attempt).await.unwrap_or_else(|_| {
        let words = format!("no answer within {:?}", config.connect_timeout);
        Err(ConnectFailure::of(Reason::Unreachable, config, words))
    })
}

fn other(config: &PostgresConfig, source: impl std::error::Error + Send + Sync + 'static) -> ConnectFailure {
    ConnectFailure::of(Reason::Unreachable, config, source)
}

fn driver_config(config: &PostgresConfig, role: Role) -> tokio_postgres::Config {
    let mut driver = tokio_postgres::Config::new();
    driver
        .host(&config.host)
        .port(config.port)
        .user(&config.user)
        .dbname(&config.database)
        .ssl_mode(match config.ssl_mode {
            SslMode::Disable => DriverSslMode::Disable,
            SslMode::Prefer => DriverSslMode::Prefer,
            SslMode::Require | SslMode::VerifyFull => DriverSslMode::Require,
        })
        .application_name(match role {
            Role::Read => "realnet read",
            Role::Write => "realnet write",
            Role::Background => "realnet background",
        });
    if let Some(password) = &config.password {
        driver.password(password);
    }
    driver
}

/// Statements here are short, so compiling them (JIT) costs more than it gives, and their plans do not depend on
/// values. Which rows to start from is decided by the compiler of queries, so reads keep to its order of joins, and take
/// an index that has the order of the list even where the planner, without statistics, expects a single row to sort.
/// Whose rows a plan is for is not known when it is made: grants of the owner of a million items are expected of everybody,
/// so scans of whole tables, and workers to share them, are left to what no index serves.
fn session(config: &PostgresConfig, role: Role) -> String {
    let timeout = config.statement_timeout.as_millis();
    let own = match role {
        Role::Read => {
            "SET default_transaction_read_only = on; SET enable_hashjoin = off; SET enable_mergejoin = off; \
             SET enable_sort = off; SET enable_seqscan = off; SET max_parallel_workers_per_gather = 0; \
             SET random_page_cost = 1.1;"
        }
        Role::Write => "SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '60s';",
        Role::Background => "",
    };
    let only = if config.read_only { "SET default_transaction_read_only = on;" } else { "" };
    format!(
        "SET jit = off; SET plan_cache_mode = force_generic_plan; SET statement_timeout = {timeout}; {own} {only}"
    )
}
