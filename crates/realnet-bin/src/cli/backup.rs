//! `realnet backup` and `realnet restore`: whole stores in files.

use std::path::PathBuf;

use structopt::StructOpt;

use super::copy::{Beside, interrupted, place, run_until_interrupted};
use super::{Failure, Outcome, output};
use crate::config::{Config, Environment, StoragePlace};
use crate::wire::moving;

/// Writes all that a store holds into one file, of one moment, while its servers go on.
#[derive(Debug, StructOpt)]
#[structopt(after_help = "\
Without --from it is the store of the settings of `realnet server`. The file is a tar archive in
zstd, for its owner alone: it holds hashes of passwords. The keys of secrets are not in it; keep
them apart. Sessions are not in it either.

EXAMPLES:
    realnet backup shop.tar.zst
    realnet backup backups/                      a file named by the moment
    realnet backup shop.tar.zst --from postgres://shop@db/shop
    realnet verify shop.tar.zst                  restores it into a scratch place, and compares")]
pub struct BackupCommand {
    /// The file to write, which must not be there yet, or a folder
    #[structopt(name = "FILE", parse(from_os_str))]
    path: PathBuf,
    /// The store: sqlite://FILE, json://FOLDER, yaml://, xml://, postgres://USER@HOST:PORT/DATABASE or env:NAME
    #[structopt(long, name = "FROM")]
    from: Option<String>,
    /// Where the contents of files are: a folder, `none`, `s3` or s3://BUCKET/PREFIX
    #[structopt(long, name = "STORAGE")]
    storage: Option<String>,
}

/// Fills an empty store with what a backup holds.
#[derive(Debug, StructOpt)]
#[structopt(after_help = "\
Without --to it is the store of the settings of `realnet server`. All of the file is read before
anything is written; at the end the store is compared with it.

EXAMPLES:
    realnet restore shop.tar.zst --to sqlite://restored.db
    realnet restore shop.tar.zst --to postgres://shop@db/shop --resume   goes on with what was broken off")]
pub struct RestoreCommand {
    /// The file of the backup
    #[structopt(name = "FILE", parse(from_os_str))]
    path: PathBuf,
    /// The store, which has to be empty: sqlite://FILE, json://FOLDER, yaml://, xml://, postgres://USER@HOST:PORT/DATABASE or env:NAME
    #[structopt(long, name = "TO")]
    to: Option<String>,
    /// Where the contents of files go: a folder, `none`, `s3` or s3://BUCKET/PREFIX
    #[structopt(long, name = "STORAGE")]
    storage: Option<String>,
    /// Goes on with a restore that was broken off
    #[structopt(long)]
    resume: bool,
}

/// The store that is named, else the one of the settings.
fn meant(url: Option<&str>, storage: Option<&str>, beside: Beside) -> Result<moving::Place, Failure> {
    let environment = Environment::of_process()?;
    if let Some(url) = url {
        return place(url, storage, beside, &environment);
    }
    let Config { database, storage: configured, .. } = Config::read(&environment)?;
    let configured = match configured.place {
        // Nothing has been stored yet.
        StoragePlace::Local { path } if beside == Beside::IfThere && !path.is_dir() => StoragePlace::None,
        other => other,
    };
    let is_said = storage.is_some();
    let storage = storage.map_or(Ok(configured), |text| StoragePlace::of_flag(text, &environment))?;
    Ok(moving::Place { database, storage, storage_is_said: is_said })
}

/// Makes a backup.
pub fn backup(command: &BackupCommand) -> Outcome {
    let place = meant(command.from.as_deref(), command.storage.as_deref(), Beside::IfThere)?;
    run_until_interrupted("interrupted: no backup was made", async {
        let made = moving::backup(&place, &command.path).await?;
        output::line(&format!("{}: {}", made.path.display(), made.manifest.census()));
        output::line(&format!("SHA-256 {}", made.manifest.sha256));
        if let Some(words) = moving::told(&made.manifest.contents) {
            output::line(&words);
        }
        if let Some(words) = &made.keys {
            output::line(words);
        }
        moving::check_contents(&made.faults, "the backup holds all else, but not")
    })
}

/// Restores a backup.
pub fn restore(command: &RestoreCommand) -> Outcome {
    let place = meant(command.to.as_deref(), command.storage.as_deref(), Beside::New)?;
    run_until_interrupted(&interrupted(&place.database), async {
        let restored = moving::restore(&command.path, &place, command.resume).await?;
        output::line(&format!("restored {} into {}", restored.summary.counts, place.database));
        output::line(&format!("SHA-256 {}, as in the backup", restored.summary.checksum));
        if restored.left_out {
            let moving::Contents { count, bytes, .. } = restored.contents;
            output::line(&format!("contents of files that were left out: {count}, {bytes} bytes"));
        } else if let Some(words) = moving::told(&restored.contents) {
            output::line(&words);
        }
        restored.next.iter().for_each(|words| output::line(words));
        Ok(())
    })
}
