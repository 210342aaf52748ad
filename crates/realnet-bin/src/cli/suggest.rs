//! What was probably meant by a command or option that does not exist. What does exist is read from the help, so that a new
//! command needs no entry here.

use std::ffi::OsString;

use realnet_core::nearest;
use structopt::StructOpt;
use structopt::clap::{Error, ErrorKind};

use super::Command;

/// The words for arguments that could not be read.
pub fn explained(error: &Error, arguments: &[OsString]) -> String {
    let is_unknown = matches!(error.kind, ErrorKind::UnknownArgument | ErrorKind::UnrecognizedSubcommand);
    let word = error.info.as_ref().and_then(|info| info.first()).filter(|_| is_unknown);
    word.map_or_else(|| error.message.clone(), |word| unknown(word, arguments))
}

fn unknown(word: &str, arguments: &[OsString]) -> String {
    let (path, help) = deepest(word, arguments);
    let known = if word.starts_with('-') { options(&help) } else { commands(&help) };
    let name = word.split('=').next().unwrap_or(word);
    let meant = nearest(name, known.iter().copied()).map(|meant| format!(": is '{meant}' meant?"));
    let meant = meant.unwrap_or_default();
    let what = if path.len() == 1 && !word.starts_with('-') {
        format!("there is no command '{word}'")
    } else {
        format!("'{word}' is not expected here")
    };
    format!("realnet: {what}{meant}\n`{} --help` shows what there is", path.join(" "))
}

/// The commands that stand before the word, and their help.
fn deepest(word: &str, arguments: &[OsString]) -> (Vec<String>, String) {
    let mut path = vec!["realnet".to_owned()];
    let mut help = help_of(&path).unwrap_or_default();
    for argument in arguments.iter().skip(1).filter_map(|argument| argument.to_str()) {
        if argument == word || argument.starts_with('-') || !commands(&help).contains(&argument) {
            break;
        }
        path.push(argument.to_owned());
        match help_of(&path) {
            Some(deeper) => help = deeper,
            None => break,
        }
    }
    (path, help)
}

fn help_of(path: &[String]) -> Option<String> {
    let arguments = path.iter().map(String::as_str).chain(["--help"]);
    match Command::from_iter_safe(arguments) {
        Err(error) if error.kind == ErrorKind::HelpDisplayed => Some(error.message),
        _ => None,
    }
}

/// The first words of the section of commands.
fn commands(help: &str) -> Vec<&str> {
    let section = help.split_once("SUBCOMMANDS:\n").map(|(_, section)| section).unwrap_or_default();
    let lines = section.lines().take_while(|line| !line.is_empty());
    // Further lines of a description stand further in.
    let first = |line: &&str| line.starts_with("    ") && !line.starts_with("     ");
    lines.filter(first).filter_map(|line| line.split_whitespace().next()).collect()
}

/// Whatever stands as `--word` at the beginning of a line.
fn options(help: &str) -> Vec<&str> {
    let words =
        help.lines().filter(|line| line.trim_start().starts_with('-')).flat_map(str::split_whitespace);
    words.filter(|word| word.starts_with("--")).map(|word| word.trim_end_matches(',')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> String {
        let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        explained(&Command::from_iter_safe(&arguments).unwrap_err(), &arguments)
    }

    #[test]
    fn what_was_meant_is_said() {
        for (line, expected) in [
            ("realnet gte note", "there is no command 'gte': is 'get' meant?"),
            ("realnet serve", "there is no command 'serve': is 'server' meant?"),
            ("realnet frobnicate", "there is no command 'frobnicate'\n`realnet --help`"),
            (
                "realnet server --int x",
                "'--int' is not expected here: is '--init' meant?\n`realnet server --help`",
            ),
            ("realnet server --prot=1", "is '--port' meant?"),
            ("realnet server initialise", "'initialise' is not expected here: is 'initialize' meant?"),
            (
                "realnet server initialize --usrname x",
                "is '--username' meant?\n`realnet server initialize --help`",
            ),
            ("realnet plan --purne x.json", "is '--prune' meant?"),
        ] {
            assert!(words(line).contains(expected), "{line}: {}", words(line));
        }
        assert!(
            words("realnet server start")
                .ends_with("'start' is not expected here\n`realnet server --help` shows what there is")
        );
    }

    #[test]
    fn other_mistakes_keep_their_words() {
        let text = words("realnet server --port");
        assert!(text.contains("requires a value"), "{text}");
        // Options that have a default are not shown as if they had to be given.
        assert!(!words("realnet get").contains("--server"), "{}", words("realnet get"));
    }
}
