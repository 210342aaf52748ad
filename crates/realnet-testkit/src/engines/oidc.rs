//! A provider of identities and a person at a browser: `oidc-provider` on Node.js, and Chromium.
//!
//! Both are driven by scripts that come with this crate. What these need is installed once, in the versions that their lock
//! file names, below the user's cache folder.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::EngineError;

/// The scripts and what they need.
const FILES: [(&str, &str); 5] = [
    ("package.json", include_str!("../../engines/oidc/package.json")),
    ("package-lock.json", include_str!("../../engines/oidc/package-lock.json")),
    ("provider.mjs", include_str!("../../engines/oidc/provider.mjs")),
    ("browser.mjs", include_str!("../../engines/oidc/browser.mjs")),
    ("passkeys.mjs", include_str!("../../engines/oidc/passkeys.mjs")),
];
/// What Chromium is called, on one system or another.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// A real OpenID Connect provider of one's own, on a free port of this machine. Anybody signs in there with any password, under
/// the name that they give: `ann` has the address `ann@first.test`, which is verified unless the name begins with `unproved`.
///
/// It ends when this value is dropped or the process ends in whatever way.
#[derive(Debug)]
pub struct IdentityProvider {
    child: Child,
    issuer: String,
}

impl IdentityProvider {
    /// The id of the one client that the provider knows.
    pub const CLIENT: &'static str = "realnet";
    /// Its secret.
    pub const SECRET: &'static str = "the secret of a provider for tests";

    /// Starts a provider that sends browsers back to `callback`.
    ///
    /// # Errors
    /// No Node.js (20 or newer) with npm, no way to its packages, or the provider's own complaint.
    pub fn start(callback: &str) -> Result<Self, EngineError> {
        let folder = installed()?;
        let settings = json!({"callback": callback, "client": Self::CLIENT, "secret": Self::SECRET});
        let mut child = Command::new("node")
            .current_dir(&folder)
            .args(["provider.mjs", &settings.to_string()])
            // It ends when this is closed.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(EngineError::io("starting node"))?;
        let mut lines = BufReader::new(child.stdout.take().ok_or_else(no_output)?).lines();
        let issuer = lines.find_map(|line| Some(line.ok()?.strip_prefix("issuer ")?.to_owned()));
        let Some(issuer) = issuer else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(failed("the provider of identities did not start", ""));
        };
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, issuer })
    }

    /// Its issuer, an http address of this machine.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }
}

impl Drop for IdentityProvider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lets a person with a real browser go through `visits`, one after the other in one profile. Each is
/// `{"open": URL, "login": NAME, "until": PREFIX, "ask": PATH}`: opens the page, signs in at the provider under that name if there
/// is one, agrees to what it asks, and is done at an address that begins with `until`; there the page asks for `ask`, if it is
/// given. Answers a list with `{"url", "text", "cookies", "answer": {"status", "body"}}` for each.
///
/// # Errors
/// No Node.js or no Chromium, or a visit that did not end.
pub fn browse(visits: &Value) -> Result<Value, EngineError> {
    person("browser.mjs", json!({"visits": visits}))
}

/// Lets a person with a real browser, whose device holds passkeys, add one at the server of an address, sign out, and sign in by it;
/// then a stranger who holds the device, a copy of the device, and a page of another name try. Answers what each step was answered.
///
/// # Errors
/// No Node.js or no Chromium, or a step that did not end.
pub fn passkeys(address: &str, username: &str, password: &str) -> Result<Value, EngineError> {
    person("passkeys.mjs", json!({"address": address, "username": username, "password": password}))
}

/// Runs a script that drives the browser.
fn person(script: &str, mut told: Value) -> Result<Value, EngineError> {
    let folder = installed()?;
    let program = browser()
        .ok_or_else(|| failed("no Chromium found in PATH", "on Debian: apt-get install -y chromium"))?;
    told["program"] = json!(program);
    let output = Command::new("node")
        .current_dir(&folder)
        .args([script, &told.to_string()])
        .stdin(Stdio::null())
        .output()
        .map_err(EngineError::io("starting node"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(said.trim())
        .map_err(|_| failed("the browser did not get to the end", &String::from_utf8_lossy(&output.stderr)))
}

/// The browser, wherever it is.
fn browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    BROWSERS
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|found| found.is_file())
}

/// The folder with the scripts and their packages, made if it is not there. It is made beside and moved into place whole, since
/// several tests may come at once.
fn installed() -> Result<PathBuf, EngineError> {
    let cache = cache().ok_or_else(|| {
        failed("no folder for the packages of node", "neither XDG_CACHE_HOME nor HOME is set")
    })?;
    let mut hasher = DefaultHasher::new();
    FILES.hash(&mut hasher);
    let folder = cache.join(format!("oidc-{:016x}", hasher.finish()));
    if folder.join("node_modules").is_dir() {
        return Ok(folder);
    }
    std::fs::create_dir_all(&cache).map_err(EngineError::io("making the cache folder"))?;
    let beside = tempfile::tempdir_in(&cache).map_err(EngineError::io("making a folder in the cache"))?;
    install(beside.path())?;
    // When somebody else was first, theirs is as good.
    let moved = std::fs::rename(beside.path(), &folder);
    if moved.is_err() && !folder.join("node_modules").is_dir() {
        moved.map_err(EngineError::io("moving the packages of node into place"))?;
    }
    Ok(folder)
}

fn install(folder: &Path) -> Result<(), EngineError> {
    for (name, text) in FILES {
        std::fs::write(folder.join(name), text).map_err(EngineError::io("writing a script"))?;
    }
    let output = Command::new("npm")
        .current_dir(folder)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .stdin(Stdio::null())
        .output()
        .map_err(EngineError::io(
            "starting npm (Node.js 20 or newer; on Debian: apt-get install -y nodejs npm)",
        ))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed("npm could not install the packages", &String::from_utf8_lossy(&output.stderr)))
}

fn cache() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")))?;
    Some(base.join("realnet"))
}

fn no_output() -> EngineError {
    failed("the provider of identities has no output", "")
}

fn failed(what: &str, output: &str) -> EngineError {
    EngineError::Failed { what: what.to_owned(), output: output.trim().to_owned() }
}
