//! Changes of what stands beside the items: credentials, sessions, records, events, settings.

use realnet_core::Uuid;
use realnet_core::clock::Timestamp;
use realnet_core::provider::{AuthEvent, AuthRecord, Credential, Expected, RecordKind, Session};

use super::effects::Touch;
use super::state::RecordKey;
use super::transaction::MemoryTransaction;
use super::undo::{set, set_ordered};

impl MemoryTransaction<'_> {
    pub(super) fn put_credential(&mut self, account: Uuid, credential: Option<Credential>) {
        self.log.touch(Touch::Credential(account));
        set(self.state, &mut self.log, |state| &mut state.credentials, account, credential);
    }

    pub(super) fn set_session(&mut self, id: Uuid, session: Option<Session>) {
        self.log.touch(Touch::Session(id));
        set(self.state, &mut self.log, |state| &mut state.sessions, id, session);
    }

    pub(super) fn set_record(&mut self, key: RecordKey, record: Option<AuthRecord>) {
        self.log.touch(Touch::Record(key.clone()));
        set_ordered(self.state, &mut self.log, |state| &mut state.records, key, record);
    }

    pub(super) fn set_setting(&mut self, key: &str, value: Vec<u8>) {
        self.log.touch(Touch::Setting(key.to_owned()));
        set(self.state, &mut self.log, |state| &mut state.settings, key.to_owned(), Some(value));
    }

    pub(super) fn rehash(&mut self, account: Uuid, current: &str, next: &str) -> bool {
        let known = self.state.credentials.get(&account).filter(|known| known.password_hash == current);
        let Some(known) = known.cloned() else { return false };
        self.put_credential(account, Some(Credential { password_hash: next.to_owned(), ..known }));
        true
    }

    /// Sessions whose time is over go on this occasion.
    pub(super) fn open_session(&mut self, session: Session) {
        let over = self.state.sessions.values().filter(|other| other.expires_at < session.created_at);
        for id in over.map(|other| other.id).collect::<Vec<_>>() {
            self.set_session(id, None);
        }
        self.set_session(session.id, Some(session));
    }

    pub(super) fn rotate_session(
        &mut self,
        id: Uuid,
        current: &[u8],
        next: &[u8],
        expires_at: Timestamp,
        now: Timestamp,
    ) -> bool {
        let known = self.state.sessions.get(&id).filter(|session| session.refresh_hash == current);
        let Some(mut session) = known.cloned() else { return false };
        session.previous_hash = Some(std::mem::replace(&mut session.refresh_hash, next.to_vec()));
        session.expires_at = expires_at;
        session.used_at = now;
        self.set_session(id, Some(session));
        true
    }

    pub(super) fn close_session(&mut self, id: Uuid) {
        if self.state.sessions.contains_key(&id) {
            self.set_session(id, None);
        }
    }

    pub(super) fn close_sessions(&mut self, account: Uuid, except: Option<Uuid>) -> usize {
        let of_account = self.state.sessions.values().filter(|session| session.account == account);
        let ended: Vec<Uuid> =
            of_account.map(|session| session.id).filter(|id| Some(*id) != except).collect();
        for id in &ended {
            self.set_session(*id, None);
        }
        ended.len()
    }

    pub(super) fn setting_or_insert(&mut self, key: &str, value: Vec<u8>) -> Vec<u8> {
        if let Some(known) = self.state.settings.get(key) {
            return known.clone();
        }
        self.set_setting(key, value.clone());
        value
    }

    pub(super) fn replace_setting(&mut self, key: &str, current: &[u8], next: Vec<u8>) -> bool {
        let is_current = self.state.settings.get(key).is_some_and(|known| known == current);
        if is_current {
            self.set_setting(key, next);
        }
        is_current
    }

    /// Records whose time is over go on this occasion.
    pub(super) fn put_record(&mut self, mut record: AuthRecord, expected: Expected, now: Timestamp) -> bool {
        let over = self.state.records.iter().filter(|(_, other)| !other.is_alive(now));
        for key in over.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            self.set_record(key, None);
        }
        let key = (record.kind, record.key.clone());
        let present = self.state.records.get(&key).map(|present| present.version);
        let is_met = match expected {
            Expected::Absent => present.is_none(),
            Expected::Version(version) => present == Some(version),
            Expected::Any => true,
        };
        if is_met {
            record.version = present.unwrap_or_default() + 1;
            self.set_record(key, Some(record));
        }
        is_met
    }

    pub(super) fn remove_record(&mut self, kind: RecordKind, key: &str) -> Option<AuthRecord> {
        let key = (kind, key.to_owned());
        let record = self.state.records.get(&key).cloned()?;
        self.set_record(key, None);
        Some(record)
    }

    /// Events whose time is over go on this occasion; one that is there stays as it is.
    pub(super) fn append_event(&mut self, event: AuthEvent) {
        let first_kept = AuthEvent::first_kept_id(event.at);
        let over: Vec<Uuid> = self.state.events.range(..first_kept).map(|(id, _)| *id).collect();
        for id in over {
            self.set_event(id, None);
        }
        if !self.state.events.contains_key(&event.id) {
            self.set_event(event.id, Some(event));
        }
    }

    fn set_event(&mut self, id: Uuid, event: Option<AuthEvent>) {
        self.log.touch(Touch::Event(id));
        set_ordered(self.state, &mut self.log, |state| &mut state.events, id, event);
    }
}
