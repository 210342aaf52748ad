//! Who calls by a key: from memory while that is fresh, else from the store.

use std::net::IpAddr;
use std::sync::Arc;

use realnet_core::acl::{Caller, Origin};
use realnet_core::clock::Timestamp;
use realnet_core::model::Item;
use realnet_core::provider::{EventKind, Expected, RecordKind};
use realnet_core::resource::Services;
use realnet_core::{Error, ErrorKind, Result, Uuid};
use serde_json::json;

use super::kept::Kept;
use super::text::{KeyText, PREFIX};
use crate::accounts::Accounts;
use crate::attempts::ADDRESS;
use crate::directory::Directory;
use crate::kind::{is_disabled, is_superuser};
use crate::limits::{Limited, networks, too_many};
use crate::principals::of_account;

/// How often the use of a key is noted at most.
const NOTED: std::time::Duration = std::time::Duration::from_mins(1);

/// Whom a key stands for.
#[derive(Clone)]
pub(crate) struct Holder {
    caller: Arc<Caller>,
    hash: [u8; 32],
    expires_at: Option<Timestamp>,
}

impl Accounts {
    /// The caller by a key.
    ///
    /// # Errors
    /// Unauthenticated, in the same words for all that is wrong with a key but a slip; rate-limited when too many of them
    /// came from one address.
    pub(crate) async fn caller_of_key(&self, token: &str, from: Option<IpAddr>) -> Result<Arc<Caller>> {
        let key = KeyText::parse(PREFIX, token)?;
        let now = || self.services.clock.now();
        let holder = match self.keys.get(key.id, now, load(&self.services, key.id)).await {
            Ok(holder) => holder,
            Err(error) if error.kind() == ErrorKind::Unauthenticated => {
                return Err(self.refuse_key(None, from).await);
            }
            Err(error) => return Err(error),
        };
        // Hashes of random secrets: how many of their bytes agree tells nothing of use.
        let is_right = holder.hash == key.hash();
        if !is_right || holder.expires_at.is_some_and(|end| end <= now()) {
            return Err(self.refuse_key((!is_right).then_some(&*holder.caller), from).await);
        }
        self.note_use(key.id, from);
        Ok(holder.caller)
    }

    /// What is answered to a key that does not count. `of`: whose it would be if its secret were right.
    async fn refuse_key(&self, of: Option<&Caller>, from: Option<IpAddr>) -> Error {
        let (now, origin) = (self.services.clock.now(), Origin::default().with_address(from));
        if let Some(caller) = of
            && self.gates.is_news(("key refused", caller.key), now, ADDRESS)
        {
            let detail = json!({"key": caller.key});
            self.tell(EventKind::KeyRefused, caller.org, caller.account, &origin, detail).await;
        }
        self.refusal_by_address(from).await.unwrap_or_else(not_valid)
    }

    /// Counts a key, or a secret, that was refused; answers what is said instead where there were too many.
    pub(crate) async fn refusal_by_address(&self, from: Option<IpAddr>) -> Option<Error> {
        let (now, origin) = (self.services.clock.now(), Origin::default().with_address(from));
        let network = from.and_then(|address| networks(address).into_iter().next());
        let who = ("key", network.map(|(network, _)| network));
        if let Some(wait) = self.gates.refused(&who, now) {
            return Some(too_many(wait));
        }
        let org = self.default_org().await.ok().flatten().unwrap_or_default();
        let limited = Limited { what: "key", org, account: None, origin: &origin };
        let error = self.limit_network(&limited, self.config.attempts_per_address, ADDRESS).await.err()?;
        if let Some(wait) = error.retry_after() {
            self.gates.refuse(&who, now, wait);
        }
        Some(error)
    }

    /// Has the use of a key noted, where nobody waits for it.
    fn note_use(&self, id: Uuid, from: Option<IpAddr>) {
        let now = self.services.clock.now();
        if !self.gates.is_news(("key used", id), now, NOTED) {
            return;
        }
        let me = self.me.clone();
        self.background.spawn(async move {
            let Some(accounts) = me.upgrade() else { return };
            if let Err(error) = accounts.keep_use(id, from, now).await {
                tracing::warn!(error = %error.report(), key = %id, "the use of a key can not be noted");
            }
        });
    }

    /// Keeps when and from where a key was used, unless another server has just done so, or the key has been ended.
    async fn keep_use(&self, id: Uuid, from: Option<IpAddr>, now: Timestamp) -> Result<()> {
        let record = self.services.credentials.record(RecordKind::Key, &id.to_string(), now).await?;
        let Some(mut record) = record else { return Ok(()) };
        let mut kept = Kept::read(&record)?;
        let noted = i64::try_from(NOTED.as_secs()).unwrap_or(i64::MAX);
        if kept.used_at.is_some_and(|at| at.plus_seconds(noted) > now) {
            return Ok(());
        }
        kept.used_at = Some(now);
        kept.used_from = from.map(|address| address.to_canonical());
        record.value = kept.value()?;
        let expected = Expected::Version(record.version);
        self.services.credentials.put_record(record, expected, now).await.map(drop)
    }
}

/// The holder of a key as the store has it now. Whatever has ended is refused.
async fn load(services: &Services, id: Uuid) -> Result<Holder> {
    let now = services.clock.now();
    let record = services.credentials.record(RecordKind::Key, &id.to_string(), now).await?;
    let record = record.ok_or_else(not_valid)?;
    let kept = Kept::read(&record)?;
    let directory = Directory::new(services);
    let account = match record.account {
        Some(account) => directory.item(account).await?,
        None => None,
    };
    let account = account.filter(|account| {
        Some(account.org) == record.org && directory.is(account, "Account") && !is_disabled(account)
    });
    let account = account.ok_or_else(not_valid)?;
    if !may_stand_for(&directory, &account, &kept).await? {
        return Err(not_valid());
    }
    let caller = Caller {
        key: Some(id),
        scope: Some(Arc::new(kept.scope())),
        ..of_account(&directory, &account).await?
    };
    Ok(Holder { caller: Arc::new(caller), hash: kept.hash, expires_at: record.expires_at })
}

/// Whether what somebody has made for an account may stand for it. For a superuser that is what a superuser has made, as which
/// they were known then: whoever has a key of somebody is not raised along with them, nor is a key by its own account.
pub(crate) async fn may_stand_for(directory: &Directory<'_>, account: &Item, kept: &Kept) -> Result<bool> {
    if !is_superuser(account) {
        return Ok(true);
    }
    let Some(maker) = kept.by.filter(|_| kept.by_superuser) else { return Ok(false) };
    if maker == account.id {
        return Ok(true);
    }
    let maker = directory.item(maker).await?;
    Ok(maker
        .is_some_and(|maker| directory.is(&maker, "Account") && is_superuser(&maker) && !is_disabled(&maker)))
}

fn not_valid() -> Error {
    Error::new(ErrorKind::Unauthenticated, "the key is not valid: it has expired or was ended")
}
