//! Credentials, sessions and settings.

use std::cmp::Reverse;

use async_trait::async_trait;
use realnet_core::Uuid;
use realnet_core::clock::Timestamp;
use realnet_core::error::Result;
use realnet_core::provider::{Credential, CredentialProvider, Session};

use super::MemoryStore;

#[async_trait]
impl CredentialProvider for MemoryStore {
    async fn credential(&self, account: Uuid) -> Result<Option<Credential>> {
        Ok(self.state.read().credentials.get(&account).cloned())
    }

    async fn rehash(&self, account: Uuid, current: &str, next: &str) -> Result<bool> {
        let mut state = self.state.write();
        let Some(known) = state.credentials.get_mut(&account).filter(|known| known.password_hash == current)
        else {
            return Ok(false);
        };
        next.clone_into(&mut known.password_hash);
        Ok(true)
    }

    async fn open_session(&self, session: Session) -> Result<()> {
        let mut state = self.state.write();
        state.sessions.retain(|_, other| other.expires_at >= session.created_at);
        state.sessions.insert(session.id, session);
        Ok(())
    }

    async fn session(&self, id: Uuid, now: Timestamp) -> Result<Option<Session>> {
        let state = self.state.read();
        let session = state.sessions.get(&id).filter(|session| session.expires_at > now);
        Ok(session.filter(|session| session.epoch == state.epoch(session.account)).cloned())
    }

    async fn sessions_of(&self, account: Uuid, now: Timestamp) -> Result<Vec<Session>> {
        let state = self.state.read();
        let epoch = state.epoch(account);
        let of_account = state.sessions.values().filter(|session| session.account == account);
        let mut valid: Vec<Session> = of_account
            .filter(|session| session.epoch == epoch && session.expires_at > now)
            .cloned()
            .collect();
        valid.sort_by_key(|session| Reverse((session.created_at, session.id)));
        valid.truncate(Session::MAX_PAGE);
        Ok(valid)
    }

    async fn rotate_session(
        &self,
        id: Uuid,
        current: &[u8],
        next: &[u8],
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool> {
        let mut state = self.state.write();
        let Some(session) = state.sessions.get_mut(&id).filter(|session| session.refresh_hash == current)
        else {
            return Ok(false);
        };
        session.previous_hash = Some(std::mem::replace(&mut session.refresh_hash, next.to_vec()));
        session.expires_at = expires_at;
        session.used_at = now;
        Ok(true)
    }

    async fn close_session(&self, id: Uuid) -> Result<()> {
        self.state.write().sessions.remove(&id);
        Ok(())
    }

    async fn close_sessions(&self, account: Uuid, except: Option<Uuid>) -> Result<usize> {
        let mut state = self.state.write();
        let before = state.sessions.len();
        state.sessions.retain(|id, session| session.account != account || Some(*id) == except);
        Ok(before - state.sessions.len())
    }

    async fn setting_or_insert(&self, key: &str, value: Vec<u8>) -> Result<Vec<u8>> {
        Ok(self.state.write().settings.entry(key.to_owned()).or_insert(value).clone())
    }

    async fn setting(&self, key: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.state.read().settings.get(key).cloned())
    }

    async fn replace_setting(&self, key: &str, current: &[u8], next: Vec<u8>) -> Result<bool> {
        let mut state = self.state.write();
        let Some(known) = state.settings.get_mut(key).filter(|known| *known == current) else {
            return Ok(false);
        };
        *known = next;
        Ok(true)
    }
}
