//! Starting and stopping: first start, settings that can not be, stores that are not there.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use common::{ADMIN, Server, realnet, run, text};
use realnet_client::Client;
use serde_json::json;

/// What `realnet server` prints with these settings, when it does not start.
fn refusal(folder: &Path, settings: &[(&str, &str)]) -> String {
    let mut command = realnet(folder);
    let output = run(command.arg("server").env("REALNET_SERVER_PORT", "0").envs(settings.iter().copied()));
    assert!(!output.status.success(), "{}", text(&output));
    text(&output)
}

#[tokio::test]
async fn the_first_start_prints_a_password_once() {
    let (_guard, folder) = common::folder();
    let first = run(realnet(&folder).args(["server", "initialize", "--name", "Acme", "--username", "root"]));
    let words = text(&first);
    assert!(first.status.success(), "{words}");
    let password = words.split("password: ").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
    let second = run(realnet(&folder).args(["server", "initialize", "--name", "Acme", "--username", "root"]));
    assert!(second.status.success() && !text(&second).contains("password:"), "{}", text(&second));
    let server = Server::start(&folder);
    let mut client = Client::new(&server.address).unwrap();
    client.authenticate("root", password, Some("Acme")).await.unwrap();
    assert_eq!(client.whoami().await.unwrap()["account"]["username"], "root");
    assert!(client.authenticate(ADMIN.0, ADMIN.1, None).await.is_err(), "settings change nothing later");
}

#[tokio::test]
async fn a_lost_password_is_set_anew_beside_the_store() {
    let (_guard, folder) = common::folder();
    let server = Server::start(&folder);
    let mut client = server.admin().await;
    let reset = |more: &[&str]| {
        run(realnet(&folder).args(["server", "password"]).args(more).env_remove("REALNET_PASSWORD"))
    };
    let running = reset(&["--username", ADMIN.0]);
    assert!(!running.status.success() && text(&running).contains("in use"), "{}", text(&running));
    assert!(server.stop());
    let made = reset(&["--username", ADMIN.0]);
    let words = text(&made);
    let password =
        words.split(": ").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap().to_owned();
    assert!(made.status.success() && words.contains("not shown again"), "{words}");
    assert!(text(&reset(&["--username", "nobody"])).contains("nobody"));
    assert!(text(&reset(&["--username", ADMIN.0, "--password", "short"])).contains("at least 8 characters"));
    let server = Server::start(&folder);
    assert!(client.whoami().await.is_err(), "its sessions have ended");
    let mut again = Client::new(&server.address).unwrap();
    assert!(again.authenticate(ADMIN.0, ADMIN.1, None).await.is_err());
    again.authenticate(ADMIN.0, &password, None).await.unwrap();
    client = again;
    assert_eq!(client.whoami().await.unwrap()["account"]["username"], ADMIN.0);
}

#[tokio::test]
async fn a_stopped_server_goes_on_where_it_was() {
    let (_guard, folder) = common::folder();
    let server = Server::start(&folder);
    let client = server.admin().await;
    let item = client.create("item", &json!({"name": "kept"})).await.unwrap();
    assert!(server.stop(), "a clean stop");
    let began = Instant::now();
    let server = Server::start(&folder);
    let started = began.elapsed();
    let kept = server.admin().await.get("item", item["id"].as_str().unwrap()).await.unwrap();
    assert_eq!(kept, item);
    // Generous: this build is not optimised. The figure itself is measured by the benchmarks.
    assert!(started < Duration::from_secs(10), "{started:?}");
}

#[test]
fn every_wrong_setting_is_named_at_once() {
    let (_guard, folder) = common::folder();
    let words = refusal(
        &folder,
        &[
            ("REALNET_DB_TYPE", "oracle"),
            ("REALNET_BCRYPT_COST", "99"),
            ("REALNET_JWT_KEY", "short-s3cret"),
            ("REALNET_INIT_PATH", "/nowhere"),
            ("REALNET_TRUSTED_PROXIES", "everybody"),
            ("REALNET_CORS_ORIGINS", "https://app.example.org/path"),
            ("REALNET_TLS_CERT", "/nowhere/cert.pem"),
            ("REALNET_TLS_KEY", "/nowhere/key.pem"),
            ("REALNET_RATE_LIMIT_ADDRESS", "often"),
        ],
    );
    for name in [
        "DB_TYPE",
        "BCRYPT_COST",
        "JWT_KEY",
        "INIT_PATH",
        "TRUSTED_PROXIES",
        "CORS_ORIGINS",
        "TLS_CERT",
        "RATE_LIMIT_ADDRESS",
    ] {
        assert!(words.contains(&format!("REALNET_{name}:")), "{name} in {words}");
    }
    assert!(!words.contains("short-s3cret"), "{words}");
}

#[test]
fn a_check_makes_nothing() {
    let (_guard, folder) = common::folder();
    let check = || run(realnet(&folder).args(["server", "--check", "--port", "0"]));
    let first = check();
    assert!(first.status.success() && text(&first).contains("not there yet"), "{}", text(&first));
    assert!(!text(&first).contains("applied"), "nothing was: {}", text(&first));
    assert!(std::fs::read_dir(&folder).unwrap().next().is_none(), "a check leaves no file");
    // A file that no start has filled yet is there, and stays as it is.
    std::fs::write(folder.join("realnet.db"), "").unwrap();
    let empty = check();
    assert!(empty.status.success() && text(&empty).contains("migrations 1 to "), "{}", text(&empty));
    assert_eq!(std::fs::metadata(folder.join("realnet.db")).unwrap().len(), 0);
    assert!(!folder.join("realnet.db.secret-key").exists());
    std::fs::remove_file(folder.join("realnet.db")).unwrap();
    assert!(run(realnet(&folder).args(["server", "initialize"])).status.success());
    for entry in std::fs::read_dir(&folder).unwrap().flatten() {
        let mode = std::os::unix::fs::PermissionsExt::mode(&entry.metadata().unwrap().permissions());
        let holds_data = entry.file_name().to_string_lossy() != "realnet.db.lock";
        assert!(!holds_data || mode % 0o100 == 0, "only the owner may read {:?}: {mode:o}", entry.path());
    }
    let files = || {
        let entries = std::fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.path());
        entries.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect::<BTreeMap<_, _>>()
    };
    let before = files();
    let second = check();
    assert!(second.status.success() && text(&second).contains("store are in order"), "{}", text(&second));
    assert!(files() == before, "what is there stays as it is");
    // Nor does it stand in the way of a server, or one of it.
    let server = Server::start(&folder);
    let beside = check();
    assert!(beside.status.success() && text(&beside).contains("store are in order"), "{}", text(&beside));
    assert!(server.stop());
}

#[test]
fn a_password_that_is_too_short_is_named_by_its_setting() {
    let (_guard, folder) = common::folder();
    let words = refusal(&folder, &[("REALNET_PASSWORD", "short")]);
    assert!(words.contains("REALNET_PASSWORD (--password)") && words.contains('8'), "{words}");
}

#[test]
fn wrong_settings_of_the_first_start_go_by_their_names() {
    let (_guard, folder) = common::folder();
    let words = refusal(&folder, &[("REALNET_EMAIL", "foo"), ("REALNET_PASSWORD", ADMIN.1)]);
    assert!(words.contains("REALNET_EMAIL (--email)") && !words.contains("ATTRIBUTES"), "{words}");
    let words = refusal(&folder, &[("REALNET_DB_TYPE", "sqlite"), ("REALNET_DB_NAME", "/nowhere/x")]);
    assert!(words.contains("REALNET_DB_NAME: the folder /nowhere is not there"), "{words}");
    std::fs::write(folder.join(".env"), "REALNET_DEBUG=true\nREALNET_DB_PASS hunter2\n").unwrap();
    let words = refusal(&folder, &[]);
    assert!(words.contains(".env: line 2") && !words.contains("hunter2"), "{words}");
}

#[test]
fn a_check_finds_what_a_start_would_stumble_over() {
    let (_guard, folder) = common::folder();
    let check = |settings: &[(&str, &str)]| {
        run(realnet(&folder).args(["server", "--check", "--port", "0"]).envs(settings.iter().copied()))
    };
    let output = check(&[("REALNET_PASSWORD", "short")]);
    assert!(!output.status.success() && text(&output).contains("REALNET_PASSWORD"), "{}", text(&output));
    let orgs = [("REALNET_DEFAULT_ORG", "Nowhere"), ("REALNET_SIGN_UP", "Elsewhere")];
    assert!(check(&orgs).status.success(), "without a store nobody knows its orgs");
    assert!(run(realnet(&folder).args(["server", "initialize", "--name", "Acme"])).status.success());
    let output = check(&orgs);
    let words = text(&output);
    assert!(!output.status.success(), "{words}");
    for problem in
        ["REALNET_DEFAULT_ORG: there is no org 'Nowhere'", "REALNET_SIGN_UP: there is no org 'Elsewhere'"]
    {
        assert!(words.contains(problem), "{words}");
    }
    assert!(check(&[("REALNET_DEFAULT_ORG", "Acme"), ("REALNET_PASSWORD", "short")]).status.success());
}

#[test]
fn what_is_mistyped_or_not_read_is_told_at_the_start() {
    let (_guard, folder) = common::folder();
    let init = folder.join("init");
    std::fs::create_dir(&init).unwrap();
    std::fs::write(init.join("shop.yaml"), "types: []").unwrap();
    let settings = [
        ("REALNET_DB_PASSWORD", "s3cret"),
        ("REALNET_DB_TYPE", "sqlite"),
        ("REALNET_QUEUE_TYPE", "sqs"),
        ("REALNET_DEFAULT_ORG", "Nowhere"),
        ("REALNET_INIT_PATH", init.to_str().unwrap()),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let log = std::fs::File::create(folder.join("log")).unwrap();
    let server = Server::spawn_logging(&mut common::server_command(&folder, &settings), log);
    assert!(server.stop());
    let log = std::fs::read_to_string(folder.join("log")).unwrap();
    for words in [
        "REALNET_DB_PASSWORD is no setting: is REALNET_DB_PASS meant?",
        "REALNET_QUEUE_TYPE is no setting",
        "shop.yaml",
        "the org for requests without an org does not exist",
    ] {
        assert!(log.contains(words), "{words} in {log}");
    }
    assert!(!log.contains("s3cret"), "{log}");
}

#[test]
fn a_check_refuses_what_a_start_would() {
    for settings in [
        &[("REALNET_PASSWORD", "short")][..],
        &[("REALNET_EMAIL", "nobody")][..],
        &[("REALNET_SESSION_TTL", "60"), ("REALNET_TOKEN_TTL", "600")][..],
        &[("REALNET_SMTP_URL", "smtp://localhost?tls=perhaps"), ("REALNET_SMTP_FROM", "a@b.test")][..],
        &[("REALNET_SMTP_URL", "smtps://mail.test"), ("REALNET_SMTP_FROM", "nobody in particular")][..],
    ] {
        let (_guard, folder) = common::folder();
        let checked =
            run(realnet(&folder).args(["server", "--check", "--port", "0"]).envs(settings.iter().copied()));
        assert!(
            !checked.status.success() && text(&checked).contains(settings[0].0.trim_end_matches("_URL")),
            "{}",
            text(&checked)
        );
        assert!(std::fs::read_dir(&folder).unwrap().next().is_none(), "a check leaves no file");
        refusal(&folder, settings);
    }
}

#[test]
fn an_embedded_store_has_one_server() {
    let (_guard, folder) = common::folder();
    let _server = Server::start(&folder);
    let words = refusal(&folder, &[]);
    assert!(words.contains("realnet.db") && words.contains("in use"), "{words}");
}

#[test]
fn a_port_in_use_leaves_nothing_behind() {
    let (_guard, folder) = common::folder();
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    let words = refusal(&folder, &[("REALNET_SERVER_PORT", &port)]);
    assert!(words.contains(&port) && words.contains("in use") && words.contains("--port"), "{words}");
    assert!(!words.contains("password"), "no account is made: {words}");
    assert!(std::fs::read_dir(&folder).unwrap().next().is_none(), "no store is made");
    let check = || run(realnet(&folder).args(["server", "--check", "--port", &port]));
    let taken = check();
    let words = text(&taken);
    assert!(!taken.status.success() && words.contains("in use") && words.contains("in order"), "{words}");
    drop(other);
    assert!(check().status.success(), "{}", text(&check()));
    // The next start is the first: it says the password.
    let server = Server::start(&folder);
    assert!(server.stop());
}

#[test]
fn strangers_do_not_fill_the_log() {
    let (_guard, folder) = common::folder();
    let mut command = common::server_command(&folder, &common::Settings::new());
    let log = std::fs::File::create(folder.join("log")).unwrap();
    let server = Server::spawn_logging(&mut command, log);
    let address = server.address.trim_start_matches("http://").to_owned();
    for bytes in [&b"nonsense\r\n\r\n"[..], b"GET /api/item?watch=true HTTP/1.1\r\nHost: x\r\n\r\n"] {
        for _ in 0..20 {
            let mut stream = std::net::TcpStream::connect(&address).unwrap();
            std::io::Write::write_all(&mut stream, bytes).unwrap();
            let mut answer = [0; 12];
            std::io::Read::read_exact(&mut stream, &mut answer).unwrap();
            assert!(answer.starts_with(b"HTTP/1.1 "), "{answer:?}");
        }
    }
    assert!(server.stop());
    let log = std::fs::read_to_string(folder.join("log")).unwrap();
    assert!(log.lines().count() < 10 && !log.contains("ERROR"), "{log}");
}

#[test]
fn files_that_are_no_store_are_refused() {
    let (_guard, folder) = common::folder();
    std::fs::write(
        folder.join("realnet.db"),
        "this is no database, and long enough to be looked at".repeat(100),
    )
    .unwrap();
    let words = refusal(&folder, &[]);
    assert!(words.contains("realnet.db") && words.contains("no SQLite database"), "{words}");
    let words =
        refusal(&folder, &[("REALNET_DB_TYPE", "sqlite"), ("REALNET_DB_NAME", "missing/folder/x.db")]);
    assert!(words.contains("missing/folder"), "{words}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_can_not_be_written_to_is_named() {
    let (_guard, folder) = common::folder();
    // Nobody makes files there, not even root.
    let settings = [("REALNET_DB_TYPE", "sqlite"), ("REALNET_DB_NAME", "/proc/self/task/realnet.db")];
    let check = run(realnet(&folder).args(["server", "--check", "--port", "0"]).envs(settings));
    assert!(!check.status.success(), "{}", text(&check));
    for words in [refusal(&folder, &settings), text(&check)] {
        assert!(words.contains("realnet.db.lock can not be opened in the folder /proc/"), "{words}");
        assert!(words.contains("write to that folder, or set another REALNET_DB_NAME"), "{words}");
    }
    std::fs::create_dir(folder.join("realnet.db.lock")).unwrap();
    for words in [refusal(&folder, &[]), text(&run(realnet(&folder).args(["server", "--check"])))] {
        let named = format!("in the folder {}: ", folder.display());
        assert!(words.contains(&named) && words.contains("write to that file"), "{words}");
    }
}

#[test]
fn initialization_files_that_contradict_are_refused_by_place() {
    let (_guard, folder) = common::folder();
    let init = folder.join("init");
    std::fs::create_dir(&init).unwrap();
    std::fs::write(
        init.join("loop.json"),
        "{\"types\": [\n  {\"name\": \"A\", \"base\": \"B\"},\n  {\"name\": \"B\", \"base\": \"A\"}\n]}",
    )
    .unwrap();
    let words = refusal(&folder, &[("REALNET_INIT_PATH", init.to_str().unwrap())]);
    assert!(words.contains("loop.json") && words.contains("cycle"), "{words}");
    std::fs::write(init.join("loop.json"), "{\"types\": [\n  {\"name\": }\n]}").unwrap();
    let words = refusal(&folder, &[("REALNET_INIT_PATH", init.to_str().unwrap())]);
    assert!(words.contains("loop.json") && words.contains("line 2"), "{words}");
}

#[test]
fn a_database_that_is_not_there_is_named() {
    let (_guard, folder) = common::folder();
    let settings = [("REALNET_DB_USER", "me"), ("REALNET_DB_PORT", "1"), ("REALNET_DB_PASS", "s3cret")];
    let words = refusal(&folder, &settings);
    assert!(words.contains("localhost:1/") && !words.contains("s3cret"), "{words}");
    assert_eq!(words.matches("onnection refused").count(), 1, "the cause, once: {words}");
    let settings = [("REALNET_DB_USER", "me"), ("REALNET_DB_HOST", "nowhere.invalid")];
    let words = refusal(&folder, &settings);
    assert_eq!(
        (words.matches("nowhere.invalid").count(), words.matches("cause: ").count()),
        (1, 1),
        "{words}"
    );
    assert!(words.contains("REALNET_DB_HOST"), "the next step, in settings: {words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_serves_with_the_guides_variables() {
    let database = realnet_testkit::engines::fresh_database().await.unwrap();
    let (_guard, folder) = common::folder();
    let settings = common::postgres_settings(database.url());
    let server = Server::start_with(&folder, &settings);
    let client = server.admin().await;
    let item = client.create("item", &json!({"name": "far", "size": 1})).await.unwrap();
    // A second server on the same database shares the key that signs tokens, and sees what the first has written.
    let second = Server::start_with(&folder, &settings);
    let mut other = Client::new(&second.address).unwrap();
    let mut first = Client::new(&server.address).unwrap();
    let login = first.authenticate(ADMIN.0, ADMIN.1, None).await.unwrap();
    other.set_token(login.token);
    let id = item["id"].as_str().unwrap();
    assert_eq!(other.get("item", id).await.unwrap(), item);
    assert!(server.stop() && second.stop());
}

/// The tables of a database, and the versions of its schema.
async fn tables_and_versions(url: &str) -> (Vec<String>, Vec<i64>) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let names = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema() ORDER BY 1";
    let tables =
        client.query(names, &[]).await.unwrap().iter().map(|row| row.get(0)).collect::<Vec<String>>();
    let versions = if tables.is_empty() {
        Vec::new()
    } else {
        client.query("SELECT version FROM schema_migrations ORDER BY 1", &[]).await.unwrap()
    };
    let versions = versions.iter().map(|row| row.get(0)).collect();
    drop(client);
    connection.await.unwrap().unwrap();
    (tables, versions)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_leaves_a_database_as_it_is() {
    let database = realnet_testkit::engines::fresh_database().await.unwrap();
    let (_guard, folder) = common::folder();
    let settings = common::postgres_settings(database.url());
    let check = || run(common::server_command(&folder, &settings).arg("--check"));
    let empty = check();
    let words = text(&empty);
    assert!(empty.status.success() && words.contains("migrations 1 to "), "{words}");
    assert!(!words.contains("migrating"), "{words}");
    assert_eq!(tables_and_versions(database.url()).await, (Vec::new(), Vec::new()));

    assert!(Server::start_with(&folder, &settings).stop());
    let before = tables_and_versions(database.url()).await;
    let (tables, versions) = &before;
    assert!(!tables.is_empty() && words.contains(&format!("1 to {}", versions.len())), "{words} {before:?}");
    let present = check();
    assert!(present.status.success() && text(&present).contains("store are in order"), "{}", text(&present));
    let mut elsewhere = common::server_command(&folder, &settings);
    let missing = run(elsewhere.arg("--check").env("REALNET_DEFAULT_ORG", "Nowhere"));
    assert!(!missing.status.success() && text(&missing).contains("no org 'Nowhere'"), "the store is read");

    // As a server of the version before has left it.
    let (client, connection) = tokio_postgres::connect(database.url(), tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let last = "DELETE FROM schema_migrations WHERE version = (SELECT max(version) FROM schema_migrations)";
    assert_eq!(client.execute(last, &[]).await.unwrap(), 1);
    drop(client);
    connection.await.unwrap().unwrap();
    let older = check();
    let named = format!("would apply migration {}", versions.len());
    assert!(older.status.success() && text(&older).contains(&named), "{}", text(&older));
    let after = tables_and_versions(database.url()).await;
    assert_eq!((&after.0, after.1.as_slice()), (tables, &versions[..versions.len() - 1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_database_password_is_named() {
    let mut database = realnet_testkit::engines::fresh_database().await.unwrap();
    let login = database.require_password().await.unwrap();
    let (_guard, folder) = common::folder();
    let settings = common::postgres_settings(&login.url_with("wr0ng-secret"));
    let pairs: Vec<(&str, &str)> =
        settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let words = refusal(&folder, &pairs);
    assert!(words.contains("password") && !words.contains("wr0ng-secret"), "{words}");
}
