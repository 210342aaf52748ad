//! A bucket that servers share, held for the database of this one: claimed at the start, kept while it serves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use realnet_core::ErrorKind;
use realnet_core::provider::DataProvider;
use realnet_core::resource::Services;
use realnet_resource_files::Keeper;
use tokio::sync::Mutex;

use super::claimed::Claimed;
use super::storage::{at, foreign};
use crate::cli::Failure;
use crate::config::S3Section;

/// How long a start waits for a bucket, and how often one that is not open is asked again.
const CLAIM: Duration = Duration::from_secs(10);
/// How long an end waits.
const RELEASE: Duration = Duration::from_secs(5);
/// The settings that lead to a bucket.
const NAMES: &str = "REALNET_STORAGE_S3_BUCKET and REALNET_STORAGE_S3_PREFIX";

/// A bucket, and what it takes to keep it.
pub(super) struct Held {
    claimed: Arc<Claimed>,
    /// The services with the bucket itself: its mark is written past what keeps all else away.
    services: Services,
    keeper: Mutex<Keeper>,
    section: S3Section,
}

impl Held {
    /// Claims a bucket for the database. One that is another's ends the start. A server of contents that is away for a while keeps
    /// nobody from starting: its bucket is claimed later, and takes no contents until then.
    pub(super) async fn claim(
        services: Services,
        data: Arc<dyn DataProvider>,
        section: &S3Section,
    ) -> Result<Self, Failure> {
        let claimed = Arc::new(Claimed::new(Arc::clone(&data)));
        let keeper = Mutex::new(Keeper::new(&services));
        let services = services.storing(data, u64::MAX);
        let held = Self { claimed, services, keeper, section: section.clone() };
        match tokio::time::timeout(CLAIM, held.renew()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) if error.kind() == ErrorKind::Conflict => {
                return Err(foreign(section, &error, NAMES));
            }
            Ok(Err(error)) => tracing::warn!("no contents of files for now: {}", at(section, &error)),
            Err(_) => tracing::warn!("no contents of files for now: {section} does not answer in time"),
        }
        Ok(held)
    }

    /// The bucket as far as it is this database's.
    pub(super) fn storage(&self) -> Arc<dyn DataProvider> {
        self.claimed.clone()
    }

    /// Whether contents may be removed.
    pub(super) fn gives_up(&self) -> bool {
        self.claimed.gives_up()
    }

    async fn renew(&self) -> realnet_core::Result<()> {
        let until = self.keeper.lock().await.renew(&self.services, Instant::now()).await?;
        if self.claimed.open(until) {
            tracing::info!("{} takes contents of files", self.section);
        }
        Ok(())
    }

    /// Keeps it, as long as it is polled; one that is lost, or was never there, is asked for again and again.
    pub(super) async fn keep(&self) {
        let mut is_told = false;
        loop {
            tokio::time::sleep(if self.claimed.is_open() { Keeper::RENEWED } else { CLAIM }).await;
            match self.renew().await {
                Ok(()) => is_told = false,
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    if self.claimed.close() || !is_told {
                        let words = foreign(&self.section, &error, NAMES);
                        tracing::error!("no contents of files are taken or removed: {words}");
                    }
                    is_told = true;
                }
                Err(error) => tracing::warn!("{}", at(&self.section, &error)),
            }
        }
    }

    /// Lets other servers of the database go on with it at once. When that can not be told them, they do so later.
    pub(super) async fn release(self) {
        let released = self.keeper.into_inner().release(&self.services);
        if let Ok(Err(error)) = tokio::time::timeout(RELEASE, released).await {
            tracing::debug!(error = %error.report(), "others wait before they go on with the bucket");
        }
    }
}
