//! The engines themselves: a server really starts, survives what tests do to it, and never
//! outlives its owner.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use realnet_testkit::engines::{Postgres, Settings, TestDatabase, fresh_database};
use tokio_postgres::{Client, NoTls};

/// Set for the copy of this program that is killed while it owns a server.
const OWNER_ROLE: &str = "REALNET_TESTKIT_OWNS_A_SERVER";

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn setting(url: &str, name: &str) -> String {
    let client = connect(url).await.unwrap();
    let row = client.query_one("SELECT current_setting($1)", &[&name]).await.unwrap();
    row.get(0)
}

#[tokio::test]
async fn settings_reach_the_server() {
    let durable = Postgres::start(Settings {
        durable: true,
        parameters: vec![("work_mem".into(), "7MB".into())],
        ..Settings::default()
    })
    .await
    .unwrap();
    assert_eq!(setting(durable.url(), "fsync").await, "on");
    assert_eq!(setting(durable.url(), "work_mem").await, "7MB");
    assert_eq!(setting(durable.url(), "max_connections").await, "300");

    let fast = Postgres::start(Settings::default()).await.unwrap();
    assert_eq!(setting(fast.url(), "fsync").await, "off");
}

#[tokio::test]
async fn data_survives_restart_and_crash() {
    let server = Postgres::start(Settings { durable: true, ..Settings::default() }).await.unwrap();
    let client = connect(server.url()).await.unwrap();
    client.batch_execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)").await.unwrap();

    server.restart().await.unwrap();
    assert!(client.simple_query("SELECT 1").await.is_err());
    let client = connect(server.url()).await.unwrap();
    client.batch_execute("INSERT INTO kept VALUES (2)").await.unwrap();

    server.crash().await.unwrap();
    assert!(connect(server.url()).await.is_err());
    server.resume().await.unwrap();
    let client = connect(server.url()).await.unwrap();
    let row = client.query_one("SELECT sum(n) FROM kept", &[]).await;
    assert_eq!(row.unwrap().get::<_, i64>(0), 3);

    server.stop().await.unwrap();
    assert!(connect(server.url()).await.is_err());
}

#[tokio::test]
async fn a_paused_server_answers_when_it_goes_on() {
    let server = Postgres::start(Settings::default()).await.unwrap();
    let client = connect(server.url()).await.unwrap();
    let paused = server.pause().await.unwrap();
    let patience = Duration::from_millis(300);
    let query = client.query_one("SELECT 1", &[]);
    tokio::pin!(query);
    assert!(tokio::time::timeout(patience, &mut query).await.is_err(), "an open session answered");
    assert!(tokio::time::timeout(patience, connect(server.url())).await.is_err(), "a new session was let in");
    drop(paused);
    assert_eq!(query.await.unwrap().get::<_, i32>(0), 1);
}

#[tokio::test]
async fn a_paused_server_can_be_dropped() {
    let server = Postgres::start(Settings::default()).await.unwrap();
    let _client = connect(server.url()).await.unwrap();
    let url = server.url().to_owned();
    let paused = server.pause().await.unwrap();
    let start = Instant::now();
    server.stop().await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(5));
    drop(paused);
    drop(server);
    assert!(connect(&url).await.is_err());
}

#[tokio::test]
async fn databases_are_separate_and_dropped() {
    let first = fresh_database().await.unwrap();
    let second = fresh_database().await.unwrap();
    let in_first = connect(first.url()).await.unwrap();
    let in_second = connect(second.url()).await.unwrap();
    in_first.batch_execute("CREATE TABLE own (n int)").await.unwrap();
    assert!(in_second.query("SELECT n FROM own", &[]).await.is_err());

    let name = first.name().to_owned();
    drop(first);
    let left = in_second.query("SELECT 1 FROM pg_database WHERE datname = $1", &[&name]).await.unwrap();
    assert!(left.is_empty(), "the database is still there");
}

#[tokio::test]
async fn a_password_is_asked_for() {
    let server = Postgres::start(Settings::default()).await.unwrap();
    let mut database = TestDatabase::create(server.url()).await.unwrap();
    let login = database.require_password().await.unwrap();

    let client = connect(&login.url()).await.unwrap();
    client.batch_execute("CREATE TABLE own (n int)").await.unwrap();
    let refused = connect(&login.url_with("wrong")).await.err().unwrap();
    let code = refused.code().map(|state| state.code().to_owned());
    assert_eq!(code.as_deref(), Some("28P01"));
    assert!(!format!("{login:?}").contains(login.password()));

    drop(database);
    let admin = connect(server.url()).await.unwrap();
    let left = admin.query("SELECT 1 FROM pg_roles WHERE rolname = $1", &[&login.user()]).await.unwrap();
    assert!(left.is_empty(), "the role is still there");
}

/// Starts this test again in a process that starts a server and then waits to be killed.
#[tokio::test]
async fn a_server_does_not_outlive_its_killed_owner() {
    if std::env::var_os(OWNER_ROLE).is_some() {
        let server = Postgres::start(Settings::default()).await.unwrap();
        let folder = setting(server.url(), "data_directory").await;
        eprintln!("OWNED {} {folder}", server.url());
        std::thread::sleep(Duration::from_mins(1));
        return;
    }
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_server_does_not_outlive_its_killed_owner"])
        .arg("--nocapture")
        .env(OWNER_ROLE, "1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let line = BufReader::new(owner.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .find(|line| line.starts_with("OWNED "))
        .expect("the owner tells of its server");
    let mut words = line.split(' ').skip(1);
    let url = words.next().unwrap().to_owned();
    let folder = PathBuf::from(words.next().unwrap());
    connect(&url).await.unwrap();
    assert!(folder.exists());

    owner.kill().unwrap();
    owner.wait().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while connect(&url).await.is_ok() || folder.parent().is_some_and(std::path::Path::exists) {
        assert!(Instant::now() < deadline, "the server is still there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
