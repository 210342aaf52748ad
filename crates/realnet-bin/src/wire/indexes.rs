//! The background work of building indexes: as long as the server runs, at most half of the time, so that others write.

use std::time::{Duration, Instant};

use realnet_core::resource::Services;
use realnet_resource_types::extend_indexes;

/// How often to look whether there is something to build, which is a look at memory.
const LOOK: Duration = Duration::from_millis(500);
/// How long to wait after a failure, and at most after a step.
const PAUSE: Duration = Duration::from_secs(5);

/// Builds the indexes of new fields as long as it is polled.
pub async fn build(services: Services) {
    loop {
        let begun = Instant::now();
        let pause = match extend_indexes(&services).await {
            Ok(true) => begun.elapsed().min(PAUSE),
            Ok(false) => LOOK,
            Err(error) => {
                tracing::warn!(error = %error.report(), "an index can not be built now, trying again");
                PAUSE
            }
        };
        tokio::time::sleep(pause).await;
    }
}
