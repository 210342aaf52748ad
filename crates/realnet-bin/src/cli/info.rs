//! `realnet info`.

use structopt::StructOpt;

use super::output::{self, Format};
use super::{Outcome, ServerAddress, session};

/// Shows the server.
#[derive(Debug, StructOpt)]
pub struct InfoCommand {
    #[structopt(flatten)]
    address: ServerAddress,
    /// How to show it: table, json or csv
    #[structopt(short = "o", long = "output")]
    format: Option<Format>,
}

/// Shows the server.
pub async fn run(command: &InfoCommand) -> Outcome {
    let client = session::connect(&command.address).await?;
    output::document(&client.info().await?, Format::or_default(command.format));
    Ok(())
}
