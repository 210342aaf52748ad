//! All text files: no marks of unfinished work, no paths of somebody's own machine, no leftovers of
//! a merge.

use super::Finding;

/// Marks of unfinished work, in a form that the rule does not find in itself.
const MARKS: [&str; 4] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("HA", "CK")];

/// Folders that exist on one machine only.
const HOMES: [&str; 4] =
    [concat!("/ho", "me/"), concat!("/Us", "ers/"), concat!("/ro", "ot/"), concat!("C:\\Us", "ers\\")];

/// Written by tools; not ours to word.
const GENERATED: [&str; 1] = ["Cargo.lock"];

/// Checks one file; `file` is its path from the root of the checkout.
pub fn check(file: &str, text: &str) -> Vec<Finding> {
    if GENERATED.contains(&file) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(mark) = MARKS.iter().find(|mark| has_word(line, mark)) {
            let message = format!("{mark}: do it, or open an issue and remove the mark");
            findings.push(Finding::at_line(file, index, message));
        }
        if let Some(home) = HOMES.iter().find(|home| names_home(line, home)) {
            let message = format!("{home}… is a path of one machine");
            findings.push(Finding::at_line(file, index, message));
        }
        if line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ") {
            findings.push(Finding::at_line(file, index, "a merge was not finished"));
        }
    }
    findings
}

/// Whether the word stands by itself.
fn has_word(line: &str, word: &str) -> bool {
    line.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|found| found == word)
}

/// Whether a line holds an absolute path into a home folder: the pattern at the start of a path,
/// with a name behind it.
fn names_home(line: &str, home: &str) -> bool {
    line.match_indices(home).any(|(index, _)| {
        let before = line[..index].chars().next_back();
        let after = line[index + home.len()..].chars().next();
        let starts = before.is_none_or(|letter| !letter.is_alphanumeric() && letter != '.');
        starts && after.is_some_and(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_fine() {
        let text = "All TODOs_are done. See https://example.org/home/page and ./home/a, $HOME/x.\n";
        assert_eq!(check("README.md", text), []);
    }

    #[test]
    fn marks_are_found_with_their_line() {
        for mark in MARKS {
            let found = check("a.rs", &format!("fine\n// {mark}: later\n"));
            assert_eq!(found.len(), 1, "{mark}");
            assert_eq!(found[0].place, "a.rs:2");
        }
    }

    #[test]
    fn home_folders_are_found() {
        for home in HOMES {
            let text = format!("see `{home}somebody`");
            assert_eq!(check("a.md", &text).len(), 1, "{text}");
        }
    }

    #[test]
    fn unfinished_merges_are_found() {
        let line = format!("{} HEAD\n", "<".repeat(7));
        assert_eq!(check("a.rs", &line).len(), 1);
    }

    #[test]
    fn generated_files_are_left_alone() {
        assert_eq!(check("Cargo.lock", &format!("{}\n", MARKS[0])), []);
    }
}
