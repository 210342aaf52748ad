//! `realnet delete TYPE ID …` and `realnet delete TYPE FILTER …`.

use realnet_client::{Client, ListQuery};
use serde_json::json;
use structopt::StructOpt;

use super::output::Format;
use super::{Failure, Outcome, ServerAddress, Usage, bulk, confirm, is_types, output, session};

/// Deletes items with their descendants: those of some ids, or all that match a filter.
#[derive(Debug, StructOpt)]
#[structopt(after_help = "\
EXAMPLES:
    realnet delete note 0198a7c2-…
    realnet delete note 0198a7c2-… 0198a7c3-…          all or none
    realnet delete note status=done created_at=lt.2026-01-01 --dry-run
    realnet delete note status=done --yes
    realnet delete types Cake                          a type that has no items and no derived types

A filter is as for `realnet get`, of declared fields: attributes.x=… means one that no type declares. What matches is
counted and asked about first, and so is a type that came with a document, built-in ones too; --yes does not ask.")]
pub struct DeleteCommand {
    #[structopt(flatten)]
    address: ServerAddress,
    /// Shows what a filter would delete, and deletes nothing
    #[structopt(long)]
    dry_run: bool,
    /// Deletes what a filter matches, or a type that a document has brought, without asking
    #[structopt(long)]
    yes: bool,
    /// How to show what a dry run finds: table, json or csv
    #[structopt(short = "o", long = "output")]
    format: Option<Format>,
    /// Endpoint or type name
    #[structopt(name = "TYPE")]
    resource: String,
    /// The items, or filters
    #[structopt(name = "ID or FILTER", required = true)]
    items: Vec<String>,
}

/// Deletes the items, all or none.
pub async fn run(command: &DeleteCommand) -> Outcome {
    let DeleteCommand { resource, items, dry_run, yes, .. } = command;
    if items.iter().any(|item| bulk::is_filter(item)) {
        return delete_matching(command).await;
    }
    if *dry_run {
        return Err(Usage("--dry-run is for filters, such as name=Tea".to_owned()).into());
    }
    if is_types(resource) {
        return delete_types(&session::connect(&command.address).await?, items, *yes).await;
    }
    items.iter().try_for_each(|id| super::check_id(id))?;
    let client = session::connect(&command.address).await?;
    match items.as_slice() {
        [id] => client.delete(resource, id).await?,
        ids => {
            let operation = |id: &String| json!({"operation": "delete", "resource": resource, "id": id});
            client.batch(&ids.iter().map(operation).collect()).await?;
        }
    }
    output::error(&format!("deleted {}", items.len()));
    Ok(())
}

async fn delete_matching(command: &DeleteCommand) -> Outcome {
    if is_types(&command.resource) {
        return Err(Usage("types are deleted by name: realnet delete types Cake".to_owned()).into());
    }
    let query = bulk::query(&command.items)?;
    let client = session::connect(&command.address).await?;
    let wanted = bulk::Wanted { dry_run: command.dry_run, yes: command.yes, verb: "delete" };
    let resource = &command.resource;
    let act = async |query: &ListQuery| client.delete_many(resource, query).await;
    bulk::run(&client, resource, &query, &wanted, command.format, act).await
}

/// One after the other: a type of which another one is derived goes after it.
async fn delete_types(client: &Client, names: &[String], yes: bool) -> Outcome {
    for name in names {
        let way_back = match source_of(client, name).await? {
            Some((source, is_system)) => {
                let back = "`realnet apply FILE --force` with that document brings it back";
                let whose = if is_system { ", and all orgs use it" } else { "" };
                let question = format!("The type {name} came with {source}{whose}: {back}. Delete it?");
                confirm::ask_or(&question, yes, "Pass --yes to do it")?;
                format!(", which came with {source}: {back}")
            }
            None => String::new(),
        };
        client.delete("types", name).await?;
        output::error(&format!("deleted the type {name}{way_back}"));
    }
    Ok(())
}

/// The document that a type came with, and whether the type is the system's.
async fn source_of(client: &Client, name: &str) -> Result<Option<(String, bool)>, Failure> {
    let definition = client.type_definition(name).await?;
    let is_system = definition["layer"] == "system";
    Ok(definition["source"].as_str().map(|source| (source.to_owned(), is_system)))
}
