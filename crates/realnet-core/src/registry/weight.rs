//! How much memory types take, about: so that the types of one org can not fill that of all.
//!
//! What is counted grows with what is kept: attributes and constants of every type and instance, a compiled rule for every
//! field of every type. It need not be exact, only never far below the truth.

use serde_json::Value;

use super::validator;
use crate::model::{Field, Map};

/// The most that one type may weigh, in bytes.
pub(super) const MAX_TYPE: usize = 16 << 20;
/// The most that one field may weigh.
const MAX_FIELD: usize = 4 << 20;

/// A field without options: its declaration, its schema for people, its compiled rule.
pub(super) const FIELD: usize = 2 << 10;
/// A type without anything.
const TYPE: usize = 4 << 10;
/// What a pattern takes beside its program: the states that matching remembers.
const PATTERN: usize = 16 << 10;
/// One value: its node in a tree, and its key.
const NODE: usize = 64;
/// A text in a schema takes so many times its length when compiled.
const COMPILED: usize = 8;

/// The sizes that a pattern's program is tried with, smallest first.
const PROGRAMS: [usize; 5] = [4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20];

/// A value.
pub(super) fn of_value(value: &Value) -> usize {
    NODE + match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(of_value).sum(),
        Value::Object(map) => of_map(map.iter()),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// Attributes.
pub(super) fn of_attributes(attributes: &Map) -> usize {
    of_map(attributes.iter())
}

fn of_map<'a>(entries: impl Iterator<Item = (&'a String, &'a Value)>) -> usize {
    entries.map(|(key, value)| key.len() + of_value(value)).sum()
}

/// A pattern: says what is wrong when it is none, or one whose program is too large.
pub(super) fn of_pattern(pattern: &str) -> Result<usize, String> {
    let program = PROGRAMS.into_iter().find(|size| validator::compiles(pattern, *size));
    program.map(|size| size + PATTERN).ok_or_else(|| {
        let shown: String = pattern.chars().take(100).collect();
        format!("pattern '{shown}' is no regular expression (without look-around and back-references), or too large a one")
    })
}

/// A node of a schema, without those inside it: its own words and patterns.
pub(super) fn of_schema_node(map: &serde_json::Map<String, Value>) -> Result<usize, String> {
    let mut weight = NODE * COMPILED;
    for (keyword, value) in map {
        weight += match (keyword.as_str(), value) {
            ("pattern", Value::String(pattern)) => of_pattern(pattern)?,
            ("patternProperties", Value::Object(parts)) => {
                parts.keys().map(|pattern| of_pattern(pattern)).sum::<Result<usize, String>>()?
            }
            ("enum" | "const" | "required" | "title" | "description" | "examples" | "default", value) => {
                of_value(value) * COMPILED
            }
            _ => keyword.len() * COMPILED,
        };
    }
    Ok(weight)
}

/// A field by its own declaration: what is more than an inherited one. `schema` is the weight of its JSON Schema.
pub(super) fn of_field(field: &Field, schema: usize) -> Result<usize, String> {
    let pattern = field.pattern.as_deref().map(of_pattern).transpose()?.unwrap_or_default();
    let values = field.values.iter().flatten().map(of_value).sum::<usize>() * COMPILED;
    let texts = field.description.iter().chain(&field.label).map(String::len).sum::<usize>() * 2;
    let roles = field.read.iter().chain(&field.write).flatten().map(|role| role.len() + NODE).sum::<usize>();
    let others = field.default.as_ref().map_or(0, of_value)
        + field.mime.iter().flatten().map(String::len).sum::<usize>();
    within(pattern + schema + values + texts + roles + others, MAX_FIELD)
}

/// A type: its fields (inherited ones too: each type compiles its own rules), attributes and instances.
pub(super) fn of_type(fields: usize, attributes: usize, instances: usize) -> usize {
    TYPE + fields + 2 * attributes + instances
}

/// An instance of a type whose effective attributes weigh `attributes`.
pub(super) fn of_instance(attributes: usize, own: usize) -> usize {
    // What it sets itself, all that holds for it, and the constants among that.
    NODE + 2 * attributes + 3 * own
}

fn within(weight: usize, most: usize) -> Result<usize, String> {
    if weight <= most {
        Ok(weight)
    } else {
        Err("takes too much memory: shorten its values or schema".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_patterns_weigh_more() {
        let small = of_pattern("^[A-Za-z0-9][A-Za-z0-9._@+-]*$").unwrap();
        let large = of_pattern("a{1000}").unwrap();
        assert!(PATTERN < small && 2 * small < large, "{small} {large}");
        assert!(of_pattern("a{90000}").unwrap_err().contains("too large"));
        assert!(of_pattern("(a").is_err());
    }
}
