//! What the store holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use realnet_core::Uuid;
use realnet_core::change::{ChangeRecord, IdempotencyKey, SourceKind, SourceRecord, StoredReply};
use realnet_core::clock::Timestamp;
use realnet_core::index::KeyEntry;
use realnet_core::model::{Item, TypeDefinition};
use realnet_core::provider::{AuthEvent, AuthRecord, Credential, RecordKind, Session, StoreRecord};
use realnet_core::registry::{FieldRef, TypeGrants, TypeSnapshot};

use super::effects::{Effect, Touch};

/// Names a value of the key index: field, org, value.
pub(crate) type Key = (FieldRef, Uuid, Vec<u8>);
/// Names a source record.
pub(crate) type SourceKey = (Option<Uuid>, SourceKind, Uuid);
/// Names a record.
pub(crate) type RecordKey = (RecordKind, String);
/// Names a kept reply: account, scope, key.
pub(crate) type ReplyKey = (Option<Uuid>, String, String);

/// Everything, in maps.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) items: BTreeMap<Uuid, Item>,
    /// Index entries of each item.
    pub(crate) keys: HashMap<Uuid, Vec<KeyEntry>>,
    /// The items that have a key.
    pub(crate) by_key: HashMap<Key, BTreeSet<Uuid>>,
    pub(crate) children: HashMap<Uuid, BTreeSet<Uuid>>,
    /// The item that names a content.
    pub(crate) contents: HashMap<Uuid, Uuid>,
    /// Changes by org; revision n stands at n - 1.
    pub(crate) changes: HashMap<Uuid, Vec<ChangeRecord>>,
    pub(crate) types: BTreeMap<Uuid, TypeDefinition>,
    pub(crate) type_grants: Vec<TypeGrants>,
    pub(crate) type_revision: i64,
    pub(crate) credentials: HashMap<Uuid, Credential>,
    pub(crate) sessions: HashMap<Uuid, Session>,
    pub(crate) records: BTreeMap<RecordKey, AuthRecord>,
    pub(crate) events: BTreeMap<Uuid, AuthEvent>,
    pub(crate) settings: HashMap<String, Vec<u8>>,
    pub(crate) sources: HashMap<SourceKey, SourceRecord>,
    pub(crate) replies: HashMap<ReplyKey, StoredReply>,
    /// So many replies were left when old ones were looked for last.
    pub(crate) replies_left: usize,
}

impl State {
    /// The ancestors of an item, nearest first.
    pub(crate) fn ancestors(&self, id: Uuid, limit: usize) -> Vec<Uuid> {
        let mut ancestors = Vec::new();
        let mut next = self.items.get(&id).and_then(|item| item.parent_id);
        while let Some(parent) = next.filter(|_| ancestors.len() < limit) {
            ancestors.push(parent);
            next = self.items.get(&parent).and_then(|item| item.parent_id);
        }
        ancestors
    }

    /// The types, at their revision.
    pub(crate) fn snapshot(&self) -> TypeSnapshot {
        TypeSnapshot {
            revision: self.type_revision,
            definitions: self.types.values().cloned().collect(),
            grants: self.type_grants.clone(),
            building: Vec::new(),
        }
    }

    /// The changes of an org, in their order.
    pub(crate) fn changes_of(&self, org: Uuid) -> &[ChangeRecord] {
        self.changes.get(&org).map(Vec::as_slice).unwrap_or_default()
    }

    /// The replies of before a moment, which are to go, once there are twice as many as there were after the last time.
    pub(super) fn old_replies(&mut self, before: Timestamp) -> Vec<ReplyKey> {
        if self.replies.len() <= 2 * self.replies_left + 1000 {
            return Vec::new();
        }
        let old = self.replies.iter().filter(|(_, reply)| reply.created_at < before);
        let old: Vec<ReplyKey> = old.map(|(name, _)| name.clone()).collect();
        self.replies_left = self.replies.len() - old.len();
        old
    }

    /// Puts in an item as it was kept, with its keys; the field and the other item when a unique value of it, or its content, is
    /// taken.
    pub(crate) fn insert_loaded(&mut self, item: Item, keys: Vec<KeyEntry>) -> Result<(), (String, Uuid)> {
        for entry in &keys {
            let key = (entry.field.clone(), item.org, entry.value.clone());
            let others = self.by_key.entry(key).or_default();
            if let Some(other) = others.first().filter(|_| entry.unique) {
                return Err((entry.field.name.to_string(), *other));
            }
            others.insert(item.id);
        }
        if let Some(content) = item.content
            && let Some(other) = self.contents.insert(content, item.id)
        {
            return Err(("content".to_owned(), other));
        }
        if let Some(parent) = item.parent_id {
            self.children.entry(parent).or_default().insert(item.id);
        }
        self.keys.insert(item.id, keys);
        self.items.insert(item.id, item);
        Ok(())
    }

    /// Makes a value what it was kept as. Not for items, which have indexes.
    pub(crate) fn overlay(&mut self, effect: &Effect) {
        match effect {
            Effect::Put(record) => self.put_kept(record.clone()),
            Effect::Grants(org, grants) => {
                self.type_grants.retain(|other| other.org != *org);
                self.type_grants.extend(grants.iter().cloned());
            }
            Effect::TypeRevision(revision) => self.type_revision = *revision,
            Effect::Gone(touch) => self.remove_kept(touch),
        }
    }

    fn put_kept(&mut self, record: StoreRecord) {
        match record {
            StoreRecord::Type(info) => drop(self.types.insert(info.id, *info)),
            StoreRecord::Change(change) => {
                let changes = self.changes.entry(change.org).or_default();
                if change.revision == changes.len() as i64 + 1 {
                    changes.push(*change);
                }
            }
            StoreRecord::Credential(credential) => {
                drop(self.credentials.insert(credential.account, credential));
            }
            StoreRecord::Session(session) => drop(self.sessions.insert(session.id, *session)),
            StoreRecord::Record(record) => {
                self.records.insert((record.kind, record.key.clone()), record);
            }
            StoreRecord::Event(event) => drop(self.events.insert(event.id, *event)),
            StoreRecord::Setting { name, value } => drop(self.settings.insert(name, value)),
            StoreRecord::Source(source) => {
                self.sources.insert((source.org, source.kind, source.object), *source);
            }
            StoreRecord::Reply { account, scope, key, reply } => {
                self.replies.insert((account, scope, key), reply);
            }
            // Items have indexes, and grants come by org.
            StoreRecord::Item(_) | StoreRecord::TypeGrants(_) => {}
        }
    }

    fn remove_kept(&mut self, touch: &Touch) {
        match touch {
            Touch::Type(id, org, name) => {
                if self.types.get(id).is_some_and(|info| info.org == *org && info.name == *name) {
                    self.types.remove(id);
                }
            }
            Touch::Credential(account) => drop(self.credentials.remove(account)),
            Touch::Session(id) => drop(self.sessions.remove(id)),
            Touch::Record(key) => drop(self.records.remove(key)),
            Touch::Event(id) => drop(self.events.remove(id)),
            Touch::Setting(name) => drop(self.settings.remove(name)),
            Touch::Source(key) => drop(self.sources.remove(key)),
            Touch::Reply(key) => drop(self.replies.remove(key)),
            Touch::Item(..) | Touch::Change(..) | Touch::Grants(_) | Touch::TypeRevision => {}
        }
    }

    /// The epoch of an account; 0 before its first password.
    pub(crate) fn epoch(&self, account: Uuid) -> i64 {
        self.credentials.get(&account).map_or(0, |credential| credential.epoch)
    }
}

/// The key of a kept reply.
pub(crate) fn reply_key(key: &IdempotencyKey) -> ReplyKey {
    (key.account, key.scope.clone(), key.key.clone())
}
