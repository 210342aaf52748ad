//! The arguments as people type them: options of a command that stand before it are moved behind it.

use std::ffi::OsString;

/// The arguments of this process.
pub fn of_process() -> Vec<OsString> {
    reordered(std::env::args_os())
}

/// Puts `--server URL` and `-o FORMAT` behind the command that they stand before.
fn reordered(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut rest = arguments.peekable();
    let mut front: Vec<OsString> = rest.next().into_iter().collect();
    let mut moved = Vec::new();
    while let Some(flag) = rest.next_if(|argument| argument.to_str().is_some_and(is_option)) {
        let takes_next = matches!(flag.to_str(), Some("--server" | "--output" | "-o"));
        moved.push(flag);
        moved.extend(rest.next_if(|_| takes_next));
    }
    let command = rest.next();
    if command.is_some() {
        // What `keys` does is a command below it.
        let is_group = command.as_deref().is_some_and(|command| command == "keys");
        let is_word = |next: &OsString| is_group && !next.to_string_lossy().starts_with('-');
        front.extend(command);
        front.extend(rest.next_if(is_word));
        front.extend(moved);
        front.extend(rest);
    }
    front
}

fn is_option(argument: &str) -> bool {
    let name = argument.split('=').next().unwrap_or_default();
    matches!(name, "--server" | "--output") || (argument.starts_with("-o") && !argument.starts_with("--"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_before_the_command_move_behind_it() {
        let reordered = |line: &str| {
            let words = reordered(line.split(' ').map(OsString::from));
            words.join(std::ffi::OsStr::new(" ")).into_string().unwrap()
        };
        assert_eq!(reordered("realnet --server u info"), "realnet info --server u");
        assert_eq!(
            reordered("realnet --server=u -o json get note x=1"),
            "realnet get --server=u -o json note x=1"
        );
        assert_eq!(reordered("realnet -ocsv get note"), "realnet get -ocsv note");
        assert_eq!(reordered("realnet -o csv keys list"), "realnet keys list -o csv");
        assert_eq!(reordered("realnet -o csv keys --help"), "realnet keys -o csv --help");
        for same in ["realnet info --server u", "realnet --help", "realnet --version", "realnet fly"] {
            assert_eq!(reordered(same), same);
        }
        // Without a command there is nothing to do but to show the help.
        assert_eq!(reordered("realnet --server u"), "realnet");
    }
}
