//! The background work of a store, on one connection of its own: giving revisions to changes, hearing of changed
//! types, and throwing old rows away.
//!
//! It ends with the store. When its connection breaks it opens another, for as long as it takes.

mod sequencer;
mod session;
mod sweep;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::connect::{self, Role};
use super::shared::Shared;
use session::Session;

/// How long to wait between two lives of the connection: at first, and at most.
const PAUSE: Duration = Duration::from_millis(500);
const LONG_PAUSE: Duration = Duration::from_secs(8);

/// Starts the background work on the present runtime.
pub(super) fn start(shared: Arc<Shared>) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        let mut stop = shared.stop.subscribe();
        tokio::select! {
            () = work(&shared) => {}
            _ = stop.wait_for(|stopped| *stopped) => {}
        }
    })
}

async fn work(shared: &Shared) {
    let mut pause = PAUSE;
    loop {
        let begun = Instant::now();
        match connect::open(&shared.config, &shared.tls, Role::Background).await {
            Ok(connection) => {
                let error = Session::new(shared, connection).run().await;
                tracing::warn!(error = %error.report(), "the background connection to the database ended");
            }
            Err(failure) => {
                tracing::warn!(error = %failure, "no background connection to the database");
            }
        }
        pause = if begun.elapsed() > LONG_PAUSE { PAUSE } else { (pause * 2).min(LONG_PAUSE) };
        tokio::time::sleep(pause).await;
    }
}
