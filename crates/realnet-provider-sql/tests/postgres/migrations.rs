//! The schema: there and back again, and only once when several servers start at the same time.

use realnet_core::provider::{ItemProvider as _, TypeProvider as _};
use realnet_provider_sql::postgres::{PostgresConfig, PostgresStore};
use realnet_testkit::engines::fresh_database;
use tokio_postgres::Client;

use crate::support::{client, connect};

/// Everything that a migration can make: columns, indexes, functions.
async fn schema(client: &Client) -> Vec<String> {
    const OBJECTS: &str = "
        SELECT concat_ws(' ', 'column', table_name, ordinal_position, column_name, data_type, is_nullable,
            collation_name, column_default)
        FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT 'function ' || pg_get_functiondef(p.oid) FROM pg_proc p
            JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'public'
        UNION ALL SELECT 'sequence ' || sequencename FROM pg_sequences WHERE schemaname = 'public'
        ORDER BY 1";
    let rows = client.query(OBJECTS, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn up_down_and_up_again() {
    let database = fresh_database().await.unwrap();
    let outside = client(database.url()).await;
    let config = PostgresConfig::from_url(database.url()).unwrap();
    connect(database.url()).await.close();
    let first = schema(&outside).await;
    assert!(first.iter().any(|object| object.contains("items_by_bounds")), "{first:#?}");
    assert!(first.iter().any(|object| object.contains("events_by_kind")), "{first:#?}");
    assert!(first.iter().any(|object| object.contains("items_by_content")), "{first:#?}");
    PostgresStore::erase(&config).await.unwrap();
    let empty = schema(&outside).await;
    assert!(empty.iter().all(|object| object.contains("schema_migrations")), "{empty:#?}");
    connect(database.url()).await.close();
    assert_eq!(schema(&outside).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_start_together() {
    let database = fresh_database().await.unwrap();
    let starts = (0..6).map(|_| {
        let url = database.url().to_owned();
        tokio::spawn(async move { connect(&url).await })
    });
    for start in starts.collect::<Vec<_>>() {
        let store = start.await.unwrap();
        store.check().await.unwrap();
        assert_eq!(store.load_types().await.unwrap().revision, 0);
        store.close();
    }
    let outside = client(database.url()).await;
    let applied: i64 = outside.query_one("SELECT count(*) FROM schema_migrations", &[]).await.unwrap().get(0);
    assert_eq!(applied, 6);
}
