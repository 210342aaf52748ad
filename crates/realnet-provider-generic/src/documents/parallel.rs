//! The same for many, on all processors: reading a large folder is mostly parsing.

use std::num::NonZero;
use std::thread;

/// More threads do not make a disk faster.
const MAX_THREADS: usize = 8;
/// A thread is not worth less than so many.
const MIN_CHUNK: usize = 200;
/// So many wait for the disk at once: file systems make durable together what is asked for at the same time.
const WAITING: usize = 16;

/// What `work` gives for each, in order.
pub(super) fn map<T: Sync, R: Send>(all: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MAX_THREADS);
    on(threads, MIN_CHUNK, all, work)
}

/// As [`map`], of work that is mostly waiting.
pub(super) fn waiting<T: Sync, R: Send>(all: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    on(WAITING, MIN_CHUNK / WAITING, all, work)
}

fn on<T: Sync, R: Send>(threads: usize, least: usize, all: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let chunk = all.len().div_ceil(threads).max(least);
    if all.len() <= chunk {
        return all.iter().map(work).collect();
    }
    let work = &work;
    thread::scope(|scope| {
        let parts: Vec<_> = all
            .chunks(chunk)
            .map(|part| scope.spawn(move || part.iter().map(work).collect::<Vec<R>>()))
            .collect();
        let joined = parts.into_iter().map(|part| match part.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.flatten().collect()
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_are_in_order() {
        let all: Vec<usize> = (0..10_000).collect();
        assert_eq!(super::waiting(&all, |number| number + 1), (1..10_001).collect::<Vec<_>>());
        assert_eq!(
            super::map(&all, |number| number * 2),
            (0..10_000).map(|number| number * 2).collect::<Vec<_>>()
        );
    }
}
