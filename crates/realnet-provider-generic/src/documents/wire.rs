//! Effects as lines of the journal, and private values as lines of their log.

use std::sync::Arc;

use realnet_core::Uuid;
use realnet_core::acl::Origin;
use realnet_core::change::{ChangeKind, ChangeRecord, PassedDown, SourceKind};
use realnet_core::clock::Timestamp;
use realnet_core::error::{Error, Result};
use realnet_core::model::Item;
use realnet_core::provider::{RecordKind, StoreRecord};
use realnet_core::registry::TypeGrants;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::memory::{Effect, Touch};

fn malformed(what: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::internal(format!("{what} has no JSON")).with_source(error)
}

/// The text of an item with all that the store knows of it.
pub(super) fn item_text(item: &Item) -> Result<String> {
    serde_json::to_string(item).map_err(|error| malformed("an item", error))
}

/// The text of a record.
fn record_text(record: &StoreRecord) -> Result<String> {
    match record {
        // With the name of its type, by which its document is found.
        StoreRecord::Item(item) => Ok(format!("{{\"item\":{}}}", item_text(item)?)),
        other => Ok(other.to_json()?.to_string()),
    }
}

/// The text of one change: all its effects.
pub(super) fn effects_text(effects: &[Effect]) -> Result<String> {
    let mut text = String::from("[");
    for (index, effect) in effects.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&effect_text(effect)?);
    }
    text.push(']');
    Ok(text)
}

fn effect_text(effect: &Effect) -> Result<String> {
    Ok(match effect {
        Effect::Put(record) => record_text(record)?,
        Effect::Grants(org, grants) => json!({ "grants": [org, grants] }).to_string(),
        Effect::TypeRevision(revision) => json!({ "type_revision": revision }).to_string(),
        Effect::Gone(touch) => json!({ "gone": touch_value(touch) }).to_string(),
    })
}

/// The effects of one change.
pub(super) fn effects_of(text: &str) -> Result<Vec<Effect>, String> {
    let values: Vec<Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    values.into_iter().map(effect_of).collect()
}

/// One effect.
pub(super) fn effect_of(mut value: Value) -> Result<Effect, String> {
    if let Some(item) = value.get_mut("item") {
        let item: Item = read(item.take())?;
        return Ok(Effect::Put(StoreRecord::Item(Box::new(item))));
    }
    if let Some(grants) = value.get_mut("grants") {
        let (org, grants): (Uuid, Vec<TypeGrants>) = read(grants.take())?;
        return Ok(Effect::Grants(org, grants));
    }
    if let Some(revision) = value.get("type_revision") {
        return revision.as_i64().map(Effect::TypeRevision).ok_or_else(|| "expected a revision".to_owned());
    }
    if let Some(gone) = value.get("gone") {
        return touch_of(gone).map(Effect::Gone).ok_or_else(|| "expected what is gone".to_owned());
    }
    StoreRecord::from_json(value).map(Effect::Put).map_err(|error| error.message().to_owned())
}

/// The text of a private value, and of what it is called; `None` when it is kept elsewhere. A type is kept there, too: its document
/// may be another one when it is read the next time, and says nothing then of what was protected.
pub(super) fn private_line(effect: &Effect) -> Result<Option<(String, String)>> {
    let key = |touch: &Touch| touch_value(touch).to_string();
    let is_private = |touch: &Touch| {
        matches!(
            touch,
            Touch::Type(..)
                | Touch::TypeRevision
                | Touch::Credential(_)
                | Touch::Session(_)
                | Touch::Record(_)
                | Touch::Event(_)
                | Touch::Setting(_)
                | Touch::Reply(_)
        )
    };
    let Some(touch) = effect.touch().filter(is_private) else { return Ok(None) };
    let value = match effect {
        Effect::Gone(_) => String::new(),
        other => effect_text(other)?,
    };
    Ok(Some((key(&touch), value)))
}

/// A change as a line of the change log, in the form that it has as a record.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeLine {
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
    origin: Option<Arc<Origin>>,
    passed_down: Option<PassedDown>,
}

/// What a change says, as a line of the change log.
pub(super) fn change_line(change: &ChangeRecord) -> Result<String> {
    let mut value = StoreRecord::Change(Box::new(change.clone())).to_json()?;
    let change = value.get_mut("change").map(Value::take).unwrap_or_default();
    Ok(change.to_string())
}

/// The change of a line of the change log.
pub(super) fn change_of(line: &str) -> Result<ChangeRecord, serde_json::Error> {
    let line: ChangeLine = serde_json::from_str(line)?;
    for item in line.before.iter().chain(&line.after) {
        // As text they take less memory, and are what is compared.
        item.attributes.as_text();
    }
    Ok(ChangeRecord {
        revision: line.revision,
        org: line.org,
        item_id: line.item,
        type_id: line.type_id,
        kind: line.kind,
        version: line.version,
        before: line.before,
        after: line.after,
        actor: line.actor,
        at: line.at,
        request_id: line.request,
        origin: line.origin,
        passed_down: line.passed_down,
    })
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

fn touch_value(touch: &Touch) -> Value {
    match touch {
        Touch::Item(id, type_name) => json!(["item", id, type_name]),
        Touch::Change(org, revision) => json!(["change", org, revision]),
        Touch::Type(id, org, name) => json!(["type", id, org, name]),
        Touch::Grants(org) => json!(["grants", org]),
        Touch::TypeRevision => json!(["type_revision"]),
        Touch::Credential(account) => json!(["credential", account]),
        Touch::Session(id) => json!(["session", id]),
        Touch::Record((kind, key)) => json!(["record", kind.as_str(), key]),
        Touch::Event(id) => json!(["event", id]),
        Touch::Setting(name) => json!(["setting", name]),
        Touch::Source((org, kind, object)) => json!(["source", org, kind, object]),
        Touch::Reply((account, scope, key)) => json!(["reply", account, scope, key]),
    }
}

fn touch_of(value: &Value) -> Option<Touch> {
    let parts = value.as_array()?;
    let text = |index: usize| parts.get(index).and_then(Value::as_str);
    let id = |index: usize| text(index).and_then(|text| Uuid::parse_str(text).ok());
    let optional = |index: usize| match parts.get(index)? {
        Value::Null => Some(None),
        _ => id(index).map(Some),
    };
    Some(match text(0)? {
        "item" => Touch::Item(id(1)?, Arc::from(text(2)?)),
        "change" => Touch::Change(id(1)?, parts.get(2)?.as_i64()?),
        "type" => Touch::Type(id(1)?, optional(2)?, text(3)?.to_owned()),
        "grants" => Touch::Grants(id(1)?),
        "type_revision" => Touch::TypeRevision,
        "credential" => Touch::Credential(id(1)?),
        "session" => Touch::Session(id(1)?),
        "record" => Touch::Record((RecordKind::parse(text(1)?)?, text(2)?.to_owned())),
        "event" => Touch::Event(id(1)?),
        "setting" => Touch::Setting(text(1)?.to_owned()),
        "source" => {
            let kind: SourceKind = serde_json::from_value(parts.get(2)?.clone()).ok()?;
            Touch::Source((optional(1)?, kind, id(3)?))
        }
        "reply" => Touch::Reply((optional(1)?, text(2)?.to_owned(), text(3)?.to_owned())),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use realnet_core::acl::{Grant, InheritedGrant, Permission, Permissions, Subject};

    use super::*;

    #[test]
    fn names_of_values_are_read_back() {
        let (id, org) = (Uuid::from_u128(1), Uuid::from_u128(2));
        for touch in [
            Touch::Item(id, "Task".into()),
            Touch::Change(org, 7),
            Touch::Type(id, None, "Task".into()),
            Touch::Type(id, Some(org), "Task".into()),
            Touch::Grants(org),
            Touch::TypeRevision,
            Touch::Credential(id),
            Touch::Session(id),
            Touch::Record((RecordKind::Passkey, "a\n\"b".into())),
            Touch::Event(id),
            Touch::Setting("x".into()),
            Touch::Source((None, SourceKind::Item, id)),
            Touch::Reply((Some(id), "POST /x".into(), "k".into())),
            Touch::Reply((None, String::new(), String::new())),
        ] {
            assert_eq!(touch_of(&touch_value(&touch)), Some(touch.clone()));
            let text = effects_text(&[Effect::Gone(touch.clone())]).unwrap();
            let read = effects_of(&text).unwrap();
            assert_eq!(read[0].touch(), Some(touch));
        }
    }

    #[test]
    fn what_was_passed_down_is_read_back() {
        let id = Uuid::from_u128;
        let permissions = Permissions::of(&[Permission::Read]);
        let grant = Grant { subject: Subject::Account(id(4)), permissions };
        let after = vec![InheritedGrant { grant, from: id(5) }];
        let passed = PassedDown { name: "é\n".to_owned(), type_name: "Note".into(), before: vec![], after };
        let mut change = ChangeRecord {
            revision: 7,
            org: id(1),
            item_id: id(2),
            type_id: id(3),
            kind: ChangeKind::Grant,
            version: 2,
            before: None,
            after: None,
            passed_down: Some(passed),
            actor: None,
            at: Timestamp::from_micros(9),
            request_id: "r".into(),
            origin: None,
        };
        assert_eq!(change_of(&change_line(&change).unwrap()).unwrap(), change);
        // Nothing is said of it where there is nothing, so that lines of before stay as they are.
        change.passed_down = None;
        let line = change_line(&change).unwrap();
        assert!(!line.contains("passed_down"), "{line}");
        assert_eq!(change_of(&line).unwrap(), change);
    }

    #[test]
    fn a_line_of_another_kind_is_refused() {
        for line in ["{}", "[1]", "[{\"gone\":[\"x\"]}]", "[{\"nothing\":1}]"] {
            assert!(effects_of(line).is_err(), "{line}");
        }
    }
}
