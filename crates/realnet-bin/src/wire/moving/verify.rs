//! What a store holds, as one number.

use futures::TryStreamExt as _;
use realnet_core::clock::{Clock as _, System, Timestamp};
use realnet_core::provider::DumpProvider;
use realnet_core::transfer::{Digest, Summary};

use super::Place;
use super::contents::{self, Found};
use super::named::Named;
use super::open::{Others, source};
use super::progress::Bar;
use crate::cli::Failure;

/// Reads all of a store, which may be in use meanwhile, and sums it up; with the contents of its files, if there is a storage.
pub async fn verify(place: &Place) -> Result<(Summary, Option<Found>), Failure> {
    let store = source(&place.database, Others::Allowed).await?.store;
    let storage = contents::source(&place.storage).await?;
    let (summary, named) = read(&*store, System.now()).await?;
    let contents = match storage {
        None => None,
        Some(storage) => Some(contents::verify(&named, &*storage).await?),
    };
    Ok((summary, contents))
}

/// Reads all of a store, and sums it up; with the contents that its items name.
pub async fn read(store: &dyn DumpProvider, now: Timestamp) -> Result<(Summary, Named), Failure> {
    let bar = Bar::new("reading", store.census(now).await?.total());
    let (mut digest, named) = (Digest::default(), Named::default());
    let mut records = named.watch(store.dump(now).await?);
    while let Some(record) = records.try_next().await? {
        digest.add(&record)?;
        bar.step();
    }
    Ok((digest.finish(), named))
}
