//! Resources and a store that misbehave on command.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use realnet_core::acl::{Caller, Origin};
use realnet_core::change::{ChangeFilter, ChangeRecord, ChangeSet, IdempotencyKey, Outcome, StoredReply};
use realnet_core::model::Item;
use realnet_core::provider::{Access, Capabilities, ItemProvider, Page};
use realnet_core::query::aggregate::GroupRow;
use realnet_core::query::{Aggregate, Query};
use realnet_core::resource::{
    Authenticator, Call, Context, Reply, Resource, Route, SignIn, SignedIn, Tokens, Verb,
};
use realnet_core::{Error, Result, Uuid};
use serde_json::json;

/// Answers what it was called with.
pub struct Echo;

#[async_trait]
impl Resource for Echo {
    fn name(&self) -> &'static str {
        "echo"
    }

    async fn call(&self, _cx: &Context, _route: &Route<'_>, call: Call) -> Result<Reply> {
        Ok(Reply::Document(json!({
            "path": call.path,
            "verb": format!("{:?}", call.verb),
            "body": call.body,
            "parameters": call.parameters.parameters,
        })))
    }
}

/// Panics, fails or takes its time.
pub struct Trouble;

#[async_trait]
impl Resource for Trouble {
    fn name(&self) -> &'static str {
        "trouble"
    }

    async fn call(&self, _cx: &Context, _route: &Route<'_>, call: Call) -> Result<Reply> {
        match call.path.first().map(String::as_str) {
            Some("panic") => panic!("the secret is {}", "hunter2"),
            Some("fail") => Err(Error::internal("the secret is hunter2")),
            Some("slow") => {
                let seconds = if call.verb == Verb::Post { 1 } else { 60 };
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                Ok(Reply::Document(json!({"slept": true})))
            }
            _ => Ok(Reply::Affected(0)),
        }
    }
}

/// Signs in like the other, and takes its time over the name and the token `slow`.
pub struct Slow {
    pub authenticator: Arc<dyn Authenticator>,
    /// How often it has taken its time to the end.
    pub finished: Arc<AtomicUsize>,
}

impl Slow {
    async fn take_time(&self, over: &str) {
        if over == "slow" {
            tokio::time::sleep(Duration::from_millis(400)).await;
            self.finished.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[async_trait]
impl Authenticator for Slow {
    async fn authenticate(&self, token: Option<&str>, from: Option<IpAddr>) -> Result<Arc<Caller>> {
        self.authenticator.authenticate(token, from).await
    }

    fn derived_key(&self, purpose: &str) -> [u8; 32] {
        self.authenticator.derived_key(purpose)
    }

    async fn sign_in(&self, request: SignIn, origin: &Origin) -> Result<SignedIn> {
        self.take_time(&request.username).await;
        self.authenticator.sign_in(request, origin).await
    }

    async fn answer(&self, challenge: &str, code: &str, origin: &Origin) -> Result<Tokens> {
        self.authenticator.answer(challenge, code, origin).await
    }

    async fn refresh(&self, refresh_token: &str, origin: &Origin) -> Result<Tokens> {
        self.take_time(refresh_token).await;
        self.authenticator.refresh(refresh_token, origin).await
    }

    async fn sign_out(&self, caller: &Caller, origin: &Origin) -> Result<()> {
        self.authenticator.sign_out(caller, origin).await
    }

    async fn call(&self, cx: &Context, call: Call) -> Result<Reply> {
        self.authenticator.call(cx, call).await
    }
}

/// A store that can be taken away.
pub struct Fragile {
    pub store: Arc<dyn ItemProvider>,
    pub is_away: Arc<AtomicBool>,
}

impl Fragile {
    fn check_away(&self) -> Result<()> {
        if self.is_away.load(Ordering::SeqCst) {
            return Err(Error::unavailable("the store does not answer").with_internal("password hunter2"));
        }
        Ok(())
    }
}

#[async_trait]
impl ItemProvider for Fragile {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    async fn get(&self, access: &Access, id: Uuid) -> Result<Option<Item>> {
        self.check_away()?;
        self.store.get(access, id).await
    }

    async fn get_many(&self, access: &Access, ids: &[Uuid]) -> Result<Vec<Item>> {
        self.check_away()?;
        self.store.get_many(access, ids).await
    }

    async fn list(&self, access: &Access, query: &Query) -> Result<Page> {
        self.check_away()?;
        self.store.list(access, query).await
    }

    async fn aggregate(&self, access: &Access, asked: &Aggregate) -> Result<Vec<GroupRow>> {
        self.check_away()?;
        self.store.aggregate(access, asked).await
    }

    async fn commit(&self, access: &Access, changes: ChangeSet) -> Result<Vec<Outcome>> {
        self.check_away()?;
        self.store.commit(access, changes).await
    }

    async fn stored_reply(&self, key: &IdempotencyKey) -> Result<Option<StoredReply>> {
        self.store.stored_reply(key).await
    }

    async fn history(
        &self,
        access: &Access,
        id: Uuid,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<ChangeRecord>> {
        self.store.history(access, id, before, limit).await
    }

    async fn changes_within(
        &self,
        org: Uuid,
        span: std::ops::Range<i64>,
        filter: &ChangeFilter,
        limit: usize,
    ) -> Result<Vec<ChangeRecord>> {
        self.store.changes_within(org, span, filter, limit).await
    }

    async fn changes(&self, org: Uuid, since: i64, limit: usize) -> Result<Vec<ChangeRecord>> {
        self.store.changes(org, since, limit).await
    }

    async fn contents_in_use(&self, ids: &[Uuid]) -> Result<Vec<Uuid>> {
        self.store.contents_in_use(ids).await
    }

    async fn check(&self) -> Result<()> {
        self.check_away()
    }
}
