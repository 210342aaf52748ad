//! The pages below `docs`, executed as written behind the tour of the README.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::process::Command;

use common::Server;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The blocks of a page that begin with ```sh, one after the other.
fn script(page: &str) -> String {
    let text = std::fs::read_to_string(format!("{ROOT}/{page}")).unwrap();
    let blocks = text.split("\n```sh\n").skip(1);
    blocks.map(|block| block.split("\n```").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// Runs pages one after the other behind the tour, and sees that every answer that they show came, in that order.
fn work_as_written(pages: &[String]) {
    let (_guard, folder) = common::folder();
    let server = Server::start(&folder);
    let binary = env!("CARGO_BIN_EXE_realnet");
    let scripts: Vec<String> = pages.iter().map(|page| script(page)).collect();
    for (page, script) in pages.iter().zip(&scripts) {
        assert!(script.lines().count() >= 10, "{page} has few examples");
    }
    let examples = scripts.join("\n");
    let tour = script("README.md").replace("cargo run --release --quiet -- ", &format!("{binary} "));
    let text = format!(
        "set -euo pipefail\nexec 2>&1\nrealnet() {{ {binary} \"$@\"; }}\n{tour}\necho BEGIN\n{examples}"
    );
    let output = Command::new("bash")
        .args(["-c", &text.replace("http://localhost:8080", &server.address)])
        .current_dir(&folder)
        .env("REALNET_SERVER_URL", &server.address)
        .env("XDG_CONFIG_HOME", &folder)
        .output()
        .unwrap();
    let printed = common::text(&output);
    assert!(output.status.success(), "{pages:?}:\n{printed}");
    let mut rest = printed.split_once("BEGIN").unwrap().1;
    for answer in examples.lines().filter_map(|line| line.strip_prefix("# ")) {
        let Some((_, after)) = rest.split_once(answer) else {
            panic!("{pages:?}: missing or out of order: {answer}\n{printed}")
        };
        rest = after;
    }
}

/// Runs one page.
fn works_as_written(page: &str) {
    work_as_written(&[page.to_owned()]);
}

/// Who reads them in the order of the README's table, on one server, meets what each has left.
#[test]
fn all_pages_in_the_order_of_the_readme() {
    let readme = std::fs::read_to_string(format!("{ROOT}/README.md")).unwrap();
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| [")?.split_once("](docs/"));
    let pages: Vec<String> =
        rows.map(|(_, rest)| format!("docs/{}", rest.split(')').next().unwrap())).collect();
    assert!(pages.len() >= 4, "{pages:?}");
    work_as_written(&pages);
}

#[test]
fn queries() {
    works_as_written("docs/queries.md");
}

#[test]
fn types() {
    works_as_written("docs/types.md");
}

#[test]
fn access() {
    works_as_written("docs/access.md");
}

#[test]
fn secrets() {
    works_as_written("docs/secrets.md");
}

#[test]
fn moving() {
    works_as_written("docs/moving.md");
}

#[test]
fn api() {
    works_as_written("docs/api.md");
}

#[test]
fn files() {
    works_as_written("docs/files.md");
}
