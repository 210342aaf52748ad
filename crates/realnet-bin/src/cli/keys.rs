//! `realnet keys create`, `list` and `delete`.

use realnet_client::ListQuery;
use realnet_core::acl::Permission;
use realnet_core::clock::{Clock, System, Timestamp};
use serde_json::{Value, json};
use structopt::StructOpt;

use super::output::{self, Format};
use super::{Failure, Outcome, ServerAddress, Usage, check_id, find, session};

/// Makes, lists and ends keys, by which programs sign in.
#[derive(Debug, StructOpt)]
#[structopt(after_help = "\
EXAMPLES:
    realnet keys create nightly --scope customers:read,write --scope files --days 90
    realnet keys create backup --scope '*:read' --account bob     for another account, by administrators
    realnet keys list
    realnet keys delete 0198a7c2-…

The key is printed once and can not be shown again; a program sends it as a bearer token, and commands take it from
REALNET_TOKEN. Keys are made by people: `realnet login` first.")]
pub enum KeysCommand {
    /// Makes a key and prints it, once
    Create(Create),
    /// Lists keys: what for, until when, and when and from where they were last used
    List(List),
    /// Ends keys at once
    Delete(Delete),
}

/// Makes a key.
#[derive(Debug, StructOpt)]
pub struct Create {
    #[structopt(flatten)]
    address: ServerAddress,
    /// What the key is for
    name: String,
    /// What it may do: RESOURCE:PERMISSION,… or RESOURCE for all permissions; * is every resource
    #[structopt(long, required = true, number_of_values = 1)]
    scope: Vec<String>,
    /// For so many days
    #[structopt(long, conflicts_with = "expires")]
    days: Option<u32>,
    /// Until this moment, such as 2031-01-31T00:00:00Z
    #[structopt(long)]
    expires: Option<String>,
    /// Username or id of another account, for administrators
    #[structopt(long)]
    account: Option<String>,
    /// Shows all of the key, not its text alone: table, json or csv
    #[structopt(short = "o", long = "output")]
    format: Option<Format>,
}

/// Lists keys.
#[derive(Debug, StructOpt)]
pub struct List {
    #[structopt(flatten)]
    address: ServerAddress,
    /// Username or id of another account, for administrators
    #[structopt(long)]
    account: Option<String>,
    /// How to show them: table, json or csv
    #[structopt(short = "o", long = "output")]
    format: Option<Format>,
}

/// Ends keys.
#[derive(Debug, StructOpt)]
pub struct Delete {
    #[structopt(flatten)]
    address: ServerAddress,
    /// Ids of keys
    #[structopt(name = "ID", required = true)]
    ids: Vec<String>,
}

/// What a table shows of a key.
const COLUMNS: [&str; 6] = ["name", "scopes", "expires", "used_at", "address", "id"];

/// Runs the command.
pub async fn run(command: &KeysCommand) -> Outcome {
    match command {
        KeysCommand::Create(create) => make(create).await,
        KeysCommand::List(command) => list(command).await,
        KeysCommand::Delete(delete) => end(delete).await,
    }
}

async fn make(create: &Create) -> Outcome {
    let mut body = json!({"name": create.name, "scopes": scopes(&create.scope)?});
    let now = System.now();
    let end = create.days.map(|days| json!(now.plus_seconds(i64::from(days) * 86_400)));
    if let Some(end) = end.or_else(|| create.expires.as_deref().map(Value::from)) {
        if end.as_str().and_then(Timestamp::parse).is_none() {
            return Err(Usage("--expires is a moment such as 2031-01-31T00:00:00Z".to_owned()).into());
        }
        body["expires"] = end;
    }
    let client = session::connect(&create.address).await?;
    if let Some(account) = &create.account {
        body["account"] = find::account(&client, account).await?.into();
    }
    let made = client.create("keys", &body).await?;
    if let Some(format) = create.format {
        output::document(&made, format);
        return Ok(());
    }
    output::line(made["key"].as_str().ok_or("the server did not show the key that it made")?);
    let until = made["expires"].as_str().map_or_else(String::new, |end| format!(" until {end}"));
    let id = made["id"].as_str().unwrap_or_default();
    output::error(&format!("keep it now, it is not shown again: key {id}{until}"));
    Ok(())
}

async fn list(command: &List) -> Outcome {
    let client = session::connect(&command.address).await?;
    let mut query = ListQuery::default();
    if let Some(account) = &command.account {
        query = query.with("account", find::account(&client, account).await?);
    }
    let keys = client.list("keys", &query).await?.items;
    match Format::or_default(command.format) {
        Format::Json => output::document(&Value::Array(keys), Format::Json),
        format => output::rows(&keys.into_iter().map(row).collect::<Vec<_>>(), &COLUMNS, format),
    }
    Ok(())
}

async fn end(delete: &Delete) -> Outcome {
    if let Some(name) = delete.ids.iter().find(|id| check_id(id).is_err()) {
        return Err(Usage(format!("'{name}' is no id of a key: `realnet keys list` shows them")).into());
    }
    let client = session::connect(&delete.address).await?;
    for id in &delete.ids {
        client.delete("keys", id).await?;
    }
    output::error(&format!("ended {}", delete.ids.len()));
    Ok(())
}

/// The scope in words.
fn scopes(given: &[String]) -> Result<Value, Failure> {
    let rule = |text: &String| -> Result<Value, Failure> {
        let (resource, permissions) = text.split_once(':').unwrap_or((text, ""));
        let all = Permission::ALL.map(Permission::as_str);
        let permissions: Vec<&str> = match permissions {
            "" => all.to_vec(),
            named => named.split(',').map(str::trim).collect(),
        };
        match permissions.iter().find(|name| !all.contains(name)) {
            Some(unknown) => {
                Err(Usage(format!("'{unknown}' is no permission, expected {}", all.join(", "))).into())
            }
            None => Ok(json!({"resource": resource, "permissions": permissions})),
        }
    };
    given.iter().map(rule).collect()
}

/// A key with its scope in one cell, as it was given.
fn row(mut key: Value) -> Value {
    let rule = |rule: &Value| {
        let resource = rule["resource"].as_str().unwrap_or("(gone)");
        let permissions = rule["permissions"].as_array().into_iter().flatten();
        let permissions: Vec<&str> = permissions.filter_map(Value::as_str).collect();
        if permissions.len() == Permission::ALL.len() {
            resource.to_owned()
        } else {
            format!("{resource}:{}", permissions.join(","))
        }
    };
    let scopes: Vec<String> = key["scopes"].as_array().into_iter().flatten().map(rule).collect();
    key["scopes"] = scopes.join(" ").into();
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_shown_as_they_are_given() {
        for text in ["customers:read,write", "*", "*:read"] {
            let key = json!({"scopes": scopes(&[text.to_owned()]).unwrap()});
            assert_eq!(row(key)["scopes"], text);
        }
        assert!(scopes(&["customers:fly".to_owned()]).unwrap_err().to_string().contains("'fly'"));
    }
}
