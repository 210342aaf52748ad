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
/// After so long without a word from the background connection types are asked for by another: what is taken away by a change
/// of types has to be gone within a second.
const SILENCE: Duration = Duration::from_millis(600);
/// How often that is looked at, and how long after it could not be asked.
const LOOK: Duration = Duration::from_millis(250);
const NEXT_TRY: Duration = Duration::from_secs(2);

/// Starts the background work on the present runtime.
pub(super) fn start(shared: Arc<Shared>) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        let mut stop = shared.stop.subscribe();
        tokio::select! {
            () = work(&shared) => {}
            () = ask_in_silence(&shared) => {}
            _ = stop.wait_for(|stopped| *stopped) => {}
        }
    })
}

/// Asks for types while the background connection hears nothing, as where a network has swallowed it.
async fn ask_in_silence(shared: &Shared) {
    let mut wait = LOOK;
    loop {
        tokio::time::sleep(wait).await;
        wait = LOOK;
        if shared.silence() > SILENCE {
            let asked = tokio::time::timeout(NEXT_TRY, shared.look_at_types()).await;
            if asked != Ok(true) {
                wait = NEXT_TRY;
            }
        }
    }
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
