//! A bucket is that of one database, and of several copies of that one, the copy that was there first: on a real S3 server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use realnet_core::change::{ChangeSet, Operation};
use realnet_core::clock::{Clock as _, IdSource as _, System};
use realnet_core::model::Item;
use realnet_core::provider::{Access, ContentId, DataProvider, Expectation, TURN_SETTING};
use realnet_core::resource::Services;
use realnet_core::{ErrorKind, Uuid};
use realnet_provider_aws::{S3Data, S3Keys, S3Options};
use realnet_resource_files::{Keeper, check_shared, claim, claim_for, sweep, take_over};
use realnet_testkit::engines::s3_place;
use serde_json::{Value, json};

use crate::common::{on, somebody};

const MINUTE: Duration = Duration::from_mins(1);

async fn bucket() -> Arc<dyn DataProvider> {
    let place = s3_place().await.unwrap();
    let mut options = S3Options::new(place.bucket);
    options.endpoint = Some(place.endpoint.parse().unwrap());
    options.keys = Some(S3Keys { id: place.key.to_owned(), secret: place.secret.to_owned() });
    options.prefix = format!("{}/", System.next_id());
    Arc::new(S3Data::open(options).unwrap())
}

/// A copy of a database with the same bucket: what tells them apart is nothing but what they do from here on.
async fn copy_of(services: &Services, data: &Arc<dyn DataProvider>) -> Services {
    let copy = on(Arc::clone(data)).await;
    for name in ["files.database", TURN_SETTING] {
        let value = services.credentials.setting(name).await.unwrap().unwrap();
        copy.credentials.setting_or_insert(name, value).await.unwrap();
    }
    copy
}

/// A content that an item names.
async fn content(services: &Services) -> ContentId {
    let id = ContentId::new(System.next_id());
    let bytes = stream::iter([Ok(Bytes::from_static(b"bytes"))]).boxed();
    services.data.as_ref().unwrap().put(id, bytes, Expectation::default()).await.unwrap();
    let (registry, caller) = (services.registry.current(), somebody());
    let info = registry.system("File").unwrap();
    let item = Item { content: Some(id.as_uuid()), ..info.item(System.next_id(), caller.org) };
    let create = vec![Operation::Create(Box::new(item))];
    let changes = ChangeSet::new(create, System.now(), Arc::from("test"));
    services.items.commit(&Access { caller, registry }, changes).await.unwrap();
    id
}

fn is_foreign<T: std::fmt::Debug>(result: realnet_core::Result<T>) -> bool {
    result.is_err_and(|error| error.kind() == ErrorKind::Conflict)
}

#[tokio::test]
async fn a_copy_of_a_database_gets_nothing_to_remove() {
    let data = bucket().await;
    let first = on(Arc::clone(&data)).await;
    let (mut keeper, begin) = (Keeper::new(&first), Instant::now());
    assert!(keeper.renew(&first, begin).await.unwrap().is_some_and(|until| until > begin + 10 * MINUTE));
    let kept = content(&first).await;
    // It can not be told yet, and may remove nothing; with the next turn it is another's for ever.
    let copy = copy_of(&first, &data).await;
    let mut other = Keeper::new(&copy);
    assert_eq!(other.renew(&copy, begin + MINUTE).await.unwrap(), None);
    assert!(keeper.renew(&first, begin + 5 * MINUTE).await.unwrap().is_some());
    for minutes in [6, 20, 600] {
        assert!(is_foreign(other.renew(&copy, begin + minutes * MINUTE).await), "{minutes}");
    }
    let soon = System.now().plus_seconds(3600);
    assert!(is_foreign(sweep(&copy, soon, soon).await));
    assert!(is_foreign(claim(&copy).await) && is_foreign(Keeper::new(&copy).renew(&copy, begin).await));
    assert!(data.head(kept).await.unwrap().is_some(), "what the first one names is there");
    // An earlier state of the same database is one, too.
    let late = copy_of(&first, &data).await;
    keeper.renew(&first, begin + 10 * MINUTE).await.unwrap();
    let error = claim(&late).await.unwrap_err();
    assert!(error.message().contains("another copy of this database"), "{error}");
    sweep(&first, soon, soon).await.unwrap();
    assert!(data.head(kept).await.unwrap().is_some());
}

#[tokio::test]
async fn who_was_there_first_is_not_displaced_in_its_time() {
    let data = bucket().await;
    let first = on(Arc::clone(&data)).await;
    let (mut keeper, begin) = (Keeper::new(&first), Instant::now());
    let until = keeper.renew(&first, begin).await.unwrap().unwrap();
    let copy = copy_of(&first, &data).await;
    let mut other = Keeper::new(&copy);
    for minutes in [0, 5, 14] {
        assert_eq!(other.renew(&copy, begin + minutes * MINUTE).await.unwrap(), None, "{minutes}");
    }
    // Nothing was heard of the first one for long, and it removes nothing any more.
    assert!(until < begin + 15 * MINUTE);
    assert!(other.renew(&copy, begin + 15 * MINUTE).await.unwrap().is_some());
    assert!(is_foreign(keeper.renew(&first, begin + 16 * MINUTE).await));
    // It is handed back on purpose.
    take_over(&first).await.unwrap();
    assert!(keeper.renew(&first, begin + 17 * MINUTE).await.unwrap().is_some());
    assert!(is_foreign(other.renew(&copy, begin + 17 * MINUTE).await));
    // So it is from a database of another kind altogether.
    let stranger = on(Arc::clone(&data)).await;
    let error = claim(&stranger).await.unwrap_err();
    assert!(error.message().contains("another database"), "{error}");
    take_over(&stranger).await.unwrap();
    claim(&stranger).await.unwrap();
    assert!(is_foreign(claim(&first).await));
}

#[tokio::test]
async fn servers_of_one_database_keep_it_together() {
    let data = bucket().await;
    let services = on(Arc::clone(&data)).await;
    let (mut one, mut two) = (Keeper::new(&services), Keeper::new(&services));
    let begin = Instant::now();
    assert!(one.renew(&services, begin).await.unwrap().is_some());
    // The second one knows with the first turn that passes.
    assert_eq!(two.renew(&services, begin + MINUTE).await.unwrap(), None);
    assert!(one.renew(&services, begin + 5 * MINUTE).await.unwrap().is_some());
    let until = two.renew(&services, begin + 6 * MINUTE).await.unwrap().unwrap();
    assert!(until > begin + 6 * MINUTE && until < begin + 16 * MINUTE, "as of its last look");
    // One that ends in order lets the other go on; one that does not is waited for.
    one.release(&services).await.unwrap();
    assert!(two.renew(&services, begin + 7 * MINUTE).await.unwrap().is_some());
    let mut three = Keeper::new(&services);
    for (minutes, is_kept) in [(8, false), (22, false), (23, true)] {
        let until = three.renew(&services, begin + minutes * MINUTE).await.unwrap();
        assert_eq!(until.is_some(), is_kept, "{minutes}");
    }
}

#[tokio::test]
async fn a_turn_that_was_begun_is_ended() {
    let data = bucket().await;
    let services = on(Arc::clone(&data)).await;
    let (mut keeper, begin) = (Keeper::new(&services), Instant::now());
    keeper.renew(&services, begin).await.unwrap();
    // As a crash leaves it behind the write to the database and before that to the bucket.
    let kept = services.credentials.setting(TURN_SETTING).await.unwrap().unwrap();
    let turn: Value = serde_json::from_slice(&kept).unwrap();
    let next = json!({"turn": System.next_id(), "before": turn["turn"], "holder": null}).to_string();
    assert!(services.credentials.replace_setting(TURN_SETTING, &kept, next.into_bytes()).await.unwrap());
    let before = data.mark().await.unwrap();
    claim(&services).await.unwrap();
    assert_ne!(data.mark().await.unwrap(), before);
    assert!(keeper.renew(&services, begin + MINUTE).await.unwrap().is_some());
    // A bucket that is not there any more is begun anew in another.
    let moved = copy_of(&services, &bucket().await).await;
    claim(&moved).await.unwrap();
}

#[tokio::test]
async fn a_look_in_the_middle_of_a_turn_takes_nobody_for_another() {
    let data = bucket().await;
    let services = on(Arc::clone(&data)).await;
    let (mut keeper, begin) = (Keeper::new(&services), Instant::now());
    keeper.renew(&services, begin).await.unwrap();
    let turning = async {
        for minutes in 1..30 {
            let renewed = keeper.renew(&services, begin + minutes * MINUTE).await;
            assert!(!is_foreign(renewed), "turn {minutes}");
        }
    };
    let looking = async {
        for look in 0..60 {
            assert!(!is_foreign(claim(&services).await), "look {look}");
        }
    };
    tokio::join!(turning, looking);
}

/// As buckets were marked before there were turns.
#[tokio::test]
async fn an_earlier_mark_counts() {
    for is_own in [false, true] {
        let data = bucket().await;
        let services = on(Arc::clone(&data)).await;
        let own = b"RealNet database of before\n".to_vec();
        services.credentials.setting_or_insert("files.database", own.clone()).await.unwrap();
        let words = if is_own { own } else { b"RealNet database of others\n".to_vec() };
        let mark = ContentId::new(Uuid::from_u128(1));
        let bytes = stream::iter([Ok(Bytes::from(words))]).boxed();
        data.put(mark, bytes, Expectation::default()).await.unwrap();
        assert_eq!(claim(&services).await.is_ok(), is_own);
        assert_eq!(claim_for(&*services.credentials, &*data).await.is_ok(), is_own);
    }
}

/// Whoever fills a copy of a database is told that the first one has the storage.
#[tokio::test]
async fn a_storage_with_turns_of_the_same_name_is_another_copys() {
    let data = bucket().await;
    let services = on(Arc::clone(&data)).await;
    let own = b"RealNet database of before\n".to_vec();
    services.credentials.setting_or_insert("files.database", own.clone()).await.unwrap();
    assert!(!claim_for(&*services.credentials, &*data).await.unwrap(), "a new one");
    claim(&services).await.unwrap();
    assert!(claim_for(&*services.credentials, &*data).await.unwrap());
    assert!(check_shared(&own, &*data).await.unwrap());
    assert!(is_foreign(check_shared(b"RealNet database of others\n", &*data).await));
}

/// What stands in the place of a mark and is longer than any is nobody's of ours, and is not read.
#[tokio::test]
async fn what_is_no_mark_is_anothers() {
    let data = bucket().await;
    let services = on(Arc::clone(&data)).await;
    let mark = ContentId::new(Uuid::from_u128(1));
    let bytes = stream::iter([Ok(Bytes::from(vec![b'x'; 1000]))]).boxed();
    data.put(mark, bytes, Expectation::default()).await.unwrap();
    assert!(is_foreign(claim(&services).await));
}
