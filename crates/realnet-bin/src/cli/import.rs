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
    /// The most bytes that an archive may unpack to, such as 400MB or 2GiB
    #[structopt(long, name = "BYTES", parse(try_from_str = size))]
    max_size: Option<u64>,
}

/// Imports.
pub async fn run(command: &ImportCommand) -> Outcome {
    let mut client = session::connect(&command.address).await?;
    client.wait_when_told(PATIENCE);
    client.wait_when_away();
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

/// A number of bytes, with a unit where it is large.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => Some(1),
        "k" | "kb" => Some(1000),
        "m" | "mb" => Some(1_000_000),
        "g" | "gb" => Some(1_000_000_000),
        "kib" => Some(1 << 10),
        "mib" => Some(1 << 20),
        "gib" => Some(1 << 30),
        _ => None,
    };
    let number = digits.parse::<u64>().ok();
    let bytes = number.zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
    bytes.ok_or_else(|| "expected bytes, such as 400000000, 400MB or 2GiB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_may_have_units() {
        for (text, bytes) in [("17", 17), ("400MB", 400_000_000), ("2GiB", 2 << 30), ("3k", 3000)] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "MB", "-1", "1.5GB", "3 parsecs", "99999999999GB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
