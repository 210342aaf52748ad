//! `realnet copy` and `realnet verify`: whole stores.

use structopt::StructOpt;

use super::{Outcome, Usage, output};
use crate::config::{DatabaseSection, Environment};
use crate::wire::{self, moving};

/// What is said of URLs in the help of every command that takes one.
macro_rules! urls {
    ($examples:literal) => {
        concat!(
            "\
URL is sqlite://FILE or postgres://USER@HOST:PORT/DATABASE?sslmode=MODE; a password that it lacks comes from REALNET_DB_PASS or
PGPASSWORD, and env:NAME means the URL in the variable NAME, which is in no list of processes.

EXAMPLES:
",
            $examples
        )
    };
}

/// Copies a whole store into an empty one: types, items, grants, history, accounts with their passwords, settings.
#[derive(Debug, StructOpt)]
#[structopt(after_help = urls!("\
    realnet copy --from sqlite://shop.db --to postgres://shop@db/shop
    realnet copy --from sqlite://shop.db --to postgres://shop@db/shop --dry-run
    realnet copy --from env:OLD_STORE --to sqlite://shop.db --resume    goes on with what was broken off"))]
pub struct CopyCommand {
    /// The store that is copied; stop its servers first
    #[structopt(long, name = "FROM")]
    from: String,
    /// The store that it is copied into, which has to be empty
    #[structopt(long, name = "TO")]
    to: String,
    /// Says what would be copied, and changes nothing
    #[structopt(long)]
    dry_run: bool,
    /// Goes on with a copy that was broken off; its source has to be as it was
    #[structopt(long)]
    resume: bool,
}

/// Prints a SHA-256 over all that a store holds, but for sessions and what else goes by itself: equal stores, equal sums.
#[derive(Debug, StructOpt)]
#[structopt(after_help = urls!("\
    realnet verify sqlite://shop.db
    diff <(realnet verify sqlite://shop.db) <(realnet verify postgres://shop@db/shop)"))]
pub struct VerifyCommand {
    /// The store; a server may be using it
    #[structopt(name = "URL")]
    store: String,
}

/// The store that is meant.
pub(super) fn store(text: &str, environment: &Environment) -> Result<DatabaseSection, super::Failure> {
    DatabaseSection::from_url(text, environment).map_err(|problem| Usage(problem).into())
}

/// Runs something with threads of its own, until it ends or is interrupted.
pub(super) fn run_until_interrupted(work: impl Future<Output = Outcome>) -> Outcome {
    wire::logging::start(false);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            outcome = work => outcome,
            _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
        }
    })
}

/// Copies, or says what would be copied.
pub fn copy(command: &CopyCommand) -> Outcome {
    let environment = Environment::of_process()?;
    let (from, to) = (store(&command.from, &environment)?, store(&command.to, &environment)?);
    let plan = moving::Copy { from, to, resume: command.resume };
    run_until_interrupted(async {
        if command.dry_run {
            let counts = plan.rehearse().await?;
            output::line(&format!("would copy {counts}"));
            return Ok(());
        }
        let copied = moving::copy(&plan).await?;
        output::line(&format!("copied {} to {}", copied.summary.counts, plan.to));
        output::line(&format!("SHA-256 {}, the same on both sides", copied.summary.checksum));
        if let Some(next) = copied.next {
            output::line(&next);
        }
        Ok(())
    })
}

/// Prints the sum and what was counted.
pub fn verify(command: &VerifyCommand) -> Outcome {
    let environment = Environment::of_process()?;
    let section = store(&command.store, &environment)?;
    run_until_interrupted(async {
        let summary = moving::verify(&section).await?;
        output::line(&format!("SHA-256 {}", summary.checksum));
        output::line(&summary.counts.to_string());
        Ok(())
    })
}
