//! The contestants, set up and started: each with data of its own in a temporary folder, on a free port.

use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use tempfile::TempDir;
use url::Url;

use super::Options;
use super::pocketbase;
use super::process::{Process, free_address};
use super::realnet::{self, RealNet, Store, Who};
use super::requests::Requests;
use super::rounds::{Contestant, Name};
use crate::engine::{Server, Settings};

/// From this many rows on the notes have a place, for searches around a point.
pub const ROWS_WITH_PLACES: u64 = 1_000_000;

/// Everything that is needed to start the contestants.
#[derive(Debug)]
pub struct Stage {
    /// RealNet on SQLite.
    pub realnet: Option<RealNet>,
    ids: Rc<Vec<String>>,
    bare: PathBuf,
    pocketbase: Option<(Rc<Process>, Requests)>,
    postgres: Option<OnPostgres>,
    // Dropped last: the servers before their folder.
    folder: TempDir,
}

/// RealNet and the bare handler on a PostgreSQL server of our own.
#[derive(Debug)]
struct OnPostgres {
    realnet: RealNet,
    ids: Rc<Vec<String>>,
    bare: Url,
    _server: Server,
}

impl Stage {
    /// Creates the stores with that many rows.
    ///
    /// # Errors
    /// A contestant can not be set up.
    pub fn set_up(options: &Options, rows: u64) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("realnet-bench-").tempdir()?;
        let bare = folder.path().join("bare.db");
        eprintln!("setting up {rows} rows");
        let mut stage =
            Self { realnet: None, ids: Rc::default(), bare, pocketbase: None, postgres: None, folder };
        let path = stage.folder.path();
        if let Some(program) = &options.realnet {
            let program = program.canonicalize()?;
            let file = path.join("realnet.db");
            let realnet = RealNet {
                program: program.clone(),
                folder: path.to_owned(),
                store: Store::Sqlite(file.clone()),
            };
            stage.ids = Rc::new(realnet.set_up(rows, rows >= ROWS_WITH_PLACES)?);
            realnet::copy_sqlite(&file, &stage.bare)?;
            stage.realnet = Some(realnet);
            if !options.no_postgres {
                stage.postgres = Some(OnPostgres::set_up(&program, path, rows)?);
            }
        }
        if let Some(program) = &options.pocketbase {
            let (process, requests) = pocketbase::start(&program.canonicalize()?, path, rows)?;
            stage.pocketbase = Some((Rc::new(process), requests));
        }
        Ok(stage)
    }

    /// Starts all contestants.
    ///
    /// # Errors
    /// One of them does not start.
    pub fn start(&self) -> Result<Vec<Contestant>> {
        let mut all = Vec::new();
        if let Some(realnet) = &self.realnet {
            let process = Rc::new(realnet.start()?);
            for (name, who) in [(Name::RealNet, Who::User), (Name::Superuser, Who::Superuser)] {
                let requests = realnet::requests(&process, who, &self.ids)?;
                all.push(Contestant { name, process: Rc::clone(&process), requests });
            }
            let requests = all[0].requests.clone();
            let process = self.start_bare("--sqlite", self.bare.as_os_str().as_ref())?;
            all.push(Contestant { name: Name::Bare, process: Rc::new(process), requests });
        }
        if let Some((process, requests)) = &self.pocketbase {
            let (process, requests) = (Rc::clone(process), requests.clone());
            all.push(Contestant { name: Name::PocketBase, process, requests });
        }
        if let Some(postgres) = &self.postgres {
            let process = Rc::new(postgres.realnet.start()?);
            let requests = realnet::requests(&process, Who::User, &postgres.ids)?;
            all.push(Contestant { name: Name::RealNetPostgres, process, requests: requests.clone() });
            let process = self.start_bare("--postgres", postgres.bare.as_str().as_ref())?;
            all.push(Contestant { name: Name::BarePostgres, process: Rc::new(process), requests });
        }
        Ok(all)
    }

    /// The bare handler is this program, as a process of its own.
    fn start_bare(&self, flag: &str, database: &Path) -> Result<Process> {
        let address = free_address()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bare", "--port", &address.port().to_string(), flag]).arg(database);
        Process::start(&mut command, address, &self.folder.path().join("bare.log"), "/readyz")
    }
}

impl OnPostgres {
    fn set_up(program: &Path, folder: &Path, rows: u64) -> Result<Self> {
        let settings = Settings { durable: true, ..Settings::default() };
        let server = Server::start(settings).map_err(Error::other)?;
        let database = |name: &str| -> Result<Url> {
            let mut url = Url::parse(&server.url()).map_err(Error::other)?;
            url.set_path(name);
            Ok(url)
        };
        execute(&server.url(), "CREATE DATABASE realnet")?;
        let realnet = RealNet {
            program: program.to_owned(),
            folder: folder.to_owned(),
            store: Store::Postgres(database("realnet")?),
        };
        let ids = Rc::new(realnet.set_up(rows, false)?);
        execute(database("realnet")?.as_str(), "VACUUM ANALYZE")?;
        execute(&server.url(), "CREATE DATABASE bare TEMPLATE realnet")?;
        let bare = database("bare")?;
        Ok(Self { realnet, ids, bare, _server: server })
    }
}

fn execute(url: &str, statement: &str) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut connection = AsyncPgConnection::establish(url).await.map_err(Error::other)?;
        connection.batch_execute(statement).await.map_err(Error::other)
    })
}
