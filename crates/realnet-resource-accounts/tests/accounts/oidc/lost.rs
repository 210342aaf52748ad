//! A store that goes away while an account is made for somebody who is new.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use realnet_core::change::{ChangeFilter, ChangeRecord, ChangeSet, IdempotencyKey, Outcome, StoredReply};
use realnet_core::model::Item;
use realnet_core::provider::{Access, Capabilities, ItemProvider, Page};
use realnet_core::query::aggregate::GroupRow;
use realnet_core::query::{Aggregate, Query};
use realnet_core::{Error, ErrorKind, Result, Uuid};
use serde_json::json;

use super::{Place, app, person};
use crate::world::{empty_store, kind};

/// Goes away before a commit, or behind it: who has asked can not tell which.
struct Lossy {
    inner: Arc<dyn ItemProvider>,
    before: AtomicBool,
    behind: AtomicBool,
}

fn lost(is_lost: &AtomicBool) -> Result<()> {
    if is_lost.load(Ordering::SeqCst) { Err(Error::unavailable("the connection was lost")) } else { Ok(()) }
}

#[async_trait]
impl ItemProvider for Lossy {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn get(&self, access: &Access, id: Uuid) -> Result<Option<Item>> {
        self.inner.get(access, id).await
    }

    async fn get_many(&self, access: &Access, ids: &[Uuid]) -> Result<Vec<Item>> {
        self.inner.get_many(access, ids).await
    }

    async fn list(&self, access: &Access, query: &Query) -> Result<Page> {
        self.inner.list(access, query).await
    }

    async fn aggregate(&self, access: &Access, asked: &Aggregate) -> Result<Vec<GroupRow>> {
        self.inner.aggregate(access, asked).await
    }

    async fn commit(&self, access: &Access, changes: ChangeSet) -> Result<Vec<Outcome>> {
        lost(&self.before)?;
        let done = self.inner.commit(access, changes).await?;
        lost(&self.behind)?;
        Ok(done)
    }

    async fn stored_reply(&self, key: &IdempotencyKey) -> Result<Option<StoredReply>> {
        self.inner.stored_reply(key).await
    }

    async fn history(
        &self,
        access: &Access,
        id: Uuid,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<ChangeRecord>> {
        self.inner.history(access, id, before, limit).await
    }

    async fn changes_within(
        &self,
        org: Uuid,
        span: std::ops::Range<i64>,
        filter: &ChangeFilter,
        limit: usize,
    ) -> Result<Vec<ChangeRecord>> {
        self.inner.changes_within(org, span, filter, limit).await
    }

    async fn changes(&self, org: Uuid, since: i64, limit: usize) -> Result<Vec<ChangeRecord>> {
        self.inner.changes(org, since, limit).await
    }

    async fn contents_in_use(&self, ids: &[Uuid]) -> Result<Vec<Uuid>> {
        self.inner.contents_in_use(ids).await
    }

    async fn check(&self) -> Result<()> {
        self.inner.check().await
    }
}

async fn lossy() -> (Place, Arc<Lossy>) {
    let (mut services, clock) = empty_store().await;
    let inner = Arc::clone(&services.items);
    let store = Arc::new(Lossy { inner, before: AtomicBool::new(false), behind: AtomicBool::new(false) });
    services.items = Arc::clone(&store) as Arc<dyn ItemProvider>;
    (Place::on((services, clock), app(), json!({"create_accounts": true})).await, store)
}

#[tokio::test]
async fn an_account_that_was_made_unnoticed_is_theirs_all_the_same() {
    let (place, store) = lossy().await;
    store.behind.store(true, Ordering::SeqCst);
    assert_eq!(kind(place.try_sign_in(person("eve")).await), ErrorKind::Unavailable);
    store.behind.store(false, Ordering::SeqCst);
    let account = place.sign_in(person("eve")).await.account;
    assert_eq!(place.account(account).await["username"], "eve");
}

#[tokio::test]
async fn an_account_that_was_not_made_is_made_after_a_while() {
    let (place, store) = lossy().await;
    store.before.store(true, Ordering::SeqCst);
    assert_eq!(kind(place.try_sign_in(person("eve")).await), ErrorKind::Unavailable);
    store.before.store(false, Ordering::SeqCst);
    // Another request may still be at it.
    assert_eq!(kind(place.try_sign_in(person("eve")).await), ErrorKind::Unavailable);
    place.world.clock.advance(60_000_000);
    let account = place.sign_in(person("eve")).await.account;
    assert_eq!(place.account(account).await["username"], "eve");
    assert_eq!(place.sign_in(person("eve")).await.account, account);
}
