//! Credentials, sessions and settings.

use std::cmp::Reverse;

use async_trait::async_trait;
use realnet_core::Uuid;
use realnet_core::clock::Timestamp;
use realnet_core::error::Result;
use realnet_core::provider::{Credential, CredentialProvider, Session};

use super::MemoryStore;
use super::state::State;

#[async_trait]
impl CredentialProvider for MemoryStore {
    async fn credential(&self, account: Uuid) -> Result<Option<Credential>> {
        Ok(self.read(|state| state.credentials.get(&account).cloned()).await)
    }

    async fn rehash(&self, account: Uuid, current: &str, next: &str) -> Result<bool> {
        self.write(|transaction| Ok(transaction.rehash(account, current, next))).await
    }

    async fn open_session(&self, session: Session) -> Result<()> {
        self.write(|transaction| {
            transaction.open_session(session);
            Ok(())
        })
        .await
    }

    async fn session(&self, id: Uuid, now: Timestamp) -> Result<Option<Session>> {
        let look = |state: &State| {
            let session = state.sessions.get(&id).filter(|session| session.expires_at > now);
            session.filter(|session| session.epoch == state.epoch(session.account)).cloned()
        };
        Ok(self.read(look).await)
    }

    async fn sessions_of(&self, account: Uuid, now: Timestamp) -> Result<Vec<Session>> {
        let look = |state: &State| {
            let epoch = state.epoch(account);
            let of_account = state.sessions.values().filter(|session| session.account == account);
            let valid = of_account.filter(|session| session.epoch == epoch && session.expires_at > now);
            valid.cloned().collect::<Vec<Session>>()
        };
        let mut valid = self.read(look).await;
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
        self.write(|transaction| Ok(transaction.rotate_session(id, current, next, expires_at, now))).await
    }

    async fn close_session(&self, id: Uuid) -> Result<()> {
        self.write(|transaction| {
            transaction.close_session(id);
            Ok(())
        })
        .await
    }

    async fn close_sessions(&self, account: Uuid, except: Option<Uuid>) -> Result<usize> {
        self.write(|transaction| Ok(transaction.close_sessions(account, except))).await
    }

    async fn setting_or_insert(&self, key: &str, value: Vec<u8>) -> Result<Vec<u8>> {
        self.write(|transaction| Ok(transaction.setting_or_insert(key, value))).await
    }

    async fn setting(&self, key: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.read(|state| state.settings.get(key).cloned()).await)
    }

    async fn replace_setting(&self, key: &str, current: &[u8], next: Vec<u8>) -> Result<bool> {
        self.write(|transaction| Ok(transaction.replace_setting(key, current, next))).await
    }
}
