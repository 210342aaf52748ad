//! `realnet batch FILE`.

use std::path::PathBuf;

use serde_json::{Value, json};
use structopt::StructOpt;

use super::output::{self, Format};
use super::{Failure, Outcome, ServerAddress, documents, session};

/// Carries out several operations in order, all or none.
#[derive(Debug, StructOpt)]
#[structopt(after_help = "\
EXAMPLES:
    realnet batch operations.json
    … | realnet batch -

The file has a list of operations, or {\"operations\": […]}:
    [{\"operation\": \"create\", \"resource\": \"recipe\", \"body\": {\"name\": \"Salad\", \"minutes\": 10}},
     {\"operation\": \"patch\", \"resource\": \"recipe\", \"id\": \"0198a7c2-…\", \"body\": {\"minutes\": 5}, \"if_match\": 3},
     {\"operation\": \"delete\", \"resource\": \"recipe\", \"id\": \"0198a7c3-…\"}]
Operations are create, replace, patch and delete. When one is refused, none is carried out.")]
pub struct BatchCommand {
    #[structopt(flatten)]
    address: ServerAddress,
    /// How to show the results: table, json or csv
    #[structopt(short = "o", long = "output")]
    format: Option<Format>,
    /// The file; - reads what is piped in
    #[structopt(name = "FILE", parse(from_os_str))]
    file: PathBuf,
}

/// Carries out the operations and shows their results.
pub async fn run(command: &BatchCommand) -> Outcome {
    let operations = match documents::read(&command.file)? {
        Value::Object(mut document) if document.len() == 1 && document.contains_key("operations") => {
            document.remove("operations").unwrap_or_default()
        }
        document @ Value::Array(_) => document,
        _ => {
            let file = command.file.display();
            return Err(format!("{file}: expected a list of operations, or {{\"operations\": […]}}").into());
        }
    };
    let client = session::connect(&command.address).await?;
    let answer = client.batch(&operations).await.map_err(|error| at_operation(error, &operations))?;
    match Format::or_default(command.format) {
        Format::Json => output::document(&answer, Format::Json),
        format => {
            let results = answer["results"].as_array().map(Vec::as_slice).unwrap_or_default();
            let rows: Vec<Value> = results.iter().map(row).collect();
            output::rows(&rows, &["operation", "id", "type", "name", "version"], format);
        }
    }
    Ok(())
}

/// The refusal with the operation that it is about, as people count and as it stands in the file.
fn at_operation(error: realnet_client::Error, operations: &Value) -> Failure {
    let index = error.problem().and_then(|problem| problem.operation);
    let Some((index, operation)) = index.and_then(|index| Some((index, operations.get(index)?))) else {
        return error.into();
    };
    let words: Vec<&str> =
        ["operation", "resource"].into_iter().filter_map(|key| operation[key].as_str()).collect();
    let what = if words.is_empty() { String::new() } else { format!(" ({})", words.join(" ")) };
    let of_all = operations.as_array().map_or(0, Vec::len);
    format!("operation {} of {of_all}{what}: {error}; none was carried out", index + 1).into()
}

fn row(result: &Value) -> Value {
    // Of an item that found no room in the answer, id and version stand in the result itself.
    let item = result.get("item").unwrap_or(result);
    json!({"operation": result["operation"], "id": item["id"], "type": item["type"], "name": item["name"], "version": item["version"]})
}
