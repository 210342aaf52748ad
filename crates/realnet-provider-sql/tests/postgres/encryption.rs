//! Encrypted connections, against a server with a certificate of its own authority.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use realnet_core::ErrorKind;
use realnet_core::provider::ItemProvider as _;
use realnet_provider_sql::postgres::{PostgresConfig, PostgresStore, SslMode};
use realnet_testkit::conformance::eventually;
use realnet_testkit::engines::{Postgres, Settings};

use crate::support::client;

fn certificates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/postgres/tls")
}

/// Gives the server its certificate, owned by whom the server runs as.
async fn encrypt(server: &Postgres) {
    let outside = client(server.url()).await;
    let folder: String = outside.query_one("SHOW data_directory", &[]).await.unwrap().get(0);
    let owner = fs::metadata(&folder).unwrap();
    for name in ["server.crt", "server.key"] {
        let file = Path::new(&folder).join(name);
        fs::copy(certificates().join(name), &file).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        chown(&file, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    outside.batch_execute("ALTER SYSTEM SET ssl = on").await.unwrap();
    outside.execute("SELECT pg_reload_conf()", &[]).await.unwrap();
    eventually("the server has its certificate", || async {
        let on: String = client(server.url()).await.query_one("SHOW ssl", &[]).await.unwrap().get(0);
        (on == "on").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_wants_encryption() {
    let server = Postgres::start(Settings::default()).await.unwrap();
    encrypt(&server).await;
    let outside = client(server.url()).await;
    let rules: String = outside.query_one("SHOW hba_file", &[]).await.unwrap().get(0);
    fs::write(rules, "hostssl all all 127.0.0.1/32 trust\n").unwrap();
    outside.execute("SELECT pg_reload_conf()", &[]).await.unwrap();
    eventually("the rule holds", || async {
        tokio_postgres::connect(server.url(), tokio_postgres::NoTls).await.is_err().then_some(())
    })
    .await;
    let mut config = PostgresConfig::from_url(server.url()).unwrap();
    config.ssl_mode = SslMode::Disable;
    let error = PostgresStore::connect(config.clone()).await.unwrap_err();
    assert_eq!(
        error.message(),
        "the PostgreSQL server has no rule that lets this user in unencrypted from this machine: set sslmode=require, \
         or add a rule to its pg_hba.conf"
    );
    config.ssl_mode = SslMode::Require;
    PostgresStore::connect(config).await.unwrap().close();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mode_decides_what_is_encrypted_and_checked() {
    let server = Postgres::start(Settings::default()).await.unwrap();
    encrypt(&server).await;
    let outside = client(server.url()).await;
    let authority = Some(certificates().join("ca.crt"));
    let cases = [
        (SslMode::Disable, None, Some(false)),
        (SslMode::Prefer, None, Some(true)),
        (SslMode::Require, None, Some(true)),
        (SslMode::VerifyFull, authority.clone(), Some(true)),
        // The authorities of the system do not know this one.
        (SslMode::VerifyFull, None, None),
        (SslMode::VerifyFull, Some(certificates().join("missing.crt")), None),
    ];
    for (mode, authority, expected) in cases {
        let mut config = PostgresConfig::from_url(server.url()).unwrap();
        config.ssl_mode = mode;
        config.root_certificates = authority;
        let store = match (PostgresStore::connect(config).await, expected) {
            (Ok(store), Some(_)) => store,
            (Err(error), None) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{mode:?}: {error:?}");
                assert!(error.retry_after().is_none(), "{mode:?}: {error:?}");
                assert!(error.message().contains("authorit"), "{mode:?}: {error:?}");
                continue;
            }
            (result, _) => panic!("{mode:?}: {result:?}"),
        };
        store.check().await.unwrap();
        let sessions = "SELECT bool_or(s.ssl), bool_and(s.ssl) FROM pg_stat_ssl s \
                        JOIN pg_stat_activity a USING (pid) WHERE a.application_name LIKE 'realnet%'";
        let row = outside.query_one(sessions, &[]).await.unwrap();
        assert_eq!((row.get(0), row.get(1)), (expected, expected), "{mode:?}");
        store.close();
        eventually("the sessions end", || async {
            let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'realnet%'";
            let count: i64 = outside.query_one(count, &[]).await.unwrap().get(0);
            (count == 0).then_some(())
        })
        .await;
    }
}
