//! From values to JSON text: the last step of a request before the protocol.
//!
//! Text is written straight into the answer's buffer. Where a type has no constants and nothing to hide, an item's stored
//! attributes are copied without being parsed.

mod attributes;
mod etag;
mod history;
mod item;
mod text;

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use self::item::Writer;
use super::{BatchResult, Context, Projection, Rendered};
use crate::model::Item;
use crate::provider::{Access, Page};

pub use etag::version_of_etag;

impl<T> Rendered<T> {
    /// Shows `value` whole, with effective attributes.
    pub fn new(cx: &Context, value: T) -> Self {
        Self::with(cx, value, Arc::default(), Arc::default())
    }

    /// Shows the parts of `value` that `projection` selects, with the items that references were expanded to.
    pub fn with(
        cx: &Context,
        value: T,
        projection: Arc<Projection>,
        expanded: Arc<HashMap<Uuid, Item>>,
    ) -> Self {
        let Access { caller, registry } = cx.access.clone();
        Self { value, caller, registry, projection, expanded }
    }

    /// The same where there is no context.
    pub fn for_access(access: &Access, value: T, projection: Projection) -> Self {
        let Access { caller, registry } = access.clone();
        Self { value, caller, registry, projection: Arc::new(projection), expanded: Arc::default() }
    }

    fn writer(&self) -> Writer<'_> {
        Writer::new(&self.registry, &self.caller, &self.projection, &self.expanded)
    }
}

impl Rendered<Item> {
    /// Appends the item as a JSON object.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        self.writer().item(out, &self.value);
    }
}

impl Rendered<Vec<Item>> {
    /// Appends the items as a JSON array.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        write_items(self.writer(), out, &self.value);
    }
}

impl Rendered<Page> {
    /// Appends the items of the page as a JSON array.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        write_items(self.writer(), out, &self.value.items);
    }
}

impl Rendered<Vec<BatchResult>> {
    /// Appends `{"results":[{"operation":"create","item":{…}},{"operation":"delete","deleted":1}]}`; of an item that is left out,
    /// `"id"` and `"version"`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        let mut writer = self.writer();
        out.extend_from_slice(b"{\"results\":");
        text::list(out, &self.value, |out, result| {
            out.extend_from_slice(b"{\"operation\":");
            text::string(out, result.operation);
            if let Some(item) = &result.item {
                out.extend_from_slice(b",\"item\":");
                writer.item(out, item);
            }
            if let Some((id, version)) = &result.left_out {
                out.extend_from_slice(b",\"id\":");
                text::json(out, id);
                out.extend_from_slice(b",\"version\":");
                text::json(out, version);
            }
            if let Some(deleted) = result.deleted {
                out.extend_from_slice(b",\"deleted\":");
                text::json(out, &deleted);
            }
            out.push(b'}');
        });
        out.push(b'}');
    }
}

fn write_items(mut writer: Writer<'_>, out: &mut Vec<u8>, items: &[Item]) {
    text::list(out, items, |out, item| writer.item(out, item));
}
