//! The tour of the README, executed as written against a real server.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::process::Command;

use common::Server;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");

/// The blocks of the tour: those that begin with ```sh.
fn blocks(readme: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    for line in readme.lines() {
        match (&mut block, line) {
            (None, "```sh") => block = Some(String::new()),
            (Some(text), "```") => {
                blocks.push(std::mem::take(text));
                block = None;
            }
            (Some(text), line) => {
                text.push_str(line);
                text.push('\n');
            }
            _ => {}
        }
    }
    blocks
}

#[test]
fn the_tour_works_as_written() {
    let readme = std::fs::read_to_string(README).unwrap();
    assert!(readme.contains("REALNET_USERNAME=admin REALNET_PASSWORD=correct-horse-battery"));
    let blocks = blocks(&readme);
    assert!(blocks.len() >= 6, "the tour has {} blocks", blocks.len());
    let (_guard, folder) = common::folder();
    let server = Server::start(&folder);
    // The tour speaks of the default address and builds the command; the test has both already.
    let script = format!("set -euo pipefail\n{}", blocks.concat())
        .replace("http://localhost:8080", &server.address)
        .replace("cargo run --release --quiet -- ", &format!("{} ", env!("CARGO_BIN_EXE_realnet")));
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(&folder)
        .env("REALNET_SERVER_URL", &server.address)
        .env("XDG_CONFIG_HOME", &folder)
        .output()
        .unwrap();
    let printed = common::text(&output);
    assert!(output.status.success(), "{printed}");
    // The answers that the README shows are the answers that came.
    let shown: Vec<&str> = script.lines().filter_map(|line| line.strip_prefix("# ")).collect();
    assert!(shown.len() >= 2, "the README shows answers");
    for answer in shown {
        assert!(printed.contains(answer), "missing {answer} in:\n{printed}");
    }
    assert!(printed.contains("\"status\":422") && printed.contains("/attributes/minutes"), "{printed}");
    assert!(printed.contains("Pancakes"), "{printed}");
}
