//! Credentials, sessions and settings.

use async_trait::async_trait;
use diesel::result::Error as DieselError;
use realnet_core::clock::Timestamp;
use realnet_core::provider::{Credential, CredentialProvider, Session};
use realnet_core::{Error, Result, Uuid};

use super::PostgresStore;
use super::error::to_error;
use super::run::{PgRow, Reader};
use crate::statement::{Bind, Statement};

#[async_trait]
impl CredentialProvider for PostgresStore {
    async fn credential(&self, account: Uuid) -> Result<Option<Credential>> {
        let mut statement = Statement::of("SELECT password_hash, epoch FROM credentials WHERE account = ");
        statement.bind(account.into()).push(" AND password_hash IS NOT NULL");
        let rows = self.shared.read(statement).await?;
        let read = |row: &PgRow| -> Result<Credential, DieselError> {
            let mut reader = Reader::new(row);
            Ok(Credential { account, password_hash: reader.next()?, epoch: reader.next()? })
        };
        rows.first().map(read).transpose().map_err(to_error)
    }

    async fn open_session(&self, session: Session) -> Result<()> {
        let mut statement = Statement::of(
            "INSERT INTO sessions (id, account, epoch, refresh_hash, previous_hash, created_at, expires_at) VALUES (",
        );
        statement.bind(session.id.into()).push(", ").bind(session.account.into());
        statement.push(", ").bind(session.epoch.into()).push(", ").bind(session.refresh_hash.into());
        match session.previous_hash {
            Some(hash) => statement.push(", ").bind(hash.into()),
            None => statement.push(", NULL"),
        };
        statement.push(", ").bind(session.created_at.as_micros().into());
        statement.push(", ").bind(session.expires_at.as_micros().into()).push(")");
        self.shared.write(statement).await.map(drop)
    }

    async fn session(&self, id: Uuid, now: Timestamp) -> Result<Option<Session>> {
        let mut statement = Statement::of(
            "SELECT s.id, s.account, s.epoch, s.refresh_hash, s.previous_hash, s.created_at, s.expires_at \
             FROM sessions s LEFT JOIN credentials c ON c.account = s.account \
             WHERE s.epoch = coalesce(c.epoch, s.epoch) AND s.id = ",
        );
        statement.bind(id.into()).push(" AND s.expires_at > ").bind(now.as_micros().into());
        let rows = self.shared.read(statement).await?;
        rows.first().map(session).transpose().map_err(to_error)
    }

    async fn rotate_session(
        &self,
        id: Uuid,
        current: &[u8],
        next: &[u8],
        expires_at: Timestamp,
    ) -> Result<bool> {
        let mut statement =
            Statement::of("UPDATE sessions SET previous_hash = refresh_hash, refresh_hash = ");
        statement
            .bind(Bind::Bytes(next.to_vec()))
            .push(", expires_at = ")
            .bind(expires_at.as_micros().into());
        statement.push(" WHERE id = ").bind(id.into());
        statement.push(" AND refresh_hash = ").bind(Bind::Bytes(current.to_vec())).push(" RETURNING true");
        Ok(!self.shared.write(statement).await?.is_empty())
    }

    async fn close_session(&self, id: Uuid) -> Result<()> {
        let mut statement = Statement::of("DELETE FROM sessions WHERE id = ");
        statement.bind(id.into());
        self.shared.write(statement).await.map(drop)
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
}

fn session(row: &PgRow) -> Result<Session, DieselError> {
    let mut reader = Reader::new(row);
    Ok(Session {
        id: reader.next()?,
        account: reader.next()?,
        epoch: reader.next()?,
        refresh_hash: reader.next()?,
        previous_hash: reader.next()?,
        created_at: Timestamp::from_micros(reader.next()?),
        expires_at: Timestamp::from_micros(reader.next()?),
    })
}
