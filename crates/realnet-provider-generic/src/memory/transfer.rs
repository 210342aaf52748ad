//! The whole store as a stream of records, and back.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream;
use realnet_core::change::ChangeRecord;
use realnet_core::clock::Timestamp;
use realnet_core::error::{Error, Result};
use realnet_core::index::entries;
use realnet_core::model::Item;
use realnet_core::provider::{
    AuthEvent, Census, DumpProvider, MARK_SETTING, RecordStream, RestoreProvider, StoreRecord, TURN_SETTING,
};
use realnet_core::registry::TypeRegistry;

use super::MemoryStore;
use super::effects::Touch;
use super::state::State;
use super::transaction::MemoryTransaction;
use super::undo::{set, set_ordered};

/// For so many seconds a reply is kept.
const REPLY_AGE: i64 = 24 * 3600;

#[async_trait]
impl DumpProvider for MemoryStore {
    async fn dump(&self, now: Timestamp) -> Result<RecordStream> {
        // Copied whole, so that nobody who writes has to wait for who reads.
        let mut records: Vec<StoreRecord> = self.read(|state| state.records(now).collect()).await;
        records.sort_by_cached_key(StoreRecord::sort_key);
        Ok(stream::iter(records.into_iter().map(Ok)).boxed())
    }

    async fn census(&self, now: Timestamp) -> Result<Census> {
        Ok(self.read(|state| state.records(now).map(|record| (record.class(), 1)).collect()).await)
    }
}

impl State {
    /// All records that have not had their time, in no order.
    fn records(&self, now: Timestamp) -> impl Iterator<Item = StoreRecord> {
        self.lasting(now).chain(self.passing(now))
    }

    fn lasting(&self, now: Timestamp) -> impl Iterator<Item = StoreRecord> {
        let types = self.types.values().map(|definition| StoreRecord::Type(Box::new(definition.clone())));
        let grants = self.type_grants.iter().map(|grants| StoreRecord::TypeGrants(grants.clone()));
        let items = self.items.values().map(|item| StoreRecord::Item(Box::new(item.clone())));
        let changes = self.changes.values().flatten();
        let changes = changes.map(|change| StoreRecord::Change(Box::new(change.clone())));
        let credentials = self.credentials.values().map(|known| StoreRecord::Credential(known.clone()));
        let is_own = |name: &str| matches!(name, MARK_SETTING | TURN_SETTING);
        let settings = self.settings.iter().filter(move |(name, _)| !is_own(name));
        let settings =
            settings.map(|(name, value)| StoreRecord::Setting { name: name.clone(), value: value.clone() });
        let sources = self.sources.values().map(|source| StoreRecord::Source(Box::new(source.clone())));
        let records = self.records.values().filter(move |record| record.is_alive(now));
        let records = records.map(|record| StoreRecord::Record(record.clone()));
        let events = self.events.range(AuthEvent::first_kept_id(now)..);
        let events = events.map(|(_, event)| StoreRecord::Event(Box::new(event.clone())));
        types
            .chain(grants)
            .chain(items)
            .chain(changes)
            .chain(credentials)
            .chain(settings)
            .chain(sources)
            .chain(records)
            .chain(events)
    }

    fn passing(&self, now: Timestamp) -> impl Iterator<Item = StoreRecord> {
        let valid = self
            .sessions
            .values()
            .filter(move |session| session.expires_at > now && session.epoch == self.epoch(session.account));
        let sessions = valid.map(|session| StoreRecord::Session(Box::new(session.clone())));
        let oldest = now.plus_seconds(-REPLY_AGE);
        let kept = self.replies.iter().filter(move |(_, reply)| reply.created_at >= oldest);
        let replies = kept.map(|((account, scope, key), reply)| StoreRecord::Reply {
            account: *account,
            scope: scope.clone(),
            key: key.clone(),
            reply: reply.clone(),
        });
        sessions.chain(replies)
    }
}

#[async_trait]
impl RestoreProvider for MemoryStore {
    async fn restore(
        &self,
        types: &Arc<TypeRegistry>,
        records: Vec<StoreRecord>,
        mark: Option<Vec<u8>>,
    ) -> Result<()> {
        self.write(|transaction| transaction.restore(types, records, mark)).await
    }
}

impl MemoryTransaction<'_> {
    /// Writes records as they are. On an error everything is taken back when the transaction is dropped.
    pub(super) fn restore(
        &mut self,
        types: &TypeRegistry,
        records: Vec<StoreRecord>,
        mark: Option<Vec<u8>>,
    ) -> Result<()> {
        for record in records {
            self.restore_one(types, record)?;
        }
        self.log.touch(Touch::Setting(MARK_SETTING.to_owned()));
        set(self.state, &mut self.log, |state| &mut state.settings, MARK_SETTING.to_owned(), mark);
        Ok(())
    }

    fn restore_one(&mut self, types: &TypeRegistry, record: StoreRecord) -> Result<()> {
        let shown = format!("{record:?}");
        if let Some(touch) = Touch::of(&record) {
            self.log.touch(touch);
        }
        match record {
            StoreRecord::Type(definition) => {
                self.insert_ordered(|state| &mut state.types, definition.id, *definition, &shown)?;
                self.raise_type_revision();
            }
            StoreRecord::TypeGrants(grants) => {
                let key = |grants: &StoreRecord| grants.sort_key();
                let new = StoreRecord::TypeGrants(grants.clone());
                let present = self.state.type_grants.iter().cloned().map(StoreRecord::TypeGrants);
                if present.into_iter().any(|other| key(&other) == key(&new)) {
                    return Err(taken(&shown));
                }
                let all = self.state.type_grants.iter().cloned().chain([grants]).collect();
                self.set_type_grants(all);
                self.raise_type_revision();
            }
            StoreRecord::Item(item) => self.restore_item(types, *item)?,
            StoreRecord::Change(change) => self.restore_change(*change)?,
            StoreRecord::Credential(known) => {
                self.insert(|state| &mut state.credentials, known.account, known, &shown)?;
            }
            StoreRecord::Record(record) => {
                let key = (record.kind, record.key.clone());
                self.insert_ordered(|state| &mut state.records, key, record, &shown)?;
            }
            StoreRecord::Event(event) => {
                self.insert_ordered(|state| &mut state.events, event.id, *event, &shown)?;
            }
            StoreRecord::Setting { name, value } => {
                self.insert(|state| &mut state.settings, name, value, &shown)?;
            }
            StoreRecord::Source(source) => {
                let key = (source.org, source.kind, source.object);
                self.insert(|state| &mut state.sources, key, *source, &shown)?;
            }
            StoreRecord::Session(session) => {
                self.insert(|state| &mut state.sessions, session.id, *session, &shown)?;
            }
            StoreRecord::Reply { account, scope, key, reply } => {
                self.insert(|state| &mut state.replies, (account, scope, key), reply, &shown)?;
            }
        }
        Ok(())
    }

    fn restore_item(&mut self, types: &TypeRegistry, item: Item) -> Result<()> {
        if types.revision() != self.state.type_revision {
            // Index entries made by other types than the present ones would be wrong.
            return Err(Error::unavailable("the types have just changed: try again"));
        }
        if self.state.items.contains_key(&item.id) {
            return Err(taken(&format!("item {}", item.id)));
        }
        self.set_keys(item.id, item.org, Some(entries(types, &item)?.keys))?;
        self.set_content(item.id, item.content)?;
        self.set_child(item.parent_id, item.id, true);
        self.set_item(item.id, Arc::clone(&item.type_name), Some(item));
        Ok(())
    }

    /// Appends a change, which has to be the next one of its org.
    fn restore_change(&mut self, change: ChangeRecord) -> Result<()> {
        let org = change.org;
        let changes = self.state.changes.entry(org).or_default();
        let next = changes.len() as i64 + 1;
        if change.revision != next {
            let revision = change.revision;
            return Err(Error::conflict(format!(
                "the change {revision} of org {org} can not be restored: its next one is {next}"
            )));
        }
        changes.push(change);
        self.log.push(move |state| {
            state.changes.get_mut(&org).and_then(Vec::pop);
        });
        Ok(())
    }

    fn insert<K, V>(
        &mut self,
        map: fn(&mut State) -> &mut HashMap<K, V>,
        key: K,
        value: V,
        shown: &str,
    ) -> Result<()>
    where
        K: Eq + Hash + Clone + Send + 'static,
        V: Send + 'static,
    {
        if map(self.state).contains_key(&key) {
            return Err(taken(shown));
        }
        set(self.state, &mut self.log, map, key, Some(value));
        Ok(())
    }

    fn insert_ordered<K, V>(
        &mut self,
        map: fn(&mut State) -> &mut BTreeMap<K, V>,
        key: K,
        value: V,
        shown: &str,
    ) -> Result<()>
    where
        K: Ord + Clone + Send + 'static,
        V: Send + 'static,
    {
        if map(self.state).contains_key(&key) {
            return Err(taken(shown));
        }
        set_ordered(self.state, &mut self.log, map, key, Some(value));
        Ok(())
    }
}

fn taken(what: &str) -> Error {
    Error::conflict(format!("{what} is there already"))
}
