//! The suite of contents notices what a store does wrong: the one in memory, with one fault at a time, must fail a case.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, StreamExt as _};
use realnet_core::clock::Timestamp;
use realnet_core::provider::{
    ByteRange, Checksum, Content, ContentId, ContentPage, ContentRead, DataCapabilities, DataProvider,
    DataStream, Expectation, UploadProvider, Usage,
};
use realnet_core::{Error, ErrorKind, Result};
use realnet_provider_generic::MemoryData;
use realnet_testkit::data::{DataBackend, DataStore, DataWorld, cases, run};

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    Overwrites,
    KeepsBroken,
    IgnoresExpectations,
    WrongChecksums,
    IgnoresRanges,
    LosesTheLastByte,
    NeverDeletes,
    SharesCopies,
    RepeatsThePage,
    ForgetsTheLast,
    IgnoresOffsets,
    LosesBrokenParts,
    FinishesAnything,
    FinishesOnce,
    ExpiresEverything,
    NoLimits,
    NoQuota,
    KeepsTheRoomOfUploads,
    RefusesWithoutName,
}

struct Faulty(Fault);

#[async_trait]
impl DataBackend for Faulty {
    async fn open(&self, quota: Option<u64>) -> DataStore {
        let kept = if self.0 == Fault::NoQuota { quota.map(|_| u64::MAX) } else { quota };
        let data = FaultyData { data: MemoryData::with_quota(kept), quota, fault: self.0 };
        DataStore { data: Arc::new(data), guard: None }
    }
}

struct FaultyData {
    data: MemoryData,
    quota: Option<u64>,
    fault: Fault,
}

#[async_trait]
impl DataProvider for FaultyData {
    fn capabilities(&self) -> DataCapabilities {
        self.data.capabilities()
    }

    async fn put(&self, id: ContentId, data: DataStream, expected: Expectation) -> Result<Content> {
        let (mut data, mut expected) = (data, expected);
        match self.fault {
            Fault::Overwrites => drop(self.data.delete(id).await?),
            Fault::KeepsBroken => data = data.take_while(|piece| std::future::ready(piece.is_ok())).boxed(),
            Fault::IgnoresExpectations => expected = Expectation::default(),
            _ => {}
        }
        let content = self.data.put(id, data, expected).await?;
        let checksum =
            if self.fault == Fault::WrongChecksums { Checksum::new([1; 32]) } else { content.checksum };
        Ok(Content { checksum, ..content })
    }

    async fn get(&self, id: ContentId, range: ByteRange) -> Result<Option<ContentRead>> {
        let asked = if self.fault == Fault::IgnoresRanges { ByteRange::All } else { range };
        let Some(mut read) = self.data.get(id, asked).await? else { return Ok(None) };
        if self.fault == Fault::LosesTheLastByte {
            let bytes = realnet_testkit::data::collect(read.data).await?;
            let short = bytes.split_last().map_or(Vec::new(), |(_, rest)| rest.to_vec());
            read.data = stream::iter([Ok(short.into())]).boxed();
        }
        Ok(Some(read))
    }

    async fn head(&self, id: ContentId) -> Result<Option<Content>> {
        self.data.head(id).await
    }

    async fn delete(&self, id: ContentId) -> Result<bool> {
        match self.fault {
            Fault::NeverDeletes => Ok(self.data.head(id).await?.is_some()),
            _ => self.data.delete(id).await,
        }
    }

    async fn copy(&self, from: ContentId, to: ContentId) -> Result<Option<Content>> {
        match self.fault {
            Fault::SharesCopies => self.data.head(from).await,
            _ => self.data.copy(from, to).await,
        }
    }

    async fn list(&self, after: Option<ContentId>, limit: usize) -> Result<ContentPage> {
        let mut page = self.data.list(after, limit).await?;
        match self.fault {
            Fault::RepeatsThePage if after.is_some() => {
                page.contents.extend(self.data.list(None, 1).await?.contents);
            }
            Fault::ForgetsTheLast if page.next.is_none() => drop(page.contents.pop()),
            _ => {}
        }
        Ok(page)
    }

    async fn usage(&self) -> Result<Usage> {
        Ok(Usage { quota: self.quota, ..self.data.usage().await? })
    }

    async fn check(&self) -> Result<()> {
        self.data.check().await
    }

    async fn presign_upload(
        &self,
        _: ContentId,
        _: &realnet_core::provider::UploadTerms,
    ) -> Result<realnet_core::provider::SignedRequest> {
        match self.fault {
            Fault::RefusesWithoutName => Err(Error::new(ErrorKind::Unsupported, "no")),
            _ => Err(self.capabilities().refuse("uploads by signed requests")),
        }
    }
}

#[async_trait]
impl UploadProvider for FaultyData {
    async fn begin_upload(&self, id: ContentId) -> Result<()> {
        self.data.begin_upload(id).await
    }

    async fn append_upload(
        &self,
        id: ContentId,
        offset: u64,
        data: DataStream,
        limit: Option<u64>,
    ) -> Result<u64> {
        let here = self.data.upload_offset(id).await?;
        match self.fault {
            Fault::IgnoresOffsets => self.data.append_upload(id, here.unwrap_or(offset), data, limit).await,
            Fault::NoLimits => self.data.append_upload(id, offset, data, None).await,
            Fault::LosesBrokenParts => {
                let bytes = realnet_testkit::data::collect(data).await?;
                self.data.append_upload(id, offset, realnet_testkit::data::whole(&bytes), limit).await
            }
            _ => self.data.append_upload(id, offset, data, limit).await,
        }
    }

    async fn upload_offset(&self, id: ContentId) -> Result<Option<u64>> {
        self.data.upload_offset(id).await
    }

    async fn finish_upload(&self, id: ContentId, expected: Expectation) -> Result<Content> {
        match self.fault {
            Fault::FinishesAnything => self.data.finish_upload(id, Expectation::default()).await,
            Fault::FinishesOnce if self.data.upload_offset(id).await?.is_none() => {
                Err(Error::not_found(format!("upload {id}")))
            }
            _ => self.data.finish_upload(id, expected).await,
        }
    }

    async fn abort_upload(&self, id: ContentId) -> Result<bool> {
        match self.fault {
            Fault::KeepsTheRoomOfUploads => Ok(self.data.upload_offset(id).await?.is_some()),
            _ => self.data.abort_upload(id).await,
        }
    }

    async fn expire_uploads(&self, unused_since: Timestamp) -> Result<u64> {
        let since = match self.fault {
            Fault::ExpiresEverything => Timestamp::from_micros(i64::MAX),
            _ => unused_since,
        };
        self.data.expire_uploads(since).await
    }
}

/// Whether a case fails on a store with a fault.
fn fails<F, C>(fault: Fault, case: C) -> bool
where
    C: FnOnce(DataWorld) -> F,
    F: Future<Output = ()>,
{
    catch_unwind(AssertUnwindSafe(|| run(Faulty(fault), case))).is_err()
}

noticed! {
    Overwrites by contents::a_taken_id_is_a_conflict,
    Overwrites by contents::one_of_many_takes_an_id,
    KeepsBroken by failures::a_broken_stream_leaves_nothing,
    IgnoresExpectations by failures::other_sizes_are_refused,
    IgnoresExpectations by failures::other_checksums_are_refused,
    WrongChecksums by contents::contents_are_read_back,
    IgnoresRanges by ranges::ranges_are_cut_exactly,
    IgnoresRanges by ranges::ranges_outside_are_refused,
    LosesTheLastByte by contents::pieces_may_have_any_size,
    NeverDeletes by contents::a_deletion_can_be_repeated,
    SharesCopies by contents::a_copy_stands_alone,
    RepeatsThePage by listing::every_content_is_listed_once,
    ForgetsTheLast by listing::a_list_goes_on_behind_what_is_gone,
    IgnoresOffsets by uploads::an_offset_must_be_the_end,
    LosesBrokenParts by uploads::what_came_before_a_break_is_kept,
    FinishesAnything by uploads::a_refusal_changes_nothing,
    FinishesOnce by uploads::finishing_can_be_repeated,
    ExpiresEverything by uploads::unused_uploads_expire,
    NoLimits by uploads::an_upload_has_a_limit,
    NoQuota by quota::a_full_store_takes_no_more,
    NoQuota by quota::no_two_exceed_it_together,
    KeepsTheRoomOfUploads by quota::uploads_count,
    RefusesWithoutName by contents::what_is_not_offered_is_refused_by_name,
}
