//! Statements on the table `credentials`, but for those of change sets.

use realnet_core::Uuid;

use crate::statement::Statement;

/// Replaces the hash of a password if `current` is still the hash; gives a row when it has.
pub(crate) fn rehash(account: Uuid, current: &str, next: &str) -> Statement {
    let mut statement = Statement::of("UPDATE credentials SET password_hash = ");
    statement.bind(next.into()).push(" WHERE account = ").bind(account.into());
    statement.push(" AND password_hash = ").bind(current.into()).push(" RETURNING 1");
    statement
}
