//! Creates and updates by many tasks at once, and reads beside them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use realnet_core::change::Operation;
use realnet_core::model::{Attributes, Item};
use realnet_core::{Result, Uuid};
use serde_json::json;

use super::bench::Bench;
use super::report;
use super::together::together;

/// How much each of the tasks writes.
const EACH: usize = 1000;

impl Bench {
    pub async fn writes(&self, rows: usize) -> Result<()> {
        let (bench, ids) = (self.clone(), self.ids().await?);
        self.creates("create", rows).await?;
        together("update of a title or an indexed field", EACH, move |n| {
            let (bench, id) = (bench.clone(), ids[n * 7919 % ids.len()]);
            async move { bench.commit(vec![bench.update(id, n)]).await.map(drop) }
        })
        .await
    }

    async fn creates(&self, what: &str, first: usize) -> Result<()> {
        let bench = self.clone();
        together(what, EACH, move |n| {
            let bench = bench.clone();
            async move { bench.commit(vec![bench.create(first + n)]).await.map(drop) }
        })
        .await
    }

    /// Another title or another priority, checked as the resources do.
    fn update(&self, id: Uuid, n: usize) -> Operation {
        let registry = Arc::clone(&self.user.registry);
        let edit = move |item: &Item| {
            let mut map = item.attributes.as_map().clone();
            if n.is_multiple_of(2) {
                map.insert("title".to_owned(), json!(format!("Memo {n} with another title")));
            } else {
                map.insert("priority".to_owned(), json!(n));
            }
            registry.require(item.type_id)?.validate(None, &mut map)?;
            Ok(Item { attributes: Attributes::from_map(map), ..item.clone() })
        };
        Operation::Update { id, expected_version: None, edit: Arc::new(edit) }
    }

    /// Look-ups while others write.
    pub async fn mixed(&self, rows: usize) -> Result<()> {
        let (bench, ids) = (self.clone(), self.ids().await?);
        let writing = tokio::spawn(async move { bench.creates("create beside reads", rows * 10).await });
        let mut slowest = Duration::ZERO;
        let (begun, mut reads) = (Instant::now(), 0);
        while !writing.is_finished() {
            let one = Instant::now();
            self.store.get(&self.user, ids[reads % ids.len()]).await?;
            slowest = slowest.max(one.elapsed());
            reads += 1;
            tokio::task::yield_now().await;
        }
        writing.await.unwrap()?;
        report("get while others create", begun.elapsed(), reads);
        println!("{:96} {:10.1} µs", "  slowest", slowest.as_secs_f64() * 1e6);
        Ok(())
    }
}
