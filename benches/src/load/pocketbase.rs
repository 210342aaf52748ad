//! PocketBase with the same notes: one rule on each action that wants a signed-in user, indexes that fit the lists.
//! It runs as it comes, request log included.

use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection, RunQueryDsl, SqliteConnection};
use serde_json::{Value, json};

use super::http::Client;
use super::notes::{Note, Random, STATES};
use super::place::Place;
use super::process::{Process, free_address};
use super::requests::{Dialect, Requests};

const PASSWORD: &str = "a long password";

/// Anybody who is signed in.
const RULE: &str = "@request.auth.id != \"\"";

/// Starts PocketBase on fresh data with that many notes.
///
/// # Errors
/// It does not start or refuses something.
pub fn start(program: &Path, place: &Rc<Place>, rows: u64) -> Result<(Process, Requests)> {
    let done =
        command(program, place).args(["superuser", "upsert", "root@example.org", PASSWORD]).output()?;
    if !done.status.success() {
        return Err(Error::other(String::from_utf8_lossy(&done.stderr).into_owned()));
    }
    let process = serve(program, place)?;
    create_collection(&mut signed_in(&process, "_superusers", "root@example.org")?)?;
    // Filling the file itself takes a tenth of the time that the batch API takes.
    process.stop()?;
    let ids = fill(&data(place).join("data.db"), rows)?;
    let process = serve(program, place)?;
    let token = signed_in(&process, "users", "user@example.org")?.token;
    let login = credentials("user@example.org").to_string();
    Ok((process, Requests { dialect: Dialect::PocketBase, token, login, ids: Rc::new(ids) }))
}

fn data(place: &Place) -> PathBuf {
    place.path().join("pocketbase")
}

fn command(program: &Path, place: &Place) -> Command {
    let mut command = place.command(program);
    let data = data(place);
    let flag = |name: &str, path: PathBuf| format!("--{name}={}", path.display());
    command.arg(flag("dir", data.clone()));
    // Its other folders too: it would look for them beside the program.
    command.args([flag("hooksDir", data.join("hooks")), flag("migrationsDir", data.join("migrations"))]);
    command.arg(flag("publicDir", data.join("public")));
    command
}

fn serve(program: &Path, place: &Rc<Place>) -> Result<Process> {
    let address = free_address()?;
    let mut command = command(program, place);
    command.args(["serve", "--http", &address.to_string()]);
    Process::start(place, &mut command, address, "pocketbase.log", "/api/health")
}

fn credentials(email: &str) -> Value {
    json!({ "identity": email, "password": PASSWORD })
}

fn signed_in(process: &Process, collection: &str, email: &str) -> Result<Client> {
    let mut client = Client::new(process.address);
    let path = format!("/api/collections/{collection}/auth-with-password");
    let answer = client.json("POST", &path, Some(&credentials(email)))?;
    answer["token"].as_str().ok_or_else(|| Error::other("no token"))?.clone_into(&mut client.token);
    Ok(client)
}

fn create_collection(client: &mut Client) -> Result<()> {
    let date = |name: &str, on_update: bool| json!({ "name": name, "type": "autodate", "onCreate": true, "onUpdate": on_update });
    let collection = json!({
        "name": "memo",
        "type": "base",
        "listRule": RULE, "viewRule": RULE, "createRule": RULE, "updateRule": RULE, "deleteRule": RULE,
        "fields": [
            { "name": "title", "type": "text" },
            { "name": "text", "type": "text" },
            { "name": "state", "type": "select", "maxSelect": 1, "values": STATES },
            { "name": "priority", "type": "number", "onlyInt": true },
            date("created", false),
            date("updated", true),
        ],
        // The best indexes there are for the lists that are measured.
        "indexes": [
            "CREATE INDEX memo_by_state ON memo (state, created)",
            "CREATE INDEX memo_by_priority ON memo (state, priority)",
        ],
    });
    client.json("POST", "/api/collections", Some(&collection))?;
    let user = json!({ "email": "user@example.org", "password": PASSWORD, "passwordConfirm": PASSWORD });
    client.json("POST", "/api/collections/users/records", Some(&user)).map(drop)
}

/// Writes the notes into the file and gives their ids, which are random as PocketBase's own.
fn fill(file: &Path, rows: u64) -> Result<Vec<String>> {
    let mut connection = SqliteConnection::establish(&file.to_string_lossy()).map_err(Error::other)?;
    let mut random = Random::new(1);
    let mut ids = Vec::with_capacity(rows as usize);
    connection
        .transaction(|connection| {
            for number in 0..rows {
                let id: String = (0..15).map(|_| letter(random.below(36))).collect();
                let note = Note::number(number);
                diesel::sql_query(
                    "INSERT INTO memo (id, title, text, state, priority, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?6)",
                )
                .bind::<Text, _>(&id)
                .bind::<Text, _>(note.title)
                .bind::<Text, _>(note.text)
                .bind::<Text, _>(note.state)
                .bind::<BigInt, _>(note.priority as i64)
                .bind::<Text, _>(date(number))
                .execute(connection)?;
                ids.push(id);
            }
            diesel::QueryResult::Ok(())
        })
        .map_err(Error::other)?;
    // What the query planner knows of the tables, as after a while of use.
    connection.batch_execute("ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)").map_err(Error::other)?;
    Ok(ids)
}

fn letter(number: u64) -> char {
    char::from_digit(number as u32, 36).unwrap_or('0')
}

/// A moment of January, a second later for each note.
fn date(number: u64) -> String {
    let (day, hour, minute, second) = (number / 86400 + 1, number / 3600 % 24, number / 60 % 60, number % 60);
    format!("2026-01-{day:02} {hour:02}:{minute:02}:{second:02}.000Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_rise_with_the_number() {
        assert_eq!(date(0), "2026-01-01 00:00:00.000Z");
        assert_eq!(date(1_000_000), "2026-01-12 13:46:40.000Z");
        assert!(date(86_399) < date(86_400));
    }
}
