//! What the store holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use realnet_core::Uuid;
use realnet_core::change::{ChangeRecord, IdempotencyKey, SourceKind, SourceRecord, StoredReply};
use realnet_core::index::KeyEntry;
use realnet_core::model::{Item, TypeDefinition};
use realnet_core::provider::{AuthEvent, AuthRecord, Credential, RecordKind, Session};
use realnet_core::registry::{FieldRef, TypeGrants};

/// Names a value of the key index: field, org, value.
pub(super) type Key = (FieldRef, Uuid, Vec<u8>);
/// Names a source record.
pub(super) type SourceKey = (Option<Uuid>, SourceKind, Uuid);
/// Names a record.
pub(super) type RecordKey = (RecordKind, String);
/// Names a kept reply: account, scope, key.
pub(super) type ReplyKey = (Option<Uuid>, String, String);

/// Everything, in maps.
#[derive(Default)]
pub(super) struct State {
    pub(super) items: BTreeMap<Uuid, Item>,
    /// Index entries of each item.
    pub(super) keys: HashMap<Uuid, Vec<KeyEntry>>,
    /// The items that have a key.
    pub(super) by_key: HashMap<Key, BTreeSet<Uuid>>,
    pub(super) children: HashMap<Uuid, BTreeSet<Uuid>>,
    /// Changes by org; revision n stands at n - 1.
    pub(super) changes: HashMap<Uuid, Vec<ChangeRecord>>,
    pub(super) types: BTreeMap<Uuid, TypeDefinition>,
    pub(super) type_grants: Vec<TypeGrants>,
    pub(super) type_revision: i64,
    pub(super) credentials: HashMap<Uuid, Credential>,
    pub(super) sessions: HashMap<Uuid, Session>,
    pub(super) records: BTreeMap<RecordKey, AuthRecord>,
    pub(super) events: BTreeMap<Uuid, AuthEvent>,
    pub(super) settings: HashMap<String, Vec<u8>>,
    pub(super) sources: HashMap<SourceKey, SourceRecord>,
    pub(super) replies: HashMap<ReplyKey, StoredReply>,
}

impl State {
    /// The ancestors of an item, nearest first.
    pub(super) fn ancestors(&self, id: Uuid, limit: usize) -> Vec<Uuid> {
        let mut ancestors = Vec::new();
        let mut next = self.items.get(&id).and_then(|item| item.parent_id);
        while let Some(parent) = next.filter(|_| ancestors.len() < limit) {
            ancestors.push(parent);
            next = self.items.get(&parent).and_then(|item| item.parent_id);
        }
        ancestors
    }

    /// The epoch of an account; 0 before its first password.
    pub(super) fn epoch(&self, account: Uuid) -> i64 {
        self.credentials.get(&account).map_or(0, |credential| credential.epoch)
    }
}

/// The key of a kept reply.
pub(super) fn reply_key(key: &IdempotencyKey) -> ReplyKey {
    (key.account, key.scope.clone(), key.key.clone())
}
