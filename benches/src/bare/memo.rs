//! A new note as rows of RealNet's tables.

use realnet_core::clock::{Clock as _, IdSource as _, System};
use realnet_core::index::sort_key;
use realnet_core::model::FieldKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::List;
use super::row::{self, Row};
use super::statement::Value as Bound;

/// What all notes of a store have in common; read from one of them when the store is opened.
#[derive(Debug, Clone)]
pub struct Common {
    /// Their org.
    pub org: Uuid,
    /// Their type.
    pub type_id: Uuid,
    /// Who owns the new ones.
    pub owner: Option<Uuid>,
    /// The number of the field `state` in the key index.
    pub state_field: i64,
    /// The number of the field `priority`.
    pub priority_field: i64,
}

impl Common {
    /// What any of the notes tells, with the numbers of the two fields.
    pub fn new<Tags>(sample: &Row<Tags>, [state_field, priority_field]: [i64; 2]) -> Self {
        Self {
            org: sample.head.org.0,
            type_id: sample.head.type_id.0,
            owner: sample.tail.owner.map(|id| id.0),
            state_field,
            priority_field,
        }
    }

    /// The values of a page by priority.
    pub fn by_priority(&self, list: List<'_>) -> Vec<Bound> {
        let state = Bound::Bytes(state_key(list.state));
        vec![Bound::Int(self.priority_field), Bound::Id(self.org), Bound::Int(self.state_field), state]
    }

    /// The values of a page with the newest first, and of the total.
    pub fn in_state(&self, list: List<'_>) -> Vec<Bound> {
        vec![Bound::Int(self.state_field), Bound::Id(self.org), Bound::Bytes(state_key(list.state))]
    }
}

/// The body of a create. The fields stand in the order of canonical JSON.
#[derive(Debug, Deserialize, Serialize)]
pub struct Body {
    priority: i64,
    state: String,
    text: String,
    title: String,
}

/// A new note.
#[derive(Debug)]
pub struct Memo {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Its attributes as JSON.
    pub attributes: String,
    /// When it is created, in microseconds.
    pub at: i64,
    /// The sort key of its state.
    pub state_key: Vec<u8>,
    /// The sort key of its priority.
    pub priority_key: Vec<u8>,
}

impl Memo {
    /// A note with that body.
    pub fn new(body: &Body) -> serde_json::Result<Self> {
        Ok(Self {
            id: System.next_id(),
            name: String::new(),
            attributes: serde_json::to_string(body)?,
            at: System.now().as_micros(),
            state_key: state_key(&body.state),
            priority_key: sort_key(&Value::from(body.priority), FieldKind::Integer),
        })
    }

    /// The values of its row: id, org, type, name, attributes, owner, and twice the time.
    pub fn values(&self, common: &Common) -> Vec<Bound> {
        vec![
            Bound::Id(self.id),
            Bound::Id(common.org),
            Bound::Id(common.type_id),
            Bound::Text(self.name.clone()),
            Bound::Text(self.attributes.clone()),
            Bound::OptionalId(common.owner),
            Bound::Int(self.at),
            Bound::Int(self.at),
        ]
    }

    /// As it is answered, and as it stands in the change log.
    pub fn to_json(&self, common: &Common) -> Vec<u8> {
        let item = row::Shown {
            id: self.id,
            org: common.org,
            instance: None,
            name: &self.name,
            attributes: &self.attributes,
            tags: "[]",
            status: None,
            visibility: 0,
            location: None,
            valid_from: None,
            valid_to: None,
            parent: None,
            linked: None,
            owner: common.owner,
            public: false,
            version: 1,
            created_at: self.at,
            updated_at: self.at,
        };
        let mut out = Vec::with_capacity(1024);
        item.write(&mut out);
        out
    }
}

/// The sort key of a state.
fn state_key(state: &str) -> Vec<u8> {
    sort_key(&Value::from(state), FieldKind::Enum)
}

/// State and priority of a stored note, as sort keys: where they stand in the key index says the fields' numbers.
pub fn keys_of(attributes: &str) -> serde_json::Result<[Vec<u8>; 2]> {
    let body: Body = serde_json::from_str(attributes)?;
    Ok([state_key(&body.state), sort_key(&Value::from(body.priority), FieldKind::Integer)])
}
