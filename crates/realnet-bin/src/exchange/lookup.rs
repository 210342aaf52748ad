//! What a server has of the items of an import, asked for many at once.

use std::collections::{HashMap, HashSet};

use realnet_client::{Client, ListQuery};
use realnet_core::Uuid;
use serde_json::{Map, Value};

use super::document::{self, uuid};
use crate::cli::{Failure, Pages};

/// So many are asked for at once: their ids stand in the address.
pub const CHUNK: usize = 80;

/// The items of these ids that the caller sees, as documents with their own attributes, and with their org.
pub async fn items(client: &Client, ids: &[Uuid]) -> Result<HashMap<Uuid, Map<String, Value>>, Failure> {
    let mut found = HashMap::new();
    for ids in ids.chunks(CHUNK) {
        let query = query(ids).with("attributes", "own");
        each(client, "items", query, |item| {
            if let Some(id) = uuid(item.get("id")) {
                let org = item.get("org").cloned();
                let mut item = document::of_item(item);
                item.extend(org.map(|org| ("org".to_owned(), org)));
                found.insert(id, item);
            }
        })
        .await?;
    }
    Ok(found)
}

/// What the items of these ids are that the caller sees: their types and orgs.
pub async fn outlines(client: &Client, ids: &[Uuid]) -> Result<HashMap<Uuid, Map<String, Value>>, Failure> {
    let mut found = HashMap::new();
    for ids in ids.chunks(CHUNK) {
        let query = query(ids).with("select", "id,type,org");
        each(client, "items", query, |item| {
            if let Some(id) = uuid(item.get("id")) {
                found.insert(id, item);
            }
        })
        .await?;
    }
    Ok(found)
}

/// Which of these ids are those of items of a resource that the caller sees, in one org or in all.
pub async fn present(
    client: &Client,
    resource: &str,
    ids: &[Uuid],
    org: Option<&str>,
) -> Result<HashSet<Uuid>, Failure> {
    let mut found = HashSet::new();
    for ids in ids.chunks(CHUNK) {
        let mut query = query(ids).with("select", "id");
        if let Some(org) = org {
            query = query.with("org", org);
        }
        each(client, resource, query, |item| found.extend(uuid(item.get("id")))).await?;
    }
    Ok(found)
}

fn query(ids: &[Uuid]) -> ListQuery {
    let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
    ListQuery::default()
        .with("id", format!("in.({})", ids.join(",")))
        .with("visibility", "in.(visible,hidden,restricted)")
        .with("limit", "200")
}

/// Items may come on several pages where they are large.
async fn each(
    client: &Client,
    resource: &str,
    query: ListQuery,
    mut take: impl FnMut(Map<String, Value>),
) -> Result<(), Failure> {
    let mut pages = Pages::default();
    loop {
        let page = client.list(resource, &pages.of(&query)).await?;
        for item in page.items {
            if let Value::Object(item) = item {
                take(item);
            }
        }
        let Some(cursor) = page.next else { return Ok(()) };
        pages.go_on(cursor)?;
    }
}
