//! Which items a plan has to know of: those that documents define, refer to, or defined before.

use serde_json::Value;

use super::document::{Document, ItemEntry};
use super::plan::{Needs, Target};
use super::references::{self, Reference};
use crate::change::{SourceKind, SourceRecord};
use crate::registry::TypeRegistry;

/// See [`super::needs`].
pub(super) fn of(
    registry: &TypeRegistry,
    sources: &[SourceRecord],
    documents: &[Document],
    target: &Target,
) -> Needs {
    let mut needs = Needs::default();
    for document in documents {
        for entry in &document.items {
            add(entry, registry, target, &mut needs);
        }
    }
    for record in sources {
        let is_item = record.kind == SourceKind::Item && record.org == Some(target.org);
        let named = || {
            let name = record.applied.get("name").and_then(Value::as_str);
            name.is_some_and(|name| needs.names.contains(name))
        };
        if is_item && (documents.iter().any(|document| *document.source == *record.source) || named()) {
            needs.ids.insert(record.object);
        }
    }
    needs
}

fn add(entry: &ItemEntry, registry: &TypeRegistry, target: &Target, needs: &mut Needs) {
    let own = Reference { type_name: entry.type_name.clone(), name: entry.name.clone() };
    for reference in std::iter::once(own).chain(references::of_entry(entry)) {
        // A type that is new with this load has no items yet.
        if let Some(info) = target.find(registry, &reference.type_name) {
            needs.types.extend(registry.derived(info, Some(target.org)).map(crate::registry::TypeInfo::id));
        }
        needs.names.insert(reference.name);
    }
    for child in &entry.items {
        add(child, registry, target, needs);
    }
}
