//! `realnet login` and `realnet logout`.

use std::io::{BufRead, IsTerminal, Write};

use realnet_client::{Client, Login};
use structopt::StructOpt;

use super::{Failure, Outcome, ServerAddress, elsewhere, output, session, settings};

/// Signs in and keeps the login.
#[derive(Debug, StructOpt)]
pub struct LoginCommand {
    #[structopt(flatten)]
    address: ServerAddress,
    /// Name of the account; asked for when absent [REALNET_USERNAME]
    #[structopt(long)]
    username: Option<String>,
    /// The password; asked for when absent, which keeps it out of the shell's history [REALNET_PASSWORD]
    #[structopt(long)]
    password: Option<String>,
    /// Name or id of the org; the server's default when absent
    #[structopt(long)]
    org: Option<String>,
    /// Sign in with a browser at this provider of identities of the org, by its name or id
    #[structopt(long, conflicts_with_all = &["username", "password"])]
    oidc: Option<String>,
    /// A code of the second factor, or a recovery code; asked for when it is needed and absent
    #[structopt(long)]
    code: Option<String>,
}

/// Ends the kept login.
#[derive(Debug, StructOpt)]
pub struct LogoutCommand {
    #[structopt(flatten)]
    address: ServerAddress,
}

/// Signs in and keeps the login.
pub async fn login(command: LoginCommand) -> Outcome {
    let server = command.address.url();
    if command.password.is_none() && command.oidc.is_none() {
        settings::check_server(&command.address, "REALNET_PASSWORD")?;
    }
    let mut client = Client::new(server)?;
    if let Some(provider) = &command.oidc {
        let proof = elsewhere::prove(&client, provider, command.org.as_deref()).await?;
        let login = client.redeem(&proof.code, &proof.verifier).await;
        let login = answered(&mut client, login, command.code).await?;
        session::save(server, Some(login))?;
        output::error(&format!("signed in to {server} by {provider}"));
        say_what_is_left(&client).await;
        return Ok(());
    }
    let set = |name: &str| settings::get(name).map(str::to_owned);
    let username = match command.username.or_else(|| set("REALNET_USERNAME")) {
        Some(username) => username,
        None => ask("Username: ")?,
    };
    let password = match command.password.or_else(|| set("REALNET_PASSWORD")) {
        Some(password) => password,
        None => ask_hidden("Password: ")?,
    };
    let login = client.authenticate(&username, &password, command.org.as_deref()).await;
    let is_refused =
        matches!(&login, Err(error) if error.status() == Some(401) && challenge(error).is_none());
    let of_default = command.org.is_none();
    let login = answered(&mut client, login, command.code).await.map_err(|error| {
        if is_refused && of_default {
            format!("{error} (people of another org: --org NAME)").into()
        } else {
            error
        }
    })?;
    session::save(server, Some(login))?;
    output::error(&format!("signed in to {server} as {username}"));
    say_what_is_left(&client).await;
    Ok(())
}

/// What stands between the login and the next command.
async fn say_what_is_left(client: &Client) {
    // The login is kept whatever this comes to: the next command would say what is wrong with the server.
    let account = client.whoami().await.map(|mut answer| answer["account"].take()).unwrap_or_default();
    if account["factor_required"] == true {
        output::error(
            "the org requires a second factor, and nothing else is allowed before: turn one on with \
             `realnet factor on`, and sign in again",
        );
    }
    if session::token_of_environment().is_some() {
        output::error(
            "REALNET_TOKEN is set, in the environment or in .env, and goes before this login: unset it for the \
             login to be used",
        );
    }
}

/// Ends the session on the server and forgets the login.
pub async fn logout(command: &LogoutCommand) -> Outcome {
    let server = command.address.url();
    let Some(login) = session::load(server)? else {
        output::error(&format!("not signed in to {server}"));
        return Ok(());
    };
    let mut client = Client::new(server)?;
    client.set_token(login.token);
    let ended = client.sign_out().await;
    session::save(server, None)?;
    match ended {
        // A login that the server has forgotten already is ended too.
        Err(error) if error.status() != Some(401) => {
            Err(format!("the login is forgotten here, but may live on at the server: {error}").into())
        }
        _ => {
            output::error(&format!("signed out of {server}"));
            Ok(())
        }
    }
}

/// The login, behind a code of the second factor where one is required.
async fn answered(
    client: &mut Client,
    login: Result<Login, realnet_client::Error>,
    code: Option<String>,
) -> Result<Login, Failure> {
    let login = match login {
        Err(error) => match challenge(&error) {
            Some(asked) => {
                let code = code.map_or_else(ask_code, Ok)?;
                client.answer_factor(asked, &code).await
            }
            None => Err(error),
        },
        login => login,
    };
    // In words only: the hint to sign in, which other commands get, would be of no use here.
    Ok(login.map_err(|error| error.to_string())?)
}

/// What a code of the second factor answers, when one is required.
fn challenge(error: &realnet_client::Error) -> Option<&str> {
    Some(error.problem()?.challenge.as_ref()?.0.as_str())
}

fn ask_code() -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err("a code of the second factor is required: give it with --code".into());
    }
    ask("Code: ")
}

fn ask(prompt: &str) -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err("give --username (or REALNET_USERNAME) when there is no terminal to ask at".into());
    }
    write!(std::io::stderr(), "{prompt}")?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

pub fn ask_hidden(prompt: &str) -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err("give the password in REALNET_PASSWORD when there is no terminal to ask at".into());
    }
    Ok(rpassword::prompt_password(prompt)?)
}
