//! The stores of contents pass the suite that every such store passes.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::path::Path;
use std::sync::Arc;

use realnet_provider_generic::{LocalData, LocalOptions, MemoryData};
use realnet_testkit::data::{DataBackend, DataStore};
use tempfile::TempDir;

struct Memory;

#[async_trait::async_trait]
impl DataBackend for Memory {
    async fn open(&self, quota: Option<u64>) -> DataStore {
        DataStore { data: Arc::new(MemoryData::with_quota(quota)), guard: None }
    }
}

struct Local;

fn open(folder: &Path, quota: Option<u64>) -> Arc<LocalData> {
    Arc::new(LocalData::open(folder, LocalOptions { quota }).unwrap())
}

#[async_trait::async_trait]
impl DataBackend for Local {
    async fn open(&self, quota: Option<u64>) -> DataStore {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        DataStore { data: open(folder.path(), quota), guard: Some(folder) }
    }

    async fn reopen(&self, store: DataStore) -> Option<DataStore> {
        let DataStore { data, guard } = store;
        drop(data);
        let folder = guard?.downcast::<TempDir>().ok()?;
        Some(DataStore { data: open(folder.path(), None), guard: Some(folder) })
    }
}

mod memory {
    use super::Memory;

    realnet_testkit::data_conformance!(Memory);
}

mod local {
    use super::Local;

    realnet_testkit::data_conformance!(Local);
}
