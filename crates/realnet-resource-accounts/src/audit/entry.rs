//! One entry of the audit.

use std::sync::Arc;

use realnet_core::Uuid;
use realnet_core::acl::Caller;
use realnet_core::change::ChangeRecord;
use realnet_core::clock::Timestamp;
use realnet_core::provider::AuthEvent;
use realnet_core::registry::TypeRegistry;
use serde_json::{Map, Value, json};

/// What happened once.
pub(super) struct Entry {
    pub(super) at: Timestamp,
    /// Who did it, or to whom it happened.
    pub(super) account: Option<Uuid>,
    pub(super) username: Option<Arc<str>>,
    rest: Map<String, Value>,
}

impl Entry {
    pub(super) fn of_change(registry: &TypeRegistry, caller: &Caller, record: &ChangeRecord) -> Self {
        let (name, written_as) = record.names().unzip();
        let type_name = registry.by_id(record.type_id).map(|info| Arc::clone(info.name()));
        // A type may be gone; its name then is the one that the item was written with.
        let type_name = type_name.or_else(|| written_as.cloned());
        // That a value which somebody may not see has changed, or has not, would tell of it.
        let info = registry.by_id(record.type_id);
        let is_told = |name: &&str| info.is_none_or(|info| !info.is_hidden_from(name, caller));
        let fields: Vec<&str> = record.touched().into_iter().filter(is_told).collect();
        let rest = json!({
            "source": "change",
            "kind": record.kind.as_str(),
            "revision": record.revision,
            "item": record.item_id,
            "type": type_name,
            "name": name,
            "version": record.version,
            "fields": fields,
            "request_id": record.request_id,
            "origin": record.origin,
        });
        Self::new(record.at, record.actor, rest)
    }

    pub(super) fn of_event(event: &AuthEvent) -> Self {
        let rest = json!({
            "source": "event",
            "kind": event.kind.as_str(),
            "event": event.id,
            "detail": event.detail,
            "origin": event.origin,
        });
        Self::new(event.at, event.account, rest)
    }

    fn new(at: Timestamp, account: Option<Uuid>, rest: Value) -> Self {
        let rest = if let Value::Object(rest) = rest { rest } else { Map::new() };
        Self { at, account, username: None, rest }
    }

    /// Leaves out where it came from.
    pub(super) fn hide_origin(&mut self) {
        self.rest.insert("origin".to_owned(), Value::Null);
    }

    /// The document.
    pub(super) fn into_shown(self) -> Value {
        let mut shown = Map::new();
        shown.insert("at".to_owned(), json!(self.at));
        shown.insert("account".to_owned(), json!(self.account));
        shown.insert("username".to_owned(), json!(self.username));
        shown.extend(self.rest);
        Value::Object(shown)
    }
}
