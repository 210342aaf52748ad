//! Statements that write records as they are. Items are written by each backend.

use realnet_core::change::{ChangeRecord, SourceKind};
use realnet_core::clock::Timestamp;
use realnet_core::model::Item;
use realnet_core::provider::{AuthEvent, AuthRecord, MARK_SETTING, StoreRecord};
use realnet_core::{Error, Result};
use serde::Serialize;

use crate::access::changes::{origin_text, passed_down_text};
use crate::access::{sessions, values};
use crate::statement::{Bind, Statement};

/// The columns of [`change_row`].
pub(crate) const CHANGE_COLUMNS: &str =
    "org, revision, item, type, kind, version, before, after, actor, at, request, origin, passed_down";

/// A change as a row of [`CHANGE_COLUMNS`].
pub(crate) fn change_row(change: &ChangeRecord) -> Result<Vec<Bind>> {
    let item = |item: &Option<Item>| item.as_ref().map(json).transpose();
    Ok(vec![
        change.org.into(),
        change.revision.into(),
        change.item_id.into(),
        change.type_id.into(),
        change.kind.as_str().into(),
        change.version.into(),
        item(&change.before)?.into(),
        item(&change.after)?.into(),
        change.actor.into(),
        change.at.as_micros().into(),
        (&*change.request_id).into(),
        origin_text(change)?.into(),
        passed_down_text(change)?.into(),
    ])
}

/// Inserts a record; one whose key is taken is refused by the database. Nothing for items.
pub(crate) fn insert(record: StoreRecord) -> Result<Option<Statement>> {
    let (table, row): (_, Vec<Bind>) = match record {
        StoreRecord::Item(_) => return Ok(None),
        StoreRecord::Session(session) => return Ok(Some(sessions::open(*session))),
        StoreRecord::Type(definition) => {
            ("types (id, definition)", vec![definition.id.into(), json(&definition)?.into()])
        }
        StoreRecord::TypeGrants(grants) => {
            let instance = grants.instance.as_deref().unwrap_or_default().to_lowercase();
            let row =
                vec![grants.org.into(), grants.type_id.into(), instance.into(), json(&grants.grants)?.into()];
            ("type_grants (org, type, instance, grants)", row)
        }
        StoreRecord::Change(change) => return insert_change(&change).map(Some),
        StoreRecord::Credential(known) => {
            // An account without a password has a row when its tokens were made void.
            let hash = Some(known.password_hash).filter(|hash| !hash.is_empty());
            (
                "credentials (account, password_hash, epoch)",
                vec![known.account.into(), hash.into(), known.epoch.into()],
            )
        }
        StoreRecord::Record(record) => {
            ("records (kind, key, account, org, value, version, created_at, expires_at)", record_row(record))
        }
        StoreRecord::Event(event) => {
            ("events (id, org, account, kind, origin, detail, at)", event_row(&event)?)
        }
        StoreRecord::Setting { name, value } => ("settings (key, value)", vec![name.into(), value.into()]),
        StoreRecord::Source(source) => {
            let kind = match source.kind {
                SourceKind::Type => "type",
                SourceKind::Item => "item",
            };
            let (org, applied) = (source.org.unwrap_or_default(), json(&source.applied)?);
            let row =
                vec![org.into(), kind.into(), source.object.into(), source.source.into(), applied.into()];
            ("sources (org, kind, object, source, applied)", row)
        }
        StoreRecord::Reply { account, scope, key, reply } => (
            "replies (account, scope, key, body_hash, reply, created_at)",
            vec![
                account.unwrap_or_default().into(),
                scope.into(),
                key.into(),
                reply.body_hash.into(),
                reply.reply.into(),
                reply.created_at.as_micros().into(),
            ],
        ),
    };
    let mut statement = Statement::of("INSERT INTO ");
    statement.push(table).push(" VALUES (");
    values(&mut statement, row);
    Ok(Some(statement))
}

fn insert_change(change: &ChangeRecord) -> Result<Statement> {
    let mut statement = Statement::of("INSERT INTO changes (");
    statement.push(CHANGE_COLUMNS).push(") VALUES (");
    values(&mut statement, change_row(change)?);
    Ok(statement)
}

fn record_row(record: AuthRecord) -> Vec<Bind> {
    vec![
        record.kind.as_str().into(),
        record.key.into(),
        record.account.into(),
        record.org.into(),
        record.value.into(),
        record.version.into(),
        record.created_at.as_micros().into(),
        record.expires_at.map(Timestamp::as_micros).into(),
    ]
}

fn event_row(event: &AuthEvent) -> Result<Vec<Bind>> {
    Ok(vec![
        event.id.into(),
        event.org.into(),
        event.account.into(),
        event.kind.as_str().into(),
        json(&event.origin)?.into(),
        event.detail.to_string().into(),
        event.at.as_micros().into(),
    ])
}

/// Sets or removes the mark of a store that is being filled.
pub(crate) fn mark(mark: Option<Vec<u8>>) -> Statement {
    let Some(mark) = mark else {
        let mut statement = Statement::of("DELETE FROM settings WHERE key = ");
        statement.bind(MARK_SETTING.into());
        return statement;
    };
    let mut statement = Statement::of("INSERT INTO settings (key, value) VALUES (");
    values(&mut statement, [MARK_SETTING.into(), mark.into()]);
    statement.push(" ON CONFLICT (key) DO UPDATE SET value = excluded.value");
    statement
}

fn json<T: Serialize + ?Sized>(value: &T) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::internal("a record to be restored has no JSON").with_source(error))
}
