//! Look-ups, lists and totals.

use std::time::{Duration, Instant};

use realnet_core::Result;
use realnet_core::provider::Access;
use realnet_core::query::{Count, Query};

use super::bench::Bench;
use super::report;
use super::together::{TASKS, processor_time, together};

/// What is asked for: a name and the parameters.
const LISTS: &[(&str, &[(&str, &str)])] = &[
    ("list", &[]),
    ("state=open, newest first", &[("state", "open"), ("order", "created_at.desc")]),
    ("state=open, by priority downwards", &[("state", "open"), ("order", "priority.desc")]),
    ("state=open, by priority", &[("state", "open"), ("order", "priority")]),
    ("state in open, late, newest first", &[("state", "in.(open,late)"), ("order", "created_at.desc")]),
    ("by priority", &[("order", "priority")]),
    ("priority.eq.500", &[("priority", "500")]),
    ("priority.lt.500", &[("priority", "lt.500")]),
    ("priority.in.(…)", &[("priority", "in.(7919,15838,23757,31676)")]),
    ("priority.gt.500000", &[("priority", "gt.500000")]),
    ("priority.gt.500000, newest first", &[("priority", "gt.500000"), ("order", "created_at.desc")]),
    ("by name downwards", &[("order", "name.desc")]),
    ("name=eq.memo 77", &[("name", "eq.memo 77")]),
    ("title=like.*number77*", &[("title", "like.*number77*")]),
    ("search=rare", &[("search", "rare")]),
    ("search=memo", &[("search", "memo")]),
    ("search=memo by id", &[("search", "memo"), ("order", "created_at")]),
    ("near, 100 km", &[("near", "8.5,47.4,100000")]),
    ("near, 2000 km", &[("near", "8.5,47.4,2000000")]),
];

impl Bench {
    /// Look-ups: one after the other, and by many tasks at once.
    pub async fn gets(&self) -> Result<()> {
        const EACH: usize = 10_000;
        let ids = self.ids().await?;
        let begun = Instant::now();
        for n in 0..EACH {
            assert!(self.store.get(&self.user, ids[n * 7919 % ids.len()]).await?.is_some());
        }
        report("get", begun.elapsed(), EACH);
        let bench = self.clone();
        together("get", EACH / TASKS, move |n| {
            let (bench, id) = (bench.clone(), ids[n * 7919 % ids.len()]);
            async move { bench.store.get(&bench.user, id).await.map(|item| assert!(item.is_some())) }
        })
        .await
    }

    pub async fn lists(&self, access: &Access, who: &str, only: &str) -> Result<()> {
        for (what, parameters) in LISTS {
            let what = format!("{who}: {what}");
            if !what.contains(only) {
                continue;
            }
            let query = Self::query(access, parameters)?;
            self.list(&what, access, &query).await?;
            let has_total = what.contains("state") || what.contains("near") || what.ends_with("list");
            if has_total && std::env::var_os("ROUNDS").is_none() {
                let query = Query { count: Count::Exact, ..query };
                self.list(&format!("{what}, with total"), access, &query).await?;
            }
        }
        Ok(())
    }

    /// Asks once and shows how long that took, then so often that the time of each is known well.
    pub async fn list(&self, what: &str, access: &Access, query: &Query) -> Result<()> {
        if let Some(rounds) = std::env::var_os("ROUNDS").and_then(|text| text.to_str()?.parse().ok()) {
            for _ in 0..rounds {
                self.store.list(access, query).await?;
            }
            return Ok(());
        }
        let begun = Instant::now();
        let page = self.store.list(access, query).await?;
        let first = begun.elapsed();
        let again = Instant::now();
        self.store.list(access, query).await?;
        let rounds = (Duration::from_millis(300).as_nanos() / again.elapsed().as_nanos().max(1))
            .clamp(1, 5000) as usize;
        let (begun, before) = (Instant::now(), processor_time()[0]);
        for _ in 0..rounds {
            self.store.list(access, query).await?;
        }
        let (time, processor) = (begun.elapsed(), processor_time()[0] - before);
        let total = page.total.map(|n| format!(" of {n}")).unwrap_or_default();
        let first = first.as_secs_f64() * 1e3;
        let processor = processor as f64 / 1e3 / rounds as f64;
        let what =
            format!("{what} [{}{total}], first {first:.1} ms, processor {processor:.0} µs", page.items.len());
        report(&what, time, rounds);
        Ok(())
    }
}
