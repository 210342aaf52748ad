//! A store that goes away while an account is made for somebody who is new.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use realnet_core::change::{ChangeSet, Outcome};
use realnet_core::provider::{Access, CommitStep, ItemProvider, SteppedItems};
use realnet_core::{Error, ErrorKind, Result};
use serde_json::json;

use super::{Place, app, person};
use crate::world::{empty_store, kind};

/// A store that goes away before a commit, or behind it: who has asked can not tell which.
#[derive(Clone, Default)]
struct Lossy {
    before: Arc<AtomicBool>,
    behind: Arc<AtomicBool>,
}

fn lost(is_lost: &AtomicBool) -> Result<()> {
    if is_lost.load(Ordering::SeqCst) { Err(Error::unavailable("the connection was lost")) } else { Ok(()) }
}

#[async_trait]
impl CommitStep for Lossy {
    async fn commit(
        &self,
        store: &dyn ItemProvider,
        access: &Access,
        changes: ChangeSet,
    ) -> Result<Vec<Outcome>> {
        lost(&self.before)?;
        let done = store.commit(access, changes).await?;
        lost(&self.behind)?;
        Ok(done)
    }
}

async fn lossy() -> (Place, Lossy) {
    let (mut services, clock) = empty_store().await;
    let lossy = Lossy::default();
    services.items = Arc::new(SteppedItems::new(Arc::clone(&services.items), lossy.clone()));
    (Place::on((services, clock), app(), json!({"create_accounts": true})).await, lossy)
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
