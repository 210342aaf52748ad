//! `realnet import`: documents of an export, back into a server.

use std::path::PathBuf;

use structopt::StructOpt;

use super::tries::PATIENCE;
use super::{Outcome, ServerAddress, output, session};
use crate::exchange::{Import, Options};

/// Reads an export into a server: types that it does not have, items, and contents of files.
#[derive(Debug, StructOpt)]
#[structopt(after_help = "\
EXAMPLES:
    realnet import shop --dry-run
    realnet import shop.tar.gz
    realnet import shop --new-ids --drop-missing         what another server has, as items of one's own

All of it is read before anything is written. Items that are there already are not made again, so
that the same import, done twice, changes nothing the second time, and goes on with what was
broken off. Administrators keep the ids of items; for others, and with --new-ids, new ones are
made, and references among the items lead to these. Accounts, groups, roles, ways to sign in and
apps for roles are imported by --with only: whoever wrote the export says by them who may do what.")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of the command")]
pub struct ImportCommand {
    #[structopt(flatten)]
    address: ServerAddress,
    /// The folder or archive of an export
    #[structopt(name = "DIR|FILE", parse(from_os_str))]
    source: PathBuf,
    /// Makes new ids, also for administrators
    #[structopt(long)]
    new_ids: bool,
    /// Makes items and contents that are there as they are in the export
    #[structopt(long)]
    overwrite: bool,
    /// Imports items of this type, too, that say who may do what: account, group, role, auth …; may come several times
    #[structopt(long, name = "TYPE", number_of_values = 1)]
    with: Vec<String>,
    /// Leaves out references to what is neither in the export nor on the server
    #[structopt(long)]
    drop_missing: bool,
    /// Says what would be imported, and changes nothing
    #[structopt(long)]
    dry_run: bool,
    /// The most bytes that an archive may unpack to
    #[structopt(long, name = "BYTES")]
    max_size: Option<u64>,
}

/// Imports.
pub async fn run(command: &ImportCommand) -> Outcome {
    let mut client = session::connect(&command.address).await?;
    client.wait_when_told(PATIENCE);
    let ImportCommand { new_ids, overwrite, drop_missing, dry_run, max_size, .. } = *command;
    let import = Import {
        client: &client,
        server: command.address.url(),
        kept: session::folder()?.join("imports"),
        source: &command.source,
        options: Options { new_ids, overwrite, drop_missing, with: command.with.clone(), dry_run, max_size },
    };
    let imported = import.run().await?;
    imported.told(dry_run).iter().for_each(|line| output::line(line));
    Ok(())
}
