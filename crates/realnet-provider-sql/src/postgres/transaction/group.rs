//! Group commit: change sets that only add items, and have read nothing, go out together.
//!
//! Requests that come while a statement is under way wait for the next one, which takes along what all of them have to
//! write. The server then parses, plans and makes durable once for all, and its answer is one. A statement that is refused
//! for what it writes has left nothing behind, so each of its change sets is then tried by itself, and hears what is wrong
//! with it. One that fails for another reason is told to all: many tries at once would only add to the trouble.
//!
//! Statements run in tasks of their own: a request that is given up takes no other along. While it waits it is passed over;
//! once its statement has gone out, what it wrote stays.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use realnet_core::{Error, Result};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::super::error::is_refusal;
use super::super::shared::Shared;
use super::flush::Batch;

/// So many statements are under way at a time: one waits for the disk while the next one is worked out.
const LANES: usize = 2;
/// Change sets that go together are of so many bytes at most.
const MOST_BYTES: usize = 1 << 20;
/// When so many wait, those that were given up are looked for.
const MANY: usize = 1_024;

/// The change sets that wait.
pub(in super::super) struct Groups {
    queue: Mutex<Queue>,
    /// Where the statements run. Threads that serve requests may end before the store does.
    runtime: Handle,
}

struct Queue {
    waiting: VecDeque<Member>,
    lanes: usize,
    /// When so many wait, those that were given up are let go of.
    many: usize,
}

/// A change set that waits.
struct Member {
    batch: Batch,
    /// The revision of types that it was worked out with.
    revision: i64,
    /// About how much it writes.
    bytes: usize,
    answer: oneshot::Sender<Verdict>,
}

/// Change sets that go together.
struct Group {
    batch: Batch,
    revision: i64,
    bytes: usize,
    answers: Vec<oneshot::Sender<Verdict>>,
}

/// What became of a change set.
pub(super) enum Verdict {
    /// It is durable.
    Kept,
    /// Nothing of its group was kept: it is to be tried by itself.
    Refused,
    /// Nothing was kept for a reason that trying again at once does not mend, or it is not known whether anything was.
    Failed(Error),
}

impl Groups {
    /// None wait. Belongs to the present runtime.
    pub(in super::super) fn new() -> Self {
        let queue = Queue { waiting: VecDeque::new(), lanes: 0, many: MANY };
        Self { queue: Mutex::new(queue), runtime: Handle::current() }
    }

    fn add(&self, shared: &Arc<Shared>, member: Member) {
        let mut queue = self.queue.lock();
        queue.waiting.push_back(member);
        queue.forget_given_up();
        let lane = queue.lane(shared);
        drop(queue);
        self.start(lane);
    }

    /// Not under the lock: on a runtime that has ended the lane ends here.
    fn start(&self, lane: Option<Lane>) {
        if let Some(lane) = lane {
            self.runtime.spawn(lane.write_all());
        }
    }

    /// Those that wait, as many as go together, in the order in which they came.
    fn next(&self) -> Option<Group> {
        let mut queue = self.queue.lock();
        let mut group = Group::of(queue.next(|_| true)?);
        while let Some(member) = queue.next(|member| group.has_room_for(member)) {
            group.add(member);
        }
        Some(group)
    }
}

impl Queue {
    /// One more lane, if there may be one.
    fn lane(&mut self, shared: &Arc<Shared>) -> Option<Lane> {
        (self.lanes < LANES).then(|| {
            self.lanes += 1;
            Lane { shared: Arc::clone(shared), has_begun: false }
        })
    }

    /// The first that still waits, if it fits. What was given up before it went out is not written.
    fn next(&mut self, fits: impl Fn(&Member) -> bool) -> Option<Member> {
        while self.waiting.front().is_some_and(|member| member.answer.is_closed()) {
            self.waiting.pop_front();
        }
        if self.waiting.front().is_some_and(fits) { self.waiting.pop_front() } else { None }
    }

    /// While lanes are held up, what was given up would pile up.
    fn forget_given_up(&mut self) {
        if self.waiting.len() >= self.many {
            self.waiting.retain(|member| !member.answer.is_closed());
            self.many = (2 * self.waiting.len()).max(MANY);
        }
    }
}

impl Group {
    fn of(first: Member) -> Self {
        let Member { batch, revision, bytes, answer } = first;
        Self { batch, revision, bytes, answers: vec![answer] }
    }

    fn has_room_for(&self, member: &Member) -> bool {
        member.revision == self.revision
            && self.bytes + member.bytes <= MOST_BYTES
            && self.batch.rows() + member.batch.rows() <= Batch::MOST_TOGETHER
    }

    fn add(&mut self, member: Member) {
        self.batch.append(member.batch);
        self.bytes += member.bytes;
        self.answers.push(member.answer);
    }
}

/// Writes a batch of about so many bytes together with others that come at the same time.
pub(super) async fn write(shared: &Arc<Shared>, batch: Batch, bytes: usize, revision: i64) -> Verdict {
    let (answer, answered) = oneshot::channel();
    shared.groups.add(shared, Member { batch, revision, bytes, answer });
    // A connection, and the answer to a statement.
    let patience = shared.config.connect_timeout + shared.patience();
    match tokio::time::timeout(patience, answered).await {
        Ok(Ok(verdict)) => verdict,
        Ok(Err(_)) => Verdict::Failed(Error::unavailable("the store stopped while it wrote")),
        Err(_) => Verdict::Failed(Error::unavailable("the database does not answer")),
    }
}

/// One who writes groups, one after the other, until none wait. It counts as one of [`LANES`] until it is dropped.
struct Lane {
    shared: Arc<Shared>,
    has_begun: bool,
}

impl Lane {
    async fn write_all(mut self) {
        self.has_begun = true;
        while let Some(Group { batch, revision, answers, .. }) = self.shared.groups.next() {
            let written = self.shared.write(batch.into_addition(revision)).await.map(drop);
            for answer in answers {
                // Nobody waits when the request was given up; what was done stays done.
                let _ = answer.send(Verdict::of(&written));
            }
        }
    }
}

/// Whatever ends a lane, those who wait do not wait for ever: another takes over, or, where nothing runs any more, they
/// hear of it by losing their places.
impl Drop for Lane {
    fn drop(&mut self) {
        let groups = &self.shared.groups;
        let mut queue = groups.queue.lock();
        queue.lanes -= 1;
        if queue.waiting.is_empty() {
            return;
        }
        if self.has_begun {
            let lane = queue.lane(&self.shared);
            drop(queue);
            groups.start(lane);
        } else {
            let waiting = std::mem::take(&mut queue.waiting);
            drop(queue);
            drop(waiting);
        }
    }
}

impl Verdict {
    fn of(written: &Result<()>) -> Self {
        match written {
            Ok(()) => Self::Kept,
            Err(error) if is_refusal(error) => Self::Refused,
            Err(error) => {
                let copy = Error::new(error.kind(), error.message()).with_internal(error.report());
                Self::Failed(match error.retry_after() {
                    Some(after) => copy.with_retry_after(after),
                    None => copy,
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use realnet_core::ErrorKind;

    use super::super::super::config::PostgresConfig;
    use super::super::super::tls;
    use super::*;

    /// A store whose database can not be reached.
    fn unreachable() -> Arc<Shared> {
        let mut config = PostgresConfig::new("127.0.0.1", "nobody", "nothing");
        // Ports below 1024 are not given to clients, and nothing listens on this one.
        config.port = 1;
        let tls = tls::connector(&config).unwrap();
        Arc::new(Shared::new(Arc::new(config), tls))
    }

    fn member(bytes: usize) -> (Member, oneshot::Receiver<Verdict>) {
        let (answer, answered) = oneshot::channel();
        (Member { batch: Batch::default(), revision: 1, bytes, answer }, answered)
    }

    fn failure(verdict: Verdict) -> Error {
        match verdict {
            Verdict::Failed(error) => error,
            Verdict::Kept | Verdict::Refused => panic!("nothing can have been sent"),
        }
    }

    #[tokio::test]
    async fn a_group_is_bounded_and_leaves_out_what_was_given_up() {
        let shared = unreachable();
        let members = [1, MOST_BYTES / 2, 1, MOST_BYTES / 2, MOST_BYTES * 2].map(member);
        let mut answers = Vec::new();
        for (member, answered) in members {
            shared.groups.queue.lock().waiting.push_back(member);
            answers.push(answered);
        }
        drop((answers.remove(2), answers.remove(0)));
        let bytes = || shared.groups.next().map(|group| (group.bytes, group.answers.len()));
        assert_eq!(bytes(), Some((MOST_BYTES, 2)));
        assert_eq!(bytes(), Some((MOST_BYTES * 2, 1)), "the first always fits");
        assert_eq!(bytes(), None);
    }

    #[tokio::test]
    async fn what_was_given_up_does_not_pile_up() {
        let shared = unreachable();
        shared.groups.queue.lock().lanes = LANES;
        let kept = member(1);
        shared.groups.add(&shared, kept.0);
        for _ in 0..10 * MANY {
            shared.groups.add(&shared, member(1).0);
        }
        let waiting = shared.groups.queue.lock().waiting.len();
        assert!((1..=MANY).contains(&waiting), "{waiting} wait");
    }

    #[tokio::test]
    async fn a_lane_that_ends_before_its_time_is_replaced() {
        let shared = unreachable();
        let answers: Vec<_> = {
            let mut queue = shared.groups.queue.lock();
            (0..3)
                .map(|_| {
                    let (member, answered) = member(1);
                    queue.waiting.push_back(member);
                    answered
                })
                .collect()
        };
        shared.groups.queue.lock().lanes = 1;
        drop(Lane { shared: Arc::clone(&shared), has_begun: true });
        for answered in answers {
            let error = failure(answered.await.unwrap());
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
            assert_eq!(error.retry_after(), Some(Duration::from_secs(2)), "as the database is away");
        }
        tokio::task::yield_now().await;
        assert_eq!(shared.groups.queue.lock().lanes, 0);
    }

    #[test]
    fn nobody_waits_for_a_runtime_that_has_ended() {
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let ended = runtime();
        let shared = ended.block_on(async { unreachable() });
        drop(ended);
        runtime().block_on(async {
            for _ in 0..=LANES {
                let write = write(&shared, Batch::default(), 1, 1);
                let verdict = tokio::time::timeout(Duration::from_secs(10), write).await.unwrap();
                assert_eq!(failure(verdict).kind(), ErrorKind::Unavailable);
            }
        });
        assert_eq!(shared.groups.queue.lock().lanes, 0);
    }
}
