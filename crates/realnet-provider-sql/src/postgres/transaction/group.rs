//! Group commit: change sets that only add items, and have read nothing, go out together.
//!
//! Requests that come while a statement is under way wait for the next one, which takes along what all of them have to
//! write. The server then parses, plans and makes durable once for all, and its answer is one. A statement that is refused
//! has left nothing behind, so each of its change sets is then tried by itself, and hears what is wrong with it.
//!
//! Statements run in tasks of their own: a request that is given up takes no other along.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use realnet_core::{Error, Result};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::super::error::is_useless;
use super::super::shared::Shared;
use super::flush::Batch;

/// So many statements are under way at a time: one waits for the disk while the next one is worked out.
const LANES: usize = 2;
/// The change sets that wait.
pub(in super::super) struct Groups {
    queue: Mutex<Queue>,
    /// Where the statements run. Threads that serve requests may end before the store does.
    runtime: Handle,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Member>,
    lanes: usize,
}

/// A change set that waits.
struct Member {
    batch: Batch,
    /// The revision of types that it was worked out with.
    revision: i64,
    answer: oneshot::Sender<Verdict>,
}

/// What became of a change set.
pub(super) enum Verdict {
    /// It is durable.
    Kept,
    /// Nothing of its group was kept: it is to be tried by itself.
    Refused,
    /// It is not known whether it was kept, or it could not be sent.
    Lost(Error),
}

impl Groups {
    /// None wait. Belongs to the present runtime.
    pub(in super::super) fn new() -> Self {
        Self { queue: Mutex::default(), runtime: Handle::current() }
    }

    fn add(&self, shared: &Arc<Shared>, member: Member) {
        let mut queue = self.queue.lock();
        queue.waiting.push_back(member);
        if queue.lanes < LANES {
            queue.lanes += 1;
            self.runtime.spawn(write_all(Arc::clone(shared)));
        }
    }

    /// The next that go together: in the order in which they came, of one revision. When none wait, the lane ends.
    fn next(&self) -> Option<(Batch, i64, Vec<oneshot::Sender<Verdict>>)> {
        let mut queue = self.queue.lock();
        let Some(first) = queue.waiting.pop_front() else {
            queue.lanes -= 1;
            return None;
        };
        let Member { mut batch, revision, answer } = first;
        let mut answers = vec![answer];
        let fits = |batch: &Batch, next: &Member| {
            next.revision == revision && batch.rows() + next.batch.rows() <= Batch::MOST_TOGETHER
        };
        while queue.waiting.front().is_some_and(|next| fits(&batch, next))
            && let Some(next) = queue.waiting.pop_front()
        {
            batch.append(next.batch);
            answers.push(next.answer);
        }
        Some((batch, revision, answers))
    }
}

/// Writes a batch together with others that come at the same time.
pub(super) async fn write(shared: &Arc<Shared>, batch: Batch, revision: i64) -> Verdict {
    let (answer, answered) = oneshot::channel();
    shared.groups.add(shared, Member { batch, revision, answer });
    answered.await.unwrap_or_else(|_| Verdict::Lost(Error::unavailable("the store is closed")))
}

/// Writes until none wait.
async fn write_all(shared: Arc<Shared>) {
    while let Some((batch, revision, answers)) = shared.groups.next() {
        let result = write_group(&shared, batch, revision).await;
        for answer in answers {
            // Nobody waits when the request was given up; what was done stays done.
            let _ = answer.send(Verdict::of(&result));
        }
    }
}

async fn write_group(shared: &Shared, batch: Batch, revision: i64) -> Result<()> {
    shared.write(batch.into_addition(revision)).await.map(drop)
}

impl Verdict {
    fn of(result: &Result<()>) -> Self {
        match result {
            Ok(()) => Self::Kept,
            Err(error) if is_useless(error) || std::error::Error::source(error).is_none() => {
                Self::Lost(Error::new(error.kind(), error.message()).with_internal(error.report()))
            }
            Err(_) => Self::Refused,
        }
    }
}
