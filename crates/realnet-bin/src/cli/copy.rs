//! `realnet copy` and `realnet verify`: whole stores.

use std::io::Read as _;
use std::path::Path;

use structopt::StructOpt;

use super::{Outcome, Usage, output};
use crate::config::{DatabaseSection, Environment, StoragePlace};
use crate::wire;
use crate::wire::moving::archive::EXPORT;
use crate::wire::moving::{self, Place};

/// What is said of URLs in the help of every command that takes one.
macro_rules! urls {
    ($examples:literal) => {
        concat!(
            "\
URL is sqlite://FILE, json://FOLDER, yaml://FOLDER, xml://FOLDER, or
postgres://USER@HOST:PORT/DATABASE?sslmode=MODE. A password that it lacks comes from
REALNET_DB_PASS or PGPASSWORD; env:NAME means the URL in the variable NAME, which is in no
list of processes. STORAGE is a folder, `none`, `s3` (the bucket of REALNET_STORAGE_S3_…), or
s3://BUCKET/PREFIX with the region, endpoint and keys of these.

EXAMPLES:
",
            $examples
        )
    };
}

/// Copies a whole store into an empty one: types, items, grants, history, accounts with their passwords, settings.
#[derive(Debug, StructOpt)]
#[structopt(after_help = urls!("    realnet copy --from sqlite://shop.db --to postgres://shop@db/shop
    realnet copy --from sqlite://shop.db --to postgres://shop@db/shop --to-storage s3://files/shop
    realnet copy --from sqlite://shop.db --to yaml://documents --dry-run
    realnet copy --from env:OLD_STORE --to sqlite://shop.db --resume    goes on with what was broken off"))]
pub struct CopyCommand {
    /// The store that is copied; stop its servers first
    #[structopt(long, name = "FROM")]
    from: String,
    /// The store that it is copied into, which has to be empty
    #[structopt(long, name = "TO")]
    to: String,
    /// Where the contents of its files are; beside a database file or a folder of documents they are found (shop.db, shop.files)
    #[structopt(long, name = "FROM-STORAGE")]
    from_storage: Option<String>,
    /// Where the contents of its files go; beside the database file or the folder of documents when absent
    #[structopt(long, name = "TO-STORAGE")]
    to_storage: Option<String>,
    /// Says what would be copied, and changes nothing
    #[structopt(long)]
    dry_run: bool,
    /// Goes on with a copy that was broken off; its source has to be as it was
    #[structopt(long)]
    resume: bool,
}

/// Prints a SHA-256 over all that a store holds, but for sessions and what else goes by itself: equal stores, equal sums.
#[derive(Debug, StructOpt)]
#[structopt(after_help = urls!("    realnet verify sqlite://shop.db
    diff <(realnet verify sqlite://shop.db) <(realnet verify postgres://shop@db/shop)"))]
pub struct VerifyCommand {
    /// The store, which a server may be using, unless it is a folder of documents; or the file of a backup, which is restored into a
    /// scratch place below TMPDIR
    #[structopt(name = "URL|FILE")]
    store: String,
    /// Reads the contents of its files as well, which are there
    #[structopt(long, name = "STORAGE")]
    storage: Option<String>,
}

/// Where contents are supposed to be when nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside {
    /// Beside the database, if that folder is there.
    IfThere,
    /// Where a server would make it.
    New,
    /// Nowhere.
    Never,
}

/// The store that is meant.
pub(super) fn place(
    text: &str,
    storage: Option<&str>,
    beside: Beside,
    environment: &Environment,
) -> Result<Place, super::Failure> {
    let database = DatabaseSection::from_url(text, environment).map_err(Usage)?;
    let supposed = match beside {
        Beside::IfThere => StoragePlace::beside(&database),
        Beside::New => StoragePlace::of_new(&database),
        Beside::Never => StoragePlace::None,
    };
    let storage_is_said = storage.is_some();
    let storage = storage.map_or(Ok(supposed), |text| StoragePlace::of_flag(text, environment))?;
    Ok(Place { database, storage, storage_is_said })
}

/// Runs something with threads of its own, until it ends or is interrupted: what is said then.
pub(super) fn run_until_interrupted(interrupted: &str, work: impl Future<Output = Outcome>) -> Outcome {
    wire::logging::start(false);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            outcome = work => outcome,
            _ = tokio::signal::ctrl_c() => Err(interrupted.into()),
        }
    })
}

/// What is said when filling a store is interrupted.
pub(super) fn interrupted(to: &DatabaseSection) -> String {
    format!(
        "interrupted: where {to} holds a part, --resume goes on with it, and no server starts on it before"
    )
}

/// Copies, or says what would be copied.
pub fn copy(command: &CopyCommand) -> Outcome {
    let environment = Environment::of_process()?;
    let from = place(&command.from, command.from_storage.as_deref(), Beside::IfThere, &environment)?;
    let to = place(&command.to, command.to_storage.as_deref(), Beside::New, &environment)?;
    let plan = moving::Copy { from, to, resume: command.resume };
    if command.dry_run {
        return run_until_interrupted("interrupted", async {
            let moving::Rehearsal { counts, contents, note } = plan.rehearse().await?;
            output::line(&format!("would copy {counts} to {}", plan.to.database));
            if let Some(note) = note {
                output::line(&note);
            } else if contents > 0 {
                output::line(&format!("would copy contents of files: {contents}, to {}", plan.to.storage));
            }
            Ok(())
        });
    }
    run_until_interrupted(&interrupted(&plan.to.database), async {
        let copied = moving::copy(&plan).await?;
        output::line(&format!("copied {} to {}", copied.summary.counts, plan.to.database));
        output::line(&format!("SHA-256 {}, the same on both sides", copied.summary.checksum));
        copied.next.iter().for_each(|words| output::line(words));
        told(copied.contents.as_ref(), "all else is copied, but not")
    })
}

/// Prints the sum and what was counted.
pub fn verify(command: &VerifyCommand) -> Outcome {
    if !command.store.contains("://") && !command.store.starts_with("env:") {
        return verify_backup(Path::new(&command.store));
    }
    let environment = Environment::of_process()?;
    let place = place(&command.store, command.storage.as_deref(), Beside::Never, &environment)?;
    run_until_interrupted("interrupted", async {
        let (summary, contents) = moving::verify(&place).await?;
        output::line(&format!("SHA-256 {}", summary.checksum));
        output::line(&summary.counts.to_string());
        told(contents.as_ref(), "all else is in order, but not")
    })
}

/// Says what was found of contents; an error where some are not in order.
fn told(found: Option<&moving::Found>, otherwise: &str) -> Outcome {
    let Some(found) = found else { return Ok(()) };
    if let Some(words) = moving::told(&found.contents) {
        output::line(&words);
    }
    moving::check_contents(&found.faults, otherwise)
}

/// The URL that was meant, where a path leads to a store.
fn meant_as(path: &Path) -> Option<String> {
    if path.is_dir() {
        return Some(format!("json://{0}, yaml://{0} or xml://{0}", path.display()));
    }
    let mut first = Vec::new();
    std::fs::File::open(path).ok()?.take(16).read_to_end(&mut first).ok()?;
    (first == b"SQLite format 3\0").then(|| format!("sqlite://{}", path.display()))
}

/// Restores a backup into a scratch place, and prints the same.
fn verify_backup(path: &Path) -> Outcome {
    if !path.exists() {
        let problem =
            format!("'{}' is neither the URL of a store, such as sqlite://FILE, nor a file", path.display());
        return Err(Usage(problem).into());
    }
    if path.join(EXPORT).is_file() {
        let problem = format!(
            "{0} is no backup, but an export of items: `realnet import {0} --dry-run` looks at it",
            path.display()
        );
        return Err(Usage(problem).into());
    }
    if let Some(url) = meant_as(path) {
        return Err(Usage(format!("{} is no backup: it is a store, {url}", path.display())).into());
    }
    run_until_interrupted("interrupted", async {
        let moving::Rehearsed { manifest, keys } = moving::rehearse(path).await?;
        output::line(&format!("SHA-256 {}", manifest.sha256));
        output::line(&manifest.census().to_string());
        if let Some(words) = moving::told(&manifest.contents) {
            output::line(&words);
        }
        output::line(&format!("a backup of {}, which can be restored", manifest.made_at));
        if let Some(words) = keys {
            output::line(&words);
        }
        Ok(())
    })
}
