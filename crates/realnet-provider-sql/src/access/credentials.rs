//! Statements on the tables `credentials` and `settings`, but for those of change sets.

use realnet_core::Uuid;

use crate::statement::Statement;

/// Replaces the hash of a password if `current` is still the hash; gives a row when it has.
pub(crate) fn rehash(account: Uuid, current: &str, next: &str) -> Statement {
    let mut statement = Statement::of("UPDATE credentials SET password_hash = ");
    statement.bind(next.into()).push(" WHERE account = ").bind(account.into());
    statement.push(" AND password_hash = ").bind(current.into()).push(" RETURNING 1");
    statement
}

/// The value of a setting.
pub(crate) fn setting(key: &str) -> Statement {
    let mut statement = Statement::of("SELECT value FROM settings WHERE key = ");
    statement.bind(key.into());
    statement
}

/// Replaces a setting if `current` is still its value; gives a row when it has.
pub(crate) fn replace_setting(key: &str, current: &[u8], next: Vec<u8>) -> Statement {
    let mut statement = Statement::of("UPDATE settings SET value = ");
    statement.bind(next.into()).push(" WHERE key = ").bind(key.into());
    statement.push(" AND value = ").bind(current.to_vec().into()).push(" RETURNING 1");
    statement
}
