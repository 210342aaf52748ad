//! The kept login: a file that only its owner can read, one entry per server.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use realnet_client::{Client, Lease, Login};
use realnet_core::clock::{Clock as _, System, Timestamp};

use super::{Failure, ServerAddress, output, settings};

/// A token is not renewed more often: the clock of this machine may be ahead of the server's.
const SHORTEST: Duration = Duration::from_secs(5);

type Logins = BTreeMap<String, Login>;

/// A client for the server, signed in as kept: `REALNET_TOKEN` first, then the saved login, refreshed when it has
/// expired, also while a command runs.
pub async fn connect(address: &ServerAddress) -> Result<Client, Failure> {
    let server = address.url();
    let mut client = Client::new(server)?;
    client.on_notice(|notice| output::error(&format!("notice: {notice}")));
    if let Some(token) = token_of_environment() {
        settings::check_server(address, "REALNET_TOKEN")?;
        client.set_token(token);
        return Ok(client);
    }
    let Some(mut login) = load(server)? else { return Ok(client) };
    if lasts(&login)?.is_zero() {
        let _turn = turn().await;
        login = next(server, login).await?;
    }
    let server = server.to_owned();
    client.set_lease(lease(&login)?, move |ended| renew(server.clone(), ended));
    Ok(client)
}

/// The next token in the place of one that has ended.
async fn renew(server: String, ended: String) -> Option<Lease> {
    let _turn = turn().await;
    let kept = load(&server).ok()??;
    if kept.token != ended {
        return lease(&kept).ok();
    }
    lease(&next(&server, kept).await.ok()?).ok()
}

/// The turn of one command after the other to renew a login: each refresh token serves once. `None` where there are no turns; then the
/// server tells who is late.
async fn turn() -> Option<fs::File> {
    let path = folder().ok()?.join("login.lock");
    let file = fs::OpenOptions::new().create(true).append(true).open(path).ok()?;
    for _ in 0..150 {
        match file.try_lock() {
            Ok(()) => return Some(file),
            Err(fs::TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(100)).await,
            Err(fs::TryLockError::Error(_)) => return None,
        }
    }
    None
}

/// The login in the place of one that has ended, kept.
async fn next(server: &str, ended: Login) -> Result<Login, Failure> {
    let kept = load(server)?.filter(|kept| kept.token != ended.token);
    // Another command has renewed it, while this one waited for its turn.
    if let Some(kept) = kept
        && !lasts(&kept)?.is_zero()
    {
        return Ok(kept);
    }
    let renewed = Client::new(server)?.refresh(&ended.refresh_token).await;
    match renewed {
        Ok(next) => {
            if let Err(failure) = save(server, Some(next.clone())) {
                // The old one serves nobody any more: a later command has to sign in again.
                output::error(&format!("notice: {failure}"));
            }
            Ok(next)
        }
        Err(error) if error.status() == Some(409) => {
            Ok(of_another(server, &ended.token).await.ok_or(error)?)
        }
        Err(error) if error.status() == Some(401) => {
            save(server, None)?;
            Err("the kept login has ended: sign in again with `realnet login`".into())
        }
        Err(error) => Err(error.into()),
    }
}

/// The login that another command has renewed in the same moment, once it has kept that.
async fn of_another(server: &str, ended: &str) -> Option<Login> {
    for _ in 0..40 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        if let Some(kept) = load(server).ok().flatten().filter(|kept| kept.token != ended) {
            return Some(kept);
        }
    }
    None
}

fn lease(login: &Login) -> Result<Lease, Failure> {
    Ok(Lease { token: login.token.clone(), lasts: lasts(login)?.max(SHORTEST) })
}

/// The token in `REALNET_TOKEN`, which wins over the kept login.
pub fn token_of_environment() -> Option<&'static str> {
    settings::get("REALNET_TOKEN")
}

/// For how long a token may be used; nothing when it has ended, or is about to.
fn lasts(login: &Login) -> Result<Duration, Failure> {
    let expires = Timestamp::parse(&login.expires).ok_or("the kept login can not be read: sign in again")?;
    // A little early, so that a token does not expire on its way.
    let left = expires.as_micros().saturating_sub(System.now().plus_seconds(10).as_micros());
    Ok(Duration::from_micros(u64::try_from(left).unwrap_or_default()))
}

/// The kept login for a server.
pub fn load(server: &str) -> Result<Option<Login>, Failure> {
    Ok(read(&file()?)?.remove(server))
}

/// Keeps a login for a server, or forgets it.
pub fn save(server: &str, login: Option<Login>) -> Result<(), Failure> {
    let path = file()?;
    let mut logins = read(&path)?;
    match login {
        Some(login) => logins.insert(server.to_owned(), login),
        None => logins.remove(server),
    };
    write(&path, &logins)
}

/// `login.json` in the user's configuration folder.
fn file() -> Result<PathBuf, Failure> {
    let folder = folder().map_err(|failure| format!("{failure}, or pass a token in REALNET_TOKEN"))?;
    Ok(folder.join("login.json"))
}

/// The folder of what commands keep for each other.
pub fn folder() -> Result<PathBuf, Failure> {
    let home = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = home("XDG_CONFIG_HOME")
        .or_else(|| home("APPDATA"))
        .or_else(|| home("HOME").map(|home| home.join(".config")))
        .ok_or(
            "no home folder is known, below which commands keep what they need: set HOME or XDG_CONFIG_HOME",
        )?;
    Ok(folder.join("realnet"))
}

fn read(path: &Path) -> Result<Logins, Failure> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map_err(|_| format!("{} can not be read: delete it and sign in again", path.display()).into()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Logins::new()),
        Err(error) => Err(no_place(path, &error)),
    }
}

/// Written beside and renamed, so that a crash leaves the old or the new file.
fn write(path: &Path, logins: &Logins) -> Result<(), Failure> {
    let Some(folder) = path.parent() else { return Err("the login has no folder".into()) };
    keep(folder, path, logins).map_err(|error| no_place(path, &error))
}

/// What is said when the file of the logins can not be used.
fn no_place(path: &Path, error: &std::io::Error) -> Failure {
    format!(
        "the login can not be kept in {}: {error}; a token in REALNET_TOKEN needs no file",
        path.display()
    )
    .into()
}

fn keep(folder: &Path, path: &Path, logins: &Logins) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(&serde_json::to_vec_pretty(logins)?)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}
