//! Types on the way in: what the fields of an item's type are, which lead to other items, and which declarations of an export the
//! server does not have yet.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use realnet_client::Client;
use realnet_core::Uuid;
use realnet_core::model::value;
use serde_json::{Map, Value, json};

use super::bounds::{self, MAX_DECLARED};
use super::document::uuid;
use super::rules::{self, Rules};
use crate::cli::Failure;

/// A field takes so much memory, about.
const FIELD: usize = 200;
/// The longest chain of types.
const MAX_CHAIN: usize = 100;

/// What matters of a field.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(clippy::struct_excessive_bools, reason = "independent options, as declared in documents")]
pub struct Field {
    /// Its values are ids of items.
    refers: bool,
    /// An item has to have it.
    required: bool,
    /// Only the server sets it.
    pub readonly: bool,
    /// Nobody is shown its values.
    pub secret: bool,
    /// What a new item gets that says nothing of it.
    pub default: Option<Value>,
}

/// The fields of a type, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields(HashMap<String, Field>);

/// A reference of an item to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link<'n> {
    /// The property or field.
    pub name: &'n str,
    /// The item referred to.
    pub target: Uuid,
    /// Whether the item can not be made without: its parent, or a required field.
    pub is_hard: bool,
}

/// What is to become of a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It stays.
    Keep,
    /// It leads to another item.
    Replace(Uuid),
    /// It goes.
    Drop,
}

impl Fields {
    fn of(list: &Value) -> Self {
        let mut fields = HashMap::new();
        for field in list.as_array().into_iter().flatten() {
            let flag = |key: &str| field[key] == json!(true);
            let refers = matches!(field["type"].as_str(), Some("reference" | "file"));
            let default = field.get("default").filter(|value| !value.is_null()).cloned();
            let name = field["name"].as_str().unwrap_or_default().to_owned();
            let secret = field["type"].as_str() == Some("secret");
            let found =
                Field { refers, required: flag("required"), readonly: flag("readonly"), secret, default };
            fields.insert(name, found);
        }
        Self(fields)
    }

    /// How much memory they take, about.
    fn memory(&self) -> usize {
        let of = |(name, field): (&String, &Field)| {
            FIELD + name.len() + field.default.as_ref().map_or(0, bounds::memory)
        };
        self.0.iter().map(of).sum()
    }

    /// A field.
    pub fn get(&self, name: &str) -> Option<&Field> {
        self.0.get(name)
    }

    /// Asks what is to become of each reference of a document.
    pub fn decide(&self, document: &mut Map<String, Value>, ask: &mut dyn FnMut(Link<'_>) -> Fate) {
        for name in ["parent_id", "linked_item_id"] {
            decide(document, name, name == "parent_id", ask);
        }
        let Some(Value::Object(attributes)) = document.get_mut("attributes") else { return };
        for (name, field) in self.0.iter().filter(|(_, field)| field.refers && !field.readonly) {
            decide(attributes, name, field.required, ask);
        }
        if attributes.is_empty() {
            document.shift_remove("attributes");
        }
    }
}

fn decide(
    members: &mut Map<String, Value>,
    name: &str,
    is_hard: bool,
    ask: &mut dyn FnMut(Link<'_>) -> Fate,
) {
    let mut stays = |value: &mut Value| {
        let Some(target) = uuid(Some(value)) else { return true };
        match ask(Link { name, target, is_hard }) {
            Fate::Keep => true,
            Fate::Replace(other) => {
                *value = json!(other);
                true
            }
            Fate::Drop => false,
        }
    };
    let is_kept = match members.get_mut(name) {
        Some(Value::Array(values)) => {
            values.retain_mut(&mut stays);
            true
        }
        Some(value) => stays(value),
        None => true,
    };
    if !is_kept {
        members.shift_remove(name);
    }
}

/// The types of an import.
#[derive(Debug, Default)]
pub struct Types {
    fields: HashMap<String, Arc<Fields>>,
    /// Each type of items with its bases, in lower case, as they count here.
    chains: HashMap<String, Vec<String>>,
    /// Declarations that the server does not have.
    pub missing: Vec<Value>,
    /// Types that are declared in another way on the server, which counts.
    pub others: Vec<String>,
    /// The types of the server that were asked for, by their names in lower case.
    known: HashMap<String, Option<Value>>,
}

impl Types {
    /// The types of items and those that are declared, as the server has them.
    pub async fn resolve(
        client: &Client,
        declared: &BTreeMap<String, Value>,
        used: &BTreeSet<String>,
    ) -> Result<Self, Failure> {
        let mut types = Self::default();
        let mut known: HashMap<String, Option<Value>> = HashMap::new();
        for (name, declaration) in declared {
            match look_up(client, &mut known, name).await? {
                None => types.missing.push(declaration.clone()),
                Some(info) if is_same(&info, declaration) => {}
                Some(_) => types.others.push(name.clone()),
            }
        }
        let by_name: HashMap<String, &Value> =
            declared.iter().map(|(name, declaration)| (name.to_lowercase(), declaration)).collect();
        let mut room = MAX_DECLARED;
        for name in used {
            let mut fields = Fields::default();
            let mut next = Some(name.clone());
            let mut passed = BTreeSet::new();
            let mut chain = Vec::new();
            while let Some(name) = next.take().filter(|name| passed.insert(name.to_lowercase())) {
                chain.push(name.to_lowercase());
                if let Some(info) = look_up(client, &mut known, &name).await? {
                    add(&mut fields, Fields::of(&info["effective"]["fields"]));
                    let bases = info["effective"]["chain"].as_array().into_iter().flatten();
                    chain.extend(bases.filter_map(Value::as_str).map(str::to_lowercase));
                } else if let Some(declaration) = by_name.get(&name.to_lowercase()) {
                    add(&mut fields, Fields::of(&declaration["fields"]));
                    next = Some(declaration["base"].as_str().unwrap_or("Item").to_owned());
                } else {
                    return Err(format!(
                        "there is no type {name}: neither on the server that you can see, nor in types/"
                    )
                    .into());
                }
            }
            // What all types inherit from one is kept with each of them.
            let left = room.checked_sub(fields.memory());
            room = left.ok_or("its types inherit more than can be read at once")?;
            types.fields.insert(name.to_lowercase(), Arc::new(fields));
            types.chains.insert(name.to_lowercase(), chain);
        }
        types.known = known;
        Ok(types)
    }

    /// The fields of a type of items.
    pub fn fields(&self, type_name: &str) -> Arc<Fields> {
        self.fields.get(&type_name.to_lowercase()).cloned().unwrap_or_default()
    }

    /// A type of items and its bases, in lower case: as the server has them, whatever the export says of a type that it has.
    pub fn chain(&self, type_name: &str) -> &[String] {
        self.chains.get(&type_name.to_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// What values of items of a type have to be like, if that can be told. To be kept only as long as items of the type are looked at.
    pub fn rules(&self, type_name: &str) -> Option<Rules> {
        let mut chain: Vec<(&str, &Value)> = Vec::new();
        let mut next = type_name;
        while chain.len() < MAX_CHAIN {
            if let Some(Some(info)) = self.known.get(&next.to_lowercase()) {
                chain.push((info["name"].as_str()?, &info["effective"]));
                return rules::of(&chain);
            }
            let is_next =
                |one: &&Value| one["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case(next));
            let declaration = self.missing.iter().find(is_next)?;
            chain.push((declaration["name"].as_str()?, declaration));
            next = declaration["base"].as_str().unwrap_or("Item");
        }
        None
    }

    /// Refuses types that the server lacks, for whoever declares none.
    pub fn check_declared(&self) -> Result<(), Failure> {
        if self.missing.is_empty() { Ok(()) } else { Err(self.undeclared()) }
    }

    fn undeclared(&self) -> Failure {
        let names: Vec<&str> = self.missing.iter().filter_map(|info| info["name"].as_str()).collect();
        format!("the server has no types {}, and only administrators declare some", names.join(", ")).into()
    }

    /// That some types are others here, where that may be why something is refused.
    pub fn told_others(&self) -> Option<String> {
        let words = || {
            format!(
                "declared in another way here, which counts: {} (`realnet get types NAME` shows how)",
                self.others.join(", ")
            )
        };
        (!self.others.is_empty()).then(words)
    }

    /// Has the server declare what it does not have.
    pub async fn declare(&self, client: &Client, source: &str) -> Result<(), Failure> {
        if self.missing.is_empty() {
            return Ok(());
        }
        let document = json!({ "types": self.missing });
        let declared = client.apply(&document, &[("source", source)]).await;
        declared.map(drop).map_err(|error| match error.status() {
            Some(401 | 403) => self.undeclared(),
            _ => format!("the types can not be declared: {error}").into(),
        })
    }
}

/// Whether a server has a type as it is declared. What is said of access is each org's own.
fn is_same(info: &Value, declaration: &Value) -> bool {
    let said = |of: &Value, key: &str| {
        let value = match of.get(key) {
            None | Some(Value::Null) if key == "base" => json!("Item"),
            Some(Value::Array(values)) if values.is_empty() => Value::Null,
            Some(Value::Object(members)) if members.is_empty() => Value::Null,
            value => value.cloned().unwrap_or_default(),
        };
        // Numbers have one form in documents.
        value::canonicalize(value).unwrap_or_default()
    };
    ["base", "attributes", "fields", "instances"].iter().all(|key| said(info, key) == said(declaration, key))
}

/// What is nearer to the item counts.
fn add(fields: &mut Fields, further: Fields) {
    for (name, field) in further.0 {
        let near = fields.0.entry(name).or_default();
        // A field that is narrowed keeps what it has inherited.
        near.refers |= field.refers;
        near.required |= field.required;
        near.readonly |= field.readonly;
        near.secret |= field.secret;
        near.default = near.default.take().or(field.default);
    }
}

async fn look_up(
    client: &Client,
    known: &mut HashMap<String, Option<Value>>,
    name: &str,
) -> Result<Option<Value>, Failure> {
    let key = name.to_lowercase();
    if let Some(info) = known.get(&key) {
        return Ok(info.clone());
    }
    let info = match client.type_definition(name).await {
        Ok(info) => Some(info),
        Err(error) if error.status() == Some(404) => None,
        Err(error) => return Err(error.into()),
    };
    known.insert(key, info.clone());
    Ok(info)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_the_same_whatever_they_do_not_say() {
        let shown = json!({"name": "T", "base": "Item", "attributes": {}, "instances": [], "version": 3,
            "fields": [{"name": "x", "type": "decimal", "multiple_of": 5.0}], "effective": {}});
        let declared = json!({"name": "T", "fields": [{"name": "x", "type": "decimal", "multiple_of": 5}]});
        assert!(is_same(&shown, &declared));
        for (key, value) in [
            ("base", json!("Gadget")),
            ("attributes", json!({"smart": true})),
            ("instances", json!([{"name": "I"}])),
            ("fields", json!([])),
        ] {
            let mut other = declared.clone();
            other[key] = value;
            assert!(!is_same(&shown, &other), "{key}");
        }
    }

    #[test]
    fn what_is_narrowed_is_inherited() {
        let mut fields = Fields::of(
            &json!([{"name": "size", "type": "integer", "max": 5}, {"name": "own", "type": "string"}]),
        );
        let base =
            json!([{"name": "size", "type": "integer", "readonly": true, "required": true, "default": 1}]);
        add(&mut fields, Fields::of(&base));
        let size = fields.get("size").unwrap();
        assert!(size.readonly && size.required && !size.secret && size.default == Some(json!(1)));
        assert_eq!(fields.get("own"), Some(&Field::default()));
    }

    #[test]
    fn references_are_decided_upon() {
        let ids: Vec<Uuid> = (1..6).map(Uuid::from_u128).collect();
        let fields = Fields::of(&json!([{"name": "one", "type": "reference", "required": true},
            {"name": "many", "type": "file", "multiple": true}, {"name": "text", "type": "string"}]));
        let mut document: Map<String, Value> =
            serde_json::from_value(json!({"parent_id": ids[0], "linked_item_id": ids[1],
            "attributes": {"one": ids[2], "many": [ids[3], ids[4], "no id"], "text": ids[0]}}))
            .unwrap();
        let mut seen = Vec::new();
        fields.decide(&mut document, &mut |link| {
            seen.push((link.target, link.is_hard));
            match link.target {
                target if target == ids[0] => Fate::Replace(ids[4]),
                target if target == ids[1] || target == ids[3] => Fate::Drop,
                _ => Fate::Keep,
            }
        });
        seen.sort_unstable();
        let hard = [true, false, true, false, false];
        assert_eq!(seen, ids.iter().copied().zip(hard).collect::<Vec<_>>());
        let expected = json!({"parent_id": ids[4], "attributes": {"one": ids[2], "many": [ids[4], "no id"], "text": ids[0]}});
        assert_eq!(Value::Object(document), expected);
    }
}
