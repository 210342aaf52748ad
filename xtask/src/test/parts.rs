//! The table of parts. To add one, add a row; a part of test cases is a filter expression of
//! nextest, and what no other row claims is `units`.

use std::sync::LazyLock;

use crate::{advisories, shell, tidy, tools};

/// What a part does.
#[derive(Debug, Clone, Copy)]
pub enum Work {
    /// One check, which counts as one case.
    Check(fn() -> Result<(), String>),
    /// The test cases that match a filter expression, as nextest understands it.
    Cases(&'static str),
    /// The test cases that no other part claims.
    OtherCases,
    /// The documentation and its examples.
    Documentation,
}

/// A part of the tests that can be run by itself.
#[derive(Debug)]
pub struct Part {
    /// As named on the command line.
    pub name: &'static str,
    /// One line for the help.
    about: &'static str,
    /// What it does.
    pub work: Work,
}

/// All parts: the quick checks first, so that a slip shows early.
pub const PARTS: &[Part] = &[
    Part {
        name: "fmt",
        about: "formatting (rustfmt)",
        work: Work::Check(|| shell::run(&mut shell::cargo(&["fmt", "--all", "--check"]))),
    },
    Part {
        name: "tidy",
        about: "the project's own rules: layers, docs, sizes, metadata",
        work: Work::Check(tidy::run),
    },
    Part {
        name: "deny",
        about: "licences, bans, sources and advisories of dependencies (cargo-deny)",
        work: Work::Check(|| {
            tools::cargo_tool("deny")?;
            advisories::check()
        }),
    },
    Part { name: "clippy", about: "lints; a warning is an error", work: Work::Check(clippy) },
    Part {
        name: "engines",
        about: "the servers that tests start: they start, fail on demand and go",
        work: Work::Cases("package(=realnet-testkit) & binary(=engines)"),
    },
    Part {
        name: "conformance",
        about: "the suite that every store passes, on every store",
        work: Work::Cases("binary(/^conformance/)"),
    },
    Part {
        name: "s3",
        about: "contents in a real S3 server: failures, credentials, signed requests, large transfers",
        work: Work::Cases(
            "package(=realnet-provider-aws) & kind(=test) | package(=realnet-bin) & binary(=s3)",
        ),
    },
    Part {
        name: "http",
        about: "the REST interface, route by route, against a real server",
        work: Work::Cases("package(=realnet-runner-http) & kind(=test)"),
    },
    Part {
        name: "cli",
        about: "the command line against a real server",
        work: Work::Cases("package(=realnet-bin) & (binary(=cli) | binary(=commands))"),
    },
    Part {
        name: "server",
        about: "the server process: starting, stopping, crashing, failing disks, several on one database",
        work: Work::Cases(
            "package(=realnet-bin) & (binary(=startup) | binary(=crash) | binary(=durability) | binary(=replicas))",
        ),
    },
    Part {
        name: "oidc",
        about: "signing in at a real provider of identities, with a real browser",
        work: Work::Cases("package(=realnet-bin) & binary(=elsewhere)"),
    },
    Part {
        name: "readme",
        about: "the tour of the README, as written",
        work: Work::Cases("package(=realnet-bin) & binary(=readme)"),
    },
    Part { name: "units", about: "test cases that belong to no other part", work: Work::OtherCases },
    Part {
        name: "docs",
        about: "documentation without warnings, and its examples",
        work: Work::Documentation,
    },
];

fn clippy() -> Result<(), String> {
    let words = ["clippy", "--workspace", "--all-targets", "--quiet"];
    shell::run(shell::cargo(&words).args(["--", "-D", "warnings"]))
}

/// The parts with those names, in the order of the table; all when there are none.
pub fn choose(names: &[String]) -> Result<Vec<&'static Part>, String> {
    if let Some(unknown) = names.iter().find(|name| PARTS.iter().all(|part| part.name != name.as_str())) {
        return Err(format!("there is no part `{unknown}`\n{}", *HELP));
    }
    Ok(PARTS.iter().filter(|part| names.is_empty() || names.iter().any(|name| name == part.name)).collect())
}

/// One filter expression for the test cases of several parts.
pub fn filter(parts: &[&Part]) -> String {
    parts
        .iter()
        .filter_map(|part| match part.work {
            Work::Cases(filter) => Some(format!("({filter})")),
            Work::OtherCases => Some(others()),
            Work::Check(_) | Work::Documentation => None,
        })
        .collect::<Vec<_>>()
        .join(" | ")
}

/// The filter expression for what no part claims.
fn others() -> String {
    let claimed: Vec<_> = PARTS
        .iter()
        .filter_map(|part| match part.work {
            Work::Cases(filter) => Some(format!("({filter})")),
            _ => None,
        })
        .collect();
    if claimed.is_empty() {
        return "all()".into();
    }
    format!("(not ({}))", claimed.join(" | "))
}

/// The table as help text.
pub static HELP: LazyLock<String> = LazyLock::new(|| {
    let rows: Vec<_> = PARTS.iter().map(|part| format!("    {:<12} {}", part.name, part.about)).collect();
    format!("PARTS:\n{}", rows.join("\n"))
});

#[cfg(test)]
mod tests {
    use super::*;

    fn names(parts: &[&Part]) -> Vec<&'static str> {
        parts.iter().map(|part| part.name).collect()
    }

    #[test]
    fn no_name_means_all() {
        assert_eq!(choose(&[]).unwrap().len(), PARTS.len());
    }

    #[test]
    fn the_order_is_the_tables() {
        let chosen = choose(&["docs".into(), "fmt".into()]).unwrap();
        assert_eq!(names(&chosen), ["fmt", "docs"]);
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let error = choose(&["unit".into()]).unwrap_err();
        assert!(error.contains("`unit`") && error.contains("units"));
    }

    #[test]
    fn the_rest_excludes_what_is_claimed() {
        for part in PARTS {
            if let Work::Cases(filter) = part.work {
                assert!(others().contains(filter), "{}", part.name);
            }
        }
    }

    /// The names in `package(=NAME)` or `binary(=NAME)`.
    fn named<'a>(filter: &'a str, what: &str) -> Vec<&'a str> {
        let start = format!("{what}(=");
        filter.split(start.as_str()).skip(1).filter_map(|rest| rest.split(')').next()).collect()
    }

    #[test]
    fn a_part_names_tests_that_exist() {
        let crates = crate::place::root().join("crates");
        let has_program = |name: &str| {
            std::fs::read_dir(&crates).unwrap().flatten().any(|folder| {
                let tests = folder.path().join("tests");
                tests.join(format!("{name}.rs")).is_file() || tests.join(name).join("main.rs").is_file()
            })
        };
        for part in PARTS {
            let Work::Cases(filter) = part.work else { continue };
            for package in named(filter, "package") {
                assert!(crates.join(package).is_dir(), "{}: no package {package}", part.name);
            }
            for binary in named(filter, "binary") {
                assert!(has_program(binary), "{}: no test program {binary}", part.name);
            }
        }
    }
}
