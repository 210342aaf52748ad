//! `realnet server`, `realnet server initialize`, `realnet server password` and `realnet server claim-storage`.

use std::path::PathBuf;

use structopt::StructOpt;

use super::{Outcome, output};
use crate::config::{Config, Environment};
use crate::wire::{self, FirstStart, Initialized, PasswordReset};

/// Runs the server.
#[derive(Debug, StructOpt)]
#[structopt(after_help = "\
Without any setting the store is ./realnet.db and the address http://127.0.0.1:8080. Settings come from flags, the
environment, or a .env file, in this order:
    REALNET_SERVER_HOST, REALNET_SERVER_PORT       address and port
    REALNET_DB_TYPE                                postgresql, sqlite, json, yaml, xml or memory
    REALNET_DB_NAME                                database, or file of the embedded store
    REALNET_DB_HOST, _PORT, _USER, _PASS, _SSLMODE the PostgreSQL server
    REALNET_SECRET_KEY                             keys that secrets are sealed under: ID:BASE64, the first one seals
    REALNET_STORAGE_TYPE, REALNET_STORAGE_PATH     where contents of files are: local (a folder), s3, memory, none
    REALNET_STORAGE_S3_BUCKET, _PREFIX, _REGION    the bucket of s3
    REALNET_STORAGE_S3_KEY, _SECRET, _ENDPOINT     its key (else credentials of the environment), another server
    REALNET_STORAGE_QUOTA, _MAX_SIZE               bytes of all contents, and of one
    REALNET_INIT_PATH                              folder of further initialization files
    REALNET_NAME, _USERNAME, _PASSWORD, _EMAIL     org and administrator of the first start
    REALNET_DEFAULT_ORG                            org that requests without one mean
    REALNET_JWT_KEY                                signs tokens; made and kept in the store when absent
    REALNET_TOKEN_TTL, REALNET_SESSION_TTL         life of tokens and sessions, seconds
    REALNET_BCRYPT_COST                            cost of password hashing
    REALNET_KEY_DAYS                               how many days a key for programs lasts at most; 0 is no limit
    REALNET_SIGN_IN_ATTEMPTS, (…)_PER_ADDRESS      failed sign-ins in 15 minutes, by name and by address
    REALNET_SMTP_URL, REALNET_SMTP_FROM            mail server and sender; without, mail stands in the log
    REALNET_SMTP_PLAIN                             true if mail may go to that server in plain text
    REALNET_PUBLIC_URL                             where the application is served that mails link to
    REALNET_SIGN_UP, REALNET_SIGN_UP_ROLE          org in which strangers may make accounts, and their role
    REALNET_TRUSTED_PROXIES                        proxies whose X-Forwarded-For is believed: addresses, networks
    REALNET_TLS_CERT, REALNET_TLS_KEY              PEM files, for HTTPS without a proxy
    REALNET_HSTS                                   false: browsers may come back by plain HTTP
    REALNET_CORS_ORIGINS                           origins whose pages may use the API
    REALNET_RATE_LIMIT_ADDRESS, _ACCOUNT, _KEY     requests in a time, such as 100/1m
    REALNET_MAX_BODY, REALNET_BODY_MEMORY          largest request body, and all of them together, bytes
    REALNET_MEMORY                                 what changes under way and large answers take together, bytes
    REALNET_REQUEST_TIMEOUT, _SHUTDOWN_TIMEOUT     seconds
    REALNET_DEBUG                                  true for debug logs

EXAMPLES:
    realnet server --port 9000 --init ./types
    realnet server --check
    REALNET_DB_USER=shop REALNET_DB_PASS=… REALNET_DB_NAME=shop realnet server
    realnet server initialize --name Acme --username root
    realnet server password --username root         a new password for who has lost it
    realnet server claim-storage                    after a move: the bucket is this database's now")]
pub struct ServerCommand {
    /// Address to listen on [REALNET_SERVER_HOST, default 127.0.0.1]
    #[structopt(long)]
    host: Option<String>,
    /// Port to listen on, 0 picks a free one [REALNET_SERVER_PORT, default 8080]
    #[structopt(long, parse(try_from_str = port))]
    port: Option<u16>,
    /// Folder of further initialization files [REALNET_INIT_PATH]
    #[structopt(long, parse(from_os_str))]
    init: Option<PathBuf>,
    /// Checks settings, address, initialization files and the store, changes nothing, and exits
    #[structopt(long)]
    check: bool,
    #[structopt(subcommand)]
    step: Option<Step>,
}

#[derive(Debug, StructOpt)]
enum Step {
    /// Creates the first org and its administrator without serving
    Initialize(InitializeCommand),
    /// Gives an account a new password, beside a stopped server: for who has lost it
    Password(PasswordCommand),
    /// Makes the storage of contents this database's, when it was that of another one or of a copy of this one
    ClaimStorage,
}

#[derive(Debug, StructOpt)]
struct InitializeCommand {
    /// Name of the org [REALNET_NAME, default RealNet]
    #[structopt(long)]
    name: Option<String>,
    /// Name of the administrator [REALNET_USERNAME, default admin]
    #[structopt(long)]
    username: Option<String>,
    /// Password of the administrator; made and printed once when absent [REALNET_PASSWORD]
    #[structopt(long)]
    password: Option<String>,
    /// E-mail address of the administrator [REALNET_EMAIL]
    #[structopt(long)]
    email: Option<String>,
}

#[derive(Debug, StructOpt)]
struct PasswordCommand {
    /// Name of the account
    #[structopt(long, default_value = "admin")]
    username: String,
    /// Name or id of its org; the first one when absent
    #[structopt(long)]
    org: Option<String>,
    /// The new password; made and printed once when absent
    #[structopt(long)]
    password: Option<String>,
    /// Takes the second factor away as well, for who has lost that, too
    #[structopt(long)]
    drop_factor: bool,
}

fn port(text: &str) -> Result<u16, &'static str> {
    text.parse().map_err(|_| "expected a port from 0 to 65535")
}

/// Runs the server until it is told to stop, or only what was asked for.
pub fn run(command: &ServerCommand) -> Outcome {
    let mut environment = Environment::of_process()?;
    environment.set("REALNET_SERVER_HOST", command.host.as_ref());
    environment.set("REALNET_SERVER_PORT", command.port);
    environment.set("REALNET_INIT_PATH", command.init.as_ref().map(|path| path.display()));
    if let Some(Step::Initialize(step)) = &command.step {
        environment.set("REALNET_NAME", step.name.as_ref());
        environment.set("REALNET_USERNAME", step.username.as_ref());
        environment.set("REALNET_PASSWORD", step.password.as_ref());
        environment.set("REALNET_EMAIL", step.email.as_ref());
    }
    let config = Config::read(&environment)?;
    let first = FirstStart::read(&environment);
    let given = FirstStart::given(&environment);
    wire::logging::start(config.server.debug);
    for unknown in environment.unknown() {
        tracing::warn!("{unknown}");
    }
    if let Some(words) = config.storage.passed_over(&environment) {
        tracing::warn!("{words}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        if command.check {
            return Box::pin(check(config, first)).await;
        }
        let listener = if command.step.is_none() { Some(wire::listen(&config)?) } else { None };
        let server = wire::Server::open(config, false).await?;
        match &command.step {
            Some(Step::Password(step)) => return set_password(server, step).await,
            Some(Step::ClaimStorage) => {
                output::line(&server.claim_storage().await?);
                return server.close().await;
            }
            Some(Step::Initialize(_)) | None => {}
        }
        if listener.is_some() {
            server.check_storage().await?;
        }
        report(&server.initialize(first).await?, command.step.is_some(), &given);
        match listener {
            None => server.close().await,
            Some(listener) => server.serve(listener, |url| output::line(&greeting(url))).await,
        }
    })
}

fn greeting(url: &str) -> String {
    format!("RealNet {} listening on {url}", env!("CARGO_PKG_VERSION"))
}

/// Tries everything, so that an address which is taken (perhaps by the server that is to be followed) hides nothing else.
async fn check(config: Config, first: FirstStart) -> Outcome {
    // Bound and let go of again.
    let address = wire::listen(&config).map(drop);
    let checked = async {
        let server = wire::Server::open(config, true).await?;
        let checked = server.check(first).await;
        server.close().await?;
        checked
    };
    match (checked.await, address) {
        (Ok(checked), Ok(())) => {
            output::line(&checked);
            Ok(())
        }
        (Ok(checked), Err(address)) => Err(format!("{address}\n  {checked}").into()),
        (Err(error), Ok(())) => Err(error),
        (Err(error), Err(address)) => Err(format!("{error}\n  {address}").into()),
    }
}

async fn set_password(server: wire::Server, step: &PasswordCommand) -> Outcome {
    let PasswordCommand { username, org, password, drop_factor } = step;
    let reset = PasswordReset {
        org: org.clone(),
        username: username.clone(),
        password: password.clone(),
        drop_factor: *drop_factor,
    };
    match server.set_password(reset).await? {
        Some(password) => output::line(&format!(
            "the new password of {username}: {password}\nkeep it: it is not shown again"
        )),
        None => output::line(&format!("{username} has the new password")),
    }
    server.close().await
}

/// The one moment at which a generated password can be seen. `given`: settings of the first start that are set.
fn report(initialized: &Initialized, asked: bool, given: &[&str]) {
    match initialized {
        Initialized::Created { org, username, password: Some(password) } => output::line(&format!(
            "created the org {org} and its administrator\n  username: {username}\n  password: {password}\n\
             keep it: it is not shown again"
        )),
        Initialized::Created { org, username, password: None } => {
            output::line(&format!("created the org {org} and its administrator {username}"));
        }
        Initialized::Present if asked => output::line("there are accounts already: nothing to do"),
        Initialized::Present if !given.is_empty() => {
            let names = given.join(", ");
            tracing::warn!(
                "the store has accounts already, so {names} mean nothing: `realnet server password` sets a new password"
            );
        }
        Initialized::Present => {}
    }
}
