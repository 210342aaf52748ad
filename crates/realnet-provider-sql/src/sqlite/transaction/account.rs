//! Credentials as part of change sets, and what goes when an account goes.

use realnet_core::{Result, Uuid};

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
        self.run_for("DELETE FROM records WHERE account = ", id)?;
        self.run_for("DELETE FROM sessions WHERE account = ", id).map(drop)
    }
}
