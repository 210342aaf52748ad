//! The limit of PostgreSQL: its bare driver with one prepared statement for the same work on the same tables.

use std::sync::Arc;

use realnet_core::model::Item;
use realnet_core::{Error, Result, Uuid};
use tokio_postgres::{Client, NoTls, Statement};

use super::bench::Bench;
use super::together::together;

/// How many connections share the work.
const CONNECTIONS: usize = 16;

const INSERT: &str = "WITH item AS (INSERT INTO items (id, org, type, name, attributes, tags, visibility, owner, public, \
    version, created_at, updated_at, search) VALUES ($1::text::uuid, $2::text::uuid, $3::text::uuid, $4, $5, '{}', 0, \
    $6::text::uuid, false, 1, $7, $7, '')), \
    keys AS (INSERT INTO keys (field, org, value, item) VALUES \
    (1, $2::text::uuid, $8, $1::text::uuid), (2, $2::text::uuid, $9, $1::text::uuid)) \
    INSERT INTO changes (org, item, type, kind, version, after, at, request) \
    VALUES ($2::text::uuid, $1::text::uuid, $3::text::uuid, 'create', 1, $10, $7, '')";

/// A connection with its statements.
struct Bare {
    client: Client,
    get: Statement,
    insert: Statement,
}

/// Look-ups and creates, by as many tasks as the store has.
pub async fn run(bench: &Bench, url: &str) -> Result<()> {
    let mut all = Vec::new();
    for _ in 0..CONNECTIONS {
        all.push(Bare::connect(url).await.map_err(failed)?);
    }
    let (all, ids) = (Arc::new(all), bench.ids().await?);
    let connections = Arc::clone(&all);
    together("bare driver: get", 500, move |n| {
        let (all, id) = (Arc::clone(&connections), ids[n * 7919 % ids.len()].to_string());
        async move {
            let bare = &all[n % CONNECTIONS];
            bare.client.query_one(&bare.get, &[&id]).await.map(drop).map_err(failed)
        }
    })
    .await?;
    let bench = bench.clone();
    together("bare driver: create", 500, move |n| {
        let (all, item) = (Arc::clone(&all), bench.memo(n));
        async move { all[n % CONNECTIONS].create(&item).await.map_err(failed) }
    })
    .await
}

fn failed(error: tokio_postgres::Error) -> Error {
    Error::internal("the bare driver").with_source(error)
}

impl Bare {
    async fn connect(url: &str) -> std::result::Result<Self, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        let get = client.prepare("SELECT * FROM items WHERE id = $1::text::uuid").await?;
        let insert = client.prepare(INSERT).await?;
        Ok(Self { client, get, insert })
    }

    async fn create(&self, item: &Item) -> std::result::Result<(), tokio_postgres::Error> {
        let text = |id: Uuid| id.to_string();
        let (id, org, type_id) = (text(item.id), text(item.org), text(item.type_id));
        let owner = item.owner.map(text);
        let at = item.created_at.as_micros();
        let after = serde_json::to_string(item).unwrap();
        let (one, other) = (b"\x30open".to_vec(), at.to_be_bytes().to_vec());
        let attributes = item.attributes.as_text();
        self.client
            .execute(
                &self.insert,
                &[&id, &org, &type_id, &item.name, &attributes, &owner, &at, &one, &other, &after],
            )
            .await
            .map(drop)
    }
}
