//! `realnet create` and `realnet update`.

use realnet_client::Client;
use serde_json::{Value, json};
use structopt::StructOpt;
use structopt::clap::AppSettings;

use super::attributes::{self, Fields, Given};
use super::output::{self, Format};
use super::{Failure, Outcome, ServerAddress, Usage, session};

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

/// Changes an item.
#[derive(Debug, StructOpt)]
#[structopt(settings = &[AppSettings::AllowLeadingHyphen, AppSettings::TrailingVarArg], after_help = "\
EXAMPLES:
    realnet update note 0198a7c2-… --text bread
    realnet update note 0198a7c2-… --data '{\"text\": null}'

Only what is given changes; null in --data removes an attribute.")]
pub struct UpdateCommand {
    #[structopt(flatten)]
    address: ServerAddress,
    /// How to show the item: table, json or csv
    #[structopt(short = "o", long = "output")]
    format: Option<Format>,
    /// Endpoint or type name
    #[structopt(name = "TYPE")]
    resource: String,
    /// The item
    #[structopt(name = "ID")]
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

/// Changes an item and shows it.
pub async fn update(command: UpdateCommand) -> Outcome {
    super::check_id(&command.id)?;
    let (client, given, format) = prepare(command.address, command.format, &command.arguments).await?;
    let fields = fields(&client, &command.resource).await?;
    let body = attributes::body(&given, &fields)?;
    if body.is_empty() {
        return Err(Usage("nothing to change: give --key value or --data".to_owned()).into());
    }
    output::document(&client.patch(&command.resource, &command.id, &json!(body), None).await?, format);
    Ok(())
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
            "--server" => address.server.clone_from(value),
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
