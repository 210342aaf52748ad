//! The store as a provider of credentials, sessions and settings.

use async_trait::async_trait;
use realnet_core::clock::Timestamp;
use realnet_core::provider::{Credential, CredentialProvider, Session};
use realnet_core::{Error, Result, Uuid};

use super::SqliteStore;
use super::connection::Connection;
use super::fields::RowFields;
use crate::access::{credentials, sessions};
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

    async fn rehash(&self, account: Uuid, current: &str, next: &str) -> Result<bool> {
        let rehash = credentials::rehash(account, current, next);
        self.writer
            .submit(move |transaction| Ok(!transaction.connection.rows(&rehash, |_| Ok(()))?.is_empty()))
            .await
    }

    async fn open_session(&self, session: Session) -> Result<()> {
        let (sweep, open) = (sessions::sweep(session.created_at), sessions::open(session));
        self.writer
            .submit(move |transaction| {
                transaction.connection.run(&sweep)?;
                transaction.connection.run(&open).map(drop)
            })
            .await
    }

    async fn session(&self, id: Uuid, now: Timestamp) -> Result<Option<Session>> {
        let mut reader = self.shared.pool.take()?;
        reader.get()?.first(&sessions::get(id, now), |row| sessions::read(&mut RowFields::new(row)))
    }

    async fn sessions_of(&self, account: Uuid, now: Timestamp) -> Result<Vec<Session>> {
        let mut reader = self.shared.pool.take()?;
        let statement = sessions::of_account(account, now);
        reader.get()?.rows(&statement, |row| sessions::read(&mut RowFields::new(row)))
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
        self.writer
            .submit(move |transaction| Ok(transaction.connection.first(&rotate, |_| Ok(()))?.is_some()))
            .await
    }

    async fn close_session(&self, id: Uuid) -> Result<()> {
        let close = sessions::close(id);
        self.writer.submit(move |transaction| transaction.connection.run(&close).map(drop)).await
    }

    async fn close_sessions(&self, account: Uuid, except: Option<Uuid>) -> Result<usize> {
        let close = sessions::close_all(account, except);
        self.writer
            .submit(move |transaction| Ok(transaction.connection.rows(&close, |_| Ok(()))?.len()))
            .await
    }

    async fn setting_or_insert(&self, key: &str, value: Vec<u8>) -> Result<Vec<u8>> {
        let key = key.to_owned();
        self.writer.submit(move |transaction| setting(transaction.connection, &key, &value)).await
    }

    async fn setting(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let mut reader = self.shared.pool.take()?;
        Ok(reader.get()?.first(&credentials::setting(key), |row| row.bytes(0))?.flatten())
    }

    async fn replace_setting(&self, key: &str, current: &[u8], next: Vec<u8>) -> Result<bool> {
        let replace = credentials::replace_setting(key, current, next);
        self.writer
            .submit(move |transaction| Ok(!transaction.connection.rows(&replace, |_| Ok(()))?.is_empty()))
            .await
    }
}

fn setting(connection: &mut Connection, key: &str, value: &[u8]) -> Result<Vec<u8>> {
    let mut statement = Statement::of("INSERT INTO settings (key, value) VALUES (");
    statement.bind(key.into()).push(", ").bind(value.to_vec().into()).push(") ON CONFLICT DO NOTHING");
    connection.run(&statement)?;
    let value = connection.first(&credentials::setting(key), |row| row.bytes(0))?.flatten();
    value.ok_or_else(|| Error::internal("a setting that was just stored is not there"))
}
