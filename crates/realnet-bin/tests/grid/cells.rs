//! One cell of the table: somebody asks something of a thing made for it, and what came of it.

use std::fmt::Write as _;

use futures::future::{BoxFuture, join_all};
use reqwest::Method;
use serde_json::Value;

use crate::world::{Actor, Answer, World};

/// What a row asks about.
#[derive(Debug, Clone, Default)]
pub struct Thing {
    /// Its id, or its name where that is its path.
    pub id: String,
    /// A text that stands in whatever shows it, and nowhere else.
    pub mark: String,
    /// Paths whose answers to the superuser tell whether it has changed.
    pub probes: Vec<String>,
    /// Whether it is another thing for each actor.
    pub is_of_actor: bool,
}

/// A request.
pub type Ask = (Method, String, Value);

/// Makes what is asked about.
pub type Make = for<'a> fn(&'a World, Actor) -> BoxFuture<'a, Thing>;

/// What is asked by each actor.
pub struct Row {
    /// The route, as the server names it: `GET /api/{resource}`.
    pub route: &'static str,
    /// What is tried.
    pub what: &'static str,
    /// Makes the thing.
    pub make: Make,
    /// Makes the request.
    pub ask: fn(&World, &Thing, Actor) -> Ask,
    /// Whether it is asked in a session of its own, since it may end that.
    pub in_new_session: bool,
}

/// The table: a line for each row, a column for each actor.
pub async fn table(world: &World, rows: &[Row]) -> String {
    let mut text = head();
    let mut route = "";
    for row in rows {
        if row.route != route {
            route = row.route;
            let _ = writeln!(text, "\n{route}");
        }
        text.push_str(&line(row.what, &cells(world, row).await));
    }
    text
}

/// The line that names the actors.
pub fn head() -> String {
    line("", &Actor::ALL.map(|actor| actor.name().to_owned()))
}

/// A line of a table.
pub fn line(what: &str, cells: &[String]) -> String {
    let mut text = format!("  {what:<44}");
    for cell in cells {
        let _ = write!(text, " {cell:<13}");
    }
    format!("{}\n", text.trim_end())
}

/// A row's cells, one after the other: of changes to types at once, one would be told to try again. What nobody was let
/// at serves for the next one too.
async fn cells(world: &World, row: &Row) -> Vec<String> {
    let mut cells = Vec::new();
    let mut kept: Option<Thing> = None;
    for actor in Actor::ALL {
        let thing = match kept.take() {
            Some(thing) => thing,
            None => (row.make)(world, actor).await,
        };
        let token = match actor {
            Actor::Nobody => String::new(),
            actor if row.in_new_session => world.new_token(actor).await,
            actor => world.token(actor).to_owned(),
        };
        let ask = (row.ask)(world, &thing, actor);
        let is_look = ask.0 == Method::GET;
        let cell = outcome(world, &token, &thing, ask).await;
        let is_untouched = is_look || cell.starts_with('4');
        kept = Some(thing).filter(|thing| is_untouched && !thing.is_of_actor);
        cells.push(cell);
    }
    cells
}

/// Sends a request and says what came of it.
pub async fn outcome(world: &World, token: &str, thing: &Thing, (method, path, body): Ask) -> String {
    let is_look = method == Method::GET;
    let before = if is_look { Vec::new() } else { seen(world, thing).await };
    let answer = world.send(token, method.clone(), &path, &body).await;
    let has_changed = !is_look && seen(world, thing).await != before;
    let is_shown = !thing.mark.is_empty() && answer.text.contains(&thing.mark);
    // What is refused may be named to the one who sent it.
    let is_told = is_shown && !format!("{path} {body}").contains(&thing.mark);
    assert!(answer.status < 500, "{method} {path} {body}: {} {}", answer.status, answer.text);
    assert!(
        answer.status < 300 || !(has_changed || is_told),
        "refused with {}, but {}: {method} {path} {body}: {}",
        answer.status,
        if has_changed { "it has changed" } else { "it is shown" },
        answer.text
    );
    let is_shown = is_shown && answer.status < 300;
    let [shown, changed] = [(is_shown, "+"), (has_changed, "!")].map(|(is, mark)| if is { mark } else { "" });
    format!("{}{shown}{changed}", answer.status)
}

async fn seen(world: &World, thing: &Thing) -> Vec<(u16, String)> {
    let superuser = world.token(Actor::Superuser);
    let answers = thing.probes.iter().map(|path| world.send(superuser, Method::GET, path, &Value::Null));
    let strip = |Answer { status, text }: Answer| {
        if status == 200 { (status, text) } else { (status, String::new()) }
    };
    join_all(answers).await.into_iter().map(strip).collect()
}
