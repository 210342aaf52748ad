//! `realnet secrets generate`, `status`, `rotate` and `give-up`: the keys that secrets are sealed under.

use std::time::{Duration, Instant};

use realnet_core::secret::{GivenUp, Keyring, Rotated, Uses};
use structopt::StructOpt;

use super::{Failure, Outcome, confirm, for_operators, output};
use crate::config::{Config, Environment};
use crate::wire;

/// How often a long rotation says how far it is.
const REPORT: Duration = Duration::from_secs(2);

/// Makes keys, shows where they are in use, and seals everything under the first one.
#[derive(Debug, StructOpt)]
#[structopt(
    name = "secrets",
    after_help = "\
Status and rotate work on the store itself, with the settings of `realnet server`; an embedded store has to be free, a
PostgreSQL one may be served meanwhile. To change keys that servers share:
    1. put the new key behind the old one in REALNET_SECRET_KEY of all servers, and restart them
    2. put it in front, and restart them
    3. realnet secrets rotate
    4. take the old key away
A store that was in plain text: set REALNET_SECRET_KEY for all servers, restart them all, and only then rotate.
An embedded store that has a key file does all of that with `realnet secrets rotate --new-key`.
No server starts on a store whose key is not given. Where a key is lost for good, `realnet secrets give-up` is the way out; it
has to see the settings of the servers, REALNET_SECRET_KEY among them.

EXAMPLES:
    export REALNET_SECRET_KEY=$(realnet secrets generate)
    realnet secrets status
    realnet secrets rotate
    realnet secrets give-up        says what is lost, and asks"
)]
pub struct SecretsCommand {
    #[structopt(subcommand)]
    step: Step,
}

#[derive(Debug, StructOpt)]
enum Step {
    /// Prints a new key for REALNET_SECRET_KEY: ID:BASE64
    Generate,
    /// Counts the secrets under each key, in items and in their history
    Status,
    /// Seals everything under the first key; can be stopped and run again
    Rotate {
        /// Puts a new key into the key file of an embedded store first
        #[structopt(long)]
        new_key: bool,
    },
    /// Gives up what is sealed under lost keys, so that servers start again; stop them all before
    GiveUp {
        /// Does not ask
        #[structopt(long)]
        yes: bool,
    },
}

/// Does what was asked for.
pub fn run(command: &SecretsCommand) -> Outcome {
    if let Step::Generate = command.step {
        output::line(&Keyring::generate()?.to_text());
        return Ok(());
    }
    let config = Config::read(&Environment::of_process()?)?;
    wire::logging::start(config.server.debug);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if let Step::GiveUp { yes } = command.step {
        return runtime.block_on(give_up(&config, yes));
    }
    runtime.block_on(async {
        let mut server = wire::Server::open(config, false).await?;
        let done = match command.step {
            // Done above.
            Step::Generate | Step::GiveUp { .. } => Ok(()),
            Step::Status => server.secret_uses().await.map(|uses| show(&server, &uses)),
            Step::Rotate { new_key } => rotate(&mut server, new_key).await,
        };
        server.close().await?;
        done
    })
}

async fn rotate(server: &mut wire::Server, new_key: bool) -> Outcome {
    if new_key {
        server.renew_secret_key().await?;
    }
    let mut told = Instant::now();
    let progress = |rotated: &Rotated| {
        if told.elapsed() >= REPORT {
            told = Instant::now();
            output::error(&format!("{} items looked at, {} sealed anew", rotated.seen, rotated.resealed));
        }
    };
    let rotated = server.rotate_secrets(progress).await?;
    let Rotated { seen, resealed, complete, .. } = &rotated;
    let key = server.secret_key().unwrap_or_default();
    output::line(&format!("{seen} items with secrets, {resealed} sealed anew under the key {key}"));
    if *complete {
        output::line(
            "no other key is needed any more, unless a server still runs with another one in front, or with none: it goes on \
             writing under that one, or in plain text, until it is restarted with this key; then run this again",
        );
        return Ok(());
    }
    Err(unfinished(&rotated))
}

/// Says what is lost, asks, and gives it up.
async fn give_up(config: &Config, yes: bool) -> Outcome {
    let may_migrate = |lack: &str| {
        let question = format!("The store is of an earlier version; looking into it {lack}. Do that?");
        confirm::ask_or(&question, yes, "Pass --yes to do it")
    };
    let giving_up = wire::GivingUp::look(config, may_migrate).await?;
    let done = given_up(&giving_up, yes).await;
    giving_up.close().await?;
    done
}

async fn given_up(giving_up: &wire::GivingUp, yes: bool) -> Outcome {
    if giving_up.is_nothing() {
        output::line("nothing is lost: all that is sealed opens with the keys that are there");
        return Ok(());
    }
    giving_up.told().iter().for_each(|line| output::line(line));
    let question = "What is lost can not be brought back later, even if the key is found. Give it up?";
    confirm::ask_or(question, yes, "Pass --yes to do it, with no server running")?;
    let mut told = Instant::now();
    let progress = |changed: usize| {
        if told.elapsed() >= REPORT {
            told = Instant::now();
            output::error(&format!("{changed} items changed"));
        }
    };
    let GivenUp { changed, refused, left } = giving_up.give_up(progress).await?;
    let place = giving_up.file().map(|file| format!(", in {file}: keep a copy of it")).unwrap_or_default();
    output::line(&format!(
        "given up: {changed} items changed; servers start with the key {}{place}",
        giving_up.key()
    ));
    if left == 0 {
        return Ok(());
    }
    let named: Vec<String> =
        refused.iter().map(|(id, error)| format!("{id}: {}", for_operators(error))).collect();
    Err(format!(
        "{left} items could not be changed, and keep secrets that do not open: give them new values\n  {}",
        named.join("\n  ")
    )
    .into())
}

fn unfinished(rotated: &Rotated) -> Failure {
    let Rotated { unreadable, missing, .. } = rotated;
    if unreadable.is_empty() {
        return "items are still written under another key: give all servers the same first key, then run this again".into();
    }
    let ids: Vec<String> = unreadable.iter().map(ToString::to_string).collect();
    let text = if missing.is_empty() {
        "secrets of these items do not open, with any of the keys: they were changed or moved; give them new values, then \
         run this again"
            .to_owned()
    } else {
        let ids: Vec<&str> = missing.iter().map(String::as_str).collect();
        format!(
            "secrets are sealed under keys that are not given: {}; put them back behind the first key (in \
             REALNET_SECRET_KEY, or in the key file) and run this again. New values are for those alone whose key is \
             lost. Items with secrets that do not open",
            ids.join(", ")
        )
    };
    format!("{text}:\n  {}", ids.join("\n  ")).into()
}

fn show(server: &wire::Server, uses: &Uses) {
    let listed = |counts: &std::collections::BTreeMap<String, usize>| {
        let counts: Vec<String> = counts.iter().map(|(key, count)| format!("{key} {count}")).collect();
        if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }
    };
    output::line(&format!("seals under: {}", server.secret_key().unwrap_or("no key")));
    output::line(&format!(
        "needed at each start: {}",
        match uses.expected.as_slice() {
            [] => "no key".to_owned(),
            ids => ids.join(", "),
        }
    ));
    output::line(&format!("secrets of items: {}", listed(&uses.items)));
    output::line(&format!("secrets of earlier states: {}", listed(&uses.history)));
}
