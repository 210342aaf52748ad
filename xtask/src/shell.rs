//! Running other programs: what is started is printed first, and its output passes through.

use std::env;
use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::process::{Command, Stdio};

use crate::place;

/// `cargo` in the checkout, without the variables that `cargo run` set for this tool (build scripts
/// that look at them would run again).
pub fn cargo(words: &[&str]) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(words).current_dir(place::root());
    command.stdin(Stdio::null());
    for (name, _) in env::vars_os() {
        let own = name.to_string_lossy();
        if own.starts_with("CARGO_PKG_") || own.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// A command as a person would type it.
fn words(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let name = program.rsplit('/').next().unwrap_or(&program).to_owned();
    std::iter::once(name)
        .chain(command.get_args().map(|word| word.to_string_lossy().into_owned()))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs a command; an error says how it ended.
pub fn run(command: &mut Command) -> Result<(), String> {
    let line = words(command);
    println!("$ {line}");
    let status = command.status().map_err(|error| format!("{line}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{line}` ended with {status}")) }
}

/// As [`run`], with a pipe as its input that stays open and empty until the command ends or this process does.
pub fn run_attached(command: &mut Command) -> Result<(), String> {
    let line = words(command);
    println!("$ {line}");
    let trouble = |error| format!("{line}: {error}");
    let mut child = command.stdin(Stdio::piped()).spawn().map_err(trouble)?;
    // Waiting closes the pipe, unless it is held.
    let pipe = child.stdin.take();
    let status = child.wait().map_err(trouble)?;
    drop(pipe);
    if status.success() { Ok(()) } else { Err(format!("`{line}` ended with {status}")) }
}

/// Whether a command can be run and succeeds, quietly.
pub fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Which of a command's outputs is read along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Where test programs write.
    Standard,
    /// Where nextest writes.
    Errors,
}

/// Runs a command, passes its output on and hands each line, without colours, to `see`.
/// Answers whether the command succeeded.
pub fn follow(command: &mut Command, output: Output, mut see: impl FnMut(&str)) -> Result<bool, String> {
    let line = words(command);
    println!("$ {line}");
    let trouble = |error| format!("{line}: {error}");
    let terminal = match output {
        Output::Standard => {
            command.stdout(Stdio::piped());
            std::io::stdout().is_terminal()
        }
        Output::Errors => {
            command.stderr(Stdio::piped());
            std::io::stderr().is_terminal()
        }
    };
    if terminal {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let mut child = command.spawn().map_err(trouble)?;
    let pipe: Option<Box<dyn Read>> = match output {
        Output::Standard => child.stdout.take().map(|pipe| Box::new(pipe) as _),
        Output::Errors => child.stderr.take().map(|pipe| Box::new(pipe) as _),
    };
    let mut reader = BufReader::new(pipe.ok_or_else(|| format!("{line}: no output to read"))?);
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes).map_err(trouble)? > 0 {
        let text = String::from_utf8_lossy(&bytes);
        match output {
            Output::Standard => print!("{text}"),
            Output::Errors => eprint!("{text}"),
        }
        see(&plain(&text));
        bytes.clear();
    }
    Ok(child.wait().map_err(trouble)?.success())
}

/// A line without terminal colours.
fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, escape)) = rest.split_once("\u{1b}[") {
        text.push_str(before);
        rest = escape.find(|letter: char| letter.is_ascii_alphabetic()).map_or("", |end| &escape[end + 1..]);
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_taken_out() {
        assert_eq!(plain("\u{1b}[32;1mSummary\u{1b}[0m [1s]"), "Summary [1s]");
        assert_eq!(plain("none"), "none");
    }

    #[test]
    fn lines_are_seen_and_the_end_is_told() {
        let mut seen = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two; exit 3"]);
        let passed = follow(&mut command, Output::Standard, |line| {
            seen.push(line.trim().to_owned());
        });
        assert_eq!(passed, Ok(false));
        assert_eq!(seen, ["one", "two"]);
    }

    #[test]
    fn an_attached_command_waits_for_its_input_in_vain() {
        // Reading ends after a while by `timeout` (status 124), not by the end of the input (status 0).
        let error = run_attached(Command::new("timeout").args(["0.2", "cat"])).unwrap_err();
        assert!(error.contains("124"), "{error}");
        assert_eq!(run_attached(&mut Command::new("true")), Ok(()));
    }

    #[test]
    fn a_failing_command_is_named() {
        let error = run(Command::new("sh").args(["-c", "exit 3"])).unwrap_err();
        assert!(error.contains("sh -c exit 3"), "{error}");
    }
}
