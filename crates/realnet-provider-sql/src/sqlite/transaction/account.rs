//! Writing credentials, sessions and settings.

use realnet_core::clock::Timestamp;
use realnet_core::provider::Session;
use realnet_core::{Error, Result, Uuid};

use super::SqliteTransaction;
use crate::statement::Statement;

impl SqliteTransaction<'_> {
    /// Sets the password hash, if given, and raises the epoch, which ends all sessions of the account.
    pub(super) fn write_credential(&mut self, account: Uuid, password_hash: Option<&str>) -> Result<()> {
        let mut statement = Statement::of("INSERT INTO credentials (account, password_hash, epoch) VALUES (");
        statement.bind(account.into()).push(", ").bind(password_hash.map(str::to_owned).into());
        statement.push(
            ", 1) ON CONFLICT (account) DO UPDATE SET epoch = epoch + 1, \
             password_hash = coalesce(excluded.password_hash, password_hash)",
        );
        self.connection.run(&statement)?;
        self.run_for("DELETE FROM sessions WHERE account = ", account).map(drop)
    }

    /// Removes what hangs on an account when its item goes.
    pub(super) fn forget_account(&mut self, id: Uuid) -> Result<()> {
        self.run_for("DELETE FROM credentials WHERE account = ", id)?;
        self.run_for("DELETE FROM sessions WHERE account = ", id).map(drop)
    }

    pub(in crate::sqlite) fn open_session(&mut self, session: &Session) -> Result<()> {
        let mut statement = Statement::of("DELETE FROM sessions WHERE expires_at < ");
        statement.bind(session.created_at.as_micros().into());
        self.connection.run(&statement)?;
        let mut statement = Statement::of(
            "INSERT OR REPLACE INTO sessions (id, account, epoch, refresh_hash, previous_hash, created_at, expires_at) \
             VALUES (",
        );
        statement.bind(session.id.into()).push(", ").bind(session.account.into()).push(", ");
        statement.bind(session.epoch.into()).push(", ").bind(session.refresh_hash.clone().into()).push(", ");
        match &session.previous_hash {
            Some(hash) => statement.bind(hash.clone().into()),
            None => statement.push("NULL"),
        };
        statement.push(", ").bind(session.created_at.as_micros().into()).push(", ");
        statement.bind(session.expires_at.as_micros().into()).push(")");
        self.connection.run(&statement).map(drop)
    }

    pub(in crate::sqlite) fn rotate_session(
        &mut self,
        id: Uuid,
        current: Vec<u8>,
        next: Vec<u8>,
        expires_at: Timestamp,
    ) -> Result<bool> {
        let mut statement =
            Statement::of("UPDATE sessions SET previous_hash = refresh_hash, refresh_hash = ");
        statement.bind(next.into()).push(", expires_at = ").bind(expires_at.as_micros().into());
        statement.push(" WHERE id = ").bind(id.into()).push(" AND refresh_hash = ").bind(current.into());
        Ok(self.connection.run(&statement)? > 0)
    }

    pub(in crate::sqlite) fn close_session(&mut self, id: Uuid) -> Result<()> {
        self.run_for("DELETE FROM sessions WHERE id = ", id).map(drop)
    }

    pub(in crate::sqlite) fn setting_or_insert(&mut self, key: &str, value: Vec<u8>) -> Result<Vec<u8>> {
        let mut statement = Statement::of("INSERT INTO settings (key, value) VALUES (");
        statement.bind(key.into()).push(", ").bind(value.into()).push(") ON CONFLICT DO NOTHING");
        self.connection.run(&statement)?;
        let mut statement = Statement::of("SELECT value FROM settings WHERE key = ");
        statement.bind(key.into());
        let value = self.connection.first(&statement, |row| row.bytes(0))?.flatten();
        value.ok_or_else(|| Error::internal("a setting that was just stored is not there"))
    }
}
