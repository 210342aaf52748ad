//! `realnet create` and `realnet update`.

use realnet_client::{Client, ListQuery};
use serde_json::{Value, json};
use structopt::StructOpt;
use structopt::clap::AppSettings;

use super::attributes::{self, Fields, Given};
use super::output::{self, Format};
use super::{Failure, Outcome, ServerAddress, Usage, bulk, is_types, session};

/// Creates an item.
#[derive(Debug, StructOpt)]
#[structopt(settings = &[AppSettings::AllowLeadingHyphen, AppSettings::TrailingVarArg], after_help = "\
EXAMPLES:
    realnet create note --name \"Shopping\" --text milk
    realnet create customer --name Acme --attribute tier=pro --tags new,big
    realnet create place --name Zurich --location 8.54,47.37
    realnet create note --data @note.json

Every --key value is a property or attribute; values are converted by the type's fields.")]
pub struct CreateCommand {
    #[structopt(flatten)]
    address: ServerAddress,
    /// How to show the item: table, json or csv
    #[structopt(short = "o", long = "output")]
    format: Option<Format>,
    /// Endpoint or type name
    #[structopt(name = "TYPE")]
    resource: String,
    /// --key value …
    #[structopt(name = "ATTRIBUTES")]
    arguments: Vec<String>,
}

/// Changes an item, or all that match a filter.
#[derive(Debug, StructOpt)]
#[structopt(settings = &[AppSettings::AllowLeadingHyphen, AppSettings::TrailingVarArg], after_help = "\
EXAMPLES:
    realnet update note 0198a7c2-… --text bread
    realnet update note 0198a7c2-… --data '{\"text\": null}'
    realnet update note status=open created_at=lt.2026-01-01 --status late --dry-run
    realnet update note status=open created_at=lt.2026-01-01 --status late --yes
    realnet update types Recipe --data '{\"fields\": […]}'    `realnet get types Recipe -o json` shows what is there

Only what is given changes; null in --data removes an attribute. Filters are as for `realnet get`, of declared fields;
what matches is counted and asked about first, unless --yes is given, and --dry-run only shows it.")]
pub struct UpdateCommand {
    #[structopt(flatten)]
    address: ServerAddress,
    /// How to show the item: table, json or csv
    #[structopt(short = "o", long = "output")]
    format: Option<Format>,
    /// Endpoint or type name
    #[structopt(name = "TYPE")]
    resource: String,
    /// The item, or a filter
    #[structopt(name = "ID or FILTER")]
    id: String,
    /// --key value …
    #[structopt(name = "ATTRIBUTES")]
    arguments: Vec<String>,
}

/// Creates an item and shows it.
pub async fn create(command: CreateCommand) -> Outcome {
    let (client, given, format) = prepare(command.address, command.format, &command.arguments).await?;
    let fields = fields(&client, &command.resource).await?;
    let body = attributes::body(&given, &fields)?;
    output::document(&client.create(&command.resource, &Value::Object(body)).await?, format);
    Ok(())
}

/// Changes an item and shows it; or all that match.
pub async fn update(command: UpdateCommand) -> Outcome {
    if bulk::is_filter(&command.id) {
        return update_matching(command).await;
    }
    if command.id.starts_with('-') {
        let detail = format!(
            "{} comes too early: give an id before it, or a filter such as name=Tea",
            command.id.split('=').next().unwrap_or_default()
        );
        return Err(Usage(detail).into());
    }
    // Types go by their names.
    if !is_types(&command.resource) {
        super::check_id(&command.id)?;
    }
    let (client, given, format) = prepare(command.address, command.format, &command.arguments).await?;
    let fields = fields(&client, &command.resource).await?;
    let body = attributes::body(&given, &fields)?;
    if body.is_empty() {
        return Err(Usage("nothing to change: give --key value or --data".to_owned()).into());
    }
    output::document(&client.patch(&command.resource, &command.id, &json!(body), None).await?, format);
    Ok(())
}

/// Changes all that match the filters, which stand before the first `--key`.
async fn update_matching(command: UpdateCommand) -> Outcome {
    if is_types(&command.resource) {
        return Err(
            Usage("types are changed by name: realnet update types Recipe --data …".to_owned()).into()
        );
    }
    let (mut filters, mut rest) = (vec![command.id], command.arguments);
    let count = rest.iter().take_while(|argument| bulk::is_filter(argument)).count();
    filters.extend(rest.drain(..count));
    let mut take = |flag: &str| {
        let before = rest.len();
        rest.retain(|argument| argument != flag);
        rest.len() < before
    };
    let wanted = bulk::Wanted { dry_run: take("--dry-run"), yes: take("--yes"), verb: "change" };
    let query = bulk::query(&filters)?;
    let (client, given, format) = prepare(command.address, command.format, &rest).await?;
    let body = attributes::body(&given, &fields(&client, &command.resource).await?)?;
    if body.is_empty() {
        return Err(Usage("nothing to change: give --key value or --data".to_owned()).into());
    }
    let (resource, body) = (&command.resource, json!(body));
    let act = async |query: &ListQuery| client.patch_many(resource, query, &body).await;
    bulk::run(&client, resource, &query, &wanted, Some(format), act).await
}

/// Flags that stand behind the type come out of the free arguments.
async fn prepare(
    mut address: ServerAddress,
    mut format: Option<Format>,
    arguments: &[String],
) -> Result<(Client, Given, Format), Failure> {
    let given = attributes::parse(arguments)?;
    for (flag, value) in &given.flags {
        match flag.as_str() {
            "--server" => address.set(value.clone()),
            _ => format = Some(value.parse().map_err(Usage)?),
        }
    }
    Ok((session::connect(&address).await?, given, Format::or_default(format)))
}

/// The type's fields, to convert values by. Who may not see the type sends text and lets the server judge.
async fn fields(client: &Client, resource: &str) -> Result<Fields, Failure> {
    let definition = match client.type_definition(resource).await {
        Ok(definition) => definition,
        Err(error) if matches!(error.status(), Some(401 | 403 | 404)) => return Ok(Fields::new()),
        Err(error) => return Err(error.into()),
    };
    let fields = definition.get("fields").and_then(Value::as_array).into_iter().flatten();
    let field = |field: &Value| {
        let text = |key: &str| field.get(key).and_then(Value::as_str).map(str::to_owned);
        let multiple = field.get("multiple").and_then(Value::as_bool).unwrap_or_default();
        Some((text("name")?, (text("type")?, multiple)))
    };
    Ok(fields.filter_map(field).collect())
}
