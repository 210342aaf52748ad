//! Work that many tasks do at once, and what it takes of time and of processors.

use std::future::Future;
use std::time::Instant;

use realnet_core::Result;

use super::report;

/// So many tasks work at once.
pub const TASKS: usize = 32;

/// Has the tasks do so many pieces of work `each`, one after the other; every piece has a number of its own.
pub async fn together<F>(
    what: &str,
    each: usize,
    work: impl Fn(usize) -> F + Clone + Send + 'static,
) -> Result<()>
where
    F: Future<Output = Result<()>> + Send,
{
    let (begun, before) = (Instant::now(), processor_time());
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let work = work.clone();
            tokio::spawn(async move {
                for n in 0..each {
                    work(task * each + n).await?;
                }
                Result::<()>::Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap()?;
    }
    let (time, count) = (begun.elapsed(), TASKS * each);
    let after = processor_time();
    report(&format!("{what}, {TASKS} tasks"), time, count);
    let spent = |part: usize| (after[part] - before[part]) as f64 / 1000.0 / count as f64;
    println!("{:96} {:10.1} µs", "  processor time of all threads", spent(0));
    // The embedded store has one; a server of its own does that work elsewhere.
    if spent(1) > 0.0 {
        println!("{:96} {:10.1} µs", "  processor time of the writer", spent(1));
    }
    Ok(())
}

/// Processor time in nanoseconds: of all threads, and of the writer.
pub fn processor_time() -> [u64; 2] {
    let (mut all, mut writer) = (0, 0);
    for task in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let read = |file: &str| std::fs::read_to_string(task.path().join(file)).unwrap_or_default();
        let time = read("schedstat").split(' ').next().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        all += time;
        writer += if read("comm").starts_with("realnet-writer") { time } else { 0 };
    }
    [all, writer]
}
