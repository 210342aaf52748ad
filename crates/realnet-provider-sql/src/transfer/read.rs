//! Statements that read all records of a class, in the order of a dump, and their rows.

use realnet_core::change::{SourceKind, SourceRecord, StoredReply};
use realnet_core::clock::Timestamp;
use realnet_core::provider::{
    AuthEvent, AuthRecord, Credential, EventKind, MARK_SETTING, RecordClass, RecordKind, StoreRecord,
    TURN_SETTING,
};
use realnet_core::registry::TypeGrants;
use realnet_core::{Error, Result, Uuid};
use serde::de::DeserializeOwned;

use crate::access::{Fields, sessions};
use crate::statement::Statement;

/// For so many seconds a reply is kept.
const REPLY_AGE: i64 = 24 * 3600;

/// The statement that counts the records of a class.
pub(crate) fn count(class: RecordClass, now: Timestamp) -> Statement {
    let mut statement = Statement::of("SELECT count(*)");
    push_source(&mut statement, class, now);
    statement
}

/// The statement that reads them, in order. Items are the table `i` and changes the table `c`.
pub(crate) fn select(class: RecordClass, columns: &'static str, now: Timestamp) -> Statement {
    let mut statement = Statement::of("SELECT ");
    statement.push(columns);
    push_source(&mut statement, class, now);
    statement.push(" ORDER BY ").push(order(class));
    statement
}

fn push_source(statement: &mut Statement, class: RecordClass, now: Timestamp) {
    let now_or_later = now.as_micros().into();
    match class {
        RecordClass::Type => statement.push(" FROM types"),
        RecordClass::TypeGrants => statement.push(" FROM type_grants"),
        RecordClass::Item => statement.push(" FROM items i"),
        RecordClass::Change => statement.push(" FROM changes c"),
        RecordClass::Credential => statement.push(" FROM credentials"),
        RecordClass::Record => statement
            .push(" FROM records WHERE (expires_at IS NULL OR expires_at > ")
            .bind(now_or_later)
            .push(")"),
        RecordClass::Event => {
            statement.push(" FROM events WHERE id >= ").bind(AuthEvent::first_kept_id(now).into())
        }
        RecordClass::Setting => statement
            .push(" FROM settings WHERE key NOT IN (")
            .bind(MARK_SETTING.into())
            .push(", ")
            .bind(TURN_SETTING.into())
            .push(")"),
        RecordClass::Source => statement.push(" FROM sources"),
        RecordClass::Session => statement
            .push(
                " FROM sessions s LEFT JOIN credentials k ON k.account = s.account \
                 WHERE s.epoch = coalesce(k.epoch, 0) AND s.expires_at > ",
            )
            .bind(now_or_later),
        RecordClass::Reply => {
            let oldest = now.plus_seconds(-REPLY_AGE);
            statement.push(" FROM replies WHERE created_at >= ").bind(oldest.as_micros().into())
        }
    };
}

fn order(class: RecordClass) -> &'static str {
    match class {
        RecordClass::Type | RecordClass::Event => "id",
        RecordClass::TypeGrants => "org, type, instance",
        RecordClass::Item => "i.id",
        RecordClass::Change => "c.org, c.revision",
        RecordClass::Credential => "account",
        RecordClass::Record => "kind, key",
        RecordClass::Setting => "key",
        RecordClass::Source => "org, kind, object",
        RecordClass::Session => "s.id",
        RecordClass::Reply => "account, scope, key",
    }
}

/// The columns that [`read`] reads of a class; none of items and changes, which each backend reads by itself.
pub(crate) fn columns(class: RecordClass) -> Option<&'static str> {
    Some(match class {
        RecordClass::Type => "definition",
        RecordClass::TypeGrants => "org, type, instance, grants",
        RecordClass::Item | RecordClass::Change => return None,
        RecordClass::Credential => "account, coalesce(password_hash, ''), epoch",
        RecordClass::Record => "kind, key, account, org, value, version, created_at, expires_at",
        RecordClass::Event => "id, org, account, kind, origin, detail, at",
        RecordClass::Setting => "key, value",
        RecordClass::Source => "org, kind, object, source, applied",
        RecordClass::Session => {
            "s.id, s.account, s.epoch, s.refresh_hash, s.previous_hash, s.created_at, s.expires_at, s.used_at, s.method, \
             s.factor, s.address, s.agent"
        }
        RecordClass::Reply => "account, scope, key, body_hash, reply, created_at",
    })
}

/// The record of a row of [`columns`].
pub(crate) fn read(class: RecordClass, row: &mut impl Fields) -> Result<StoreRecord> {
    Ok(match class {
        RecordClass::Type => StoreRecord::Type(Box::new(json(&row.text()?, "type")?)),
        RecordClass::TypeGrants => StoreRecord::TypeGrants(TypeGrants {
            org: row.id()?,
            type_id: row.id()?,
            instance: Some(row.text()?).filter(|name| !name.is_empty()),
            grants: json(&row.text()?, "grants")?,
        }),
        RecordClass::Credential => StoreRecord::Credential(Credential {
            account: row.id()?,
            password_hash: row.text()?,
            epoch: row.integer()?,
        }),
        RecordClass::Record => StoreRecord::Record(record(row)?),
        RecordClass::Event => StoreRecord::Event(Box::new(AuthEvent {
            id: row.id()?,
            org: row.id()?,
            account: row.optional_id()?,
            kind: EventKind::of_stored(&row.text()?),
            origin: json(&row.text()?, "origin")?,
            detail: json(&row.text()?, "detail")?,
            at: row.moment()?,
        })),
        RecordClass::Setting => StoreRecord::Setting { name: row.text()?, value: row.bytes()? },
        RecordClass::Source => StoreRecord::Source(Box::new(source(row)?)),
        RecordClass::Session => StoreRecord::Session(Box::new(sessions::read(row)?)),
        RecordClass::Reply => StoreRecord::Reply {
            account: known(row.id()?),
            scope: row.text()?,
            key: row.text()?,
            reply: StoredReply { body_hash: row.bytes()?, reply: row.bytes()?, created_at: row.moment()? },
        },
        RecordClass::Item | RecordClass::Change => {
            return Err(Error::internal("items and changes are read by the backend"));
        }
    })
}

fn record(row: &mut impl Fields) -> Result<AuthRecord> {
    let kind = row.text()?;
    let unknown =
        || Error::internal(format!("a stored record of the kind {kind}, which this program does not know"));
    Ok(AuthRecord {
        kind: RecordKind::parse(&kind).ok_or_else(unknown)?,
        key: row.text()?,
        account: row.optional_id()?,
        org: row.optional_id()?,
        value: row.bytes()?,
        version: row.integer()?,
        created_at: row.moment()?,
        expires_at: row.optional_moment()?,
    })
}

fn source(row: &mut impl Fields) -> Result<SourceRecord> {
    let org = known(row.id()?);
    let kind = match row.text()?.as_str() {
        "type" => SourceKind::Type,
        "item" => SourceKind::Item,
        other => return Err(Error::internal(format!("the kind of source {other} is not known"))),
    };
    let object = row.id()?;
    Ok(SourceRecord { org, kind, object, source: row.text()?, applied: json(&row.text()?, "source")? })
}

/// The nil id stands for nobody.
fn known(id: Uuid) -> Option<Uuid> {
    Some(id).filter(|id| !id.is_nil())
}

fn json<T: DeserializeOwned>(text: &str, what: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|error| Error::internal(format!("a stored {what} is no proper JSON")).with_source(error))
}
