//! One record of a store, of whatever class.

use std::fmt;

use serde_json::Value;
use uuid::Uuid;

use super::{RecordClass, wire};
use crate::change::{ChangeRecord, SourceKind, SourceRecord, StoredReply};
use crate::error::Result;
use crate::model::{Item, TypeDefinition};
use crate::provider::{AuthEvent, AuthRecord, Credential, RecordKind, Session};
use crate::registry::TypeGrants;

/// A record. What is secret in it (hashes, settings, sealed values) is in the same form as in the store.
#[derive(Clone, PartialEq)]
pub enum StoreRecord {
    /// A definition of a type.
    Type(Box<TypeDefinition>),
    /// Grants that an org has set on a type or instance.
    TypeGrants(TypeGrants),
    /// An item. The name of its type is informative, and may be missing.
    Item(Box<Item>),
    /// A change of the log, with its revision.
    Change(Box<ChangeRecord>),
    /// The hash of a password and the epoch of an account.
    Credential(Credential),
    /// What signing in stands on, with its version.
    Record(AuthRecord),
    /// An event of signing in.
    Event(Box<AuthEvent>),
    /// A setting.
    Setting {
        /// Its name.
        name: String,
        /// Its value, which may be secret.
        value: Vec<u8>,
    },
    /// What was applied from which document.
    Source(Box<SourceRecord>),
    /// A session.
    Session(Box<Session>),
    /// A reply kept under an idempotency key.
    Reply {
        /// Who has asked; nobody who was signed in when absent.
        account: Option<Uuid>,
        /// Method and path.
        scope: String,
        /// The key.
        key: String,
        /// The reply.
        reply: StoredReply,
    },
}

impl StoreRecord {
    /// Its class.
    pub const fn class(&self) -> RecordClass {
        match self {
            Self::Type(_) => RecordClass::Type,
            Self::TypeGrants(_) => RecordClass::TypeGrants,
            Self::Item(_) => RecordClass::Item,
            Self::Change(_) => RecordClass::Change,
            Self::Credential(_) => RecordClass::Credential,
            Self::Record(_) => RecordClass::Record,
            Self::Event(_) => RecordClass::Event,
            Self::Setting { .. } => RecordClass::Setting,
            Self::Source(_) => RecordClass::Source,
            Self::Session(_) => RecordClass::Session,
            Self::Reply { .. } => RecordClass::Reply,
        }
    }

    /// Whether it goes by itself within hours: sessions, kept replies, codes that were sent, sign-ins under way. These move with
    /// a store, but do not count when stores are compared, and no backup has them.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Session(_) | Self::Reply { .. } => true,
            Self::Record(record) => matches!(
                record.kind,
                RecordKind::Challenge
                    | RecordKind::Login
                    | RecordKind::Reset
                    | RecordKind::Verification
                    | RecordKind::Upload
            ),
            _ => false,
        }
    }

    /// What it is called within its class and sorted by, as bytes; no two records of a store have the same. Classes come in
    /// their order, then: types, items, credentials, events and sessions by id; grants on types by org, type and instance (in lower
    /// case, none before all); changes by org and revision; records of signing in by the names of their kinds and their keys;
    /// settings by name; sources by org (the system layer first), kind and object; replies by account (nobody first), scope and key.
    pub fn sort_key(&self) -> Vec<u8> {
        let mut key = vec![self.class() as u8];
        let mut add = |part: &[u8]| key.extend_from_slice(part);
        match self {
            Self::Type(definition) => add(definition.id.as_bytes()),
            Self::TypeGrants(grants) => {
                add(grants.org.as_bytes());
                add(grants.type_id.as_bytes());
                add(grants.instance.as_deref().unwrap_or_default().to_lowercase().as_bytes());
            }
            Self::Item(item) => add(item.id.as_bytes()),
            Self::Change(change) => {
                add(change.org.as_bytes());
                add(&change.revision.to_be_bytes());
            }
            Self::Credential(credential) => add(credential.account.as_bytes()),
            Self::Record(record) => {
                add(record.kind.as_str().as_bytes());
                add(&[0]);
                add(record.key.as_bytes());
            }
            Self::Event(event) => add(event.id.as_bytes()),
            Self::Setting { name, .. } => add(name.as_bytes()),
            Self::Source(source) => {
                add(source.org.unwrap_or_default().as_bytes());
                add(match source.kind {
                    SourceKind::Item => b"item",
                    SourceKind::Type => b"type",
                });
                add(source.object.as_bytes());
            }
            Self::Session(session) => add(session.id.as_bytes()),
            Self::Reply { account, scope, key, .. } => {
                add(account.unwrap_or_default().as_bytes());
                add(scope.as_bytes());
                add(&[0]);
                add(key.as_bytes());
            }
        }
        key
    }

    /// About how many bytes it takes.
    pub fn size(&self) -> usize {
        const SMALL: usize = 200;
        SMALL
            + match self {
                Self::Item(item) => item.size(),
                Self::Change(change) => change.size(),
                Self::Record(record) => record.value.len(),
                Self::Setting { value, .. } => value.len(),
                Self::Reply { reply, .. } => reply.reply.len(),
                Self::Type(_)
                | Self::TypeGrants(_)
                | Self::Credential(_)
                | Self::Event(_)
                | Self::Source(_)
                | Self::Session(_) => SMALL,
            }
    }

    /// Its JSON form: an object with one member, named by its class. [`crate::canonical`] writes it as text.
    ///
    /// # Errors
    /// Internal when a part of it has no JSON, which none is known to have.
    pub fn to_json(&self) -> Result<Value> {
        wire::to_json(self)
    }

    /// The inverse of [`Self::to_json`]. The name of an item's type is not part of it.
    ///
    /// # Errors
    /// Malformed when it is none; says why.
    pub fn from_json(value: Value) -> Result<Self> {
        wire::from_json(value)
    }
}

impl fmt::Debug for StoreRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(definition) => write!(f, "Type({} {})", definition.name, definition.id),
            Self::TypeGrants(grants) => write!(f, "TypeGrants({} in {})", grants.type_id, grants.org),
            Self::Item(item) => write!(f, "Item({}, version {})", item.id, item.version),
            Self::Change(change) => write!(f, "Change({} of {})", change.revision, change.org),
            Self::Credential(credential) => credential.fmt(f),
            Self::Record(record) => record.fmt(f),
            Self::Event(event) => write!(f, "Event({} {})", event.kind.as_str(), event.id),
            Self::Setting { name, .. } => write!(f, "Setting({name}, …)"),
            Self::Source(source) => write!(f, "Source({})", source.object),
            Self::Session(session) => session.fmt(f),
            Self::Reply { scope, key, .. } => write!(f, "Reply({scope} {key}, …)"),
        }
    }
}
