//! What a store holds, as one number.

use realnet_core::clock::{Clock as _, System};
use realnet_core::transfer::{Summary, digest};

use super::open::{Others, source};
use super::progress::Bar;
use crate::cli::Failure;
use crate::config::DatabaseSection;

/// Reads all of a store, which may be in use meanwhile, and sums it up.
pub async fn verify(section: &DatabaseSection) -> Result<Summary, Failure> {
    let store = source(section, Others::Allowed).await?;
    let now = System.now();
    let bar = Bar::new("reading", store.census(now).await?.total());
    Ok(digest(&*store, now, &mut bar.steps()).await?)
}
