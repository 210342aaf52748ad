//! `realnet audit`.

use realnet_client::Client;
use serde_json::Value;
use structopt::StructOpt;

use super::output::{self, Format};
use super::pages::Pages;
use super::{Outcome, ServerAddress, Usage, session};

/// Shows who did what, when and from where: changes of items and events around signing in, newest first.
#[derive(Debug, StructOpt)]
#[structopt(after_help = "\
EXAMPLES:
    realnet audit
    realnet audit --kind sign_in_failed --since 2026-01-31T00:00:00Z
    realnet audit kind=delete limit=10               the same as --kind delete --limit 10
    realnet audit --item 0198a7c2-… -o json
    realnet audit --all -o csv > audit.csv

For administrators. Kinds are create, update, grant and delete for items, and sign_in, sign_in_failed, locked,
password_changed and others for accounts. An export by --all is told in the audit itself.")]
pub struct AuditCommand {
    #[structopt(flatten)]
    address: ServerAddress,
    /// By (or about) this account: its id
    #[structopt(long)]
    account: Option<String>,
    /// Changes of this item: its id
    #[structopt(long)]
    item: Option<String>,
    /// Of one kind, such as update or sign_in_failed
    #[structopt(long)]
    kind: Option<String>,
    /// At this moment or later, such as 2026-01-31T00:00:00Z
    #[structopt(long)]
    since: Option<String>,
    /// Before this moment
    #[structopt(long)]
    until: Option<String>,
    /// Name or id of an org, for superusers; one's own otherwise
    #[structopt(long)]
    org: Option<String>,
    /// So many entries, at most 1000
    #[structopt(long, default_value = "50")]
    limit: usize,
    /// Everything, page after page
    #[structopt(long)]
    all: bool,
    /// How to show it: table, json or csv
    #[structopt(short = "o", long = "output")]
    format: Option<Format>,
    /// The same as options: kind=delete is --kind delete
    #[structopt(name = "NAME=VALUE")]
    words: Vec<String>,
}

/// What a table shows of an entry.
const COLUMNS: [&str; 6] = ["at", "username", "kind", "type", "name", "address"];

/// Shows the audit.
pub async fn run(mut command: AuditCommand) -> Outcome {
    command.take_words()?;
    let command = &command;
    let client = session::connect(&command.address).await?;
    let (entries, is_more) = read(&client, command).await?;
    output::rows(&entries, &COLUMNS, Format::or_default(command.format));
    if is_more {
        output::error("there is more: pass --all, a higher --limit, or --until");
    }
    Ok(())
}

async fn read(client: &Client, command: &AuditCommand) -> Result<(Vec<Value>, bool), super::Failure> {
    let mut parameters = command.parameters();
    let (mut entries, mut pages) = (Vec::new(), Pages::default());
    loop {
        let asked: Vec<(&str, &str)> =
            parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut page = client.audit(&asked).await?;
        if let Value::Array(found) = page["entries"].take() {
            entries.extend(found.into_iter().map(flat));
        }
        let Some(next) = page["next"].as_str() else { return Ok((entries, false)) };
        // A page may be short: the server looks at a bounded piece of its logs at a time.
        if !command.all && entries.len() >= command.limit {
            return Ok((entries, true));
        }
        pages.go_on(next.to_owned())?;
        parameters.retain(|(name, _)| *name != "cursor");
        parameters.push(("cursor", next.to_owned()));
        if !command.all {
            parameters.retain(|(name, _)| *name != "limit");
            parameters.push(("limit", (command.limit - entries.len()).to_string()));
        }
    }
}

impl AuditCommand {
    /// Reads `kind=delete` as `--kind delete`, as `realnet get` takes its parameters.
    fn take_words(&mut self) -> Outcome {
        for word in std::mem::take(&mut self.words) {
            let Some((name, value)) = word.split_once('=') else {
                return Err(Usage(format!(
                    "'{word}' is not expected: expected NAME=VALUE, such as kind=delete"
                ))
                .into());
            };
            let value = value.to_owned();
            match name {
                "account" => self.account = Some(value),
                "item" => self.item = Some(value),
                "kind" => self.kind = Some(value),
                "since" => self.since = Some(value),
                "until" => self.until = Some(value),
                "org" => self.org = Some(value),
                "limit" => {
                    self.limit = value.parse().map_err(|_| Usage("limit: expected a number".to_owned()))?;
                }
                _ => {
                    let known = "account, item, kind, since, until, org, limit";
                    return Err(Usage(format!("'{name}' narrows no audit: expected one of {known}")).into());
                }
            }
        }
        Ok(())
    }

    fn parameters(&self) -> Vec<(&'static str, String)> {
        let limit = if self.all { 1000 } else { self.limit };
        let given = [
            ("account", self.account.clone()),
            ("item", self.item.clone()),
            ("kind", self.kind.clone()),
            ("since", self.since.clone()),
            ("until", self.until.clone()),
            ("org", self.org.clone()),
            ("limit", Some(limit.to_string())),
            ("export", self.all.then(|| "true".to_owned())),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// An entry with the parts of its origin as columns of their own.
fn flat(entry: Value) -> Value {
    let Value::Object(mut entry) = entry else { return entry };
    if let Some(Value::Object(origin)) = entry.remove("origin") {
        entry.extend(origin);
    }
    Value::Object(entry)
}
