//! What is asked, by domain. A new route needs a row here; rows of one route stand together.

mod accounts;
mod clients;
mod data;
mod elsewhere;
mod items;
mod keys;
mod pages;
mod passkeys;
mod sessions;
mod things;
mod types;

use reqwest::Method;
use serde_json::Value;

use crate::cells::{Ask, Make, Row, Thing};
use crate::world::{Actor, World};

/// Every row of the table, those of one route together.
pub fn all() -> Vec<Row> {
    let domains = [
        pages::rows(),
        sessions::rows(),
        keys::rows(),
        items::rows(),
        data::rows(),
        types::rows(),
        accounts::rows(),
        clients::rows(),
        elsewhere::rows(),
        passkeys::rows(),
    ];
    let mut rows: Vec<Row> = domains.into_iter().flatten().collect();
    let routes: Vec<_> = rows.iter().map(|row| row.route).collect();
    rows.sort_by_key(|row| routes.iter().position(|route| *route == row.route));
    rows
}

/// A row whose request does not end the session of the one who asks.
const fn row(
    route: &'static str,
    what: &'static str,
    make: Make,
    ask: fn(&World, &Thing, Actor) -> Ask,
) -> Row {
    Row { route, what, make, ask, in_new_session: false }
}

fn get(path: impl Into<String>) -> Ask {
    (Method::GET, path.into(), Value::Null)
}

fn delete(path: impl Into<String>) -> Ask {
    (Method::DELETE, path.into(), Value::Null)
}

fn post(path: impl Into<String>, body: Value) -> Ask {
    (Method::POST, path.into(), body)
}

fn options(path: impl Into<String>) -> Ask {
    (Method::OPTIONS, path.into(), Value::Null)
}

fn put(path: impl Into<String>, body: Value) -> Ask {
    (Method::PUT, path.into(), body)
}

fn patch(path: impl Into<String>, body: Value) -> Ask {
    (Method::PATCH, path.into(), body)
}
