//! `cargo xtask tidy`: the rules of the project that no compiler checks. Each rule is a pure
//! function from what it reads to its findings, with a fault as its test.

mod files;
mod layers;
mod manifests;
mod sources;
mod words;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cargo_metadata::{Metadata, MetadataCommand};

use crate::place;

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file or crate, with `:LINE` where there is one.
    place: String,
    /// What is wrong, and what is expected.
    message: String,
}

impl Finding {
    fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into() }
    }

    fn at_line(file: &str, index: usize, message: impl Into<String>) -> Self {
        Self::new(format!("{file}:{}", index + 1), message)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.place, self.message)
    }
}

/// Checks every rule; an error when one is broken.
pub fn run() -> Result<(), String> {
    let root = place::root();
    let metadata = metadata(&root)?;
    let mut findings = layers::check(&metadata);
    findings.extend(manifests::check(&metadata));
    findings.extend(files::check(&metadata));
    let mut read = 0;
    for file in tracked(&root)? {
        // Deleted in the work tree, a link to a folder, or no text: nothing to read.
        let Ok(text) = std::fs::read_to_string(root.join(&file)) else {
            continue;
        };
        let name = file.to_string_lossy();
        read += 1;
        findings.extend(words::check(&name, &text));
        if sources::is_ours(&name) {
            findings.extend(sources::check(&name, &text));
        }
    }
    for finding in &findings {
        println!("{finding}");
    }
    let crates = metadata.workspace_packages().len();
    println!("tidy: {crates} crates, {read} files, {} findings", findings.len());
    if findings.is_empty() { Ok(()) } else { Err("the project's rules are broken".into()) }
}

/// The workspace as cargo sees it; the lock file must fit the manifests.
fn metadata(root: &Path) -> Result<Metadata, String> {
    MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .other_options(vec!["--locked".to_owned()])
        .exec()
        .map_err(|error| error.to_string())
}

/// The project's files: what git tracks, and what it would add.
fn tracked(root: &Path) -> Result<Vec<PathBuf>, String> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("git ls-files: {error}"))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        return Err(format!("git ls-files: {}", reason.trim()));
    }
    let names = String::from_utf8_lossy(&output.stdout);
    Ok(names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect())
}
