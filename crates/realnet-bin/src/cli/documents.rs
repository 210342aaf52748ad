//! `realnet plan`, `realnet apply` and `realnet drift`.

use std::path::{Path, PathBuf};

use realnet_client::Client;
use serde_json::Value;
use structopt::StructOpt;

use super::output::{self, Format};
use super::{Failure, Outcome, ServerAddress, session};

/// Shows what initialization files would change.
#[derive(Debug, StructOpt)]
#[structopt(after_help = "\
EXIT CODES:
    0    every file can be planned, whatever it would change; conflicts are in the plan (`apply` ends with 3 for them)
    1    a file is refused, and files behind it were not looked at
    2    wrong usage")]
pub struct PlanCommand {
    #[structopt(flatten)]
    address: ServerAddress,
    #[structopt(flatten)]
    options: Options,
}

/// Applies initialization files.
#[derive(Debug, StructOpt)]
#[structopt(after_help = "\
Each file is applied atomically, in the order given. What was changed by hand, or came from elsewhere, is not
overwritten: it is a conflict, and stays as it is while the rest of its file is applied.

EXIT CODES:
    0    every file is applied whole
    1    a file is refused, and files behind it were not tried
    2    wrong usage
    3    every file is applied, but for the conflicts that are listed")]
pub struct ApplyCommand {
    #[structopt(flatten)]
    address: ServerAddress,
    #[structopt(flatten)]
    options: Options,
}

/// Shows where the store differs from what was applied.
#[derive(Debug, StructOpt)]
pub struct DriftCommand {
    #[structopt(flatten)]
    address: ServerAddress,
    /// How to show it: table, json or csv
    #[structopt(short = "o", long = "output")]
    format: Option<Format>,
}

#[derive(Debug, StructOpt)]
struct Options {
    /// Delete what came from the same file before and is not in it any more
    #[structopt(long)]
    prune: bool,
    /// Overwrite what was changed by hand
    #[structopt(long)]
    force: bool,
    /// Take over what exists but came from no file
    #[structopt(long)]
    adopt: bool,
    /// How to show it: table or json
    #[structopt(short = "o", long = "output")]
    format: Option<Format>,
    /// The files
    #[structopt(name = "FILE", required = true, parse(from_os_str))]
    files: Vec<PathBuf>,
}

/// Shows what would change.
pub async fn plan(command: &PlanCommand) -> Outcome {
    let client = session::connect(&command.address).await?;
    for file in &command.options.files {
        send(&client, file, &command.options, false).await?;
    }
    Ok(())
}

/// What `apply` left as it was, since file and store disagree.
#[derive(Debug, Default)]
pub struct Conflicts(Vec<String>);

impl Conflicts {
    fn add(&mut self, file: &Path, answer: &Value) {
        for entry in answer.get("entries").and_then(Value::as_array).into_iter().flatten() {
            if entry.get("action").and_then(Value::as_str) == Some("conflict") {
                let text = |key: &str| entry.get(key).map(output::cell).unwrap_or_default();
                let (kind, path, note) = (text("kind"), text("path"), text("note"));
                self.0.push(format!("{}: {kind} {path}: {note}", file.display()));
            }
        }
    }
}

impl std::fmt::Display for Conflicts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (count, s) = (self.0.len(), if self.0.len() == 1 { "" } else { "s" });
        writeln!(f, "{count} conflict{s}, left as the store has it:")?;
        self.0.iter().try_for_each(|conflict| writeln!(f, "  {conflict}"))?;
        let is_foreign = |conflict: &String| conflict.contains("(adopt takes it over)");
        let flags = match (self.0.iter().any(is_foreign), self.0.iter().all(is_foreign)) {
            (_, true) => "--adopt to take over what came from elsewhere",
            (true, false) => "--force to let the file win and --adopt to take over what came from elsewhere",
            (false, false) => "--force to let the file win",
        };
        write!(f, "apply again with {flags}, or change the file to what is stored")
    }
}

impl std::error::Error for Conflicts {}

/// Applies each file atomically, in the order given.
pub async fn apply(command: &ApplyCommand) -> Outcome {
    let client = session::connect(&command.address).await?;
    let mut conflicts = Conflicts::default();
    for file in &command.options.files {
        let answer = send(&client, file, &command.options, true).await?;
        conflicts.add(file, &answer);
    }
    if conflicts.0.is_empty() { Ok(()) } else { Err(conflicts.into()) }
}

/// Shows the differences.
pub async fn drift(command: &DriftCommand) -> Outcome {
    let client = session::connect(&command.address).await?;
    let answer = client.drift().await?;
    match Format::or_default(command.format) {
        Format::Table => report(&answer, "no drift: the store is as it was applied"),
        format => output::document(&answer, format),
    }
    Ok(())
}

async fn send(client: &Client, file: &Path, options: &Options, apply: bool) -> Result<Value, Failure> {
    let document = read(file)?;
    let source = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut parameters = vec![("source", source.as_str())];
    for (name, set) in [("prune", options.prune), ("force", options.force), ("adopt", options.adopt)] {
        if set {
            parameters.push((name, "true"));
        }
    }
    let answer = if apply {
        client.apply(&document, &parameters).await
    } else {
        client.plan(&document, &parameters).await
    };
    // The server names the place within the document; all else is about the file as a whole.
    let named = |error: realnet_client::Error| match error.to_string() {
        text if text.starts_with(&source) => Failure::from(text),
        text => format!("{}: {text}", file.display()).into(),
    };
    let answer = answer.map_err(named)?;
    match Format::or_default(options.format) {
        Format::Table => report(&answer, &format!("{}: nothing to change", file.display())),
        format => output::document(&answer, format),
    }
    Ok(answer)
}

/// A JSON document from a file, or from what is piped in (`-`).
pub(super) fn read(file: &Path) -> Result<Value, Failure> {
    let name = file.display();
    let text = if file == Path::new("-") {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(file)
    };
    let text = text.map_err(|error| format!("{name}: {error}"))?;
    serde_json::from_str(&text).map_err(|error| {
        // Who has written YAML is not helped by where it ceases to be JSON.
        let ending = file.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        match ending.as_str() {
            "yaml" | "yml" | "xml" | "toml" => {
                format!("{name}: is not read, because only JSON is: {error}").into()
            }
            _ => format!("{name}: {error}").into(),
        }
    })
}

/// `attributes/price: 3 → 4`; what was not there before, or is not after, is `(none)`; what may not be shown, `(hidden)`.
fn changed(change: &Value) -> String {
    let side = |key: &str| match change.get(key) {
        None | Some(Value::Null) => "(none)".to_owned(),
        Some(value) => output::cell(value),
    };
    let field = change.get("field").map(output::cell).unwrap_or_default();
    if change.get("hidden") == Some(&Value::Bool(true)) {
        return format!("{field}: (hidden)");
    }
    format!("{field}: {} → {}", side("from"), side("to"))
}

/// One line per entry: what happens, to what, and which parts.
fn report(answer: &Value, nothing: &str) {
    let list = |key: &str| answer.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let entries = list("entries");
    if entries.is_empty() {
        output::line(nothing);
    }
    for entry in entries {
        let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let line = format!("{:<9} {:<5} {} {}", text("action"), text("kind"), text("path"), text("note"));
        output::line(line.trim_end());
        for change in entry.get("changes").and_then(Value::as_array).into_iter().flatten() {
            output::line(&format!("          {}", changed(change)));
        }
    }
    for warning in list("warnings") {
        output::error(&format!(
            "warning: {}",
            warning.as_str().map_or_else(|| warning.to_string(), str::to_owned)
        ));
    }
}
