//! Credentials, sessions and settings.

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

    async fn open_session(&self, session: Session) -> Result<()> {
        self.state.write().sessions.insert(session.id, session);
        Ok(())
    }

    async fn session(&self, id: Uuid, now: Timestamp) -> Result<Option<Session>> {
        let state = self.state.read();
        let session = state.sessions.get(&id).filter(|session| session.expires_at > now);
        Ok(session.filter(|session| session.epoch == state.epoch(session.account)).cloned())
    }

    async fn rotate_session(
        &self,
        id: Uuid,
        current: &[u8],
        next: &[u8],
        expires_at: Timestamp,
    ) -> Result<bool> {
        let mut state = self.state.write();
        let Some(session) = state.sessions.get_mut(&id).filter(|session| session.refresh_hash == current)
        else {
            return Ok(false);
        };
        session.previous_hash = Some(std::mem::replace(&mut session.refresh_hash, next.to_vec()));
        session.expires_at = expires_at;
        Ok(true)
    }

    async fn close_session(&self, id: Uuid) -> Result<()> {
        self.state.write().sessions.remove(&id);
        Ok(())
    }

    async fn setting_or_insert(&self, key: &str, value: Vec<u8>) -> Result<Vec<u8>> {
        Ok(self.state.write().settings.entry(key.to_owned()).or_insert(value).clone())
    }
}
