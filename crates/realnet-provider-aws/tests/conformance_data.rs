//! The store passes the suite that every store of contents passes, on a real S3 server.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::sync::Arc;

use realnet_core::clock::{IdSource as _, System};
use realnet_provider_aws::{S3Data, S3Keys, S3Options};
use realnet_testkit::data::{DataBackend, DataStore};
use realnet_testkit::engines::s3_place;

struct S3;

fn open(options: &S3Options) -> DataStore {
    DataStore {
        data: Arc::new(S3Data::open(options.clone()).unwrap()),
        // What it takes to open it again.
        guard: Some(Arc::new(options.clone())),
    }
}

#[async_trait::async_trait]
impl DataBackend for S3 {
    async fn open(&self, _: Option<u64>) -> DataStore {
        let place = s3_place().await.unwrap();
        let mut options = S3Options::new(place.bucket);
        options.endpoint = Some(place.endpoint.parse().unwrap());
        options.keys = Some(S3Keys { id: place.key.to_owned(), secret: place.secret.to_owned() });
        // A store that shares nothing with any other.
        options.prefix = format!("{}/", System.next_id());
        open(&options)
    }

    async fn reopen(&self, store: DataStore) -> Option<DataStore> {
        let DataStore { data, guard } = store;
        drop(data);
        Some(open(&*guard?.downcast::<S3Options>().ok()?))
    }
}

realnet_testkit::data_conformance!(S3);
