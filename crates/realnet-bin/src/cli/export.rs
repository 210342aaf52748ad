//! `realnet export`: what one may read, as documents.

use std::path::PathBuf;

use structopt::StructOpt;

use super::tries::PATIENCE;
use super::{Outcome, ServerAddress, check_id, find, notice, output, session};
use crate::exchange::{Asked, Export, Form};

/// Writes items, the types that they need, and on demand contents of files, as documents into a folder or an archive.
#[derive(Debug, StructOpt)]
#[structopt(after_help = "\
EXAMPLES:
    realnet export shop                                  a folder of JSON documents
    realnet export shop --format yaml --with-data
    realnet export notes.tar.gz --type note --filter status=open
    realnet export bistro --org Bistro                   the items of one org, for superusers
    realnet export shop --update                         brings it up to date, or goes on with what was broken off

It holds what you may read, with the values that items have of their own. Secrets, passwords,
grants and history are not in it: `realnet backup` has those. Accounts, groups, roles and apps that
every server has are left out, unless --type names them.")]
pub struct ExportCommand {
    #[structopt(flatten)]
    address: ServerAddress,
    /// A folder, or a file that ends with .tar.gz or .tar.zst
    #[structopt(name = "DIR|FILE", parse(from_os_str))]
    target: PathBuf,
    /// Items of this type, with those derived from it; may come several times
    #[structopt(long = "type", name = "TYPE", number_of_values = 1)]
    types: Vec<String>,
    /// Only items that match field=op.value; may come several times
    #[structopt(long = "filter", name = "FILTER", number_of_values = 1)]
    filters: Vec<String>,
    /// Only items of this org, by its name or id; superusers see those of all
    #[structopt(long, name = "ORG")]
    org: Option<String>,
    /// The format of documents: json, yaml or xml [default: json]
    #[structopt(long)]
    format: Option<Form>,
    /// The contents of files, too
    #[structopt(long)]
    with_data: bool,
    /// Brings the export up to date that is in the folder
    #[structopt(long)]
    update: bool,
    /// Says what would be exported, and writes nothing
    #[structopt(long)]
    dry_run: bool,
}

/// Exports.
pub async fn run(command: &ExportCommand) -> Outcome {
    let mut client = session::connect(&command.address).await?;
    client.wait_when_told(PATIENCE);
    client.wait_when_away();
    let mut filters = command.filters.clone();
    if let Some(org) = &command.org {
        let is_id = check_id(org).is_ok();
        let id = if is_id { org.clone() } else { find::by_name(&client, "org", org).await? };
        filters.push(format!("org={id}"));
    }
    let form = command.format.unwrap_or(Form::Json);
    let asked = Asked {
        types: command.types.clone(),
        filters,
        with_data: command.with_data,
        format: form.name().to_owned(),
    };
    let export = Export { client: &client, target: &command.target, form, asked, update: command.update };
    let (exported, verb) = if command.dry_run {
        (export.rehearse().await?, "would export")
    } else {
        (export.run().await?, "exported")
    };
    let target = command.target.display();
    output::line(&format!("{verb} {} to {target}", exported.counts));
    exported.told().iter().for_each(|line| output::line(line));
    exported.notices().iter().for_each(|line| notice(line));
    exported.failure().map_or(Ok(()), Err)
}
