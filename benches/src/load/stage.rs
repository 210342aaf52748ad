//! The contestants, set up and started: each with data of its own in one place, on a free port.

use std::io::Result;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use url::Url;

use super::Options;
use super::contestant::{Contestant, Name};
use super::place::Place;
use super::pocketbase;
use super::postgres::{Postgres, settle};
use super::process::{Process, free_address};
use super::realnet::{self, RealNet, Store, Who};
use super::requests::Requests;

/// The cost of PocketBase's hashes of passwords.
const POCKETBASE_COST: u32 = 10;

/// Everything that is needed to start the contestants.
#[derive(Debug)]
pub struct Stage {
    place: Rc<Place>,
    sqlite: Option<OnSqlite>,
    postgres: Option<OnPostgres>,
    pocketbase: Option<(Rc<Process>, Requests)>,
}

/// RealNet and the bare handler on SQLite.
#[derive(Debug)]
struct OnSqlite {
    realnet: RealNet,
    ids: Rc<Vec<String>>,
    bare: PathBuf,
    /// One without notes that hashes passwords at the cost of PocketBase.
    same_cost: RealNet,
}

/// RealNet and the bare handler on a PostgreSQL server of our own.
#[derive(Debug)]
struct OnPostgres {
    realnet: RealNet,
    ids: Rc<Vec<String>>,
    bare: Url,
    _server: Postgres,
}

impl Stage {
    /// Creates the stores with that many rows.
    ///
    /// # Errors
    /// A contestant can not be set up.
    pub fn set_up(options: &Options, rows: u64) -> Result<Self> {
        let place = Rc::new(Place::new()?);
        eprintln!("setting up {rows} rows");
        let mut stage = Self { place: Rc::clone(&place), sqlite: None, postgres: None, pocketbase: None };
        if let Some(program) = &options.realnet {
            let program = program.canonicalize()?;
            if !options.no_sqlite {
                stage.sqlite = Some(OnSqlite::set_up(&program, &place, rows)?);
            }
            if !options.no_postgres {
                stage.postgres = Some(OnPostgres::set_up(&program, &place, rows)?);
            }
        }
        if let Some(program) = &options.pocketbase {
            let (process, requests) = pocketbase::start(&program.canonicalize()?, &place, rows)?;
            stage.pocketbase = Some((Rc::new(process), requests));
        }
        Ok(stage)
    }

    /// RealNet on SQLite, which is not running.
    pub fn realnet(&self) -> Option<&RealNet> {
        self.sqlite.as_ref().map(|sqlite| &sqlite.realnet)
    }

    /// Starts all contestants.
    ///
    /// # Errors
    /// One of them does not start.
    pub fn start(&self) -> Result<Vec<Contestant>> {
        let mut all = Vec::new();
        if let Some(sqlite) = &self.sqlite {
            let process = Rc::new(sqlite.realnet.start()?);
            for (name, who) in [(Name::RealNet, Who::User), (Name::Superuser, Who::Superuser)] {
                let requests = realnet::requests(&process, who, &sqlite.ids)?;
                all.push(Contestant { name, process: Rc::clone(&process), requests });
            }
            let requests = all[0].requests.clone();
            let process = Rc::new(self.start_bare("--sqlite", sqlite.bare.as_os_str().as_ref())?);
            all.push(Contestant { name: Name::Bare, process, requests });
            let process = Rc::new(sqlite.same_cost.start()?);
            let requests = realnet::requests(&process, Who::User, &Rc::default())?;
            all.push(Contestant { name: Name::SameCost, process, requests });
        }
        if let Some((process, requests)) = &self.pocketbase {
            let (process, requests) = (Rc::clone(process), requests.clone());
            all.push(Contestant { name: Name::PocketBase, process, requests });
        }
        if let Some(postgres) = &self.postgres {
            let process = Rc::new(postgres.realnet.start()?);
            let requests = realnet::requests(&process, Who::User, &postgres.ids)?;
            all.push(Contestant { name: Name::RealNetPostgres, process, requests: requests.clone() });
            let process = Rc::new(self.start_bare("--postgres", postgres.bare.as_str().as_ref())?);
            all.push(Contestant { name: Name::BarePostgres, process, requests });
        }
        Ok(all)
    }

    /// The bare handler is this program, as a process of its own.
    fn start_bare(&self, flag: &str, database: &Path) -> Result<Process> {
        let address = free_address()?;
        let mut command = self.place.command(std::env::current_exe()?);
        command.args(["bare", "--port", &address.port().to_string(), flag]).arg(database);
        Process::start(&self.place, &mut command, address, "bare.log", "/readyz")
    }
}

impl OnSqlite {
    fn set_up(program: &Path, place: &Rc<Place>, rows: u64) -> Result<Self> {
        let realnet = |name: &str, bcrypt_cost: Option<u32>| RealNet {
            program: program.to_owned(),
            place: Rc::clone(place),
            store: Store::Sqlite(place.path().join(name)),
            bcrypt_cost,
            settings: Vec::new(),
        };
        let same_cost = realnet("same_cost.db", Some(POCKETBASE_COST));
        same_cost.prepare()?;
        let realnet = realnet("realnet.db", None);
        let ids = Rc::new(realnet.set_up(rows)?);
        let bare = place.path().join("bare.db");
        realnet::copy_sqlite(&place.path().join("realnet.db"), &bare)?;
        Ok(Self { realnet, ids, bare, same_cost })
    }
}

impl OnPostgres {
    fn set_up(program: &Path, place: &Rc<Place>, rows: u64) -> Result<Self> {
        let server = Postgres::start()?;
        let database = server.create("realnet", None)?;
        let realnet = RealNet {
            program: program.to_owned(),
            place: Rc::clone(place),
            store: Store::Postgres(database.clone()),
            bcrypt_cost: None,
            settings: Vec::new(),
        };
        let ids = Rc::new(realnet.set_up(rows)?);
        settle(&database)?;
        let bare = server.create("bare", Some("realnet"))?;
        Ok(Self { realnet, ids, bare, _server: server })
    }
}
