//! Names of component schemas: type names, reduced to the characters that OpenAPI allows.

use std::collections::HashSet;

use realnet_core::registry::TypeInfo;

/// A type with the names that it has in the document.
pub(super) struct Named<'a> {
    pub(super) info: &'a TypeInfo,
    /// Name of its component schema.
    pub(super) schema: String,
    /// Its endpoint, as one segment of a path.
    pub(super) endpoint: String,
}

/// Gives every type a name of its own.
pub(super) fn name_all<'a>(types: &[&'a TypeInfo]) -> Vec<Named<'a>> {
    let mut taken = HashSet::new();
    types
        .iter()
        .map(|info| {
            let mut schema: String =
                info.name().chars().map(|one| if is_allowed(one) { one } else { '_' }).collect();
            if !taken.insert(schema.to_lowercase()) {
                schema = format!("{schema}-{}", info.id());
                taken.insert(schema.to_lowercase());
            }
            Named { info, schema, endpoint: endpoint(info) }
        })
        .collect()
}

/// Dots are kept for the schemas that every server has.
fn is_allowed(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '-' || character == '_'
}

/// The declared endpoint, else the name in lower case.
fn endpoint(info: &TypeInfo) -> String {
    let declared = info.definition().attributes.get("endpoint").and_then(|value| value.as_str());
    let name = declared.unwrap_or(info.name()).to_lowercase();
    percent_encoding::utf8_percent_encode(&name, SEGMENT).to_string()
}

/// What may not stand in a segment of a path template.
const SEGMENT: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
