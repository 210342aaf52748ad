//! Statements on what signing in stands on (hashes, sessions, records, events), the same for both backends, and their rows.

pub(crate) mod changes;
pub(crate) mod credentials;
pub(crate) mod events;
mod fields;
pub(crate) mod records;
pub(crate) mod sessions;

pub(crate) use fields::Fields;

use realnet_core::{Error, Result};

use crate::statement::{Bind, Statement};

/// Adds values to bind, with commas between them and a closing parenthesis behind.
pub(crate) fn values(statement: &mut Statement, values: impl IntoIterator<Item = Bind>) {
    for (index, value) in values.into_iter().enumerate() {
        statement.push(if index == 0 { "" } else { ", " }).bind(value);
    }
    statement.push(")");
}

/// A column that holds JSON.
fn json<T: serde::de::DeserializeOwned>(text: &str, what: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        Error::internal(format!("the stored {what} of an event is no proper JSON")).with_source(error)
    })
}
