//! `realnet server` and `realnet server initialize`.

use std::path::PathBuf;

use structopt::StructOpt;

use super::{Outcome, output};
use crate::config::{Config, Environment};
use crate::wire::{self, FirstStart, Initialized};

/// Runs the server.
#[derive(Debug, StructOpt)]
#[structopt(after_help = "\
All settings also come from the environment or a .env file (REALNET_SERVER_HOST, REALNET_DB_TYPE, …); flags win.
Without any setting the store is ./realnet.db and the address http://127.0.0.1:8080.")]
pub struct ServerCommand {
    /// Address to listen on [REALNET_SERVER_HOST, default 127.0.0.1]
    #[structopt(long)]
    host: Option<String>,
    /// Port to listen on, 0 picks a free one [REALNET_SERVER_PORT, default 8080]
    #[structopt(long)]
    port: Option<u16>,
    /// Folder of further initialization files [REALNET_INIT_PATH]
    #[structopt(long, parse(from_os_str))]
    init: Option<PathBuf>,
    /// Checks settings, initialization files and the store, then exits without serving
    #[structopt(long)]
    check: bool,
    #[structopt(subcommand)]
    step: Option<Step>,
}

#[derive(Debug, StructOpt)]
enum Step {
    /// Creates the first org and its administrator without serving
    Initialize(InitializeCommand),
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
    wire::logging::start(config.server.debug);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let server = wire::Server::open(config, command.check).await?;
        if command.check {
            output::line("settings, initialization files and store are in order");
            return server.close().await;
        }
        report(&server.initialize(first).await?, command.step.is_some());
        match command.step {
            Some(_) => server.close().await,
            None => server.serve(|address| output::line(&greeting(address))).await,
        }
    })
}

fn greeting(address: std::net::SocketAddr) -> String {
    format!("RealNet {} listening on http://{address}", env!("CARGO_PKG_VERSION"))
}

/// The one moment at which a generated password can be seen.
fn report(initialized: &Initialized, asked: bool) {
    match initialized {
        Initialized::Created { org, username, password: Some(password) } => output::line(&format!(
            "created the org {org} and its administrator\n  username: {username}\n  password: {password}\n\
             keep it: it is not shown again"
        )),
        Initialized::Created { org, username, password: None } => {
            output::line(&format!("created the org {org} and its administrator {username}"));
        }
        Initialized::Present if asked => output::line("there are accounts already: nothing to do"),
        Initialized::Present => {}
    }
}
