//! The command line: what can be asked for, and how an answer or an error leaves.

mod acl;
mod aggregate;
mod arguments;
mod attributes;
mod audit;
mod backup;
mod batch;
mod bulk;
mod confirm;
mod copy;
mod delete;
mod documents;
mod download;
mod elsewhere;
mod explain;
mod export;
mod factor;
mod find;
mod get;
mod history;
mod import;
mod info;
mod keys;
mod login;
mod output;
mod pages;
mod progress;
mod secrets;
mod server;
mod session;
mod settings;
mod suggest;
mod tries;
mod upload;
mod write;

pub use download::{digest, fetch};
pub use pages::Pages;
pub use tries::Tries;
pub use upload::is_passing;

use std::process::ExitCode;

use structopt::StructOpt;
use structopt::clap::{AppSettings, ErrorKind};

/// Where a client's commands find the server.
#[derive(Debug, Clone, StructOpt)]
pub struct ServerAddress {
    /// Address of the server [REALNET_SERVER_URL, default http://localhost:8080]
    #[structopt(long = "server", name = "URL", global = true)]
    server: Option<String>,
}

impl ServerAddress {
    /// From the flag, the environment or a `.env` file.
    pub fn url(&self) -> &str {
        let set = self.server.as_deref().or_else(|| settings::get(settings::SERVER));
        set.unwrap_or("http://localhost:8080")
    }

    /// Whether no flag says where the server is.
    pub fn is_set_by_settings(&self) -> bool {
        self.server.is_none()
    }

    /// Takes a flag that stood among the words of a command.
    pub fn set(&mut self, url: String) {
        self.server = Some(url);
    }
}

/// A typed, access-controlled application backend: server and command line.
#[derive(Debug, StructOpt)]
#[structopt(
    name = "realnet",
    global_settings = &[AppSettings::ColoredHelp, AppSettings::VersionlessSubcommands],
    after_help = "\
Server and token come from --server, REALNET_SERVER_URL and REALNET_TOKEN, also in a .env file, or from `realnet login`.
--server URL and -o FORMAT may also stand before the command: realnet --server http://host:8080 info
`realnet COMMAND --help` shows the options of a command and examples.
Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 applied but for conflicts."
)]
enum Command {
    /// Runs the server; the first start creates the store and prints the administrator's password
    Server(server::ServerCommand),
    /// Makes keys for secrets, shows where they are in use, and seals everything under the first one
    Secrets(secrets::SecretsCommand),
    /// Copies a whole store into an empty one, such as SQLite into PostgreSQL
    Copy(copy::CopyCommand),
    /// Prints a checksum over all that a store holds
    Verify(copy::VerifyCommand),
    /// Writes all that a store holds into one file, while its servers go on
    Backup(backup::BackupCommand),
    /// Fills an empty store with what a backup holds
    Restore(backup::RestoreCommand),
    /// Signs in and keeps the login for the next commands
    Login(login::LoginCommand),
    /// Ends the kept login
    Logout(login::LogoutCommand),
    /// Turns the second factor of the own account on or off, and makes recovery codes
    Factor(factor::FactorCommand),
    /// Shows server, version, store, health and counts
    Info(info::InfoCommand),
    /// Creates an item: realnet create TYPE --name "Name" --attribute value …
    Create(write::CreateCommand),
    /// Shows an item, or lists items: realnet get TYPE [ID] [field=op.value …]
    Get(get::GetCommand),
    /// Counts, sums up and compares items: realnet aggregate TYPE --select "sum(x)" --group y
    Aggregate(aggregate::AggregateCommand),
    /// Changes an item, or all that match: realnet update TYPE ID|FILTER … --attribute value …
    Update(write::UpdateCommand),
    /// Deletes items with their descendants: realnet delete TYPE ID …|FILTER …
    Delete(delete::DeleteCommand),
    /// Carries out several operations of a file, all or none
    Batch(batch::BatchCommand),
    /// Shows the earlier states of an item
    History(history::HistoryCommand),
    /// Shows or changes who may do what with an item, or with all items of a type
    Acl(acl::AclCommand),
    /// Shows what initialization files would change
    Plan(documents::PlanCommand),
    /// Applies initialization files, each atomically
    Apply(documents::ApplyCommand),
    /// Shows where the store differs from what was applied
    Drift(documents::DriftCommand),
    /// Shows who did what, when and from where
    Audit(audit::AuditCommand),
    /// Says what an account may do with an item and why, or who may
    Explain(explain::ExplainCommand),
    /// Sends files, and goes on with them after an interruption: realnet upload FILE … [--parent ID]
    Upload(upload::UploadCommand),
    /// Fetches the content of a file, and goes on after an interruption: realnet download ID [-o FILE]
    Download(download::DownloadCommand),
    /// Writes items, types and contents into a folder or archive: realnet export DIR|FILE.tar.gz [--type T] …
    Export(export::ExportCommand),
    /// Reads them back, into this or another server
    Import(import::ImportCommand),
    /// Makes, lists and ends keys, by which programs sign in
    Keys(keys::KeysCommand),
}

/// An error for people: one sentence with the next step.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Result of a command.
pub type Outcome = Result<(), Failure>;

/// Wrong usage, found after the arguments were parsed.
#[derive(Debug)]
pub struct Usage(pub String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

const FAILED: u8 = 1;
const USAGE: u8 = 2;
const CONFLICTS: u8 = 3;

/// Parses the arguments, runs the command, and says how it went: 0 ok, 1 failed, 2 usage, 3 conflicts.
pub fn run() -> ExitCode {
    let arguments = arguments::of_process();
    let command = match Command::from_iter_safe(&arguments) {
        Ok(command) => command,
        Err(error) if matches!(error.kind, ErrorKind::HelpDisplayed | ErrorKind::VersionDisplayed) => {
            output::styled_line(&error.message);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            output::styled_error(&suggest::explained(&error, &arguments));
            return ExitCode::from(USAGE);
        }
    };
    match execute(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::error(&format!("realnet: {}", describe(&*failure)));
            ExitCode::from(match failure {
                failure if failure.is::<Usage>() => USAGE,
                failure if failure.is::<documents::Conflicts>() => CONFLICTS,
                _ => FAILED,
            })
        }
    }
}

fn execute(command: Command) -> Outcome {
    match &command {
        Command::Server(command) => return server::run(command),
        Command::Secrets(command) => return secrets::run(command),
        Command::Copy(command) => return copy::copy(command),
        Command::Verify(command) => return copy::verify(command),
        Command::Backup(command) => return backup::backup(command),
        Command::Restore(command) => return backup::restore(command),
        _ => {}
    }
    settings::load()?;
    let words = interrupted(&command);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            outcome = client_command(command) => outcome,
            _ = tokio::signal::ctrl_c() => Err(words.into()),
        }
    })
}

/// What there is to say when a command is broken off.
fn interrupted(command: &Command) -> &'static str {
    match command {
        Command::Export(_) => {
            "interrupted: where it goes into a folder, the same command with --update goes on with it"
        }
        Command::Import(_) => "interrupted: the same command goes on with it",
        Command::Upload(command) => command.when_interrupted(),
        Command::Download(command) => command.when_interrupted(),
        _ => "interrupted",
    }
}

async fn client_command(command: Command) -> Outcome {
    match command {
        Command::Server(_)
        | Command::Secrets(_)
        | Command::Copy(_)
        | Command::Verify(_)
        | Command::Backup(_)
        | Command::Restore(_) => Ok(()),
        Command::Login(command) => login::login(command).await,
        Command::Logout(command) => login::logout(&command).await,
        Command::Factor(command) => factor::run(&command).await,
        Command::Info(command) => info::run(&command).await,
        Command::Create(command) => write::create(command).await,
        Command::Get(command) => get::run(command).await,
        Command::Aggregate(command) => aggregate::run(&command).await,
        Command::Update(command) => write::update(command).await,
        Command::Delete(command) => delete::run(&command).await,
        Command::Batch(command) => batch::run(&command).await,
        Command::History(command) => history::run(&command).await,
        Command::Acl(command) => acl::run(&command).await,
        Command::Plan(command) => documents::plan(&command).await,
        Command::Apply(command) => documents::apply(&command).await,
        Command::Drift(command) => documents::drift(&command).await,
        Command::Audit(command) => audit::run(command).await,
        Command::Explain(command) => explain::run(&command).await,
        Command::Upload(command) => upload::run(&command).await,
        Command::Download(command) => download::run(&command).await,
        Command::Export(command) => export::run(&command).await,
        Command::Import(command) => import::run(&command).await,
        Command::Keys(command) => keys::run(&command).await,
    }
}

/// The failure in words, with the next step where one is known.
pub fn describe(failure: &(dyn std::error::Error + Send + Sync + 'static)) -> String {
    let text =
        failure.downcast_ref::<realnet_core::Error>().map_or_else(|| failure.to_string(), for_operators);
    // What the server says to whoever speaks REST, said to whoever types commands.
    let text = text.replace("GET /api/types lists", "`realnet get types` lists");
    let error = failure.downcast_ref::<realnet_client::Error>();
    if matches!(error, Some(realnet_client::Error::Unreachable { has_answered: false, .. })) {
        return format!("{text} (another server: --server URL or REALNET_SERVER_URL)");
    }
    match error.and_then(realnet_client::Error::status) {
        Some(401) if session::token_of_environment().is_some() => {
            format!("{text}: set a new token in REALNET_TOKEN, or unset it and run `realnet login`")
        }
        Some(401) => format!("{}: run `realnet login`", text.trim_end_matches(": sign in again")),
        _ => text,
    }
}

/// The words of an error for who runs the server: a fault of ours, which strangers are told nothing of, in full.
pub fn for_operators(error: &realnet_core::Error) -> String {
    if error.kind() == realnet_core::ErrorKind::Internal { error.report() } else { error.to_string() }
}

/// Says what the server finds odd.
pub fn notice(words: &str) {
    output::error(&format!("notice: {words}"));
}

/// Whether a resource is that of the types, which go by their names.
fn is_types(resource: &str) -> bool {
    resource.eq_ignore_ascii_case("types")
}

/// Sees that what stands where an id belongs is one, before a server says only that it was not found.
fn check_id(id: &str) -> Outcome {
    match realnet_core::Uuid::parse_str(id) {
        Ok(_) => Ok(()),
        Err(_) => {
            Err(Usage(format!("'{id}' is no id: `realnet get TYPE name={id}` finds items by name")).into())
        }
    }
}
