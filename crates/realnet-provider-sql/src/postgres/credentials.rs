//! Credentials, sessions and settings.

use async_trait::async_trait;
use realnet_core::clock::Timestamp;
use realnet_core::provider::{Credential, CredentialProvider, Session};
use realnet_core::{Error, Result, Uuid};

use super::PostgresStore;
use super::error::to_error;
use super::run::Reader;
use crate::access::{Fields as _, credentials, sessions};
use crate::statement::Statement;

#[async_trait]
impl CredentialProvider for PostgresStore {
    async fn credential(&self, account: Uuid) -> Result<Option<Credential>> {
        let mut statement =
            Statement::of("SELECT coalesce(password_hash, ''), epoch FROM credentials WHERE account = ");
        statement.bind(account.into());
        let rows = self.shared.read(statement).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let mut row = Reader::new(row);
        Ok(Some(Credential { account, password_hash: row.text()?, epoch: row.integer()? }))
    }

    async fn rehash(&self, account: Uuid, current: &str, next: &str) -> Result<bool> {
        Ok(!self.shared.write(credentials::rehash(account, current, next)).await?.is_empty())
    }

    async fn open_session(&self, session: Session) -> Result<()> {
        self.shared.write(sessions::open(session)).await.map(drop)
    }

    async fn session(&self, id: Uuid, now: Timestamp) -> Result<Option<Session>> {
        let rows = self.shared.read(sessions::get(id, now)).await?;
        rows.first().map(|row| sessions::read(&mut Reader::new(row))).transpose()
    }

    async fn sessions_of(&self, account: Uuid, now: Timestamp) -> Result<Vec<Session>> {
        let rows = self.shared.read(sessions::of_account(account, now)).await?;
        rows.iter().map(|row| sessions::read(&mut Reader::new(row))).collect()
    }

    async fn rotate_session(
        &self,
        id: Uuid,
        current: &[u8],
        next: &[u8],
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool> {
        let rotate = sessions::rotate(id, current, next, expires_at, now);
        Ok(!self.shared.write(rotate).await?.is_empty())
    }

    async fn close_session(&self, id: Uuid) -> Result<()> {
        self.shared.write(sessions::close(id)).await.map(drop)
    }

    async fn close_sessions(&self, account: Uuid, except: Option<Uuid>) -> Result<usize> {
        Ok(self.shared.write(sessions::close_all(account, except)).await?.len())
    }

    async fn setting_or_insert(&self, key: &str, value: Vec<u8>) -> Result<Vec<u8>> {
        // The update changes nothing, but makes a row that is there already come back.
        let mut statement = Statement::of("INSERT INTO settings AS s (key, value) VALUES (");
        statement.bind(key.into()).push(", ").bind(value.into());
        statement.push(") ON CONFLICT (key) DO UPDATE SET value = s.value RETURNING value");
        let rows = self.shared.write(statement).await?;
        let row = rows.first().ok_or_else(|| Error::internal("a setting was neither there nor written"))?;
        Reader::new(row).next().map_err(to_error)
    }

    async fn setting(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let rows = self.shared.read(credentials::setting(key)).await?;
        rows.first().map(|row| Reader::new(row).next().map_err(to_error)).transpose()
    }

    async fn replace_setting(&self, key: &str, current: &[u8], next: Vec<u8>) -> Result<bool> {
        Ok(!self.shared.write(credentials::replace_setting(key, current, next)).await?.is_empty())
    }
}
