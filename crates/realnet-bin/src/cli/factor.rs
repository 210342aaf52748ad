//! `realnet factor on`, `off`, `status` and `recovery`: the second factor of the own account, by an authenticator (TOTP).

use std::io::{BufRead, IsTerminal, Write};

use realnet_client::{Client, Error};
use serde_json::Value;
use structopt::StructOpt;

use super::output::{self, Format};
use super::{Failure, Outcome, ServerAddress, login, session, settings};

/// Turns the second factor of the own account on or off, and makes recovery codes.
#[derive(Debug, StructOpt)]
#[structopt(after_help = "\
EXAMPLES:
    realnet factor on                 shows a secret for an authenticator, and asks for its first code
    realnet factor on --code 123456   confirms the secret that was shown before
    realnet factor status
    realnet factor recovery           new recovery codes in the place of those that are left
    realnet factor off

The password is asked for where it is needed, or taken from REALNET_PASSWORD. With the factor on, sign in again:
`realnet login` asks for a code.")]
pub enum FactorCommand {
    /// Shows a secret for an authenticator and turns the factor on by a first code; prints the recovery codes, once
    On(Given),
    /// Turns the factor off, by password and code
    Off(Given),
    /// Shows whether there is a factor, since when, and how many recovery codes are left
    Status(Status),
    /// Makes new recovery codes and prints them, once
    Recovery(Given),
}

/// What is proved by.
#[derive(Debug, StructOpt)]
pub struct Given {
    #[structopt(flatten)]
    address: ServerAddress,
    /// A code of the authenticator; asked for when it is needed and absent
    #[structopt(long)]
    code: Option<String>,
}

/// Shows the factor.
#[derive(Debug, StructOpt)]
pub struct Status {
    #[structopt(flatten)]
    address: ServerAddress,
    /// How to show it: table, json or csv
    #[structopt(short = "o", long = "output")]
    format: Option<Format>,
}

/// Runs the command.
pub async fn run(command: &FactorCommand) -> Outcome {
    match command {
        FactorCommand::On(given) => turn_on(given).await,
        FactorCommand::Off(given) => {
            let (client, [password, code]) = proved(given).await?;
            client.drop_factor(&password, &code).await?;
            output::error("the second factor is off");
            Ok(())
        }
        FactorCommand::Status(status) => {
            let client = session::connect(&status.address).await?;
            output::document(&client.factor().await?, Format::or_default(status.format));
            Ok(())
        }
        FactorCommand::Recovery(given) => {
            let (client, [password, code]) = proved(given).await?;
            show_codes(&client.renew_recovery(&password, &code).await?)
        }
    }
}

async fn turn_on(given: &Given) -> Outcome {
    let client = session::connect(&given.address).await?;
    let code = if let Some(code) = &given.code {
        code.clone()
    } else {
        let begun = begin(&client).await?;
        let text = |key: &str| begun[key].as_str().unwrap_or_default().to_owned();
        output::line(&text("uri"));
        output::error(&format!(
            "add this to an authenticator, by its URI or by the secret {}",
            text("secret")
        ));
        if !std::io::stdin().is_terminal() {
            output::error("then confirm it within ten minutes: realnet factor on --code CODE");
            return Ok(());
        }
        ask_code()?
    };
    show_codes(&client.confirm_factor(&code).await?)?;
    output::error("the second factor is on: sign in again with `realnet login`");
    Ok(())
}

/// A new secret; by the password when the last sign-in was some time ago.
async fn begin(client: &Client) -> Result<Value, Failure> {
    match client.begin_factor(None).await {
        Err(error) if wants_password(&error) => Ok(client.begin_factor(Some(&password()?)).await?),
        begun => Ok(begun?),
    }
}

fn wants_password(error: &Error) -> bool {
    let errors = error.problem().map(|problem| problem.errors.as_slice()).unwrap_or_default();
    errors.iter().any(|violation| violation.pointer == "/current_password")
}

/// Password and code, which what weakens an account asks for however lately somebody has signed in.
async fn proved(given: &Given) -> Result<(Client, [String; 2]), Failure> {
    let client = session::connect(&given.address).await?;
    let password = password()?;
    let code = given.code.clone().map_or_else(ask_code, Ok)?;
    Ok((client, [password, code]))
}

fn password() -> Result<String, Failure> {
    settings::get("REALNET_PASSWORD")
        .map_or_else(|| login::ask_hidden("Password: "), |set| Ok(set.to_owned()))
}

fn ask_code() -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err("give a code with --code when there is no terminal to ask at".into());
    }
    write!(std::io::stderr(), "Code: ")?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

fn show_codes(answer: &Value) -> Outcome {
    let codes = answer["recovery_codes"].as_array().ok_or("the server did not show the recovery codes")?;
    codes.iter().filter_map(Value::as_str).for_each(output::line);
    output::error("keep these recovery codes, they are not shown again: each stands in for a code once");
    Ok(())
}
