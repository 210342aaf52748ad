//! Records as JSON: forms of their own, since much of it is serialized nowhere else, and for good reason.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{RecordClass, StoreRecord};
use crate::acl::Origin;
use crate::change::{ChangeKind, ChangeRecord, PassedDown, SourceKind, SourceRecord, StoredReply};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::Item;
use crate::provider::{AuthEvent, AuthRecord, Credential, EventKind, RecordKind, Session};

/// Bytes, as base64.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Bytes(Vec<u8>);

impl From<Bytes> for String {
    fn from(bytes: Bytes) -> Self {
        STANDARD.encode(bytes.0)
    }
}

impl TryFrom<String> for Bytes {
    type Error = &'static str;

    fn try_from(text: String) -> std::result::Result<Self, Self::Error> {
        STANDARD.decode(text).map(Self).map_err(|_| "expected base64")
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeWire {
    org: Uuid,
    revision: i64,
    item: Uuid,
    #[serde(rename = "type")]
    type_id: Uuid,
    kind: ChangeKind,
    version: i64,
    before: Option<Item>,
    after: Option<Item>,
    actor: Option<Uuid>,
    at: Timestamp,
    request: Arc<str>,
    origin: Option<Origin>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    passed_down: Option<PassedDown>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CredentialWire {
    account: Uuid,
    password_hash: String,
    epoch: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordWire {
    kind: String,
    key: String,
    account: Option<Uuid>,
    org: Option<Uuid>,
    value: Bytes,
    version: i64,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventWire {
    id: Uuid,
    org: Uuid,
    account: Option<Uuid>,
    kind: String,
    origin: Origin,
    detail: Value,
    at: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingWire {
    name: String,
    value: Bytes,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceWire {
    org: Option<Uuid>,
    kind: SourceKind,
    object: Uuid,
    source: String,
    applied: Value,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionWire {
    id: Uuid,
    account: Uuid,
    epoch: i64,
    refresh_hash: Bytes,
    previous_hash: Option<Bytes>,
    created_at: Timestamp,
    expires_at: Timestamp,
    used_at: Timestamp,
    method: String,
    factor: bool,
    address: Option<String>,
    agent: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplyWire {
    account: Option<Uuid>,
    scope: String,
    key: String,
    body_hash: Bytes,
    reply: Bytes,
    created_at: Timestamp,
}

/// The JSON form of a record.
pub(super) fn to_json(record: &StoreRecord) -> Result<Value> {
    let value = match record {
        StoreRecord::Type(definition) => plain(definition)?,
        StoreRecord::TypeGrants(grants) => {
            let mut value = plain(grants)?;
            // Instances are told apart without regard to case.
            value["instance"] = grants.instance.as_deref().map(str::to_lowercase).into();
            value
        }
        StoreRecord::Item(item) => {
            let mut value = plain(item)?;
            // The id of the type decides, and the name may have changed since.
            if let Some(item) = value.as_object_mut() {
                item.remove("type");
            }
            value
        }
        StoreRecord::Change(change) => plain(&change_wire(change))?,
        StoreRecord::Credential(Credential { account, password_hash, epoch }) => {
            plain(&CredentialWire { account: *account, password_hash: password_hash.clone(), epoch: *epoch })?
        }
        StoreRecord::Record(record) => plain(&record_wire(record))?,
        StoreRecord::Event(event) => plain(&event_wire(event))?,
        StoreRecord::Setting { name, value } => {
            plain(&SettingWire { name: name.clone(), value: Bytes(value.clone()) })?
        }
        StoreRecord::Source(source) => {
            let SourceRecord { org, kind, object, source, applied } = (**source).clone();
            plain(&SourceWire { org, kind, object, source, applied })?
        }
        StoreRecord::Session(session) => plain(&session_wire(session))?,
        StoreRecord::Reply { account, scope, key, reply } => plain(&ReplyWire {
            account: *account,
            scope: scope.clone(),
            key: key.clone(),
            body_hash: Bytes(reply.body_hash.clone()),
            reply: Bytes(reply.reply.clone()),
            created_at: reply.created_at,
        })?,
    };
    Ok(json!({ record.class().as_str(): value }))
}

/// The record of a JSON form.
pub(super) fn from_json(value: Value) -> Result<StoreRecord> {
    let Value::Object(members) = value else { return Err(Error::malformed("a record is an object")) };
    let mut members = members.into_iter();
    let (Some((name, value)), None) = (members.next(), members.next()) else {
        return Err(Error::malformed("a record is an object with one member"));
    };
    let class = RecordClass::parse(&name)
        .ok_or_else(|| Error::malformed(format!("there are no records of the class '{name}'")))?;
    of_class(class, value).map_err(|error| Error::malformed(format!("this is no {name}: {error}")))
}

fn of_class(class: RecordClass, value: Value) -> serde_json::Result<StoreRecord> {
    use serde_json::from_value as read;
    Ok(match class {
        RecordClass::Type => StoreRecord::Type(read(value)?),
        RecordClass::TypeGrants => StoreRecord::TypeGrants(read(value)?),
        RecordClass::Item => StoreRecord::Item(Box::new(item(value)?)),
        RecordClass::Change => StoreRecord::Change(Box::new(change(read(value)?))),
        RecordClass::Credential => {
            let CredentialWire { account, password_hash, epoch } = read(value)?;
            StoreRecord::Credential(Credential { account, password_hash, epoch })
        }
        RecordClass::Record => StoreRecord::Record(record(read(value)?)?),
        RecordClass::Event => StoreRecord::Event(Box::new(event(read(value)?))),
        RecordClass::Setting => {
            let SettingWire { name, value } = read(value)?;
            StoreRecord::Setting { name, value: value.0 }
        }
        RecordClass::Source => {
            let SourceWire { org, kind, object, source, applied } = read(value)?;
            StoreRecord::Source(Box::new(SourceRecord { org, kind, object, source, applied }))
        }
        RecordClass::Session => StoreRecord::Session(Box::new(session(read(value)?))),
        RecordClass::Reply => {
            let ReplyWire { account, scope, key, body_hash, reply, created_at } = read(value)?;
            let reply = StoredReply { body_hash: body_hash.0, reply: reply.0, created_at };
            StoreRecord::Reply { account, scope, key, reply }
        }
    })
}

fn plain<T: Serialize>(value: &T) -> Result<Value> {
    serde_json::to_value(value)
        .map_err(|error| Error::internal("a record of the store has no JSON").with_source(error))
}

fn item(mut value: Value) -> serde_json::Result<Item> {
    if let Some(item) = value.as_object_mut() {
        item.insert("type".to_owned(), Value::from(""));
    }
    let item: Item = serde_json::from_value(value)?;
    // What is read is a map already: stored as text, it is not looked into again.
    item.attributes.as_text();
    Ok(item)
}

fn change_wire(change: &ChangeRecord) -> ChangeWire {
    ChangeWire {
        org: change.org,
        revision: change.revision,
        item: change.item_id,
        type_id: change.type_id,
        kind: change.kind,
        version: change.version,
        before: change.before.clone(),
        after: change.after.clone(),
        actor: change.actor,
        at: change.at,
        request: Arc::clone(&change.request_id),
        origin: change.origin.as_deref().cloned(),
        passed_down: change.passed_down.clone(),
    }
}

fn change(wire: ChangeWire) -> ChangeRecord {
    ChangeRecord {
        revision: wire.revision,
        org: wire.org,
        item_id: wire.item,
        type_id: wire.type_id,
        kind: wire.kind,
        version: wire.version,
        before: wire.before,
        after: wire.after,
        actor: wire.actor,
        at: wire.at,
        request_id: wire.request,
        origin: wire.origin.map(Arc::new),
        passed_down: wire.passed_down,
    }
}

fn record_wire(record: &AuthRecord) -> RecordWire {
    RecordWire {
        kind: record.kind.as_str().to_owned(),
        key: record.key.clone(),
        account: record.account,
        org: record.org,
        value: Bytes(record.value.clone()),
        version: record.version,
        created_at: record.created_at,
        expires_at: record.expires_at,
    }
}

fn record(wire: RecordWire) -> serde_json::Result<AuthRecord> {
    use serde::de::Error as _;
    let RecordWire { kind, key, account, org, value, version, created_at, expires_at } = wire;
    let unknown = || serde_json::Error::custom(format!("there are no records of the kind '{kind}'"));
    let kind = RecordKind::parse(&kind).ok_or_else(unknown)?;
    Ok(AuthRecord { kind, key, account, org, value: value.0, version, created_at, expires_at })
}

fn event_wire(event: &AuthEvent) -> EventWire {
    EventWire {
        id: event.id,
        org: event.org,
        account: event.account,
        kind: event.kind.as_str().to_owned(),
        origin: event.origin.clone(),
        detail: event.detail.clone(),
        at: event.at,
    }
}

fn event(wire: EventWire) -> AuthEvent {
    let EventWire { id, org, account, kind, origin, detail, at } = wire;
    AuthEvent { id, org, account, kind: EventKind::of_stored(&kind), origin, detail, at }
}

fn session_wire(session: &Session) -> SessionWire {
    let Session { id, account, epoch, created_at, expires_at, used_at, factor, .. } = *session;
    SessionWire {
        id,
        account,
        epoch,
        refresh_hash: Bytes(session.refresh_hash.clone()),
        previous_hash: session.previous_hash.clone().map(Bytes),
        created_at,
        expires_at,
        used_at,
        method: session.method.clone(),
        factor,
        address: session.address.clone(),
        agent: session.agent.clone(),
    }
}

fn session(wire: SessionWire) -> Session {
    let SessionWire { id, account, epoch, created_at, expires_at, used_at, method, factor, .. } = wire;
    Session {
        id,
        account,
        epoch,
        refresh_hash: wire.refresh_hash.0,
        previous_hash: wire.previous_hash.map(|hash| hash.0),
        created_at,
        expires_at,
        used_at,
        method,
        factor,
        address: wire.address,
        agent: wire.agent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_record_is_refused() {
        for (bad, word) in [
            (json!([]), "object"),
            (json!({}), "one member"),
            (json!({"item": {}, "type": {}}), "one member"),
            (json!({"thing": {}}), "class 'thing'"),
            (json!({"item": {"id": "x"}}), "no item"),
            (json!({"setting": {"name": "n", "value": "?"}}), "base64"),
            (
                json!({"credential": {"account": Uuid::nil(), "password_hash": "", "epoch": 1, "x": 1}}),
                "unknown field",
            ),
            (
                json!({"record": {"kind": "charm", "key": "k", "account": null, "org": null, "value": "", "version": 1,
                    "created_at": "2026-01-01T00:00:00Z", "expires_at": null}}),
                "kind 'charm'",
            ),
        ] {
            let error = StoreRecord::from_json(bad.clone()).unwrap_err();
            assert!(error.message().contains(word), "{bad}: {error}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let record = StoreRecord::Setting { name: "a".to_owned(), value: b"secret".to_vec() };
        assert_eq!(format!("{record:?}"), "Setting(a, …)");
        assert_eq!(record.to_json().unwrap(), json!({"setting": {"name": "a", "value": "c2VjcmV0"}}));
    }
}
