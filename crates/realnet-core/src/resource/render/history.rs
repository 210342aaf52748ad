//! Changes of an item as JSON.

use super::text;
use crate::change::ChangeRecord;
use crate::resource::Rendered;

impl Rendered<Vec<ChangeRecord>> {
    /// Appends `[{"revision","version","kind","at","actor","request_id","before","after"}]`. A state that the caller may
    /// not read, or that there is not, is null.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        let mut writer = self.writer();
        text::list(out, &self.value, |out, record| {
            out.extend_from_slice(b"{\"revision\":");
            text::json(out, &record.revision);
            out.extend_from_slice(b",\"version\":");
            text::json(out, &record.version);
            out.extend_from_slice(b",\"kind\":");
            text::string(out, record.kind.as_str());
            out.extend_from_slice(b",\"at\":");
            text::time(out, record.at);
            out.extend_from_slice(b",\"actor\":");
            text::optional(out, record.actor, text::id);
            out.extend_from_slice(b",\"request_id\":");
            text::string(out, &record.request_id);
            out.extend_from_slice(b",\"before\":");
            text::optional(out, record.before.as_ref(), |out, item| writer.item(out, item));
            out.extend_from_slice(b",\"after\":");
            text::optional(out, record.after.as_ref(), |out, item| writer.item(out, item));
            out.push(b'}');
        });
    }
}
