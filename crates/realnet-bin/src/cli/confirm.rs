//! Asking before something that can not be taken back.

use std::io::{BufRead, IsTerminal, Write};

use super::{Outcome, Usage};

/// Asks at the terminal, unless the answer was given before by `--yes`. Without a terminal there is nobody to ask.
pub fn ask(question: &str, yes: bool) -> Outcome {
    ask_or(question, yes, "Pass --yes to do it, or --dry-run to see what it would be")
}

/// The same with other words for where there is no terminal.
pub fn ask_or(question: &str, yes: bool, otherwise: &str) -> Outcome {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Usage(format!("{question} {otherwise}")).into());
    }
    write!(std::io::stderr(), "{question} [y/N] ")?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    match line.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err("nothing was changed".into()),
    }
}
