//! Uniqueness tells who writes a value whether some item has it already. So a field that is not for everybody and is unique, alone
//! or with others, is written by those only who may read it.

use std::sync::Arc;

use super::problems::Problems;
use super::{FieldInfo, TypeInfo, TypeRegistry};

/// Refuses what a type, in the fields that it declares itself, makes unique for readers only, but to be written by others as
/// well: as one of its own items, or as one of the type that uniqueness comes from.
pub(super) fn check(registry: &TypeRegistry, info: &TypeInfo, problems: &mut Problems) {
    let is_own = |field: &FieldInfo| info.definition.fields.iter().any(|own| own.name == field.field.name);
    for field in info.fields.iter().filter(|field| field.field.unique && is_own(field)) {
        check_all(registry, info, field.key.declared_by, &[field], problems);
    }
    for rule in &info.together {
        let fields: Vec<&Arc<FieldInfo>> =
            rule.fields.iter().filter_map(|(name, _)| info.field(name)).collect();
        if rule.key.declared_by == info.id() || fields.iter().any(|field| is_own(field)) {
            check_all(registry, info, rule.key.declared_by, &fields, problems);
        }
    }
}

fn check_all(
    registry: &TypeRegistry,
    info: &TypeInfo,
    declared_by: uuid::Uuid,
    fields: &[&Arc<FieldInfo>],
    problems: &mut Problems,
) {
    let declaring = registry.by_id(declared_by).unwrap_or(info);
    // As it is written in items of this type, and in those of the type that the others of its kind are of.
    let written =
        fields.iter().flat_map(|field| [Some(*field), declaring.field(&field.field.name)]).flatten();
    let written: Vec<&Arc<FieldInfo>> = written.collect();
    for readers in fields.iter().filter_map(|field| field.field.read.as_deref()) {
        let mut open: Vec<&str> = Vec::new();
        for field in written.iter().filter(|field| !is_written_within(field, readers)) {
            if !open.contains(&field.field.name.as_str()) {
                open.push(&field.field.name);
            }
        }
        for field in open {
            let detail = format!(
                "is unique, alone or with others, and only {} may read what is: a refused value would tell those who \
                 write it, here or in {}, that it is taken; let 'write' name no other roles",
                readers.join(", "),
                declaring.name()
            );
            problems.of_field(info.name(), field, detail);
        }
    }
}

/// Whether all who may write a field are among some roles.
fn is_written_within(info: &FieldInfo, readers: &[String]) -> bool {
    let is_reader = |role: &String| readers.iter().any(|reader| reader.to_lowercase() == role.to_lowercase());
    info.field.readonly || info.field.write.as_ref().is_some_and(|roles| roles.iter().all(is_reader))
}
