//! One item as a JSON object: every property in a fixed order, or what a projection selects.

use std::collections::HashMap;

use serde_json::Value;
use uuid::Uuid;

use super::attributes::Shape;
use super::text;
use crate::acl::Caller;
use crate::model::Item;
use crate::registry::TypeRegistry;
use crate::resource::{Projection, Selection};

/// Writes items one after the other; what their types have in common is looked up once.
pub(super) struct Writer<'a> {
    registry: &'a TypeRegistry,
    caller: &'a Caller,
    projection: &'a Projection,
    expanded: &'a HashMap<Uuid, Item>,
    shape: Option<Shape<'a>>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(
        registry: &'a TypeRegistry,
        caller: &'a Caller,
        projection: &'a Projection,
        expanded: &'a HashMap<Uuid, Item>,
    ) -> Self {
        Self { registry, caller, projection, expanded, shape: None }
    }

    /// Appends an item.
    pub(super) fn item(&mut self, out: &mut Vec<u8>, item: &Item) {
        let shape = match self.shape.take().filter(|shape| shape.fits(item)) {
            Some(shape) => shape,
            None => self.shape_of(item),
        };
        if self.projection.select.is_empty() {
            whole(out, &shape, item);
        } else {
            self.selected(out, &shape, item, &self.projection.select);
        }
        self.shape = Some(shape);
    }

    fn shape_of(&self, item: &Item) -> Shape<'a> {
        Shape::of(self.registry, self.caller, self.projection.attributes, item)
    }

    /// Selected properties in the order asked for, then the selected attributes.
    fn selected(&self, out: &mut Vec<u8>, shape: &Shape<'_>, item: &Item, select: &[Selection]) {
        let is_property = |selection: &Selection| {
            !selection.attribute && Item::PROPERTIES.contains(&selection.name.as_str())
        };
        out.push(b'{');
        let start = out.len();
        let mut seen: Vec<&str> = Vec::new();
        for selection in select.iter().filter(|selection| is_property(selection)) {
            if seen.contains(&selection.name.as_str()) {
                continue;
            }
            seen.push(&selection.name);
            separate(out, start);
            text::key(out, &selection.name);
            match reference(item, &selection.name).filter(|_| !selection.expand.is_empty()) {
                Some(id) => self.referred(out, id, &selection.expand),
                None => property(out, shape, item, &selection.name),
            }
        }
        let mut attributes = select.iter().filter(|selection| !is_property(selection)).peekable();
        if attributes.peek().is_some() && !seen.contains(&"attributes") {
            separate(out, start);
            text::key(out, "attributes");
            self.selected_attributes(out, shape, item, attributes);
        }
        out.push(b'}');
    }

    fn selected_attributes<'s>(
        &self,
        out: &mut Vec<u8>,
        shape: &Shape<'_>,
        item: &Item,
        select: impl Iterator<Item = &'s Selection>,
    ) {
        out.push(b'{');
        let start = out.len();
        let mut seen: Vec<&str> = Vec::new();
        for selection in select {
            let name = selection.name.as_str();
            let Some(value) = shape.value(item, name).filter(|_| !seen.contains(&name)) else { continue };
            seen.push(name);
            separate(out, start);
            text::string(out, name);
            out.push(b':');
            if selection.expand.is_empty() {
                text::json(out, value);
            } else {
                self.expanded_value(out, value, &selection.expand);
            }
        }
        out.push(b'}');
    }

    fn expanded_value(&self, out: &mut Vec<u8>, value: &Value, select: &[Selection]) {
        match value {
            Value::Array(values) => {
                text::list(out, values, |out, value| self.expanded_value(out, value, select));
            }
            value => match value.as_str().and_then(|text| Uuid::parse_str(text).ok()) {
                Some(id) => self.referred(out, id, select),
                None => text::json(out, value),
            },
        }
    }

    /// What is selected of the item referred to; its id when the caller can not read it.
    fn referred(&self, out: &mut Vec<u8>, id: Uuid, select: &[Selection]) {
        match self.expanded.get(&id) {
            Some(item) => self.selected(out, &self.shape_of(item), item, select),
            None => text::id(out, id),
        }
    }
}

fn separate(out: &mut Vec<u8>, start: usize) {
    if out.len() > start {
        out.push(b',');
    }
}

fn whole(out: &mut Vec<u8>, shape: &Shape<'_>, item: &Item) {
    // Room for the fixed part, so that the buffer grows once.
    out.reserve(item.attributes.size() + item.name.len() + 640);
    for (index, name) in Item::PROPERTIES.into_iter().enumerate() {
        out.push(if index == 0 { b'{' } else { b',' });
        text::key(out, name);
        property(out, shape, item, name);
    }
    out.push(b'}');
}

/// The id that a property holds.
fn reference(item: &Item, name: &str) -> Option<Uuid> {
    match name {
        "parent_id" => item.parent_id,
        "linked_item_id" => item.linked_item_id,
        "owner" => item.owner,
        "org" => Some(item.org),
        _ => None,
    }
}

fn property(out: &mut Vec<u8>, shape: &Shape<'_>, item: &Item, name: &str) {
    match name {
        "id" => text::id(out, item.id),
        "type" => text::string(out, shape.info.map_or(&item.type_name, |info| info.name())),
        "instance" => text::optional(out, item.instance.as_deref(), text::string),
        "name" => text::string(out, &item.name),
        "attributes" => shape.write_all(out, item),
        "tags" => text::list(out, &item.tags, |out, tag| text::string(out, tag)),
        "status" => text::optional(out, item.status.as_deref(), text::string),
        "visibility" => text::string(out, item.visibility.as_str()),
        "location" => text::optional(out, item.location.as_ref(), text::json),
        "valid_from" => text::optional(out, item.valid_from, text::time),
        "valid_to" => text::optional(out, item.valid_to, text::time),
        "public" => out.extend_from_slice(if item.public { b"true" } else { b"false" }),
        "version" => text::json(out, &item.version),
        "created_at" => text::time(out, item.created_at),
        "updated_at" => text::time(out, item.updated_at),
        reference_name => text::optional(out, reference(item, reference_name), text::id),
    }
}
