//! What a change has touched, and the values that are there afterwards: what has to be kept of it.

use std::sync::Arc;

use realnet_core::Uuid;
use realnet_core::provider::StoreRecord;
use realnet_core::registry::TypeGrants;

use super::state::{RecordKey, ReplyKey, SourceKey, State};

/// Names one value of the state.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Touch {
    /// An item, with the name of its type.
    Item(Uuid, Arc<str>),
    /// A change of an org, by its revision.
    Change(Uuid, i64),
    /// A type, by layer and name too: under another name it is another document.
    Type(Uuid, Option<Uuid>, String),
    /// All grants of an org on types.
    Grants(Uuid),
    /// The revision of types.
    TypeRevision,
    /// The credential of an account.
    Credential(Uuid),
    /// A session.
    Session(Uuid),
    /// A record of signing in.
    Record(RecordKey),
    /// An event.
    Event(Uuid),
    /// A setting.
    Setting(String),
    /// What was applied to an object.
    Source(SourceKey),
    /// A kept reply.
    Reply(ReplyKey),
}

impl Touch {
    /// What a record is about; grants on types have no touch of their own.
    pub(crate) fn of(record: &StoreRecord) -> Option<Self> {
        Some(match record {
            StoreRecord::Item(item) => Self::Item(item.id, Arc::clone(&item.type_name)),
            StoreRecord::Change(change) => Self::Change(change.org, change.revision),
            StoreRecord::Type(info) => Self::Type(info.id, info.org, info.name.clone()),
            StoreRecord::Credential(credential) => Self::Credential(credential.account),
            StoreRecord::Session(session) => Self::Session(session.id),
            StoreRecord::Record(record) => Self::Record((record.kind, record.key.clone())),
            StoreRecord::Event(event) => Self::Event(event.id),
            StoreRecord::Setting { name, .. } => Self::Setting(name.clone()),
            StoreRecord::Source(source) => Self::Source((source.org, source.kind, source.object)),
            StoreRecord::Reply { account, scope, key, .. } => {
                Self::Reply((*account, scope.clone(), key.clone()))
            }
            StoreRecord::TypeGrants(_) => return None,
        })
    }
}

/// What is to be kept.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    /// A value is this now.
    Put(StoreRecord),
    /// The grants of an org on types are these now.
    Grants(Uuid, Vec<TypeGrants>),
    /// The revision of types is this now.
    TypeRevision(i64),
    /// A value is there no more.
    Gone(Touch),
}

impl Effect {
    /// What it is about.
    pub(crate) fn touch(&self) -> Option<Touch> {
        match self {
            Self::Put(record) => Touch::of(record),
            Self::Gone(touch) => Some(touch.clone()),
            Self::Grants(org, _) => Some(Touch::Grants(*org)),
            Self::TypeRevision(_) => Some(Touch::TypeRevision),
        }
    }

    /// What a touched value is in a state.
    pub(crate) fn of(state: &State, touch: Touch) -> Self {
        match &touch {
            Touch::TypeRevision => return Self::TypeRevision(state.type_revision),
            Touch::Grants(org) => {
                let of_org = state.type_grants.iter().filter(|grants| grants.org == *org);
                let mut grants: Vec<TypeGrants> = of_org.cloned().collect();
                grants.sort_by(|a, b| (a.type_id, &a.instance).cmp(&(b.type_id, &b.instance)));
                return Self::Grants(*org, grants);
            }
            _ => {}
        }
        match record(state, &touch) {
            Some(record) => Self::Put(record),
            None => Self::Gone(touch),
        }
    }
}

/// The present value, if there is one.
fn record(state: &State, touch: &Touch) -> Option<StoreRecord> {
    Some(match touch {
        Touch::Item(id, _) => StoreRecord::Item(Box::new(state.items.get(id)?.clone())),
        Touch::Change(org, revision) => {
            let changes = state.changes.get(org)?;
            let index = usize::try_from(revision - 1).ok()?;
            StoreRecord::Change(Box::new(changes.get(index)?.clone()))
        }
        Touch::Type(id, org, name) => {
            let info = state.types.get(id).filter(|info| info.org == *org && info.name == *name)?;
            StoreRecord::Type(Box::new(info.clone()))
        }
        Touch::Credential(account) => StoreRecord::Credential(state.credentials.get(account)?.clone()),
        Touch::Session(id) => StoreRecord::Session(Box::new(state.sessions.get(id)?.clone())),
        Touch::Record(key) => StoreRecord::Record(state.records.get(key)?.clone()),
        Touch::Event(id) => StoreRecord::Event(Box::new(state.events.get(id)?.clone())),
        Touch::Setting(name) => {
            StoreRecord::Setting { name: name.clone(), value: state.settings.get(name)?.clone() }
        }
        Touch::Source(key) => StoreRecord::Source(Box::new(state.sources.get(key)?.clone())),
        Touch::Reply(key) => {
            let (account, scope, name) = key.clone();
            StoreRecord::Reply { account, scope, key: name, reply: state.replies.get(key)?.clone() }
        }
        // These two are no records of their own.
        Touch::Grants(_) | Touch::TypeRevision => return None,
    })
}
