//! Fields that are unique together: no two items of the declaring type, derived ones included, of an org share all values.

use std::sync::Arc;

use serde_json::Value;

use super::problems::Problems;
use super::{FieldInfo, FieldRef};
use crate::model::{FieldKind, TypeDefinition};

/// The attribute of a type that lists such combinations.
pub(super) const ATTRIBUTE: &str = "unique_together";
/// The most fields of one combination.
const MAX_FIELDS: usize = 4;
/// The most combinations that one type declares.
const MAX_RULES: usize = 16;

/// A combination of fields whose values no two items share. An item that lacks one of the values is free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Together {
    /// Names its index: the declaring type, and the names of the fields joined by `+`, which no field's name has.
    pub key: FieldRef,
    /// The fields, with the kind that they have in the declaring type.
    pub fields: Vec<(Arc<str>, FieldKind)>,
}

/// The combinations of a type: inherited ones hold for derived types too, whatever these say themselves.
pub(super) fn resolve(
    definition: &TypeDefinition,
    inherited: &[Arc<Together>],
    fields: &[Arc<FieldInfo>],
    problems: &mut Problems,
) -> Vec<Arc<Together>> {
    let mut rules = inherited.to_vec();
    let Some(declared) = definition.attributes.get(ATTRIBUTE) else { return rules };
    let name = &definition.name;
    let Some(lists) = declared.as_array().filter(|lists| lists.len() <= MAX_RULES) else {
        let detail = format!("expected a list of at most {MAX_RULES} lists of fields");
        problems.of_attribute(name, ATTRIBUTE, detail);
        return rules;
    };
    for list in lists {
        match combination(list, fields) {
            Ok(fields) => {
                if rules.iter().all(|rule| rule.fields != fields) {
                    let names: Vec<&str> = fields.iter().map(|(name, _)| &**name).collect();
                    let key = FieldRef { declared_by: definition.id, name: Arc::from(names.join("+")) };
                    rules.push(Arc::new(Together { key, fields }));
                }
            }
            Err(detail) => problems.of_attribute(name, ATTRIBUTE, detail),
        }
    }
    rules
}

/// The fields of one combination, in the order of their names, so that one combination has one index.
fn combination(list: &Value, fields: &[Arc<FieldInfo>]) -> Result<Vec<(Arc<str>, FieldKind)>, String> {
    let names: Option<Vec<&str>> =
        list.as_array().and_then(|names| names.iter().map(Value::as_str).collect());
    let names = names.filter(|names| (2..=MAX_FIELDS).contains(&names.len()));
    let names = names.ok_or_else(|| format!("expected lists of 2 to {MAX_FIELDS} names of fields"))?;
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        let info = fields.iter().find(|info| info.field.name == name);
        let info = info.ok_or_else(|| format!("there is no field {name}"))?;
        if info.field.multiple
            || matches!(info.field.kind, FieldKind::Json | FieldKind::Geo | FieldKind::Secret)
        {
            return Err(format!(
                "{name} is a list, JSON, a geometry or a secret, which can not be unique together"
            ));
        }
        found.push((Arc::from(name), info.field.kind));
    }
    found.sort_by(|(one, _): &(Arc<str>, _), (other, _)| one.cmp(other));
    if found.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err("a field stands twice".to_owned());
    }
    Ok(found)
}
