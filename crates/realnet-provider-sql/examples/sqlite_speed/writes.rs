//! Creates and updates by many tasks at once, and reads beside them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use realnet_core::change::Operation;
use realnet_core::model::{Attributes, Item};
use realnet_core::provider::ItemProvider as _;
use realnet_core::{Result, Uuid};
use serde_json::json;

use super::bench::Bench;
use super::report;

/// So many tasks write at once.
const TASKS: usize = 32;

impl Bench {
    pub async fn writes(self: &Bench, rows: usize) -> Result<()> {
        self.concurrently("create", move |bench, n| bench.create(rows + n)).await?;
        let mut ids = self.ids().await?;
        ids.truncate(rows);
        let ids = Arc::new(ids);
        self.concurrently("update of a title or an indexed field", move |bench, n| {
            bench.update(ids[n * 7919 % ids.len()], n)
        })
        .await
    }

    async fn ids(&self) -> Result<Vec<Uuid>> {
        let mut query = Self::query(&self.user, &[("limit", "1000")])?;
        let mut ids = Vec::new();
        loop {
            let page = self.store.list(&self.system, &query).await?;
            ids.extend(page.items.iter().map(|item| item.id));
            query.after = page.next;
            if query.after.is_none() {
                return Ok(ids);
            }
        }
    }

    /// Another title or another priority, checked as the resources do.
    pub fn update(&self, id: Uuid, n: usize) -> Operation {
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

    /// Has many tasks write at once, each one change set after the other.
    pub async fn concurrently(
        &self,
        what: &str,
        make: impl Fn(&Bench, usize) -> Operation + Send + Sync + 'static,
    ) -> Result<()> {
        const EACH: usize = 1000;
        let make = Arc::new(make);
        let (begun, (writer, all)) = (Instant::now(), processor_time());
        let mut tasks = Vec::new();
        for task in 0..TASKS {
            let bench = self.share();
            let make = Arc::clone(&make);
            tasks.push(tokio::spawn(async move {
                for n in 0..EACH {
                    bench.commit(vec![make(&bench, task * EACH + n)]).await?;
                }
                Result::<()>::Ok(())
            }));
        }
        for task in tasks {
            task.await.unwrap()?;
        }
        let (time, count) = (begun.elapsed(), TASKS * EACH);
        let (writer_after, all_after) = processor_time();
        report(&format!("{what}, {TASKS} tasks"), time, count);
        let each = |nanoseconds: u64| nanoseconds as f64 / 1000.0 / count as f64;
        println!("{:50} {:10.1} µs", "  processor time of the writer", each(writer_after - writer));
        println!("{:50} {:10.1} µs", "  processor time of all", each(all_after - all));
        Ok(())
    }

    pub async fn mixed(&self, rows: usize, id: Uuid) -> Result<()> {
        let bench = self.share();
        let writing = tokio::spawn(async move {
            bench.concurrently("create beside reads", move |bench, n| bench.create(rows * 10 + n)).await
        });
        let mut slowest = Duration::ZERO;
        let (begun, mut reads) = (Instant::now(), 0);
        while !writing.is_finished() {
            let one = Instant::now();
            self.store.get(&self.user, id).await?;
            slowest = slowest.max(one.elapsed());
            reads += 1;
            tokio::task::yield_now().await;
        }
        report("get while 32 tasks create", begun.elapsed(), reads);
        println!("{:50} {:10.1} µs", "  slowest", slowest.as_secs_f64() * 1e6);
        Ok(())
    }
}

/// Processor time in nanoseconds: of the writer, and of all threads.
pub fn processor_time() -> (u64, u64) {
    let (mut writer, mut all) = (0, 0);
    for task in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let read = |file: &str| std::fs::read_to_string(task.path().join(file)).unwrap_or_default();
        let time = read("schedstat").split(' ').next().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        all += time;
        writer += if read("comm").starts_with("realnet-writer") { time } else { 0 };
    }
    (writer, all)
}
