//! RealNet with the notes: the release binary on a store of its own, a type with two indexed fields, and a plain user
//! who may read, change and create notes because the type says so.

use std::io::{Error, Result};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::http::Client;
use super::notes::{Note, STATES};
use super::place::Place;
use super::process::{Process, free_address};
use super::requests::{Dialect, Requests};

const PASSWORD: &str = "a long password";

/// How many notes are created with one request.
const BATCH: u64 = 1000;

/// Where a RealNet keeps its items.
#[derive(Debug, Clone)]
pub enum Store {
    /// In this file.
    Sqlite(PathBuf),
    /// In this database.
    Postgres(Url),
}

/// A RealNet with a store of its own: it can be started and stopped.
#[derive(Debug, Clone)]
pub struct RealNet {
    /// The release binary.
    pub program: PathBuf,
    /// Where it runs.
    pub place: Rc<Place>,
    /// Its store.
    pub store: Store,
    /// Cost of the hashes of passwords; its own default when absent.
    pub bcrypt_cost: Option<u32>,
    /// Further settings, by their names.
    pub settings: Vec<(&'static str, String)>,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The first administrator, to whom no rule applies.
    Superuser,
    /// A plain user, who may read, change and create all notes.
    User,
    /// One who may read no notes but those that were shared with it.
    Guest,
}

impl Who {
    const fn name(self) -> &'static str {
        match self {
            Self::Superuser => "root",
            Self::User => "writer",
            Self::Guest => "guest",
        }
    }
}

impl RealNet {
    /// Creates the store with the type of the notes and the user, without any note.
    ///
    /// # Errors
    /// The program does not start or refuses something.
    pub fn prepare(&self) -> Result<()> {
        let done = self
            .command()
            .args(["server", "initialize", "--name", "Bench", "--username", Who::Superuser.name()])
            .args(["--email", "root@example.org", "--password", PASSWORD])
            .output()?;
        if !done.status.success() {
            let text =
                format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
            return Err(Error::other(format!("realnet server initialize: {text}")));
        }
        let process = self.start()?;
        let mut client = signed_in(&process, Who::Superuser)?;
        client.json("POST", "/api/types", Some(&note_type()))?;
        let account = create_account(&mut client, Who::User)?;
        let grants = json!([
            { "subject": { "type": "account", "id": account }, "permissions": ["create", "read", "write"] },
        ]);
        client.json("PUT", "/api/types/Memo/acl", Some(&grants))?;
        process.stop()
    }

    /// Creates the store with that many notes, and the user; gives the notes' ids.
    ///
    /// # Errors
    /// The program does not start or refuses something.
    pub fn set_up(&self, rows: u64) -> Result<Vec<String>> {
        self.prepare()?;
        let process = self.start()?;
        let ids = fill(&mut signed_in(&process, Who::Superuser)?, 0..rows, Note::body)?;
        process.stop()?;
        Ok(ids)
    }

    /// Starts the server on a free port.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(&self) -> Result<Process> {
        let address = free_address()?;
        let mut command = self.command();
        command.args(["server", "--host", "127.0.0.1", "--port", &address.port().to_string()]);
        Process::start(&self.place, &mut command, address, "realnet.log", "/readyz")
    }

    fn command(&self) -> Command {
        let mut command = self.place.command(&self.program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("REALNET_") {
                command.env_remove(name);
            }
        }
        // Longer than any run; everything else as it comes.
        command.env("REALNET_TOKEN_TTL", "86400");
        if let Some(cost) = self.bcrypt_cost {
            command.env("REALNET_BCRYPT_COST", cost.to_string());
        }
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        match &self.store {
            Store::Sqlite(path) => {
                command.env("REALNET_DB_TYPE", "sqlite").env("REALNET_DB_NAME", path);
            }
            Store::Postgres(url) => {
                command.env("REALNET_DB_TYPE", "postgresql").env("REALNET_DB_USER", url.username());
                command.env("REALNET_DB_HOST", url.host_str().unwrap_or_default());
                command.env("REALNET_DB_PORT", url.port().unwrap_or(5432).to_string());
                let name = url.path().trim_start_matches('/');
                command.env("REALNET_DB_NAME", name);
                // A storage belongs to one database, and that of an embedded one has the name of its file.
                command.env("REALNET_STORAGE_PATH", format!("{name}.postgresql.files"));
            }
        }
        command
    }
}

/// The requests of one of the accounts.
///
/// # Errors
/// It can not sign in.
pub fn requests(process: &Process, who: Who, ids: &Rc<Vec<String>>) -> Result<Requests> {
    let token = signed_in(process, who)?.token;
    let login = credentials(who).to_string();
    Ok(Requests { dialect: Dialect::RealNet, token, login, ids: Rc::clone(ids) })
}

/// The file of a store and its companions, copied; the server must not be running.
///
/// # Errors
/// The files can not be read or written.
pub fn copy_sqlite(from: &Path, to: &Path) -> Result<()> {
    for ending in ["", "-wal"] {
        let with = |path: &Path| PathBuf::from(format!("{}{ending}", path.display()));
        if with(from).exists() {
            std::fs::copy(with(from), with(to))?;
        }
    }
    Ok(())
}

/// Creates a plain account and gives its id.
fn create_account(client: &mut Client, who: Who) -> Result<Value> {
    let name = who.name();
    let email = format!("{name}@example.org");
    let account = json!({ "username": name, "password": PASSWORD, "email": email, "role": "user" });
    let account = client.json("POST", "/api/accounts", Some(&account))?;
    Ok(account["id"].clone())
}

/// Creates the guest and lets it read these notes.
///
/// # Errors
/// The server refuses it.
pub fn share<'a>(client: &mut Client, notes: impl Iterator<Item = &'a String>) -> Result<()> {
    let guest = create_account(client, Who::Guest)?;
    let grants = json!([{ "subject": { "type": "account", "id": guest }, "permissions": ["read"] }]);
    for id in notes {
        client.json("PUT", &format!("/api/memo/{id}/acl"), Some(&grants))?;
    }
    Ok(())
}

fn credentials(who: Who) -> Value {
    json!({ "username": who.name(), "password": PASSWORD })
}

/// A client with a token.
///
/// # Errors
/// The account can not sign in.
pub fn signed_in(process: &Process, who: Who) -> Result<Client> {
    let mut client = Client::new(process.address);
    let answer = client.json("POST", "/api/auth", Some(&credentials(who)))?;
    answer["token"].as_str().ok_or_else(|| Error::other("no token"))?.clone_into(&mut client.token);
    Ok(client)
}

fn note_type() -> Value {
    json!({
        "name": "Memo",
        "base": "Item",
        "fields": [
            { "name": "title", "type": "string" },
            { "name": "text", "type": "text" },
            { "name": "state", "type": "enum", "values": STATES, "index": true },
            { "name": "priority", "type": "integer", "index": true },
        ],
    })
}

/// Creates the notes with these numbers, a thousand with each request, and gives their ids.
///
/// # Errors
/// The server refuses them.
pub fn fill(client: &mut Client, numbers: Range<u64>, body: fn(&Note) -> Value) -> Result<Vec<String>> {
    /// What is read of a created note.
    #[derive(Deserialize)]
    struct Created {
        id: String,
    }
    let mut ids = Vec::with_capacity((numbers.end - numbers.start) as usize);
    for begin in numbers.clone().step_by(BATCH as usize) {
        let notes: Vec<_> =
            (begin..numbers.end.min(begin + BATCH)).map(|number| body(&Note::number(number))).collect();
        let answer = client.call("POST", "/api/memo", Some(&Value::from(notes).to_string()))?;
        let created: Vec<Created> = serde_json::from_slice(&answer).map_err(Error::other)?;
        ids.extend(created.into_iter().map(|note| note.id));
    }
    Ok(ids)
}
