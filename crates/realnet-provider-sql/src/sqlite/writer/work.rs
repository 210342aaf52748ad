//! Something to do in a transaction of the writer, and somebody who waits for what came of it.

use realnet_core::{Error, Result};
use tokio::sync::oneshot;

use crate::sqlite::error::copy;
use crate::sqlite::transaction::SqliteTransaction;

/// Something to do in a transaction.
pub(super) trait Work: Send {
    /// Does it; answers whether it is to be kept. Asked again when all that was done has been taken back.
    fn run(&mut self, transaction: &mut SqliteTransaction<'_>) -> bool;

    /// Tells what came of it, or why nothing of the group has been kept.
    fn answer(self: Box<Self>, failure: Option<&Error>);
}

/// Work with a result that somebody waits for.
pub(super) struct Asked<T, F> {
    work: F,
    result: Option<Result<T>>,
    sender: oneshot::Sender<Answer<T, F>>,
}

/// The result, and the work itself: whoever asked has made it and lets go of it, the writer has no time for that.
pub(super) type Answer<T, F> = (Result<T>, F);

impl<T, F> Asked<T, F> {
    pub(super) fn new(work: F, sender: oneshot::Sender<Answer<T, F>>) -> Self {
        Self { work, result: None, sender }
    }
}

impl<T, F> Work for Asked<T, F>
where
    T: Send,
    F: FnMut(&mut SqliteTransaction<'_>) -> Result<T> + Send,
{
    fn run(&mut self, transaction: &mut SqliteTransaction<'_>) -> bool {
        // After a panic there is no result.
        self.result = None;
        let result = (self.work)(transaction);
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn answer(self: Box<Self>, failure: Option<&Error>) {
        let Self { work, result, sender } = *self;
        let result = match (result, failure) {
            // A refusal may rest on others of the group, which are not there any more either.
            (_, Some(failure)) => Err(copy(failure)),
            (Some(own), None) => own,
            (None, None) => Err(Error::internal("a change set has panicked; it was taken back")),
        };
        // Nobody waits when the request was given up; what was done stays done.
        let _ = sender.send((result, work));
    }
}
