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

/// Runs a page and sees that every answer that it shows came, in that order.
fn works_as_written(page: &str) {
    let (_guard, folder) = common::folder();
    let server = Server::start(&folder);
    let binary = env!("CARGO_BIN_EXE_realnet");
    let page_script = script(page);
    assert!(page_script.lines().count() >= 10, "{page} has few examples");
    let tour = script("README.md").replace("cargo run --release --quiet -- ", &format!("{binary} "));
    let text = format!(
        "set -euo pipefail\nexec 2>&1\nrealnet() {{ {binary} \"$@\"; }}\n{tour}\necho BEGIN\n{page_script}"
    );
    let output = Command::new("bash")
        .args(["-c", &text.replace("http://localhost:8080", &server.address)])
        .current_dir(&folder)
        .env("REALNET_SERVER_URL", &server.address)
        .env("XDG_CONFIG_HOME", &folder)
        .output()
        .unwrap();
    let printed = common::text(&output);
    assert!(output.status.success(), "{page}:\n{printed}");
    let mut rest = printed.split_once("BEGIN").unwrap().1;
    for answer in page_script.lines().filter_map(|line| line.strip_prefix("# ")) {
        let Some((_, after)) = rest.split_once(answer) else {
            panic!("{page}: missing or out of order: {answer}\n{printed}")
        };
        rest = after;
    }
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
fn api() {
    works_as_written("docs/api.md");
}
