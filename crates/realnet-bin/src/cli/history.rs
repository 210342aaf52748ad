//! `realnet history TYPE ID`.

use realnet_client::{Client, ListQuery};
use serde_json::{Map, Value};
use structopt::StructOpt;

use super::output::{self, Format};
use super::pages::Pages;
use super::{Failure, Outcome, ServerAddress, check_id, session};

/// So many changes are shown when nothing is said.
const LIMIT: usize = 50;

/// Shows the earlier states of an item, newest first.
#[derive(Debug, StructOpt)]
#[structopt(after_help = "\
EXAMPLES:
    realnet history recipe 0198a7c2-…
    realnet history recipe 0198a7c2-… --all -o json     each change with the whole state before and after

A table shows what has changed; -o json has both states. A deleted item has no history any more that can be read: the
audit tells who deleted it (`realnet audit --item ID`).")]
pub struct HistoryCommand {
    #[structopt(flatten)]
    address: ServerAddress,
    /// Endpoint or type name
    #[structopt(name = "TYPE")]
    resource: String,
    /// The item
    #[structopt(name = "ID")]
    id: String,
    /// So many changes, at most 1000 [default: 50]
    #[structopt(long)]
    limit: Option<usize>,
    /// Everything, page after page
    #[structopt(long)]
    all: bool,
    /// How to show it: table, json or csv
    #[structopt(short = "o", long = "output")]
    format: Option<Format>,
}

/// Shows the history.
pub async fn run(command: &HistoryCommand) -> Outcome {
    check_id(&command.id)?;
    let client = session::connect(&command.address).await?;
    let (records, is_more) = read(&client, command).await?;
    match Format::or_default(command.format) {
        Format::Json => output::rows(&records, &[], Format::Json),
        format => {
            let rows: Vec<Value> = records.iter().map(row).collect();
            output::rows(&rows, &["version", "at", "kind", "actor", "changed"], format);
        }
    }
    if is_more {
        output::error("there is more: pass --all or a higher --limit");
    }
    Ok(())
}

async fn read(client: &Client, command: &HistoryCommand) -> Result<(Vec<Value>, bool), Failure> {
    let (mut records, limit) = (Vec::new(), command.limit.unwrap_or(LIMIT));
    let mut pages = Pages::default();
    loop {
        let left = if command.all { 1000 } else { limit.saturating_sub(records.len()).max(1) };
        let mut query = ListQuery::default().with("limit", left.to_string());
        if let Some(before) = pages.cursor() {
            query = query.with("before", before);
        }
        let page = client.history(&command.resource, &command.id, &query).await?;
        records.extend(page.items);
        let Some(next) = page.next else { return Ok((records, false)) };
        // A page may be short where states are large.
        if !command.all && records.len() >= limit {
            return Ok((records, true));
        }
        pages.go_on(next)?;
    }
}

/// A change without the two states, but with what differs between them.
fn row(record: &Value) -> Value {
    let mut row = Map::new();
    for key in ["version", "at", "kind", "actor"] {
        row.insert(key.to_owned(), record[key].clone());
    }
    row.insert("changed".to_owned(), changed(&record["before"], &record["after"]).into());
    Value::Object(row)
}

/// `minutes: 30 → 35, name: a → b`; nothing for a creation or deletion, which concern everything.
fn changed(before: &Value, after: &Value) -> String {
    let (Value::Object(_), Value::Object(_)) = (before, after) else { return String::new() };
    // These change with every change.
    let is_told = |key: &str| !["version", "updated_at", "attributes"].contains(&key);
    let mut changes = Vec::new();
    for (one, other, names) in
        [(before, after, "properties"), (&before["attributes"], &after["attributes"], "attributes")]
    {
        let mut keys: Vec<&String> =
            [one, other].into_iter().filter_map(Value::as_object).flat_map(Map::keys).collect();
        keys.sort();
        keys.dedup();
        for key in keys.into_iter().filter(|key| names == "attributes" || is_told(key)) {
            let side = |state: &Value| match &state[key.as_str()] {
                Value::Null => "(none)".to_owned(),
                value => output::cell(value),
            };
            if one[key.as_str()] != other[key.as_str()] {
                changes.push(format!("{key}: {} → {}", side(one), side(other)));
            }
        }
    }
    changes.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_is_told() {
        let state = |version: u8, name: &str, attributes: Value| json!({"version": version, "name": name, "attributes": attributes});
        let before = state(1, "a", json!({"minutes": 30, "version": "x"}));
        let after = state(2, "b", json!({"minutes": 35, "size": 1, "version": "y"}));
        assert_eq!(
            changed(&before, &after),
            "name: a → b, minutes: 30 → 35, size: (none) → 1, version: x → y"
        );
        assert_eq!(changed(&Value::Null, &after), "");
    }
}
