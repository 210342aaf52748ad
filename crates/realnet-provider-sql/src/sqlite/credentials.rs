//! The store as a provider of credentials, sessions and settings.

use async_trait::async_trait;
use realnet_core::clock::Timestamp;
use realnet_core::provider::{Credential, CredentialProvider, Session};
use realnet_core::{Result, Uuid};

use super::SqliteStore;
use crate::statement::Statement;

#[async_trait]
impl CredentialProvider for SqliteStore {
    async fn credential(&self, account: Uuid) -> Result<Option<Credential>> {
        let mut statement =
            Statement::of("SELECT coalesce(password_hash, ''), epoch FROM credentials WHERE account = ");
        statement.bind(account.into());
        let mut reader = self.shared.pool.take()?;
        reader.get()?.first(&statement, |row| {
            Ok(Credential { account, password_hash: row.string(0)?, epoch: row.integer(1)? })
        })
    }

    async fn open_session(&self, session: Session) -> Result<()> {
        self.writer.submit(move |transaction| transaction.open_session(&session)).await
    }

    async fn session(&self, id: Uuid, now: Timestamp) -> Result<Option<Session>> {
        let mut statement = Statement::of(
            "SELECT s.account, s.epoch, s.refresh_hash, s.previous_hash, s.created_at, s.expires_at FROM sessions s \
             LEFT JOIN credentials c ON c.account = s.account WHERE s.epoch = coalesce(c.epoch, 0) AND s.id = ",
        );
        statement.bind(id.into()).push(" AND s.expires_at > ").bind(now.as_micros().into());
        let mut reader = self.shared.pool.take()?;
        reader.get()?.first(&statement, |row| {
            Ok(Session {
                id,
                account: row.id(0)?,
                epoch: row.integer(1)?,
                refresh_hash: row.bytes(2)?.unwrap_or_default(),
                previous_hash: row.bytes(3)?,
                created_at: Timestamp::from_micros(row.integer(4)?),
                expires_at: Timestamp::from_micros(row.integer(5)?),
            })
        })
    }

    async fn rotate_session(
        &self,
        id: Uuid,
        current: &[u8],
        next: &[u8],
        expires_at: Timestamp,
    ) -> Result<bool> {
        let (current, next) = (current.to_vec(), next.to_vec());
        self.writer.submit(move |transaction| transaction.rotate_session(id, current, next, expires_at)).await
    }

    async fn close_session(&self, id: Uuid) -> Result<()> {
        self.writer.submit(move |transaction| transaction.close_session(id)).await
    }

    async fn setting_or_insert(&self, key: &str, value: Vec<u8>) -> Result<Vec<u8>> {
        let key = key.to_owned();
        self.writer.submit(move |transaction| transaction.setting_or_insert(&key, value)).await
    }
}
