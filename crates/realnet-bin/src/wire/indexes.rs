//! The background work of building indexes: as long as the server runs, at most half of the time, so that others write.

use std::time::{Duration, Instant};

use realnet_core::resource::Services;
use realnet_resource_types::IndexBuilder;

/// How often to look whether there is something to build, which is a look at memory.
const LOOK: Duration = Duration::from_millis(500);
/// How long to wait after a failure, and at most after a step.
const PAUSE: Duration = Duration::from_secs(5);

/// Builds the indexes of new fields as long as it is polled.
pub async fn build(services: Services) {
    let mut builder = IndexBuilder::new();
    let mut is_away = false;
    loop {
        let begun = Instant::now();
        let step = builder.step(&services).await;
        if let Err(error) = &step
            && !is_away
        {
            tracing::warn!(error = %error.report(), "indexes can not be built now, trying again");
        }
        is_away = step.is_err();
        let pause = match step {
            Ok(true) => begun.elapsed().min(PAUSE),
            Ok(false) => LOOK,
            Err(_) => PAUSE,
        };
        tokio::time::sleep(pause).await;
    }
}
