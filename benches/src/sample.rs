//! What the benches of the core work with: the types of the initialization files, the type of the notes, a note and a
//! plain user who may read notes because the type says so.

use std::io::Result;
use std::path::Path;
use std::sync::Arc;

use realnet_core::acl::{Caller, OrgRole, Principal};
use realnet_core::clock::{Clock as _, IdSource as _, System};
use realnet_core::load::{Document, Options, Plan, State, Target, parse_json, plan};
use realnet_core::model::{Attributes, Item, Map, Visibility};
use realnet_core::registry::{TypeInfo, TypeRegistry, TypeSnapshot};
use realnet_core::{Error, Uuid};
use serde_json::{Value, json};

use crate::load::notes::{Note, STATES};

/// The initialization files: name and text, in the order of their names.
///
/// # Errors
/// They can not be read.
pub fn files() -> Result<Vec<(String, String)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../static/initialization");
    let mut files = Vec::new();
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            files.push((name, std::fs::read_to_string(path)?));
        }
    }
    files.sort();
    Ok(files)
}

/// The type of the notes as an initialization file.
pub fn note_types() -> (String, String) {
    let types = json!({ "types": [{
        "name": "Memo",
        "base": "Item",
        "fields": [
            { "name": "title", "type": "string" },
            { "name": "text", "type": "text" },
            { "name": "state", "type": "enum", "values": STATES, "index": true },
            { "name": "priority", "type": "integer", "index": true },
        ],
        "access": [{ "subject": { "type": "role", "id": "User" }, "permissions": ["create", "read", "write"] }],
    }] });
    ("memo.json".to_owned(), types.to_string())
}

/// Parsed files.
///
/// # Errors
/// A file is no initialization file.
pub fn documents(files: &[(String, String)]) -> realnet_core::Result<Vec<Document>> {
    files.iter().map(|(name, text)| parse_json(name, text)).collect()
}

/// The plan that brings the types of these files into an empty store.
///
/// # Errors
/// The files contradict themselves.
pub fn load_types(documents: &[Document]) -> realnet_core::Result<Plan> {
    let registry = Arc::new(TypeRegistry::build(TypeSnapshot::default())?);
    let state = State {
        registry,
        sources: Vec::new(),
        items: Vec::new(),
        secrets: realnet_core::secret::Secrets::default(),
    };
    let target = Target { caller: Arc::new(Caller::system(Uuid::nil())), org: Uuid::nil(), layer: None };
    let options = Options { items: false, ..Options::default() };
    plan(&state, documents, &target, options, &System)
}

/// Types, a user and a note.
#[derive(Debug)]
pub struct Sample {
    /// All types of the initialization files, and `Memo`.
    pub registry: Arc<TypeRegistry>,
    /// A plain user of the note's org.
    pub user: Arc<Caller>,
    /// A note that somebody else owns.
    pub memo: Item,
}

impl Sample {
    /// Loads the types and makes the others.
    ///
    /// # Errors
    /// The files can not be read or contradict themselves.
    pub fn load() -> realnet_core::Result<Self> {
        let mut files =
            files().map_err(|error| Error::internal("the initialization files").with_source(error))?;
        files.push(note_types());
        let next = load_types(&documents(&files)?)?.next_registry;
        let registry = next.ok_or_else(|| Error::internal("the initialization files hold no types"))?;
        let org = System.next_id();
        let user = Arc::new(Caller {
            account: Some(System.next_id()),
            username: Arc::from("writer"),
            role: Some(OrgRole::User),
            roles: vec![Principal { id: System.next_id(), name: Arc::from("user") }],
            ..Caller::anonymous(org)
        });
        let memo = memo(note_type(&registry)?, org)?;
        Ok(Self { registry, user, memo })
    }

    /// The type of the note.
    ///
    /// # Errors
    /// It is not in the registry.
    pub fn note_type(&self) -> realnet_core::Result<&TypeInfo> {
        note_type(&self.registry)
    }
}

/// The attributes of a note as they come in.
pub fn attributes(number: u64) -> Map {
    match Note::number(number).body() {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn note_type(registry: &TypeRegistry) -> realnet_core::Result<&TypeInfo> {
    registry.find(Uuid::nil(), "Memo").ok_or_else(|| Error::internal("the type of the notes is missing"))
}

fn memo(info: &TypeInfo, org: Uuid) -> realnet_core::Result<Item> {
    let mut attributes = attributes(1);
    info.validate(None, &mut attributes)?;
    let now = System.now();
    Ok(Item {
        id: System.next_id(),
        type_id: info.id(),
        type_name: Arc::clone(info.name()),
        instance: None,
        name: "A note".to_owned(),
        attributes: Attributes::from_map(attributes),
        tags: Vec::new(),
        status: None,
        visibility: Visibility::Visible,
        location: None,
        valid_from: None,
        valid_to: None,
        parent_id: None,
        linked_item_id: None,
        owner: Some(System.next_id()),
        org,
        public: false,
        content: None,
        version: 1,
        created_at: now,
        updated_at: now,
        grants: Vec::new(),
        inherited: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use realnet_core::acl::{Permission, decide};

    use super::*;

    #[test]
    fn the_user_reads_the_note_because_the_type_says_so() {
        let sample = Sample::load().unwrap();
        assert!(decide(&sample.registry, &sample.user, &sample.memo, Permission::Read));
        assert!(!decide(&sample.registry, &sample.user, &sample.memo, Permission::Delete));
    }
}
