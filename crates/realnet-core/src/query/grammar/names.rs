//! Names in filters, orders and selections: properties, declared fields, undeclared attributes, paths into JSON and
//! through references; and who may use them.

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::attribute;
use crate::acl::Caller;
use crate::error::{Error, Result};
use crate::model::FieldKind;
use crate::query::{Operand, OrgScope, Property};
use crate::registry::{FieldInfo, TypeInfo, TypeRegistry};

/// The longest name with its path, in bytes.
pub(super) const MAX_NAME: usize = 1024;
/// The most segments of a path.
const MAX_SEGMENTS: usize = 16;
/// The most references that a path leads through.
const MAX_REFERENCES: usize = 4;

/// What a name stands for.
pub(super) struct Target {
    pub operand: Operand,
    pub shape: Shape,
    /// Whether there may be several values because the path leads through a list of references.
    pub is_plural: bool,
    /// Whether the values are ids of items.
    pub is_reference: bool,
    /// The kinds that the types declare it as; none for a property, and for what no type declares.
    pub kinds: Vec<FieldKind>,
}

/// What the values look like.
pub(super) enum Shape {
    Property(Property),
    /// A declared field that means the same in all types looked at: its kind, whether it is a list, the values
    /// that it may have (where it says so).
    Field {
        kind: FieldKind,
        is_list: bool,
        values: Vec<Value>,
    },
    /// Anything; with the kind that those types agree on that declare it.
    Untyped(Option<FieldKind>),
}

/// A name, resolved.
pub(super) enum Name {
    Known(Box<Target>),
    /// A field that the caller may not read: as if no item had it.
    Absent,
}

/// The types that a list looks at, and the caller who looks.
pub(super) struct Names<'a> {
    pub registry: &'a TypeRegistry,
    pub caller: &'a Caller,
    pub types: Vec<&'a TypeInfo>,
    org: Option<Uuid>,
    /// Stands in for the types when there are none, so that names are checked all the same.
    base: Option<&'a TypeInfo>,
    /// Whether a bare name has to be a property or a field: `attributes.x` still reaches anything.
    pub only_declared: bool,
}

impl<'a> Names<'a> {
    pub(super) fn new(
        registry: &'a TypeRegistry,
        caller: &'a Caller,
        scope: OrgScope,
        base: Option<&'a TypeInfo>,
        types: Vec<&'a TypeInfo>,
    ) -> Self {
        let org = match scope {
            OrgScope::One(org) => Some(org),
            OrgScope::All => None,
        };
        Self { registry, caller, types, org, base, only_declared: false }
    }

    /// The types whose fields names are looked up in.
    fn looked_at(&self) -> Vec<&'a TypeInfo> {
        match (self.types.is_empty(), self.base) {
            (true, Some(base)) => vec![base],
            _ => self.types.clone(),
        }
    }

    /// Resolves a dotted name; `pointer` names the parameter in errors.
    pub(super) fn resolve(&self, path: &str, pointer: &str) -> Result<Name> {
        if path.len() > MAX_NAME {
            return Err(Error::malformed_at(pointer, format!("a name has at most {MAX_NAME} bytes")));
        }
        let segments: Vec<&str> = path.split('.').collect();
        if segments.len() > MAX_SEGMENTS || segments.iter().any(|segment| segment.is_empty()) {
            return Err(Error::malformed_at(pointer, format!("'{path}' is not a name")));
        }
        self.resolve_in(&self.looked_at(), &segments, pointer, 0)
    }

    fn resolve_in(&self, types: &[&'a TypeInfo], path: &[&str], pointer: &str, depth: usize) -> Result<Name> {
        if depth > MAX_REFERENCES {
            let detail = format!("leads through more than {MAX_REFERENCES} references");
            return Err(Error::malformed_at(pointer, detail));
        }
        match path {
            ["attributes", key, rest @ ..] => self.attribute(types, key, rest, pointer, depth),
            [name @ ("tags" | "location" | "grants"), ..] if !is_declared(name, types) => {
                let detail = format!("{name} can not be used here: there are tags=, near= and within=");
                Err(Error::malformed_at(pointer, detail))
            }
            [name, rest @ ..] => match property(name, types) {
                Some(property) => self.property(property, rest, pointer, depth),
                None if self.only_declared && !self.is_readable(types, name) => {
                    let detail = format!(
                        "there is no field '{name}': attributes.{name} means an attribute that no type declares"
                    );
                    Err(Error::malformed_at(pointer, detail))
                }
                None => self.attribute(types, name, rest, pointer, depth),
            },
            [] => Err(Error::malformed_at(pointer, "a name is missing")),
        }
    }

    fn property(&self, property: Property, rest: &[&str], pointer: &str, depth: usize) -> Result<Name> {
        let operand = Operand::Property(property);
        if rest.is_empty() {
            let is_reference =
                matches!(property, Property::ParentId | Property::Owner | Property::LinkedItemId);
            let shape = Shape::Property(property);
            let target = Target { operand, shape, is_plural: false, is_reference, kinds: Vec::new() };
            return Ok(Name::Known(Box::new(target)));
        }
        let referred = match property {
            Property::ParentId | Property::LinkedItemId => self.registry.root(),
            Property::Owner => self.registry.system("Account").or(self.registry.root()),
            _ => return Err(Error::malformed_at(pointer, format!("{} has no parts", property.as_str()))),
        };
        let types = referred.map(|info| self.derived(info)).unwrap_or_default();
        self.through(operand, false, &types, rest, pointer, depth)
    }

    fn derived(&self, info: &'a TypeInfo) -> Vec<&'a TypeInfo> {
        self.registry.derived(info, self.org).collect()
    }

    fn through(
        &self,
        reference: Operand,
        is_plural: bool,
        types: &[&'a TypeInfo],
        rest: &[&str],
        pointer: &str,
        depth: usize,
    ) -> Result<Name> {
        let Name::Known(target) = self.resolve_in(types, rest, pointer, depth + 1)? else {
            return Ok(Name::Absent);
        };
        let target = *target;
        Ok(Name::Known(Box::new(Target {
            operand: Operand::Through { reference: Box::new(reference), target: Box::new(target.operand) },
            shape: target.shape,
            is_plural: is_plural || target.is_plural,
            is_reference: target.is_reference,
            kinds: target.kinds,
        })))
    }

    fn attribute(
        &self,
        types: &[&'a TypeInfo],
        key: &str,
        rest: &[&str],
        pointer: &str,
        depth: usize,
    ) -> Result<Name> {
        let fields: Vec<&Arc<FieldInfo>> = types.iter().filter_map(|info| info.field(key)).collect();
        let is_strict = !types.is_empty() && types.iter().all(|info| info.is_strict());
        let is_hidden =
            types.iter().any(|info| info.is_retired(key) || info.is_hidden_from(key, self.caller));
        // A field that the caller may not read looks like one that is not there.
        if is_strict && (is_hidden || !attribute::is_known(types, key)) {
            return Err(Error::malformed_at(pointer, format!("there is no field '{key}'")));
        }
        if is_hidden {
            return Ok(Name::Absent);
        }
        let is_reference = !fields.is_empty() && fields.iter().all(|field| field.reference.is_some());
        if !rest.is_empty() && is_reference {
            let referred = self.referred(&fields);
            let is_plural = fields.iter().any(|field| field.field.multiple);
            let reference = Operand::Attribute(attribute::path(types, key, &[]));
            return self.through(reference, is_plural, &referred, rest, pointer, depth);
        }
        let is_json = |field: &FieldInfo| matches!(field.field.kind, FieldKind::Json | FieldKind::Geo);
        if !rest.is_empty() && fields.iter().any(|field| !is_json(field)) {
            return Err(Error::malformed_at(pointer, format!("'{key}' is neither JSON nor a reference")));
        }
        let path = attribute::path(types, key, rest);
        let shape = attribute::shape(&path, &fields);
        let kinds =
            if rest.is_empty() { fields.iter().map(|field| field.field.kind).collect() } else { Vec::new() };
        let operand = Operand::Attribute(path);
        let target = Target { operand, shape, is_plural: false, is_reference, kinds };
        Ok(Name::Known(Box::new(target)))
    }

    /// Whether some type declares a field that the caller may read, or a constant. A field that it may not read looks like
    /// one that is not there.
    fn is_readable(&self, types: &[&TypeInfo], key: &str) -> bool {
        let mut fields = types.iter().filter_map(|info| info.field(key)).peekable();
        match fields.peek() {
            _ if types.iter().any(|info| info.is_retired(key)) => false,
            Some(_) => fields.all(|field| field.is_readable_by(self.caller)),
            None => types.iter().any(|info| info.constants().contains_key(key)),
        }
    }

    /// The types that reference fields lead to.
    fn referred(&self, fields: &[&Arc<FieldInfo>]) -> Vec<&'a TypeInfo> {
        let mut ids: Vec<Uuid> = fields.iter().filter_map(|field| field.reference).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut types: Vec<&TypeInfo> = ids
            .into_iter()
            .filter_map(|id| self.registry.by_id(id))
            .flat_map(|info| self.derived(info))
            .collect();
        let mut seen = std::collections::HashSet::new();
        types.retain(|info| seen.insert(info.id()));
        types
    }
}

/// A property by its name in documents. `parent` and `linked_item` say the same as their ids, unless a type declares
/// a field of that name.
pub(super) fn property(name: &str, types: &[&TypeInfo]) -> Option<Property> {
    let short = |property| (!is_declared(name, types)).then_some(property);
    match name {
        "parent" => short(Property::ParentId),
        "linked_item" => short(Property::LinkedItemId),
        name => Property::parse(name),
    }
}

fn is_declared(name: &str, types: &[&TypeInfo]) -> bool {
    types.iter().any(|info| info.field(name).is_some())
}
