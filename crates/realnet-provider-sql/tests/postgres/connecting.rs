//! Every way in which connecting fails has a message of its own, and never shows the password.

use std::net::TcpListener;
use std::time::Duration;

use realnet_core::{Error, ErrorKind};
use realnet_provider_sql::postgres::{PostgresConfig, PostgresStore, SslMode};
use realnet_testkit::conformance::{eventually, item};
use realnet_testkit::engines::{Postgres, Settings, free_port, fresh_database};
use serde_json::json;

use crate::support::{client, connect, replica, world};

async fn refused(config: PostgresConfig) -> Error {
    let error = PostgresStore::connect(config).await.expect_err("this must not connect");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    error
}

const UNREACHABLE: &str =
    "the PostgreSQL server can not be reached: is it running, and is that its host and port?";
const REFUSED: &str =
    "the PostgreSQL server refuses the user or its password: set those of a user that may log in";

fn config(url: &str) -> PostgresConfig {
    PostgresConfig::from_url(url).unwrap()
}

#[tokio::test]
async fn nobody_listens() {
    let port = free_port().unwrap();
    let error = refused(config(&format!("postgres://me@127.0.0.1:{port}/db"))).await;
    assert_eq!(error.message(), UNREACHABLE);
    assert!(error.retry_after().is_some());
    assert!(error.report().contains("refused"), "{}", error.report());
}

#[tokio::test]
async fn nobody_answers() {
    // Connections wait in the listener's queue for ever.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut config = config(&format!("postgres://me@127.0.0.1:{port}/db"));
    config.connect_timeout = Duration::from_millis(300);
    let error = refused(config).await;
    assert_eq!(error.message(), UNREACHABLE);
}

#[tokio::test]
async fn a_wrong_password() {
    let mut database = fresh_database().await.unwrap();
    let login = database.require_password().await.unwrap();
    connect(&login.url()).await.close();
    let error = refused(config(&login.url_with("hunter2"))).await;
    assert_eq!(error.message(), REFUSED);
    assert!(error.retry_after().is_none());
    assert!(!error.report().contains("hunter2"));
    let mut without = config(&login.url());
    without.password = None;
    let error = refused(without).await;
    assert_eq!(error.message(), REFUSED);
}

#[tokio::test]
async fn an_unknown_database() {
    let database = fresh_database().await.unwrap();
    let mut config = config(database.url());
    config.database = "nowhere".into();
    let error = refused(config).await;
    assert_eq!(
        error.message(),
        "the PostgreSQL server has no such database: create it (CREATE DATABASE \"nowhere\") or set another"
    );
}

#[tokio::test]
async fn a_schema_of_a_newer_server() {
    let database = fresh_database().await.unwrap();
    connect(database.url()).await.close();
    let outside = client(database.url()).await;
    outside
        .batch_execute("INSERT INTO schema_migrations (version, name) VALUES (999, 'future')")
        .await
        .unwrap();
    let error = refused(config(database.url())).await;
    assert!(error.message().contains("schema version 999"), "{error:?}");
    assert!(error.message().contains("install a newer server"));
    assert!(error.retry_after().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_connections() {
    let server = Postgres::start(Settings { max_connections: 8, ..Settings::default() }).await.unwrap();
    let mut held = Vec::new();
    while let Ok((client, connection)) = tokio_postgres::connect(server.url(), tokio_postgres::NoTls).await {
        held.push((client, tokio::spawn(connection)));
    }
    assert!(held.len() >= 4, "the server takes {} connections", held.len());
    let error = refused(config(server.url())).await;
    assert_eq!(error.message(), "the PostgreSQL server has too many connections: raise its max_connections");
    assert!(error.retry_after().is_some());
    for (client, connection) in held {
        drop(client);
        connection.await.unwrap().unwrap();
    }
    connect(server.url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn encryption_where_the_server_has_none() {
    let server = Postgres::start(Settings::default()).await.unwrap();
    for mode in [SslMode::Disable, SslMode::Prefer] {
        let mut config = config(server.url());
        config.ssl_mode = mode;
        PostgresStore::connect(config).await.unwrap().close();
    }
    let mut config = config(server.url());
    config.ssl_mode = SslMode::Require;
    let error = refused(config).await;
    assert_eq!(
        error.message(),
        "the PostgreSQL server offers no encryption: set sslmode=disable or prefer, or switch ssl on in the server"
    );
    assert!(error.report().contains("TLS"), "{}", error.report());
}

#[tokio::test]
async fn a_user_that_is_none() {
    let database = fresh_database().await.unwrap();
    let mut config = config(database.url());
    config.user = "nobody_at_all".into();
    assert_eq!(refused(config).await.message(), REFUSED);
}

/// A server of its own, with the rules of access that a test sets.
async fn with_rules(rules: &str) -> Postgres {
    let server = Postgres::start(Settings::default()).await.unwrap();
    let outside = client(server.url()).await;
    let file: String = outside.query_one("SHOW hba_file", &[]).await.unwrap().get(0);
    std::fs::write(file, rules).unwrap();
    outside.execute("SELECT pg_reload_conf()", &[]).await.unwrap();
    eventually("the rules hold", || async {
        tokio_postgres::connect(server.url(), tokio_postgres::NoTls).await.is_err().then_some(())
    })
    .await;
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn no_rule_lets_the_user_in() {
    let server = with_rules("host all somebody 127.0.0.1/32 trust\n").await;
    let error = refused(config(server.url())).await;
    assert_eq!(
        error.message(),
        "the PostgreSQL server has no rule that lets this user in unencrypted from this machine: set sslmode=require, \
         or add a rule to its pg_hba.conf"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_may_create_no_tables() {
    let mut database = fresh_database().await.unwrap();
    let login = database.require_password().await.unwrap();
    let outside = client(database.url()).await;
    outside.batch_execute("CREATE SCHEMA closed; ALTER SCHEMA public RENAME TO aside").await.unwrap();
    outside.batch_execute("ALTER SCHEMA closed RENAME TO public").await.unwrap();
    outside.batch_execute(&format!("GRANT USAGE ON SCHEMA public TO {}", login.user())).await.unwrap();
    let error = refused(config(&login.url())).await;
    assert_eq!(
        error.message(),
        "the database user lacks a permission: let it own the database, or grant it all on the schema"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_database() {
    let (database, world) = world().await;
    let outside = client(database.url()).await;
    let alice = world.acme.alice.clone();
    let note = world.create(&alice, item("Note").name("kept")).await;
    let freeze = format!("ALTER DATABASE {} SET default_transaction_read_only = on", database.name());
    outside.batch_execute(&freeze).await.unwrap();
    // The setting is that of new sessions.
    let frozen = replica(&database, &world).await;
    let error = frozen.try_create(&alice, item("Note").name("refused")).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Unavailable, "the database is read-only"));
    let error = frozen.set(&alice, note.id, json!({"rank": 1})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert_eq!(frozen.get(&alice, note.id).await, Some(note));
}

#[tokio::test]
async fn a_closed_store_says_so() {
    use realnet_core::provider::ItemProvider as _;
    let database = fresh_database().await.unwrap();
    let store = connect(database.url()).await;
    store.check().await.unwrap();
    store.close();
    let error = store.check().await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Unavailable, "the store is closed"));
}
