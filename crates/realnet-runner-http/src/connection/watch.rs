//! A timer that is set for every request and hardly ever goes off: it costs a comparison, not a timer each time.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Waker};

use tokio::time::{Instant, Sleep};

/// Wakes the task of a connection at a deadline, or sooner: whoever is woken looks at the clock.
#[derive(Debug, Default)]
pub(super) struct Watch {
    sleep: Option<Pin<Box<Sleep>>>,
    /// When the timer goes off, while it runs.
    set: Option<Instant>,
    /// Whom it wakes.
    waker: Option<Waker>,
}

impl Watch {
    /// Sees that the task is woken at `deadline` at the latest. A timer that goes off sooner is left alone.
    pub(super) fn until(&mut self, deadline: Instant, now: Instant, cx: &mut Context<'_>) {
        let is_set = self.set.is_some_and(|set| now < set && set <= deadline);
        if is_set && self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            return;
        }
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        sleep.as_mut().reset(deadline);
        if sleep.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
        self.set = Some(deadline);
        self.waker = Some(cx.waker().clone());
    }
}
