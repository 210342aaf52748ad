//! The credentials of a store with a test between any two steps that are made with records: it lets others go first, looks on, or
//! has a step fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use parking_lot::{Mutex, RwLock};
use realnet_core::clock::Timestamp;
use realnet_core::limit::{Allowance, Rate};
use realnet_core::provider::{
    AuthEvent, AuthRecord, Credential, CredentialProvider, EventFilter, EventProvider, Expected,
    LimitProvider, RecordKind, RecordProvider, Session,
};
use realnet_core::resource::Services;
use realnet_core::{Error, Result, Uuid};

use crate::world::{StoppedClock, World, config, empty_store};

/// A step that is about to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Read(RecordKind),
    Put(RecordKind),
    Remove(RecordKind),
    List(RecordKind),
    /// A look at the password of an account.
    Password,
}

type Watch = Box<dyn Fn(Step) -> bool + Send + Sync>;

pub struct Between {
    store: Arc<dyn CredentialProvider>,
    watch: RwLock<Option<Watch>>,
}

impl Between {
    /// A store that has types and nothing else.
    pub async fn empty_store() -> ((Services, Arc<StoppedClock>), Arc<Self>) {
        let (mut services, clock) = empty_store().await;
        let between = Arc::new(Self { store: Arc::clone(&services.credentials), watch: RwLock::new(None) });
        services.credentials = Arc::clone(&between) as _;
        ((services, clock), between)
    }

    /// A world on such a store.
    pub async fn world() -> (World, Arc<Self>) {
        let (store, between) = Self::empty_store().await;
        (World::on(store, config()).await, between)
    }

    /// Asks from now on whether a step may be made; one that may not fails.
    pub fn watch(&self, may: impl Fn(Step) -> bool + Send + Sync + 'static) {
        *self.watch.write() = Some(Box::new(may));
    }

    /// Has something else happen as a whole right before such a step is made for the first time. Needs a test of several threads.
    pub fn before(&self, at: Step, then: impl Future<Output = ()> + Send + 'static) {
        self.before_number(1, at, then);
    }

    /// The same before it is made for the `number`th time.
    pub fn before_number(&self, number: usize, at: Step, then: impl Future<Output = ()> + Send + 'static) {
        let (count, waiting) = (AtomicUsize::new(0), Mutex::new(Some(Box::pin(then))));
        self.watch(move |step| {
            let is_now = step == at && count.fetch_add(1, Ordering::SeqCst) + 1 == number;
            let then = if is_now { waiting.lock().take() } else { None };
            if let Some(then) = then {
                tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(then));
            }
            true
        });
    }

    /// Stops asking.
    pub fn look_away(&self) {
        *self.watch.write() = None;
    }

    /// Lets others go first, and fails if the test wants it so.
    async fn step(&self, step: Step) -> Result<()> {
        tokio::task::yield_now().await;
        let may = self.watch.read().as_ref().is_none_or(|may| may(step));
        if may { Ok(()) } else { Err(Error::unavailable("the test has it fail")) }
    }
}

#[async_trait]
impl RecordProvider for Between {
    async fn record(&self, kind: RecordKind, key: &str, now: Timestamp) -> Result<Option<AuthRecord>> {
        self.step(Step::Read(kind)).await?;
        self.store.record(kind, key, now).await
    }

    async fn put_record(&self, record: AuthRecord, expected: Expected, now: Timestamp) -> Result<bool> {
        self.step(Step::Put(record.kind)).await?;
        self.store.put_record(record, expected, now).await
    }

    async fn take_record(&self, kind: RecordKind, key: &str, now: Timestamp) -> Result<Option<AuthRecord>> {
        self.step(Step::Remove(kind)).await?;
        self.store.take_record(kind, key, now).await
    }

    async fn remove_record(&self, kind: RecordKind, key: &str) -> Result<bool> {
        self.step(Step::Remove(kind)).await?;
        self.store.remove_record(kind, key).await
    }

    async fn records_of(&self, account: Uuid, kind: RecordKind, now: Timestamp) -> Result<Vec<AuthRecord>> {
        self.step(Step::List(kind)).await?;
        self.store.records_of(account, kind, now).await
    }

    async fn records_in(
        &self,
        org: Uuid,
        kind: RecordKind,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<AuthRecord>> {
        self.store.records_in(org, kind, after, limit, now).await
    }
}

#[async_trait]
impl EventProvider for Between {
    async fn append_event(&self, event: AuthEvent) -> Result<()> {
        self.store.append_event(event).await
    }

    async fn events(
        &self,
        org: Uuid,
        filter: &EventFilter,
        before: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<AuthEvent>> {
        self.store.events(org, filter, before, limit).await
    }
}

#[async_trait]
impl LimitProvider for Between {
    async fn take(&self, bucket: &str, rate: Rate, cost: u32, now: Timestamp) -> Result<Allowance> {
        self.store.take(bucket, rate, cost, now).await
    }

    async fn refund(&self, bucket: &str, cost: u32) -> Result<()> {
        self.store.refund(bucket, cost).await
    }

    async fn forget(&self, bucket: &str) -> Result<()> {
        self.store.forget(bucket).await
    }
}

#[async_trait]
impl CredentialProvider for Between {
    async fn credential(&self, account: Uuid) -> Result<Option<Credential>> {
        self.step(Step::Password).await?;
        self.store.credential(account).await
    }

    async fn rehash(&self, account: Uuid, current: &str, next: &str) -> Result<bool> {
        self.store.rehash(account, current, next).await
    }

    async fn open_session(&self, session: Session) -> Result<()> {
        self.store.open_session(session).await
    }

    async fn session(&self, id: Uuid, now: Timestamp) -> Result<Option<Session>> {
        self.store.session(id, now).await
    }

    async fn sessions_of(&self, account: Uuid, now: Timestamp) -> Result<Vec<Session>> {
        self.store.sessions_of(account, now).await
    }

    async fn rotate_session(
        &self,
        id: Uuid,
        current: &[u8],
        next: &[u8],
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool> {
        self.store.rotate_session(id, current, next, expires_at, now).await
    }

    async fn close_session(&self, id: Uuid) -> Result<()> {
        self.store.close_session(id).await
    }

    async fn close_sessions(&self, account: Uuid, except: Option<Uuid>) -> Result<usize> {
        self.store.close_sessions(account, except).await
    }

    async fn setting_or_insert(&self, key: &str, value: Vec<u8>) -> Result<Vec<u8>> {
        self.store.setting_or_insert(key, value).await
    }

    async fn setting(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.store.setting(key).await
    }

    async fn replace_setting(&self, key: &str, current: &[u8], next: Vec<u8>) -> Result<bool> {
        self.store.replace_setting(key, current, next).await
    }
}
