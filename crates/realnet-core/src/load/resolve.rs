//! Resolving the references of items in a load, and what each item therefore needs to be there first.

use std::collections::HashMap;

use serde_json::{Value, json};
use uuid::Uuid;

use super::document::tolerant_bool;
use super::flat::{Flat, is_default, merged_grants};
use super::nodes::Node;
use super::plan::{Input, Target};
use super::references::{self, Reference};
use crate::acl::Grant;
use crate::error::Violation;
use crate::model::{FieldKind, Map};
use crate::registry::TypeRegistry;

/// What a document says of an item, references resolved, values canonical.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) flat: Flat,
    /// Nodes that it refers to or stands in.
    pub(super) needs: Vec<usize>,
}

struct Candidate {
    id: Uuid,
    type_id: Uuid,
    node: Option<usize>,
}

/// Finds items by name.
pub(super) struct Resolver<'a> {
    nodes: &'a [Node<'a>],
    registry: &'a TypeRegistry,
    target: &'a Target,
    by_name: HashMap<&'a str, Vec<Candidate>>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(nodes: &'a [Node<'a>], input: Input<'a>, registry: &'a TypeRegistry) -> Self {
        let mut by_name: HashMap<&str, Vec<Candidate>> = HashMap::new();
        for (index, node) in nodes.iter().enumerate() {
            let candidate = Candidate { id: node.id, type_id: node.info.id(), node: Some(index) };
            by_name.entry(&node.entry.name).or_default().push(candidate);
        }
        for item in &input.state.items {
            let candidates = by_name.entry(&item.name).or_default();
            if item.org == input.target.org && !candidates.iter().any(|known| known.id == item.id) {
                candidates.push(Candidate { id: item.id, type_id: item.type_id, node: None });
            }
        }
        Self { nodes, registry, target: input.target, by_name }
    }

    /// What the document says of a node.
    pub(super) fn said(&self, index: usize, violations: &mut Vec<Violation>) -> Said {
        let node = &self.nodes[index];
        let mut said = Said::default();
        said.needs.extend(node.parent);
        let mut properties = Value::Object(node.entry.properties.clone());
        references::name_subjects(&mut properties);
        let mut attributes = Value::Object(node.entry.attributes.clone());
        for value in [&mut properties, &mut attributes] {
            let resolved = references::replace(value, &mut |reference| {
                let candidate = self.find(reference)?;
                said.needs.extend(candidate.node);
                Ok::<_, String>(candidate.id)
            });
            if let Err(detail) = resolved {
                violations.push(node.entry.place.violation(format!("item {}: {detail}", node.entry.name)));
            }
        }
        said.flat = self.flat(node, properties, attributes, violations);
        said
    }

    /// One of the load before one of the store; several are ambiguous.
    fn find(&self, reference: &Reference) -> Result<&Candidate, String> {
        let Reference { type_name, name } = reference;
        let info = self
            .target
            .find(self.registry, type_name)
            .ok_or_else(|| format!("refers to an item of the unknown type {type_name}"))?;
        let candidates = self.by_name.get(name.as_str()).map(Vec::as_slice).unwrap_or_default();
        let fitting: Vec<&Candidate> = candidates
            .iter()
            .filter(|candidate| self.registry.is_derived_from(candidate.type_id, info.id()))
            .collect();
        let of_load: Vec<&Candidate> =
            fitting.iter().copied().filter(|candidate| candidate.node.is_some()).collect();
        match (of_load.as_slice(), fitting.as_slice()) {
            ([one], _) | ([], [one]) => Ok(one),
            ([], []) => Err(format!("refers to the {type_name} {name}, which is not there")),
            _ => Err(format!("refers to the {type_name} {name}, of which there are several")),
        }
    }

    fn flat(
        &self,
        node: &Node<'_>,
        properties: Value,
        attributes: Value,
        violations: &mut Vec<Violation>,
    ) -> Flat {
        let mut flat = Flat::from([
            ("name".to_owned(), json!(node.entry.name)),
            ("type".to_owned(), json!(node.info.name())),
            ("parent_id".to_owned(), json!(node.parent.map(|parent| self.nodes[parent].id))),
        ]);
        if let Value::Object(properties) = properties {
            for (key, value) in properties {
                flat.insert(key, value);
            }
        }
        if let Some(access) = flat.get_mut("access") {
            match Grant::list_from_json(access, "/access") {
                Ok(grants) => *access = json!(merged_grants(&grants)),
                Err(error) => {
                    violations.push(node.entry.place.violation(format!("item {}: {error}", node.entry.name)));
                }
            }
        }
        if let Some(instance) = flat.get_mut("instance")
            && let Some(info) = instance.as_str().and_then(|name| node.info.instance(name))
        {
            *instance = json!(info.name);
        }
        let mut attributes = if let Value::Object(attributes) = attributes { attributes } else { Map::new() };
        read_booleans(node, &mut attributes);
        // What is not valid is reported when the whole item is validated.
        let _ = node.info.check_present(&mut attributes);
        flat.extend(attributes.into_iter().map(|(key, value)| (format!("attributes/{key}"), value)));
        flat.retain(|path, value| path == "parent_id" || !is_default(path, value) || path == "public");
        flat
    }
}

/// Booleans may be written as text where a field says that a boolean is meant.
fn read_booleans(node: &Node<'_>, attributes: &mut Map) {
    for info in node.info.fields().iter().filter(|info| info.field.kind == FieldKind::Boolean) {
        if let Some(value) = attributes.get_mut(&info.field.name)
            && let Some(read) = tolerant_bool(value)
        {
            *value = Value::Bool(read);
        }
    }
}
