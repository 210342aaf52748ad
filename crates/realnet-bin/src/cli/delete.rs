//! `realnet delete TYPE ID …`.

use structopt::StructOpt;

use super::{Outcome, ServerAddress, output, session};

/// Deletes items with their descendants.
#[derive(Debug, StructOpt)]
pub struct DeleteCommand {
    #[structopt(flatten)]
    address: ServerAddress,
    /// Endpoint or type name
    #[structopt(name = "TYPE")]
    resource: String,
    /// The items
    #[structopt(name = "ID", required = true)]
    ids: Vec<String>,
}

/// Deletes the items, all or none.
pub async fn run(command: &DeleteCommand) -> Outcome {
    command.ids.iter().try_for_each(|id| super::check_id(id))?;
    let client = session::connect(&command.address).await?;
    match command.ids.as_slice() {
        [id] => client.delete(&command.resource, id).await?,
        ids => {
            let operation = |id: &String| serde_json::json!({"operation": "delete", "resource": command.resource, "id": id});
            client.batch(&ids.iter().map(operation).collect()).await?;
        }
    }
    output::error(&format!("deleted {}", command.ids.len()));
    Ok(())
}
