//! Rust files: a header that says what the file is, a size that can be read at a sitting, no
//! switched-off test, no unsafe code, and nothing embedded from outside of the crate.

use super::Finding;

/// The most lines of a file, its unit tests not counted.
const LONGEST: usize = 600;

/// The keyword, in a form that the rule does not find in itself.
const UNSAFE: &str = concat!("un", "safe");

/// Whether a file is a Rust source of the project's crates.
pub fn is_ours(file: &str) -> bool {
    let is_rust = std::path::Path::new(file).extension() == Some("rs".as_ref());
    let folders = ["crates/", "xtask/", "benches/", "examples/", "stand-ins/"];
    is_rust && folders.iter().any(|folder| file.starts_with(folder))
}

/// Checks one file; `file` is its path from the root of the checkout.
pub fn check(file: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !has_header(text) {
        let message = "must start with `//!`: what it is and where it stands";
        findings.push(Finding::new(file, message));
    }
    let length = length(text);
    if !is_test(file) && length > LONGEST {
        let message = format!("has {length} lines without its tests, {LONGEST} at most");
        findings.push(Finding::new(file, message));
    }
    for (index, line) in text.lines().enumerate() {
        if let Some(message) = line_fault(file, line.trim_start()) {
            findings.push(Finding::at_line(file, index, message));
        }
    }
    findings
}

/// The first line with content is crate or module documentation.
fn has_header(text: &str) -> bool {
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .is_some_and(|line| line.starts_with("//!") || line.starts_with("#![doc = include_str!("))
}

/// Test programs and modules of tests may be longer.
fn is_test(file: &str) -> bool {
    file.contains("/tests/") || file.ends_with("tests.rs") || file.ends_with("/test.rs")
}

/// Lines up to the unit tests, which stand at the end.
fn length(text: &str) -> usize {
    let lines: Vec<_> = text.lines().collect();
    lines
        .windows(2)
        .position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod tests"))
        .unwrap_or(lines.len())
}

fn line_fault(file: &str, line: &str) -> Option<String> {
    if line.starts_with("//") {
        return None;
    }
    if line.starts_with(concat!("#[", "ignore")) {
        return Some("a test is switched off; mend or remove it".into());
    }
    if is_unsafe(line) {
        return Some(format!("{UNSAFE} code is not allowed"));
    }
    if is_published(file) && climbs_out(file, line) {
        let message =
            "embeds a file outside of its crate, which a package would lack; use a link in the crate";
        return Some(message.into());
    }
    None
}

/// The keyword in one of its uses, not in a text.
fn is_unsafe(line: &str) -> bool {
    let code = line.split('"').step_by(2).collect::<Vec<_>>().join("\"");
    code.split(|letter: char| letter.is_whitespace() || letter == '(')
        .take_while(|word| *word != "//")
        .any(|word| word == UNSAFE || word.ends_with(&format!("#[{UNSAFE}")))
}

fn is_published(file: &str) -> bool {
    file.starts_with("crates/")
}

/// Whether an embedding macro or a path attribute names a file above the crate's folder.
fn climbs_out(file: &str, line: &str) -> bool {
    let embeds = ["include_str!(", "include_bytes!(", "include!(", "#[path ="];
    if !embeds.iter().any(|word| line.contains(word)) {
        return false;
    }
    // crates/NAME/src/a.rs is one folder below its crate.
    let depth = file.split('/').count().saturating_sub(3);
    line.split('"').skip(1).step_by(2).any(|path| path.matches("../").count() > depth)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "crates/a/src/b.rs";

    fn faults(file: &str, text: &str) -> usize {
        check(file, text).len()
    }

    #[test]
    fn a_plain_file_is_fine() {
        let text = "//! What it is.\n\n/// Not an \"unsafe\" word.\nfn a() {}\n";
        assert_eq!(faults(FILE, text), 0);
        assert_eq!(faults(FILE, "#![doc = include_str!(\"../README.md\")]\n"), 0);
    }

    #[test]
    fn a_missing_header_is_found() {
        assert_eq!(faults(FILE, "use std::fmt;\n//! Late.\n"), 1);
        assert_eq!(faults(FILE, ""), 1);
    }

    #[test]
    fn a_long_file_is_found_but_tests_do_not_count() {
        let long = format!("//! A.\n{}", "fn a() {}\n".repeat(LONGEST));
        assert_eq!(faults(FILE, &long), 1);
        assert_eq!(faults("crates/a/tests/b.rs", &long), 0);
        let tested = format!("//! A.\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
        assert_eq!(faults(FILE, &tested), 0);
    }

    #[test]
    fn a_switched_off_test_is_found() {
        for line in ["    #[ignore]", "#[ignore = \"slow\"]"] {
            assert_eq!(faults(FILE, &format!("//! A.\n{line}\n")), 1, "{line}");
        }
    }

    #[test]
    fn the_keyword_is_found_in_code_only() {
        for line in ["{ }", "fn a() {}", "impl Send for A {}", "extern \"C\" {}"] {
            let text = format!("//! A.\npub {UNSAFE} {line}\n");
            assert_eq!(faults(FILE, &text), 1, "{text}");
        }
        assert_eq!(faults(FILE, &format!("//! A.\n#[{UNSAFE}(no_mangle)]\n")), 1);
        for line in ["let a = \"~ a\";", "a(); // ~ here", "~_code = 1;"] {
            let text = format!("//! A.\n{}\n", line.replace('~', UNSAFE));
            assert_eq!(faults(FILE, &text), 0, "{text}");
        }
    }

    #[test]
    fn files_outside_of_the_crate_are_found() {
        let embed = |path: &str| format!("//! A.\nconst A: &str = include_str!(\"{path}\");\n");
        assert_eq!(faults(FILE, &embed("../README.md")), 0);
        assert_eq!(faults("crates/a/src/b/c.rs", &embed("../../static/a")), 0);
        assert_eq!(faults(FILE, &embed("../../../README.md")), 1);
        assert_eq!(faults("xtask/src/b.rs", &embed("../../../README.md")), 0);
    }

    #[test]
    fn only_rust_files_of_the_crates_are_ours() {
        assert!(is_ours("crates/a/src/lib.rs"));
        assert!(is_ours("xtask/src/main.rs"));
        assert!(!is_ours("crates/a/README.md"));
        assert!(!is_ours("docs/a.rs"));
    }
}
