//! The examples below `examples`, executed as written, each in an empty folder.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::process::Command;

use realnet_testkit::engines::free_port;

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");

/// The blocks of a page that begin with ```sh, one after the other.
fn script(page: &str) -> String {
    let text = std::fs::read_to_string(format!("{EXAMPLES}/{page}")).unwrap();
    let blocks = text.split("\n```sh\n").skip(1);
    blocks.map(|block| block.split("\n```").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// Runs a page, and sees that every answer that it shows came, in that order.
fn works_as_written(page: &str) {
    works_with(page, |text| text);
}

/// The same, with what is another on this machine.
fn works_with(page: &str, change: impl Fn(String) -> String) {
    let (_guard, folder) = common::folder();
    let binary = env!("CARGO_BIN_EXE_realnet");
    let examples = change(script(page));
    assert!(examples.lines().count() >= 20, "{page} has few examples");
    let port = free_port().unwrap().to_string();
    let begin = format!(
        "set -euo pipefail\nexec 2>&1\nrealnet() {{ {binary} \"$@\"; }}\nSERVER=\ntrap 'test -z \"$SERVER\" || kill $SERVER || true' EXIT\n"
    );
    let text =
        format!("{begin}{}", examples.replace("realnet server --port", &format!("{binary} server --port")));
    let output = Command::new("timeout")
        .args(["120", "bash", "-c", &text.replace("8080", &port)])
        .current_dir(&folder)
        .env("XDG_CONFIG_HOME", &folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("HOME", &folder)
        .output()
        .unwrap();
    let printed = common::text(&output);
    let log = std::fs::read_to_string(folder.join("server.log")).unwrap_or_default();
    assert!(output.status.success(), "{page}:\n{printed}\n{log}");
    let mut rest = printed.as_str();
    for answer in examples.lines().filter_map(|line| line.strip_prefix("# ")) {
        let Some((_, after)) = rest.split_once(answer) else {
            panic!("{page}: missing or out of order: {answer}\n{printed}\n{log}")
        };
        rest = after;
    }
}

#[test]
fn documents_in_git() {
    works_as_written("documents-in-git/README.md");
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_to_postgresql() {
    let database = realnet_testkit::engines::fresh_database().await.unwrap();
    let url = url::Url::parse(database.url()).unwrap();
    let (host, port) = (url.host_str().unwrap().to_owned(), url.port().unwrap_or(5432));
    let (user, name) = (url.username().to_owned(), url.path().trim_start_matches('/').to_owned());
    let run = move || {
        works_with("sqlite-to-postgresql/README.md", |text| {
            let settings = format!(
                "REALNET_DB_HOST={host} REALNET_DB_PORT={port} REALNET_DB_USER={user} REALNET_DB_NAME={name}"
            );
            let shown =
                "REALNET_DB_HOST=localhost REALNET_DB_PORT=5432 REALNET_DB_USER=shop REALNET_DB_NAME=shop";
            assert!(text.contains(shown));
            text.replace("postgres://shop@localhost/shop", &format!("postgres://{user}@{host}:{port}/{name}"))
                .replace(shown, &settings)
        });
    };
    tokio::task::spawn_blocking(run).await.unwrap();
}
