//! `realnet explain`.

use realnet_client::Client;
use serde_json::{Map, Value};
use structopt::StructOpt;

use super::output::{self, Format};
use super::pages::Pages;
use super::{Outcome, ServerAddress, Usage, check_id, find, session};

/// Says what an account may do with an item, and by what; or who may do something with it.
#[derive(Debug, StructOpt)]
#[structopt(after_help = "\
EXAMPLES:
    realnet explain 0198a7c2-…                            what I may do with this item
    realnet explain 0198a7c2-… --account bob              what somebody else may, for administrators
    realnet explain 0198a7c2-… --who write                who may change it, for administrators")]
pub struct ExplainCommand {
    #[structopt(flatten)]
    address: ServerAddress,
    /// Id of the item
    item: String,
    /// Username or id of an account; oneself when absent
    #[structopt(long)]
    account: Option<String>,
    /// Lists the accounts that may: read, write, delete, execute, message or share
    #[structopt(long)]
    who: Option<String>,
    /// How to show it: table, json or csv
    #[structopt(short = "o", long = "output")]
    format: Option<Format>,
}

/// Explains.
pub async fn run(command: &ExplainCommand) -> Outcome {
    check_id(&command.item)?;
    if command.account.is_some() && command.who.is_some() {
        return Err(Usage("--who lists all accounts: leave out --account".to_owned()).into());
    }
    let client = session::connect(&command.address).await?;
    let format = Format::or_default(command.format);
    if let Some(permission) = &command.who {
        let found = who_may(&client, &command.item, permission).await?;
        output::rows(&found, &["username", "reason", "account", "grant"], format);
        return Ok(());
    }
    let account = match &command.account {
        Some(given) => Some(find::account(&client, given).await?),
        None => None,
    };
    let mut parameters = vec![("item", command.item.as_str())];
    parameters.extend(account.as_deref().map(|account| ("account", account)));
    let answer = client.explain(&parameters).await?;
    match format {
        Format::Json => output::document(&answer, format),
        _ => output::rows(&rows(&answer), &["permission", "allowed", "reason", "grant"], format),
    }
    Ok(())
}

/// One row per permission.
fn rows(answer: &Value) -> Vec<Value> {
    let permissions = answer["permissions"].as_object().into_iter().flatten();
    let row = |(permission, shown): (&String, &Value)| {
        let mut row = Map::new();
        row.insert("permission".to_owned(), permission.as_str().into());
        row.extend(shown.as_object().cloned().unwrap_or_default());
        Value::Object(row)
    };
    permissions.map(row).collect()
}

/// Everybody who may, page after page.
async fn who_may(client: &Client, item: &str, permission: &str) -> Result<Vec<Value>, super::Failure> {
    let (mut found, mut pages) = (Vec::new(), Pages::default());
    loop {
        let mut parameters = vec![("item", item), ("who", permission)];
        parameters.extend(pages.cursor().map(|cursor| ("cursor", cursor)));
        let mut page = client.explain(&parameters).await?;
        if let Value::Array(accounts) = page["accounts"].take() {
            found.extend(accounts);
        }
        if let Some(next) = page["next"].as_str() {
            pages.go_on(next.to_owned())?;
            continue;
        }
        if page["public"] == true {
            output::error("everybody may: it is public");
        }
        return Ok(found);
    }
}
