//! Filling an empty store with the records of another one: in short transactions, each of which notes how far it has come, so
//! that what was broken off can be gone on with.

use std::sync::Arc;

use futures::StreamExt as _;

use super::digest::{Digest, Summary, digest};
use super::mark::{Mark, Place};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::provider::{
    CredentialProvider, DumpProvider, MARK_SETTING, RecordClass, RecordStream, RestoreProvider, StoreRecord,
};
use crate::registry::TypeRegistry;

/// So many records are written at a time.
const BATCH: usize = 1000;
/// So many bytes, about, are written at a time; one record may be larger.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// A store that can be filled.
pub trait Target: RestoreProvider + DumpProvider + CredentialProvider {}

impl<T: RestoreProvider + DumpProvider + CredentialProvider> Target for T {}

/// How far one has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// So many more records are in the target.
    Written(u64),
    /// So many more records have been read for comparing.
    Compared(u64),
}

/// A store that is being filled. Until [`Self::finish`], it has the mark of one that is not whole.
pub struct Filling<'t> {
    to: &'t dyn Target,
    mark: Mark,
    types: Arc<TypeRegistry>,
    batch: Vec<StoreRecord>,
    bytes: usize,
}

impl<'t> Filling<'t> {
    /// Sees that the store is empty; or, with `resume`, that it was begun to be filled before.
    ///
    /// # Errors
    /// A conflict that says what is there.
    pub async fn begin(to: &'t dyn Target, now: Timestamp, resume: bool) -> Result<Self> {
        let mark = match (to.setting(MARK_SETTING).await?, resume) {
            (Some(bytes), true) => Mark::parse(&bytes)?,
            (Some(_), false) => {
                return Err(Error::conflict(
                    "the target was begun to be filled, and that was broken off: go on with --resume, or empty it",
                ));
            }
            (None, _) => {
                let census = to.census(now).await?;
                if census.total() > 0 {
                    return Err(Error::conflict(format!("the target is not empty: it has {census}")));
                }
                Mark { now, place: Place::START }
            }
        };
        Ok(Self { to, mark, types: types_of(to).await?, batch: Vec::new(), bytes: 0 })
    }

    /// Marks the store as one that is not whole, before there is anything in it: [`Self::write`] does so else, which may come late.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn announce(&self) -> Result<()> {
        self.to.restore(&self.types, Vec::new(), Some(self.mark.to_bytes())).await
    }

    /// The moment as of which the source has to be dumped.
    pub fn now(&self) -> Timestamp {
        self.mark.now
    }

    /// How many records of the source are in the target already.
    pub fn present(&self) -> u64 {
        self.mark.place.records
    }

    /// Writes the records of the source, but for those that are there already; answers what the source holds.
    ///
    /// # Errors
    /// A conflict when those that are there already are others than the source has now.
    pub async fn write(
        &mut self,
        mut records: RecordStream,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Summary> {
        let present = self.mark.place.clone();
        if present == Place::START {
            self.announce().await?;
        }
        let mut digest = Digest::default();
        let mut place = Place::START;
        while let Some(record) = records.next().await {
            let record = record?;
            if self.is_full(&record) {
                self.flush(&place, progress).await?;
            }
            place.pass(digest.add(&record)?);
            if place.records > present.records {
                self.bytes += record.size();
                self.batch.push(record);
            } else if place.records == present.records && place != present {
                return Err(changed());
            } else {
                progress(Progress::Written(1));
            }
        }
        if place.records < present.records {
            return Err(changed());
        }
        self.flush(&place, progress).await?;
        Ok(digest.finish())
    }

    /// Sees that the target holds what the source has been said to hold.
    ///
    /// # Errors
    /// A conflict that says what differs.
    pub async fn compare(&self, source: &Summary, progress: &mut (dyn FnMut(Progress) + Send)) -> Result<()> {
        let target = digest(self.to, self.now(), progress).await?;
        if target == *source {
            return Ok(());
        }
        let (checksum, counts) = (&target.checksum, &target.counts);
        Err(Error::conflict(format!(
            "the target does not hold what the source does: {counts}, SHA-256 {checksum}, instead of {}, SHA-256 {}",
            source.counts, source.checksum
        )))
    }

    /// Says that the store is whole.
    pub async fn finish(self) -> Result<()> {
        self.to.restore(&self.types, Vec::new(), None).await
    }

    /// Whether what waits has to be written before `next` comes. Types go by themselves, all at once: by a part of them no
    /// registry can be made.
    fn is_full(&self, next: &StoreRecord) -> bool {
        let waits_for_types = self.batch.first().is_some_and(is_of_types);
        if waits_for_types {
            return !is_of_types(next);
        }
        self.batch.len() >= BATCH || (!self.batch.is_empty() && self.bytes + next.size() > BATCH_BYTES)
    }

    async fn flush(&mut self, place: &Place, progress: &mut (dyn FnMut(Progress) + Send)) -> Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let mut records = std::mem::take(&mut self.batch);
        self.bytes = 0;
        for record in &mut records {
            if let StoreRecord::Item(item) = record
                && let Some(info) = self.types.by_id(item.type_id)
            {
                item.type_name = Arc::clone(info.name());
            }
        }
        let (count, has_types) = (records.len() as u64, records.first().is_some_and(is_of_types));
        let mark = Mark { now: self.mark.now, place: place.clone() };
        self.to.restore(&self.types, records, Some(mark.to_bytes())).await?;
        self.mark = mark;
        if has_types {
            self.types = types_of(self.to).await?;
        }
        progress(Progress::Written(count));
        Ok(())
    }
}

fn is_of_types(record: &StoreRecord) -> bool {
    matches!(record.class(), RecordClass::Type | RecordClass::TypeGrants)
}

async fn types_of(store: &dyn Target) -> Result<Arc<TypeRegistry>> {
    Ok(Arc::new(TypeRegistry::build(store.load_types().await?)?))
}

fn changed() -> Error {
    Error::conflict(
        "the source has changed since the target was begun to be filled: empty the target, and begin anew",
    )
}
